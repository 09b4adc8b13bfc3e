/** Some requests whose turn it is, all for one target: what their host is asked to do with them. */
import type { BatchTask, Laid, MergeTask, Stacked } from '../contract/merge-activities.js';
import type { MergeRequest } from '../town/refinery.js';
import type { RigSnapshot } from '../town/rig.js';
import { strategyOf } from '../town/strategy.js';

/** By request, what an earlier try, on a host that was lost then, may have pushed. */
export type Pushing = ReadonlyMap<string, string>;

/** The first gives its name to what is made for them. */
export type Turn = {
  readonly batch: readonly MergeRequest[];
  readonly rig: RigSnapshot;
  readonly patience: number;
  readonly host: string;
  readonly pushing: Pushing;
};

/** Its gates are known here, and asked for one by one. */
export function taskOf({ rig, pushing }: Turn, request: MergeRequest): MergeTask {
  const { id, branch, head, target, issue, strategy = strategyOf(rig) } = request;
  const tip = pushing.get(id);
  const lost = tip === undefined ? {} : { pushing: tip };
  return { rig, request: id, branch, head, target, strategy, item: issue, ...lost };
}

export function batchTask(turn: Turn, name: string, target: string): BatchTask {
  const { batch, rig } = turn;
  const requests = batch.map((one) => {
    const { rig: _rig, target: _target, ...task } = taskOf(turn, one);
    return task;
  });
  return { rig, name, target, strategy: strategyOf(rig), requests };
}

/** What came of a batch, on which base. */
export type Made = Extract<Stacked, { readonly kind: 'stacked' }>;

/** A request as it lies on those below it. */
export type Member = { readonly request: MergeRequest; readonly tip: string };

export function membersOf(batch: readonly MergeRequest[], all: readonly Laid[]): readonly Member[] {
  return batch.flatMap((request, at) => {
    const laid = all[at];
    return laid?.kind === 'stacked' ? [{ request, tip: laid.tip }] : [];
  });
}

/** The lowest of `members` lies on `base`, where its target is; the worktree, if there is one, is at the topmost. */
export type Stack = {
  readonly members: readonly Member[];
  readonly target: string;
  readonly base: string;
  readonly worktree: string | null;
  /** Whose name the worktree has. */
  readonly name: string;
};
