import { defineQuery } from '@temporalio/workflow';
import type { Asks } from '../town/asks.js';
import type { DeadLetter } from '../town/dead-letters.js';
import type { Letter } from '../town/mail.js';
import type { Queue } from '../town/refinery.js';
import type { QueuedView } from '../town/rig-boards.js';
import type { RigSnapshot } from '../town/rig.js';
import type { DeskState } from './desk.js';

export type RefineryCarry = {
  readonly rig: RigSnapshot;
  readonly patience: number;
  readonly queue: Queue;
  /** The last verdicts, for polecats that ask again. */
  readonly verdicts: readonly { readonly request: string; readonly letter: Letter }[];
  /** Molecules whose holders are gone: nothing of theirs is taken into the queue any more. */
  readonly abandoned?: readonly string[];
  /** Of one request, from its turn to its verdict, as the last ones took. Absent before the first. */
  readonly tookMs?: number;
  /** `unwritten`: of them, those on their way to the ledger. Absent in what an earlier version handed over. */
  readonly dead?: readonly DeadLetter[];
  readonly unwritten?: readonly DeadLetter[];
  /** What is before the ladder. Absent in what an earlier version handed over. */
  readonly asks?: Asks;
  readonly desk: DeskState;
};

/** What a refinery after it takes over; null as long as it does not know that of the one before it. */
export type RefineryKept = Pick<RefineryCarry, 'queue' | 'verdicts' | 'abandoned' | 'dead' | 'unwritten' | 'asks'>;
export const refineryKeptQuery = defineQuery<RefineryKept | null>('kept');

/** In the order of work; `stage` says where a request stands. */
export type QueueView = readonly (QueuedView & { readonly position: number })[];

/** The commit that a molecule's work landed as, null when it has not. */
export const landedQuery = defineQuery<string | null, [string]>('landed');
export const queueQuery = defineQuery<QueueView>('queue');
