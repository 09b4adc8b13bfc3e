/** Work that was accepted, and that a branch no longer holds: no step is to take it away unseen. */
import { lastAccepted } from '../git/accepted.js';
import { isAncestor, remoteSha } from '../git/branch.js';
import { commitOf } from '../git/git.js';
import { keepUndone } from '../git/go-back.js';
import { lostCommits } from '../git/lost.js';

/** The commit that the molecule knows to be accepted; null when it knows of none, or does not tell. */
export type Known = { readonly accepted: string | null };

const NAMED_MAX = 5;

/**
 * Why a head does not hold what was accepted before, in words; null when it does. Copies of it that a rebase made will do; and who rewrote
 * the branch on the remote itself meant it. What is replaced is kept, so that somebody can go back to it.
 */
export async function lossIn(
  mirror: string,
  { branch, accepted }: Known & { readonly branch: string },
  head: string,
): Promise<string | null> {
  if (accepted === null || accepted === head) return null;
  const last = await lastAccepted({ mirror, branch });
  // An earlier attempt of this very act, or the rework before, has rewritten it.
  const before = last?.from === accepted ? last.to : accepted;
  if ((await commitOf(mirror, before)) === null) return null;
  if (await isAncestor({ mirror, ancestor: before, descendant: head })) return null;
  const isBehind = await isAncestor({ mirror, ancestor: head, descendant: before });
  const lost = isBehind || last !== null ? await lostCommits(mirror, before, head) : [];
  if (lost.length === 0 || (!isBehind && (await isOfRemote(mirror, branch, { before, head, ours: last?.to })))) {
    await keepUndone({ mirror, branch, to: head }, before);
    return null;
  }
  const named = `${lost.slice(0, NAMED_MAX).join(', ')}${lost.length > NAMED_MAX ? ', …' : ''}`;
  return (
    `${branch} no longer holds what was accepted before (${named}): git merge ${before} brings it back; ` +
    `if it is to go, revert it after that, so that the branch says so`
  );
}

/** Whether the head follows a remote's branch that somebody else has rewritten. */
async function isOfRemote(
  mirror: string,
  branch: string,
  { before, head, ours }: { readonly before: string; readonly head: string; readonly ours: string | undefined },
): Promise<boolean> {
  const remote = await remoteSha({ mirror, branch });
  if (remote === null || remote === ours || (await commitOf(mirror, remote)) === null) return false;
  if (!(await isAncestor({ mirror, ancestor: remote, descendant: head }))) return false;
  return !(await isAncestor({ mirror, ancestor: remote, descendant: before }));
}
