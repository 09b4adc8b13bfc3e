/**
 * The acts that workflows ask for. Each is idempotent: it may be asked again with the same argument after its worker died at
 * any point. Where an act runs is part of its contract: on any host (town), or on the host that has the sandbox.
 */
import type { GateVerdict } from '../town/refinery.js';
import type { Protomolecule } from '../town/protomolecule.js';
import type { Gate, Limits, RigSnapshot } from '../town/rig.js';
import type { SessionResult, SessionSpec } from '../town/session.js';
import type { Sandbox } from './polecat.js';

export type CookRequest = {
  readonly formula: string;
  readonly vars: Readonly<Record<string, string>>;
  /** Values for variables that the formula may have or not. */
  readonly offered: Readonly<Record<string, string>>;
};

/** On task queue `gastown`. */
export type TownActivities = {
  /** The rigs and limits of town.toml now, and the named formulas cooked: all or nothing, with every problem at once. */
  planWork(request: PlanRequest): Promise<WorkPlan>;
  cook(request: CookRequest): Promise<Protomolecule>;
  /** The host that new sandboxes go to. */
  chooseHost(): Promise<string>;
  /** Starts a role if it does not run, and gives it its configuration either way. */
  ensureRole(role: RoleRequest): Promise<void>;
  /** Whether the remote has the branch at this very commit. */
  isPushed(request: { readonly rig: RigSnapshot; readonly branch: string; readonly head: string }): Promise<boolean>;
  /** Whether executions are still open. */
  areOpen(executions: readonly Execution[]): Promise<readonly boolean[]>;
  /** The polecats of a rig, at work or not, as the server has them. */
  findPolecats(rig: RigSnapshot): Promise<FoundPolecats>;
  /** Returns when the execution has closed, however it closed. */
  awaitClosed(execution: Execution): Promise<void>;
  /** Appends to the ledger; a record id that stands there already is left alone. */
  record(entry: LedgerEntry): Promise<void>;
};

export type PlanRequest = {
  /** The mission was started by a formula's name: its author wrote no list of work. */
  readonly byFormula?: boolean;
  readonly items: readonly {
    readonly id: string;
    readonly rig: string;
    readonly needs: readonly string[];
    readonly formula: string;
    readonly vars: Readonly<Record<string, string>>;
  }[];
};
export type WorkPlan = {
  readonly limits: Limits;
  readonly rigs: Readonly<Record<string, RigSnapshot>>;
  readonly protos: Readonly<Record<string, Protomolecule>>;
};

export type RoleRequest = {
  readonly role: 'witness' | 'refinery';
  readonly rig: RigSnapshot;
  readonly patience: number;
};

/** A workflow by id and, since ids come again, by the run it began with; null means whichever runs under that id. */
export type Execution = { readonly workflowId: string; readonly firstRunId: string | null };

/** The last polecat under a name, as its mission started it. */
export type FoundPolecat = {
  readonly isOpen: boolean;
  readonly sinceMs: number;
  readonly claim: string;
  readonly mission: string;
  readonly item: string;
  readonly priority: number;
  readonly name: string;
  readonly incarnation: number;
  readonly host: string;
  readonly molecule: string;
};
export type FoundPolecats = {
  readonly polecats: readonly FoundPolecat[];
  /** Of these and of the sandboxes that lie on the disk; 0 when there are none. */
  readonly incarnationMax: number;
};

export type LedgerEntry = {
  readonly id: string;
  readonly kind: 'mission' | 'molecule' | 'polecat' | 'notice';
  readonly at: string;
  readonly [fact: string]: unknown;
};

/** Names a sandbox for as long as its polecat lives, and after: the path follows from it. */
export type SandboxRef = {
  readonly rig: RigSnapshot;
  readonly name: string;
  readonly incarnation: number;
  readonly branch: string;
};

/** On task queue `gastown@<host>`. */
export type HostActivities = {
  /** A worktree of the rig on the named branch: a new one, or as it was left. */
  openSandbox(request: SandboxRef): Promise<Sandbox>;
  /** Brings the branch up to its target before rework. What conflicts is left marked in the files, for whoever reworks. */
  catchUp(request: SandboxRef): Promise<{ readonly conflicts: readonly string[] }>;
  /** The engine's own checks of a finished step; when they pass, everything is committed and pushed. */
  acceptStep(request: AcceptRequest): Promise<Acceptance>;
  /** Commits, pushes and verifies the branch before it is handed in. `since` is where the remote's branch is known to be. */
  submit(request: SandboxRef & { readonly since: string }): Promise<Submission>;
  /** Ends what runs in the sandbox and brings its work to the remote, finished or not. */
  salvage(request: SandboxRef): Promise<Salvage>;
  /** Removes the sandbox of landed or salvaged work; refuses while something in it is nowhere else. */
  nuke(request: SandboxRef & { readonly landed: boolean }): Promise<Nuke>;
  prepareMerge(request: MergeTask): Promise<Prepared>;
  landMerge(request: MergeTask & { readonly base: string; readonly tip: string }): Promise<Landed>;
  closeMerge(request: MergeTask & { readonly landed: boolean }): Promise<void>;
};

export type AcceptRequest = SandboxRef & {
  readonly molecule: string;
  readonly item: string;
  readonly step: string;
  readonly title: string;
  readonly summary: string;
  readonly command: string | null;
  /** Refuse a step that was called done and changed nothing since `since`. */
  readonly mustMove: boolean;
  readonly since: string;
  readonly timeoutMs: number;
};
export type Acceptance =
  | { readonly kind: 'accepted'; readonly head: string }
  | { readonly kind: 'rejected'; readonly why: string };

export type Submission =
  | { readonly kind: 'submitted'; readonly head: string }
  /** The branch holds nothing that the target lacks. */
  | { readonly kind: 'nothing'; readonly head: string }
  | { readonly kind: 'refused'; readonly why: string };

export type Salvage =
  | { readonly kind: 'clean' }
  | { readonly kind: 'pushed'; readonly branch: string; readonly head: string }
  | { readonly kind: 'unpushed'; readonly why: string };

/** `where`: what became of the work that did not land, in words. */
export type Nuke = { readonly kind: 'gone'; readonly where: string } | { readonly kind: 'kept'; readonly why: string };

export type MergeTask = {
  readonly rig: RigSnapshot;
  readonly request: string;
  readonly branch: string;
  readonly head: string;
  readonly target: string;
};
export type Prepared =
  | {
      readonly kind: 'prepared';
      readonly base: string;
      readonly tip: string;
      readonly worktree: string;
      readonly commits: number;
    }
  | { readonly kind: 'conflict'; readonly base: string; readonly files: readonly string[] }
  | { readonly kind: 'empty'; readonly base: string }
  | { readonly kind: 'missing' }
  /** The remote cannot be had, for a reason that only a person mends. */
  | { readonly kind: 'refused'; readonly reason: string };
export type Landed =
  | { readonly kind: 'merged'; readonly commit: string }
  | { readonly kind: 'moved'; readonly target: string }
  | { readonly kind: 'refused'; readonly reason: string };

/** On task queue `gastown@<host>.sessions`. */
export type SessionActivities = {
  runSession(spec: SessionSpec): Promise<SessionResult>;
  runGates(request: {
    readonly request: string;
    readonly worktree: string;
    readonly gates: readonly Gate[];
    readonly timeoutMs: number;
  }): Promise<GateVerdict>;
};
