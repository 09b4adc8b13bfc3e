/** The inboxes of agents and people, and those who have nothing else: the overseer, and the crew of a rig. */
import { defineQuery } from '@temporalio/workflow';
import * as z from 'zod';
import type { DeadLetter } from '../town/dead-letters.js';
import type { Inbox } from '../town/inbox.js';
import type { CrewCarry } from './crew.js';
import type { DeskState } from './desk.js';
import type { ReachCarry } from './reach.js';

export const inboxQuery = defineQuery<Inbox>('inbox');
/** Of the roles of a rig, its polecats, the deacon and the mayor. */
export const deadLettersQuery = defineQuery<readonly DeadLetter[]>('dead-letters');

/** Of `overseer` and `crew`. */
export const PersonInput = z.strictObject({ patience: z.number().positive().default(1) });
export type PersonInput = z.infer<typeof PersonInput>;

/** `leaving`: mail on its way to the ledger; `reach`: absent of whom no way is known. Of the crew also what a member has besides; absent in what an earlier version carried. */
export type PersonCarry = PersonInput & {
  readonly inbox: Inbox;
  readonly leaving: Inbox;
  readonly desk: DeskState;
  readonly reach?: ReachCarry;
} & Partial<CrewCarry>;

/** What a person leaves to a next workflow of the same address, since the one before was terminated. */
export type PersonKept = Pick<PersonCarry, 'inbox' | 'leaving' | 'reach' | 'hooked' | 'ended' | 'records' | 'tree'>;
export const personKeptQuery = defineQuery<PersonKept | null>('kept');
