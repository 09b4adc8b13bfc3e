/** Takes a branch back to an earlier commit of it, here and on the remote. What is undone stays in the mirror, under a ref of its own. */
import type { Author } from './author.js';
import { everHeld, isAncestor, pushBranch, remoteSha } from './branch.js';
import { Blocked } from './git-error.js';
import { commitOf, git } from './git.js';
import { fetchMirror } from './mirror.js';
import { snapshotOf } from './snapshot.js';
import { inWorktree, own, worktreeState, type Place } from './worktree.js';

const UNDONE = 'refs/gt/undone/';

type Request = Place & { readonly branch: string; readonly to: string; readonly author: Author };

/**
 * Answers the ref under which the mirror keeps what was undone, half-done work included; null when there was nothing. Throws Blocked, with
 * nothing changed, when the remote has commits that are not from here, or does not take the branch back. May be asked again after a kill
 * anywhere.
 */
export async function goBack(request: Request): Promise<string | null> {
  const { mirror, branch, to } = request;
  return own(request, async () => {
    const state = await worktreeState(request);
    if (state === null) throw new Blocked(`the sandbox ${request.path} is gone`);
    const message = `wip: work on ${branch} that was undone`;
    const snapshot = await snapshotOf(request, { head: state.head, author: request.author, message });
    const isClean = state.head === to && state.dirty.length === 0;
    const kept = isClean ? null : await keep(mirror, branch, state.dirty.length === 0 ? state.head : snapshot);
    await takeRemoteBack(request, state.head);
    if (state.rebasing) await inWorktree(request, ['rebase', '--quit'], { codes: [0, 1, 128] });
    await inWorktree(request, ['symbolic-ref', 'HEAD', `refs/heads/${branch}`]);
    await inWorktree(request, ['reset', '--quiet', '--hard', to]);
    await inWorktree(request, ['clean', '--quiet', '-fd']);
    return kept;
  });
}

async function keep(mirror: string, branch: string, commit: string): Promise<string> {
  const ref = `${UNDONE}${branch}-${commit.slice(0, 12)}`;
  await git(mirror, ['update-ref', ref, commit]);
  return ref;
}

/** A branch that was never pushed need not go back there. */
async function takeRemoteBack({ mirror, branch, to }: Request, head: string): Promise<void> {
  const remote = await remoteSha({ mirror, branch });
  if (remote === null || remote === to) return;
  if ((await commitOf(mirror, remote)) === null) await fetchMirror(mirror);
  const isKnown = (await commitOf(mirror, remote)) !== null;
  const isOurs = isKnown && (await holds(mirror, branch, remote, head));
  if (!isOurs)
    throw new Blocked(`somebody pushed to ${branch}, which is at ${remote} on the remote: take that in first`);
  const pushed = await pushBranch({ mirror, branch, sha: to, expected: remote });
  if (pushed.kind === 'refused') throw new Blocked(`the remote does not take ${branch} back: ${pushed.reason}`);
  if (pushed.kind === 'diverged') throw new Blocked(`somebody pushed to ${branch} just now: take that in first`);
}

/** Whether the commit is in the branch as it is here, or once was. */
async function holds(mirror: string, branch: string, commit: string, head: string): Promise<boolean> {
  return (
    (await isAncestor({ mirror, ancestor: commit, descendant: head })) || (await everHeld({ mirror, branch, commit }))
  );
}
