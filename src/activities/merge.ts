/** The refinery's acts on its host: a worktree for each attempt, the push, the clearing up. */
import { join } from 'node:path';
import type { HostActivities } from '../contract/activities.js';
import type { BatchTask, MergeTask, Prepared, Stacked } from '../contract/merge-activities.js';
import { authorOf } from '../git/author.js';
import { siblings } from '../git/discard.js';
import { landMerge } from '../git/land.js';
import { closeMerge, prepareMerge } from '../git/merge.js';
import { forgetMerges } from '../git/merge-pins.js';
import { openMirror } from '../git/mirror.js';
import { stackBranches } from '../git/stack.js';
import { removeWorktree } from '../git/worktree.js';
import { killAllMarked } from '../process/mark.js';
import { refineryOf } from '../town/address.js';
import { requestsPattern } from '../town/refinery.js';
import { unreachable } from '../town/unreachable.js';
import { leave, needsPerson } from './git-trouble.js';
import type { Places } from './places.js';
import type { Remotes } from './remotes.js';

type MergeActivities = Pick<HostActivities, 'prepareMerge' | 'stackMerges' | 'landMerge' | 'closeMerge'>;
type ClosingTask = Parameters<MergeActivities['closeMerge']>[0];

export function mergeActivities(places: Places, { urlOf, letIn }: Remotes): MergeActivities {
  return {
    prepareMerge: async (task) => prepare(places, task, await urlOf(task.rig)).catch(refused),
    stackMerges: async (batch) => stack(places, batch, await urlOf(batch.rig)).catch(refused),
    landMerge: ({ rig, request, base, tip, target, below = [] }) => {
      const mirror = places.mirror(rig.name);
      const pins = [...below, { request, tip }].map((one) => ({ requestId: one.request, tip: one.tip }));
      return letIn(mirror, rig, () => landMerge({ mirror, base, tip, target, pins })).catch(refused);
    },
    closeMerge: (task) => close(places, task).catch(leave),
  };
}

/** The refinery tries again later, and says meanwhile what stands in the way. */
function refused(error: unknown): { readonly kind: 'refused'; readonly reason: string } {
  if (!needsPerson(error)) throw error;
  return { kind: 'refused', reason: error.message };
}

async function close(places: Places, { rig, request, landed, others = [] }: ClosingTask): Promise<void> {
  const mirror = places.mirror(rig.name);
  await removeWorktree({ mirror, path: places.mergeTarget(rig.name, request) });
  const vain = landed ? others : [request, ...others];
  await closeMerge({ mirror, worktree: places.merge(rig.name, request), vain });
}

/**
 * What is left of tries to land a molecule's work that has nobody who waits for it any more: its refinery was terminated, and the
 * next one knows nothing of them.
 */
export async function clearMerges(places: Places, rig: string, molecule: string): Promise<void> {
  const mirror = places.mirror(rig);
  await killAllMarked((mark) => mark.startsWith(`gates/${molecule}.`));
  for (const path of await siblings(join(places.merges(rig), molecule), '.'))
    await removeWorktree({ mirror, path }).catch(leave);
  await forgetMerges({ mirror, requests: requestsPattern(molecule) });
}

async function prepare(
  places: Places,
  { rig, request, branch, head, target, ...more }: MergeTask,
  url: string,
): Promise<Prepared> {
  const mirror = places.mirror(rig.name);
  const worktree = places.merge(rig.name, request);
  await openMirror({ path: mirror, url });
  const author = authorOf(refineryOf(rig.name));
  const made = await prepareMerge({ mirror, worktree, branch, sha: head, target, requestId: request, author, ...more });
  switch (made.kind) {
    case 'prepared':
      return { kind: 'prepared', base: made.base, tip: made.tip, worktree };
    case 'conflict':
    case 'empty':
    case 'landed':
      return made;
    case 'missing':
      // That is nobody's work: somebody makes the branch, or has named another.
      if (made.what === 'target') return noTarget(target);
      return { kind: 'missing' };
    default:
      return unreachable(made);
  }
}

async function stack(
  places: Places,
  { rig, name, target, strategy, requests, onto, before }: BatchTask,
  url: string,
): Promise<Stacked> {
  const mirror = places.mirror(rig.name);
  const worktree = places.merge(rig.name, name);
  await openMirror({ path: mirror, url });
  const made = await stackBranches({
    mirror,
    worktree,
    target,
    strategy,
    author: authorOf(refineryOf(rig.name)),
    candidates: requests.map(({ request, head, ...one }) => ({ ...one, requestId: request, sha: head })),
    ...(onto === undefined ? {} : { onto }),
    ...(before === undefined ? {} : { before: { base: before.base, stacked: before.all } }),
  });
  if (made.kind === 'no-target') return noTarget(target);
  return { kind: 'stacked', base: made.base, all: made.stacked, ...(made.hasTree ? { worktree } : {}) };
}

const noTarget = (target: string) => ({ kind: 'refused', reason: `the remote has no branch ${target}` }) as const;
