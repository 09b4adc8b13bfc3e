/** Reaching people outside of the town: the message, the acts, what a person's workflow keeps of it. */
import { defineQuery } from '@temporalio/workflow';
import type { Sinks } from '@temporalio/workflow';
import * as z from 'zod';
import type { Delivery, Reachable } from '../town/reach.js';
import type { ReachMessage } from '../town/reach-message.js';
import { by, id, message } from './message.js';

/** Of the overseer and the crew. */
export const reachMessages = {
  reach: message(
    'reach',
    'Tells now, by the ways of town.toml, what waits to be told; with `test` it tells a test by each of them, and answers how that went.',
    z.strictObject({ id, by, test: z.boolean().default(false) }),
  ),
};

/** The last ones, the oldest first. */
export const deliveriesQuery = defineQuery<readonly Delivery[]>('deliveries');

/** On task queue `gastown`. */
export type ReachActivities = {
  /** How a person is reached as town.toml is now; null when it says nothing of that. */
  waysTo(request: { readonly person: string }): Promise<Reachable | null>;
  /** Tells it by one way, in the time given; answers at the how-manieth try. What a later try may mend is thrown as such. */
  reach(request: ReachRequest): Promise<{ readonly tries: number }>;
};

type ReachRequest = { readonly way: string; readonly message: ReachMessage; readonly withinMs: number };

/**
 * Where a person of whom no way is known tells that mail has come: to the worker, in no history. It answers by `reach` when town.toml has a way.
 */
export interface ReachSinks extends Sinks {
  readonly people: { readonly haveMail: (address: string) => void };
}

/** `waits`: why it is told later, and when; null while that is being found out. `isHurried`: it does not wait for that. */
export type LaneCarry = {
  readonly waits: { readonly why: string; readonly untilMs: number } | null;
  readonly isHurried: boolean;
  /** How often one after the other no way has worked. */
  readonly failures: number;
};

/** What a next run takes over. */
export type ReachCarry = {
  /** As town.toml was last read. */
  readonly patience: number;
  /** Ids of mail in the inbox; and how many had to leave it untold. */
  readonly untold: readonly string[];
  readonly gone: number;
  readonly urgent: LaneCarry;
  readonly calm: LaneCarry;
  readonly toldMs: readonly number[];
  readonly deliveries: readonly Delivery[];
};
