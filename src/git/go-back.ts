/** Takes a branch to another commit that was its own, here and on the remote. What is undone stays in the mirror, under a ref of its own. */
import type { Author } from './author.js';
import { everHeld, isAncestor, pushBranch, remoteSha } from './branch.js';
import { Blocked } from './git-error.js';
import { commitOf, git, gitText } from './git.js';
import { fetchMirror } from './mirror.js';
import { snapshotOf } from './snapshot.js';
import { inWorktree, own, worktreeState, type Place } from './worktree.js';

const UNDONE = 'refs/gt/undone/';

type Request = Place & { readonly branch: string; readonly to: string; readonly author: Author };

/**
 * Answers where what was undone is kept: a ref of the mirror, half-done work included, or a branch of the remote, where it holds commits
 * of others; null when there was nothing. Throws Blocked, with nothing changed, when the remote has commits that are not here, or does
 * not take the branch back, or the commit is not here. May be asked again after a kill anywhere.
 */
export async function goBack(request: Request): Promise<string | null> {
  const { mirror, branch, to } = request;
  return own(request, async () => {
    const state = await worktreeState(request);
    if (state === null) throw new Blocked(`the sandbox ${request.path} is gone`);
    if (!(await isHere(mirror, to))) throw new Blocked(aboutMissing(to, branch));
    const tip = await commitOf(mirror, `refs/heads/${branch}`);
    const remote = await remoteOf(request);
    const message = `wip: work on ${branch} that was undone`;
    const loose = { head: state.head, author: request.author, message };
    const found = [state.dirty.length === 0 ? null : await snapshotOf(request, loose), state.head, tip, remote];
    const kept = await keepAll(request, [...new Set(found.filter((commit) => commit !== null))]);
    const aside = remote === null ? null : await takeRemoteBack(request, remote);
    if (state.rebasing) await inWorktree(request, ['rebase', '--quit'], { codes: [0, 1, 128] });
    await inWorktree(request, ['symbolic-ref', 'HEAD', `refs/heads/${branch}`]);
    await inWorktree(request, ['reset', '--quiet', '--hard', to]);
    await inWorktree(request, ['clean', '--quiet', '-fd']);
    return aside ?? kept;
  });
}

/** Whether the commit is in the mirror, or the remote has it. */
async function isHere(mirror: string, commit: string): Promise<boolean> {
  if ((await commitOf(mirror, commit)) !== null) return true;
  await fetchMirror(mirror);
  return (await commitOf(mirror, commit)) !== null;
}

function aboutMissing(to: string, branch: string): string {
  return `the commit ${to}, up to which the work on ${branch} is known, is neither in this host's mirror nor on the remote: push it`;
}

/** Keeps a commit of a branch that was rewritten and is at `to` now. */
export async function keepUndone(request: Omit<Request, 'path' | 'author'>, commit: string): Promise<void> {
  await keepAll(request, [commit]);
}

/** Commits that were undone, the newest first. */
export async function undoneOf({ mirror, branch }: Pick<Request, 'mirror' | 'branch'>): Promise<readonly string[]> {
  const form = ['--sort=-committerdate', '--format=%(objectname)'];
  const listed = await gitText(mirror, ['for-each-ref', ...form, `${UNDONE}${branch}-*`]);
  return listed.split('\n').filter(Boolean);
}

/** Gives each commit a ref that no other of them holds; the first. */
async function keepAll(
  { mirror, branch, to }: Omit<Request, 'path' | 'author'>,
  commits: readonly string[],
): Promise<string | null> {
  const refs: string[] = [];
  const held = [to];
  for (const commit of commits) {
    const isHeld = await Promise.all(held.map((one) => isAncestor({ mirror, ancestor: commit, descendant: one })));
    if (isHeld.includes(true)) continue;
    held.push(commit);
    const ref = `${UNDONE}${branch}-${commit.slice(0, 12)}`;
    await git(mirror, ['update-ref', ref, commit]);
    refs.push(ref);
  }
  return refs[0] ?? null;
}

/** Where the branch is on the remote, when that is a commit from here; null when it was never pushed. */
async function remoteOf({ mirror, branch }: Request): Promise<string | null> {
  const remote = await remoteSha({ mirror, branch });
  if (remote === null) return null;
  const isOurs = (await isHere(mirror, remote)) && (await everHeld({ mirror, branch, commit: remote }));
  if (!isOurs)
    throw new Blocked(`somebody pushed to ${branch}, which is at ${remote} on the remote: take that in first`);
  return remote;
}

/** Answers the branch of the remote that keeps what others had pushed; null when there is none. */
async function takeRemoteBack({ mirror, branch, to, author }: Request, remote: string): Promise<string | null> {
  if (remote === to) return null;
  const authors = await gitText(mirror, ['log', '--format=%ae', '--end-of-options', `${to}..${remote}`]);
  const isShared = authors.split('\n').some((one) => one !== '' && one !== author.email);
  const aside = isShared ? `${branch}.undone-${remote.slice(0, 12)}` : null;
  if (aside !== null) await move(mirror, aside, { to: remote, expected: null });
  await move(mirror, branch, { to, expected: remote });
  return aside;
}

async function move(
  mirror: string,
  branch: string,
  { to, expected }: { readonly to: string; readonly expected: string | null },
): Promise<void> {
  const pushed = await pushBranch({ mirror, branch, sha: to, expected });
  if (pushed.kind === 'refused') throw new Blocked(`the remote does not take ${branch} back: ${pushed.reason}`);
  if (pushed.kind === 'diverged') throw new Blocked(`somebody pushed to ${branch} just now: take that in first`);
}
