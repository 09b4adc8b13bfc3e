/** The deacon, who looks after the town, and boot, who looks after the deacon. */
import { defineQuery } from '@temporalio/workflow';
import * as z from 'zod';
import type { DeadLetter } from '../town/dead-letters.js';
import type { Dogs } from '../town/dogs.js';
import type { Mail } from '../town/mail.js';
import type { Pause } from '../town/pause.js';
import type { Heard, Survey, Trouble } from '../town/patrol.js';
import type { Entry } from '../town/redispatch.js';
import type { Recovery } from '../town/recovery.js';
import type { Heartbeat, Triage } from '../town/watchdog.js';
import type { DeskState } from './desk.js';

/** Of `deacon` and `boot`. */
export const WatchInput = z.strictObject({ patience: z.number().positive().default(1) });
export type WatchInput = z.infer<typeof WatchInput>;

export type DeaconCarry = WatchInput & {
  readonly beat: Heartbeat;
  readonly heard: Heard;
  readonly troubles: readonly Trouble[];
  /** By rig, why its witness could not be started. */
  readonly unwitnessed: Readonly<Record<string, string>>;
  readonly seen: Survey | null;
  /** Patrols in a row on which nothing was new. */
  readonly quiet: number;
  /** Mail on its way to the overseer. */
  readonly letters: readonly Mail[];
  /** Absent in what an earlier version handed over. */
  readonly dead?: readonly DeadLetter[];
  /** Of them, those on their way to the ledger. */
  readonly unwritten?: readonly DeadLetter[];
  readonly recoveries?: readonly Recovery[];
  /** Absent from a version that sent none. */
  readonly dogs?: Dogs;
  /** Work of missions that are gone. Absent: none. */
  readonly recovered?: readonly Entry[];
  /** How it holds the town, and the rigs that have heard of it. Absent: not at all. */
  readonly hold?: { readonly paused: Pause | null; readonly rigs: readonly string[] };
  readonly desk: DeskState;
};

/** What a deacon leaves to the next one: mail on its way, and work of missions that are gone. */
export type DeaconKept = Pick<DeaconCarry, 'letters' | 'dead' | 'unwritten' | 'recoveries' | 'recovered'>;
export const deaconKeptQuery = defineQuery<DeaconKept | null>('kept');

/** `pending`: mail that it has not acted on. */
export const heartbeatQuery = defineQuery<Heartbeat & { readonly pending: number; readonly patience: number }>(
  'heartbeat',
);

/** What boot decided, and what the next one is told. */
export type BootResult = Triage;
