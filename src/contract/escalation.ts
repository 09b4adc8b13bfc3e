/** An escalation: trouble that climbs from tier to tier until somebody answers. What is said to it, and what it hands to its next run. */
import { defineQuery } from '@temporalio/workflow';
import * as z from 'zod';
import type { EscalationView } from '../town/escalation-board.js';
import type { Link } from '../town/escalation-chain.js';
import { Raised, Resolution, Waiter } from '../town/escalation-input.js';
import type { Escalation } from '../town/escalation.js';
import type { DeskState } from './desk.js';
import { by, id, machineId, message, reason } from './message.js';

export const EscalationInput = z.strictObject({
  patience: z.number().positive().optional().describe("the town's if not given"),
  raised: Raised,
  nth: z.number().int().nonnegative().default(0).describe('of one trouble that more wait for than one has room for'),
});
export type EscalationInput = z.infer<typeof EscalationInput>;

export const ESCALATION_EXAMPLE =
  '{"raised": {"category": "help", "severity": "MEDIUM", "source": "asked", "text": "which of two ways?", "waiter": {"kind": "telling", "at": "ada"}}}';

const waiter = z
  .string()
  .min(1)
  .max(2_000)
  .optional()
  .describe('the one who is meant, as the query `escalation` names them; all if not given');

export const escalationMessages = {
  ack: message(
    'ack',
    'Takes it up: its tier has longer before it goes on to the next.',
    z.strictObject({ id, by, note: reason.optional() }),
  ),
  resolve: message(
    'resolve',
    'Answers it: whoever waits goes on with this; answers with what they say to it.',
    z.strictObject({ id, by, waiter, ...Resolution.shape }),
  ),
  forward: message(
    'forward',
    'Gives it to the next tier, with a reason.',
    z.strictObject({ id, by, reason: reason.default('it is not for this tier') }),
  ),
  note: message(
    'note',
    'Adds to what is known of it; nothing is answered by that.',
    z.strictObject({ id, by, text: reason }),
  ),
  join: message(
    'join',
    'From whoever has the same trouble: waits for the same answer.',
    z.strictObject({ id: machineId, raised: Raised }),
  ),
  settled: message(
    'settled',
    'From whoever waited: it waits no more, since it was answered another way, or has ended.',
    z.strictObject({ id: machineId, waiter: Waiter, by: z.string().max(1_000), how: z.string().max(1_000) }),
  ),
};

/** Who did what when, and why; the oldest first. */
export const chainQuery = defineQuery<readonly Link[]>('chain');
/** How it stands, for programs. */
export const escalationQuery = defineQuery<EscalationView>('escalation');

export type EscalationCarry = {
  /** Null: it is the town's. */
  readonly patience: number | null;
  readonly escalation: Escalation;
  readonly desk: DeskState;
};

/** By whom and how its last round ended. */
export type EscalationResult = { readonly id: string; readonly by: string; readonly how: string };
