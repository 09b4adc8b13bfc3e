/** The acts of a refinery: what it makes of branches, gates, the push. */
import type { Confinement } from '../town/confinement.js';
import type { GateVerdict } from '../town/gate-verdict.js';
import type { Gate, RigRef } from '../town/rig.js';
import type { Strategy } from '../town/strategy.js';

/** On task queue `gastown@<host>`. */
export type MergeHostActivities = {
  prepareMerge(request: MergeTask): Promise<Prepared>;
  /** Several requests for one target, one on the other. */
  stackMerges(batch: BatchTask): Promise<Stacked>;
  /** `below`: what lands with it. */
  landMerge(
    request: MergeTask & { readonly base: string; readonly tip: string; readonly below?: readonly Pinned[] },
  ): Promise<Landed>;
  /** `others`: of a batch that stands under the name of this request, those that did not land. */
  closeMerge(request: MergeTask & { readonly landed: boolean; readonly others?: readonly string[] }): Promise<void>;
};

/** A request as it was prepared last. */
type Pinned = { readonly request: string; readonly tip: string };

/** On task queue `gastown@<host>.sessions`. */
export type GateActivities = {
  runGates(request: {
    readonly request: string;
    /** Absent: it is made first, at `tip`, and taken away after that. */
    readonly worktree?: string;
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
  /** Absent: `rebase`, and nothing is known of its item, as in what an earlier version asked for. */
  readonly strategy?: Strategy;
  readonly item?: string;
  /** What a host that is lost was about to push, and may have. Absent: nothing. */
  readonly pushing?: string;
};

/** The first is at the bottom. */
export type BatchTask = {
  readonly rig: RigRef;
  /** Of the worktree. */
  readonly name: string;
  readonly target: string;
  /** Of those that name none. */
  readonly strategy: Strategy;
  readonly requests: readonly Pick<MergeTask, 'request' | 'branch' | 'head' | 'strategy' | 'item' | 'pushing'>[];
  /** A commit that the target is yet to come to: then it is for a look only, and nothing of it may land. */
  readonly onto?: string;
  /** What that look has made of the same requests. */
  readonly before?: { readonly base: string; readonly all: readonly Laid[] };
};

export type Stacked =
  /** `all`: what came of each, in their order. `worktree`: absent where nothing was to be made. */
  | { readonly kind: 'stacked'; readonly base: string; readonly worktree?: string; readonly all: readonly Laid[] }
  /** The remote cannot be had, for a reason that only a person mends. */
  | { readonly kind: 'refused'; readonly reason: string };

/** What came of one of a batch. */
export type Laid =
  /** On those below it. */
  | { readonly kind: 'stacked'; readonly tip: string }
  | { readonly kind: 'conflict'; readonly files: readonly string[] }
  /** It does not lie on those below it, or changes nothing there: it waits for its turn. */
  | { readonly kind: 'later' }
  | { readonly kind: 'empty' }
  | { readonly kind: 'landed'; readonly commit: string }
  | { readonly kind: 'missing' };

export type Prepared =
  | {
      readonly kind: 'prepared';
      readonly base: string;
      readonly tip: string;
      readonly worktree: string;
    }
  | { readonly kind: 'conflict'; readonly base: string; readonly files: readonly string[] }
  | { readonly kind: 'empty'; readonly base: string }
  | { readonly kind: 'landed'; readonly commit: string }
  | { readonly kind: 'missing' }
  /** The remote cannot be had, for a reason that only a person mends. */
  | { readonly kind: 'refused'; readonly reason: string };
export type Landed =
  | { readonly kind: 'merged'; readonly commit: string }
  | { readonly kind: 'moved'; readonly target: string }
  | { readonly kind: 'refused'; readonly reason: string };
