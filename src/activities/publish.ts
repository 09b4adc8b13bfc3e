/** Commits what is in a sandbox, takes in what others pushed to its branch, and pushes. What stands in the way is for the agent. */
import { log } from '@temporalio/activity';
import type { Acceptance, SandboxRef } from '../contract/activities.js';
import { authorOf } from '../git/author.js';
import { noteAccepted } from '../git/accepted.js';
import { isAncestor, pushBranch, remoteSha } from '../git/branch.js';
import { leaveOut, takeIn } from '../git/catch-up.js';
import { commitAll } from '../git/commit.js';
import { Blocked } from '../git/git-error.js';
import { commitOf } from '../git/git.js';
import { fetchMirror } from '../git/mirror.js';
import type { Place } from '../git/worktree.js';
import { worktreeState } from '../git/worktree.js';
import { polecatAt } from '../town/address.js';
import { firstBranch } from '../town/branch.js';
import { unreachable } from '../town/unreachable.js';
import { lossIn, type Known } from './losses.js';

export const rejected = (why: string): Extract<Acceptance, { readonly kind: 'rejected' }> => ({
  kind: 'rejected',
  why,
});

export function authorFor({ rig, name }: Pick<SandboxRef, 'rig' | 'name'>) {
  return authorOf(polecatAt(rig.name, name));
}

export type Since = { readonly since: string };
type Told = SandboxRef & Since & Known;
type Committed =
  | { readonly kind: 'committed'; readonly head: string }
  | { readonly kind: 'refused'; readonly why: string };

/**
 * Commits everything and takes in what somebody else pushed to the branch; what stands in the way is for the agent. Conflicts
 * are left in the files where somebody will work on.
 */
export async function commit(
  place: Place,
  ref: Told,
  message: string,
  conflicts: 'left' | 'undone',
): Promise<Committed> {
  const stray = await strayIn(place, ref.branch);
  if (stray !== null)
    return { kind: 'refused', why: `the sandbox is on ${stray}: go back to ${ref.branch}, with the work on it` };
  try {
    const head = await commitAll({ ...place, message, author: authorFor(ref), since: ref.since });
    const committed = await takeInOthers(place, ref, head, conflicts);
    const lost = committed.kind === 'committed' ? await lossIn(place.mirror, ref, committed.head) : null;
    return lost === null ? committed : { kind: 'refused', why: lost };
  } catch (error) {
    if (error instanceof Blocked) return { kind: 'refused', why: error.message };
    throw error;
  }
}

/** The branch that a sandbox is on instead of its own; null when it is on that or on none. */
async function strayIn(place: Place, branch: string): Promise<string | null> {
  const on = (await worktreeState(place))?.branch ?? null;
  return on === branch ? null : on;
}

/** Where there is no agent left to be told, before all that lies in the sandbox is committed. */
export async function tellOfStray(place: Place, branch: string): Promise<void> {
  // A HEAD that cannot be read is put right by that.
  const stray = await strayIn(place, branch).catch(() => null);
  if (stray !== null)
    log.warn(
      `${place.path} was left on ${stray} instead of ${branch}: what lies there is kept, and ${stray} not moved`,
    );
}

/**
 * What was pushed on top of our last push is merged, so that neither side is lost. A branch that was rewritten is left to a
 * person: what was taken out of it on purpose must not come back by itself.
 */
async function takeInOthers(
  place: Place,
  ref: SandboxRef & Since,
  head: string,
  then: 'left' | 'undone',
): Promise<Committed> {
  const { mirror } = place;
  const { branch, since } = ref;
  const remote = await remoteSha({ mirror, branch });
  if (remote === null || remote === since) return { kind: 'committed', head };
  if ((await commitOf(mirror, remote)) === null) await fetchMirror(mirror);
  if ((await commitOf(mirror, remote)) === null)
    return { kind: 'refused', why: `${branch} moves on the remote just now: close the step again` };
  if (await isAncestor({ mirror, ancestor: remote, descendant: head })) return { kind: 'committed', head };
  const told = `somebody pushed to ${branch}, which is at ${remote} on the remote`;
  const isOnTop =
    (await commitOf(mirror, since)) !== null && (await isAncestor({ mirror, ancestor: since, descendant: remote }));
  if (!isOnTop) {
    const why = `${told} and no longer holds what was pushed before (${since}): to keep both, git merge origin/${branch}`;
    return { kind: 'refused', why: `${why}; to drop theirs, git push --force origin ${head}:refs/heads/${branch}` };
  }
  const message = `Merge what was pushed to ${branch}`;
  const { conflicts } = await takeIn({ ...place, commit: remote, message, author: authorFor(ref) });
  if (conflicts.length > 0) {
    if (then === 'undone') await leaveOut(place);
    const why = `${told}; merged into the sandbox, that conflicts in ${conflicts.join(', ')}: resolve them`;
    return { kind: 'refused', why };
  }
  const now = await worktreeState(place);
  return { kind: 'committed', head: now?.head ?? head };
}

/** The branch moves on from where the remote is known to be; what somebody else put there is never overwritten. */
export async function push({ mirror }: Place, { branch, since, accepted }: Told, head: string): Promise<Acceptance> {
  const remote = await remoteSha({ mirror, branch });
  const isKnown = remote === null || remote === since || (await commitOf(mirror, remote)) !== null;
  const mayMove =
    isKnown &&
    (remote === null || remote === since || (await isAncestor({ mirror, ancestor: remote, descendant: head })));
  const result = mayMove
    ? await pushBranch({ mirror, branch, sha: head, expected: remote })
    : ({ kind: 'diverged', remote } as const);
  switch (result.kind) {
    case 'pushed':
      await noteAccepted({ mirror, branch }, { from: accepted ?? since, to: head });
      return { kind: 'accepted', head };
    case 'diverged':
      return rejected(
        `somebody pushed to ${branch} just now, which is at ${result.remote} on the remote: close the step again, and it is taken in`,
      );
    case 'refused':
      return rejected(`the remote refuses the push of ${branch}: ${result.reason}`);
    default:
      return unreachable(result);
  }
}

/** The molecule that a branch is named for. */
export function moleculeOf(branch: string): string {
  return firstBranch(branch).slice(branch.lastIndexOf('/') + 1);
}
