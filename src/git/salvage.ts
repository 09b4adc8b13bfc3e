/**
 * Brings the work of a sandbox to safety before it is given up: all of it as commits, the commits on the remote. It never
 * destroys: a rebase is aborted only after a snapshot of it was pinned in the mirror, and what cannot be pushed stays.
 */
import { rm } from 'node:fs/promises';
import { join } from 'node:path';
import { authorEnvironment, type Author } from './author.js';
import { isAncestor, pushBranch, remoteSha } from './branch.js';
import { commitEverything } from './commit.js';
import { commitOf, git, gitText } from './git.js';
import { GitError } from './git-error.js';
import { fetchMirror } from './mirror.js';
import { inWorktree, inWorktreeText, metadataOf, own, worktreeState, type Place } from './worktree.js';

const SAVED = 'refs/gt/saved/';

export type Salvaged =
  /** There was nothing that the remote did not have. */
  | { readonly kind: 'clean' }
  /** The remote was asked and has it: `head` as `branch`, and beside it what the branch does not contain. */
  | { readonly kind: 'pushed'; readonly branch: string; readonly head: string; readonly aside: readonly Aside[] }
  /** It is safe in the mirror of this host only. */
  | { readonly kind: 'unpushed'; readonly head: string; readonly reason: string };

/** Work that is not in the branch: an unfinished rebase, commits on another branch or on none. */
type Aside = { readonly branch: string; readonly head: string };

/**
 * `expected` is the commit the remote's branch is known to be at, null when it was never pushed. A remote branch that is an
 * ancestor of the work is moved on in any case; one that is not is left alone. The worktree's folder may be gone: then the
 * branch in the mirror is what is saved.
 */
export async function salvage(args: {
  readonly mirror: string;
  readonly worktree: string;
  readonly branch: string;
  readonly author: Author;
  readonly expected: string | null;
}): Promise<Salvaged> {
  const { mirror, branch } = args;
  const loose = await gather({ mirror, path: args.worktree }, args);
  const tip = await commitOf(mirror, `refs/heads/${branch}`);
  const head = await furthest(mirror, tip, loose);
  if (head === null) return { kind: 'clean' };
  await pinAsides(mirror, branch, loose, head);
  const aside = await pinnedAsides(mirror, branch);
  try {
    return await bringOut({ mirror, branch, head, expected: args.expected, aside });
  } catch (error) {
    if (error instanceof GitError) return { kind: 'unpushed', head, reason: error.message };
    throw error;
  }
}

/** Turns what lies in the worktree into commits and returns those that must be kept. */
async function gather(
  place: Place,
  { author, branch }: { readonly author: Author; readonly branch: string },
): Promise<readonly string[]> {
  return own(place, async () => {
    const state = await worktreeState(place);
    if (state === null) return [];
    const kept: string[] = [];
    if (state.rebasing) {
      const snapshot = await snapshotOf(place, state.head, author);
      await pin(place.mirror, asideOf(branch, snapshot));
      // What cannot be aborted so (`git am`) goes on to the commit below as it is.
      await inWorktree(place, ['rebase', '--abort'], { codes: [0, 1, 128] });
    }
    kept.push(await commitEverything({ ...place, author, message: `wip: work in progress on ${branch}\n` }));
    return kept;
  });
}

/** A commit of the whole tree on top of HEAD that changes neither HEAD nor the index. The same tree gives the same commit. */
async function snapshotOf(place: Place, head: string, author: Author): Promise<string> {
  const index = join((await metadataOf(place)) ?? place.mirror, 'gt-snapshot-index');
  await rm(index, { force: true });
  await rm(`${index}.lock`, { force: true });
  const env = { GIT_INDEX_FILE: index };
  await inWorktree(place, ['read-tree', head], { env });
  await inWorktree(place, ['add', '--all'], { env });
  const tree = await inWorktreeText(place, ['write-tree'], { env });
  await rm(index, { force: true });
  const date = await inWorktreeText(place, ['show', '--no-patch', '--format=%cI', head]);
  const dates = { GIT_AUTHOR_DATE: date, GIT_COMMITTER_DATE: date };
  return inWorktreeText(place, ['commit-tree', tree, '-p', head, '-m', 'wip: a rebase in progress'], {
    env: { ...authorEnvironment(author), ...dates },
  });
}

/** What the branch is to be at: the last commit of the worktree if that goes on from the branch, else the branch itself. */
async function furthest(mirror: string, tip: string | null, loose: readonly string[]): Promise<string | null> {
  const last = loose.at(-1) ?? null;
  if (tip === null || last === null) return tip ?? last;
  return (await isAncestor({ mirror, ancestor: tip, descendant: last })) ? last : tip;
}

async function pinAsides(mirror: string, branch: string, loose: readonly string[], head: string): Promise<void> {
  for (const commit of loose) {
    if (!(await isAncestor({ mirror, ancestor: commit, descendant: head }))) await pin(mirror, asideOf(branch, commit));
  }
}

async function pin(mirror: string, aside: Aside): Promise<void> {
  await git(mirror, ['update-ref', `${SAVED}${aside.branch}`, aside.head]);
}

/** The pins tell what is to be pushed: a call that was cut off may have aborted the rebase that this one no longer sees. */
async function pinnedAsides(mirror: string, branch: string): Promise<readonly Aside[]> {
  const form = `--format=%(objectname) %(refname)`;
  const listed = await gitText(mirror, ['for-each-ref', form, `${SAVED}${branch}.saved-*`]);
  return listed.split('\n').flatMap((line) => {
    const [head, ref] = line.split(' ');
    return head === undefined || ref === undefined ? [] : [{ branch: ref.slice(SAVED.length), head }];
  });
}

function asideOf(branch: string, head: string): Aside {
  return { branch: `${branch}.saved-${head.slice(0, 12)}`, head };
}

async function bringOut(args: {
  readonly mirror: string;
  readonly branch: string;
  readonly head: string;
  readonly expected: string | null;
  readonly aside: readonly Aside[];
}): Promise<Salvaged> {
  const { mirror, branch, head, aside } = args;
  await fetchMirror(mirror);
  // The branch itself does not count: a second call answers as the first did.
  const elsewhere = ['--not', `--exclude=origin/${branch}`, `--exclude=origin/${branch}.saved-*`, '--remotes'];
  const heads = [head, ...aside.map((one) => one.head)];
  const beyond = await gitText(mirror, ['rev-list', '--max-count=1', ...heads, ...elsewhere]);
  if (beyond === '') return { kind: 'clean' };
  for (const one of [{ branch, head }, ...aside]) {
    const remote = await remoteSha({ mirror, branch: one.branch });
    const known = remote !== null && (await commitOf(mirror, remote)) !== null;
    const behind = known && (await isAncestor({ mirror, ancestor: remote, descendant: one.head }));
    const pushed = await pushBranch({
      mirror,
      branch: one.branch,
      sha: one.head,
      expected: behind ? remote : one.branch === branch ? args.expected : null,
    });
    if (pushed.kind === 'refused') return { kind: 'unpushed', head, reason: `${one.branch}: ${pushed.reason}` };
    if (pushed.kind === 'diverged') {
      return { kind: 'unpushed', head, reason: `${one.branch} of the remote is at ${pushed.remote ?? 'nothing'}` };
    }
  }
  const there = await remoteSha({ mirror, branch });
  if (there !== head) return { kind: 'unpushed', head, reason: `${branch} of the remote is at ${there ?? 'nothing'}` };
  return { kind: 'pushed', branch, head, aside };
}
