/** Acts of those who watch: boot, deacon and witnesses. On task queue `gastown`. */
import type { Facts } from '../town/health.js';
import type { Hold } from '../town/pause.js';
import type { Survey } from '../town/patrol.js';
import type { Recovered, Redispatch } from '../town/redispatch.js';
import type { Look } from '../town/watchdog.js';
import type { DeaconKept } from './deacon.js';
import type { PersonKept } from './inbox.js';
import type { RefineryKept } from './refinery.js';
import type { WitnessKept } from './witness.js';

export type WatchActivities = {
  /**
   * How the deacon holds the town, null: not at all; how the witness before the one that asks held the rig, and what else it knew, null: nobody knows.
   * Earlier versions told no `kept`.
   */
  findRigHolds(request: { readonly rig: string }): Promise<{
    readonly town: Hold | null;
    readonly before: readonly Hold[] | null;
    readonly kept?: WitnessKept | null;
  }>;
  /** What the refinery before the one that asks knew, null: nobody knows. */
  findRefineryBefore(request: { readonly rig: string }): Promise<RefineryKept | null>;
  /** What whoever had the address before the one that asks had, null: nobody knows. */
  findPersonBefore(request: { readonly address: string }): Promise<PersonKept | null>;
  /** What the deacon before the one that asks had not told yet, null: nobody knows. */
  findDeaconBefore(): Promise<DeaconKept | null>;
  /** How that held the town, and the rigs that have heard it. */
  findHoldBefore(): Promise<{ readonly hold: Hold | null; readonly told: readonly string[] }>;
  /** Rigs whose witnesses are there. */
  findRigs(): Promise<readonly string[]>;
  /** How the deacon stands, and how much work there is for it to look after. */
  lookAtDeacon(request: { readonly patience: number }): Promise<Look>;
  /** What the deacon has under way, in lines, as the server has it. */
  lookCloser(): Promise<readonly string[]>;
  /** What the deacon looks at on patrol, of the whole town. */
  surveyTown(): Promise<Survey>;
  /** Starts the deacon if it does not run, and sends it on patrol. */
  startDeacon(request: { readonly patience: number; readonly reason: string }): Promise<void>;
  /** Start a role of a rig, as town.toml has it; whether it has it. */
  startWitness(request: { readonly rig: string; readonly patience: number }): Promise<boolean>;
  startRefinery(request: { readonly rig: string; readonly patience: number }): Promise<boolean>;
  /** Makes the schedule of boot if there is none. */
  startDaemon(request: { readonly patience: number }): Promise<void>;
  /** Starts the item of a mission that is gone in another mission, where town.toml says so. */
  redispatch(recovered: Recovered): Promise<Redispatch>;
  /** How those do who hold slots of a rig, in the order of the leases. */
  lookAtHolders(request: {
    readonly rig: string;
    readonly leases: readonly { readonly mission: string; readonly missionRun: string; readonly name: string }[];
  }): Promise<readonly HolderFacts[]>;
};

/** `facts`: null of one who could not be looked at. */
export type HolderFacts = { readonly isMissionOpen: boolean; readonly facts: Facts | null };
