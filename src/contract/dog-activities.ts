/** The acts that dogs ask for, and what the deacon asks for to send them. As all others, each may be asked again. */
import type { DogReport } from '../town/dog-report.js';
import type { Before, Errand } from '../town/dogs.js';
import type { RigRef, RigSnapshot } from '../town/rig.js';
import type { DogInput } from './dog.js';

/** On task queue `gastown`. */
export type DogTownActivities = {
  /** Whom an errand is about: the hosts that are there, and the rig, or all of the town where the job is about rigs. */
  planErrand(request: { readonly job: DogInput['job']; readonly rig: string | null }): Promise<ErrandPlan>;
  /** Starts a dog of a name that nobody has; null when others have all of them. One that was sent on this errand before is left alone. */
  startDog(request: {
    readonly errand: Errand;
    readonly names: readonly string[];
    readonly patience: number;
  }): Promise<string | null>;
  /** The dogs of the deacon before the one that asks, as it has known them last. */
  findDogsBefore(): Promise<Before>;
  /** What has become of dogs that were sent. */
  lookAtDogs(dogs: readonly { readonly dog: string; readonly errand: string }[]): Promise<readonly DogFinding[]>;
  /** Ledger ids of the missions that have ended in order, of the last that the server still has. */
  endedMissions(): Promise<readonly string[]>;
  /** Takes what has ended long ago and tells nothing any more off the server: looks of boot, dogs, and wisps, whose digests go to the ledger. */
  forgetEnded(request: { readonly dry: boolean; readonly patience: number }): Promise<Findings>;
  /** Starts the mission of a plugin as town.toml has it now; under one key there is one. */
  startPlugin(request: { readonly plugin: string; readonly key: string }): Promise<PluginStart>;
  /** How a mission that has closed has ended, as the server says it: `completed`, `failed`, `canceled` … */
  howEnded(request: { readonly mission: string }): Promise<string>;
  /** Brings schedules and hooks of plugins in step with town.toml. `key`: the same for the same trouble. */
  keepPlugins(): Promise<Findings & { readonly key: string }>;
};

/** `restMs`: between its end and the next run; null where that comes by itself. */
export type PluginStart = { readonly mission: string; readonly restMs: number | null } | { readonly refused: string };

/** Hosts that poll, by name, and rigs of town.toml. */
export type ErrandPlan = { readonly hosts: readonly string[]; readonly rigs: readonly RigSnapshot[] };

/** Of one dog. `gone`: it has ended without a report. `called back`: by somebody. */
export type DogFinding =
  | { readonly kind: 'out' | 'called back' }
  | { readonly kind: 'home'; readonly report: DogReport }
  | { readonly kind: 'gone'; readonly why: string };

/** In lines for people: what was done, and what a person must see to. */
export type Findings = { readonly did: readonly string[]; readonly wrong: readonly string[] };

/** On task queue `gastown@<host>`. */
export type DogHostActivities = {
  /** Sandboxes and branches of a rig that nobody has any more, of which so many are told at one time. `only`: whether that one is such, now. */
  findOrphans(request: { readonly rig: RigRef; readonly only?: Lying }): Promise<Orphans>;
  /** Bundles the repository that the ledger is in, unless that has not changed, and proves that the bundle can be read. */
  backUpLedger(request: { readonly dry: boolean }): Promise<Findings>;
  /** Reads every line of the ledger here; `lacks`: which of the records it does not have. */
  checkLedger(request: {
    readonly records: readonly string[];
  }): Promise<Findings & { readonly lacks: readonly string[] }>;
  /** What `gt doctor` says of this host. */
  checkHost(request: { readonly host: string }): Promise<Findings>;
  /** Brings a mirror up to date, which joins its packs and drops what nothing leads to. */
  tidyMirror(request: { readonly rig: RigRef }): Promise<Findings>;
};

/** A sandbox, or a branch without one, of incarnation 0. */
export type Lying = { readonly name: string; readonly incarnation: number; readonly branch: string };

/** One in which nobody works, and which nobody else will clear. `molecule`: of its polecat. `landed`: all of it is in the target. */
export type Orphan = Lying & {
  readonly molecule: string;
  readonly landed: boolean;
};
export type Orphans = { readonly orphans: readonly Orphan[]; readonly wrong: readonly string[] };
