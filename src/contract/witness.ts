import { defineQuery } from '@temporalio/workflow';
import * as z from 'zod';
import type { Asks } from '../town/asks.js';
import type { Breaker } from '../town/breaker.js';
import type { Care, Health } from '../town/health.js';
import type { DeadLetter } from '../town/dead-letters.js';
import type { Inbox } from '../town/inbox.js';
import type { Mail } from '../town/mail.js';
import type { Pause } from '../town/pause.js';
import { RigSnapshot } from '../town/rig.js';
import type { Slots } from '../town/slots.js';
import type { DeskState } from './desk.js';

export const RoleInput = z.strictObject({ rig: RigSnapshot, patience: z.number().positive() });
export type RoleInput = z.infer<typeof RoleInput>;

export type WitnessCarry = {
  readonly rig: RigSnapshot;
  readonly patience: number;
  readonly slots: Slots;
  readonly desk: DeskState;
  /** What was being verified, to be verified anew. */
  readonly handIns?: readonly Mail[];
  readonly holds?: readonly Pause[];
  /** Instead of them in what an earlier version handed over: one hold, and no other. */
  readonly paused?: Pause | null;
  /** The deacon expects to hear more of it. */
  readonly isPingExpected?: boolean;
  /** What was done about polecats that do not do well. */
  readonly care?: readonly Care[];
  readonly breaker?: Breaker;
  /** What is before the ladder. */
  readonly asks?: Asks;
  /** Absent in what an earlier version handed over. */
  readonly mail?: WitnessMailCarry;
};

/** `leaving`, `unwritten`: on their way to the ledger. */
export type WitnessMailCarry = {
  readonly inbox: Inbox;
  readonly leaving: Inbox;
  readonly dead: readonly DeadLetter[];
  readonly unwritten?: readonly DeadLetter[];
};

/** How somebody was seen last. Of one who holds a slot: for what, and what its witness has done about how it does. */
export type AgentSeen = Health & {
  readonly agent: string;
  readonly seenMs: number;
  readonly mission?: string;
  readonly item?: string;
  readonly done?: Care['done'];
};

export const slotsQuery = defineQuery<Slots>('slots');
/** Workflow ids of the polecats that hold a slot. */
export const polecatsQuery = defineQuery<readonly string[]>('polecats');
/** What a witness after it takes over; null as long as it does not know that of the one before it. */
export type WitnessKept = { readonly slots: Slots; readonly breaker: Breaker; readonly asks?: Asks };
export const witnessKeptQuery = defineQuery<WitnessKept | null>('kept');
/** How those at work do. */
export const agentsQuery = defineQuery<readonly AgentSeen[]>('agents');
