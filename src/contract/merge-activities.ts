/** The acts of a refinery: what it makes of branches, gates, the push. */
import type { Confinement } from '../town/confinement.js';
import type { GateVerdict } from '../town/gate-verdict.js';
import type { Gate, RigRef } from '../town/rig.js';

/** On task queue `gastown@<host>`. */
export type MergeHostActivities = {
  prepareMerge(request: MergeTask): Promise<Prepared>;
  landMerge(request: MergeTask & { readonly base: string; readonly tip: string }): Promise<Landed>;
  closeMerge(request: MergeTask & { readonly landed: boolean }): Promise<void>;
};

/** On task queue `gastown@<host>.sessions`. */
export type GateActivities = {
  runGates(request: {
    readonly request: string;
    readonly worktree: string;
    readonly gates: readonly Gate[];
    readonly timeoutMs: number;
    /** The commit that the tree is of: what has passed on its like is not run again. Absent in what an earlier version asked for. */
    readonly tip?: string;
    /** Absent: not shut in. */
    readonly confinement?: Confinement;
    /** What the tree was made on: a gate that cannot run is tried there alone. Absent in what an earlier version asked for. */
    readonly target?: { readonly rig: string; readonly branch: string; readonly base: string };
  }): Promise<GateVerdict>;
};

export type MergeTask = {
  readonly rig: RigRef;
  readonly request: string;
  readonly branch: string;
  readonly head: string;
  readonly target: string;
  /** What a host that is lost was about to push, and may have. Absent: nothing. */
  readonly pushing?: string;
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
  | { readonly kind: 'landed'; readonly commit: string }
  | { readonly kind: 'missing' }
  /** The remote cannot be had, for a reason that only a person mends. */
  | { readonly kind: 'refused'; readonly reason: string };
type Landed =
  | { readonly kind: 'merged'; readonly commit: string }
  | { readonly kind: 'moved'; readonly target: string }
  | { readonly kind: 'refused'; readonly reason: string };
