/**
 * Brings the work of a sandbox to safety before it is given up: all of it as commits, the commits on the remote. It never
 * destroys: a rebase is aborted only after a snapshot of it was pinned in the mirror, and what cannot be pushed stays.
 */
import type { Author } from './author.js';
import { isAncestor, isOnRemote, pushBranch, remoteSha } from './branch.js';
import { commitEverything } from './commit.js';
import { commitOf, git, gitText } from './git.js';
import { Blocked, GitError } from './git-error.js';
import { fetchMirror } from './mirror.js';
import { snapshotOf } from './snapshot.js';
import { inWorktree, madeFor, own, worktreeState, type Place } from './worktree.js';

const SAVED = 'refs/gt/saved/';

export type Salvaged =
  /** There was nothing that the remote did not have. */
  | { readonly kind: 'clean' }
  /** The remote was asked and has it: `head` as `branch`, and beside it what the branch does not contain. */
  | { readonly kind: 'pushed'; readonly branch: string; readonly head: string; readonly aside: readonly Aside[] }
  /** It is in the worktree or the mirror of this host only. */
  | { readonly kind: 'unpushed'; readonly reason: string };

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
  /** Commits that are to be kept as well, wherever they are. */
  readonly besides?: readonly string[];
  /** Asked before anything is pushed; what it answers is why nothing is. */
  readonly refusal?: (heads: readonly string[]) => Promise<string | null>;
}): Promise<Salvaged> {
  try {
    return await save(args);
  } catch (error) {
    if (error instanceof Blocked) return { kind: 'unpushed', reason: error.message };
    if (error instanceof GitError && error.kind !== 'lock') return { kind: 'unpushed', reason: error.message };
    throw error;
  }
}

async function save(args: Parameters<typeof salvage>[0]): Promise<Salvaged> {
  const { mirror, branch } = args;
  const loose = await gather({ mirror, path: args.worktree }, args);
  const tip = await commitOf(mirror, `refs/heads/${branch}`);
  const head = await furthest(mirror, tip, loose);
  if (head === null) return { kind: 'clean' };
  await pinAsides(mirror, branch, [...loose, ...(args.besides ?? [])], head);
  const aside = await pinnedAsides(mirror, branch);
  return bringOut({ ...args, head, aside });
}

/** Turns what lies in the worktree into commits and returns those that must be kept. */
async function gather(
  place: Place,
  { author, branch }: { readonly author: Author; readonly branch: string },
): Promise<readonly string[]> {
  return own(place, async () => {
    const state = await worktreeState(place);
    // Another branch's worktree at this path is another's work.
    if (state === null || (await madeFor(place)) !== branch) return [];
    const kept: string[] = [];
    if (state.rebasing) {
      const snapshot = await snapshotOf(place, { head: state.head, author, message: 'wip: a rebase in progress' });
      await pin(place.mirror, asideOf(branch, snapshot));
      // What cannot be aborted so (`git am`) goes on to the commit below as it is.
      await inWorktree(place, ['rebase', '--abort'], { codes: [0, 1, 128] });
    }
    kept.push(await commitEverything({ ...place, author, message: `wip: work in progress on ${branch}\n` }));
    return kept;
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

async function bringOut(
  args: Pick<Parameters<typeof salvage>[0], 'mirror' | 'branch' | 'expected' | 'refusal'> & {
    readonly head: string;
    readonly aside: readonly Aside[];
  },
): Promise<Salvaged> {
  const { mirror, branch, head, aside } = args;
  await fetchMirror(mirror);
  const heads = [head, ...aside.map((one) => one.head)];
  // The branch itself does not count: a second call answers as the first did.
  if (await isOnRemote({ mirror, heads, without: branch })) return { kind: 'clean' };
  const refused = (await args.refusal?.(heads)) ?? null;
  if (refused !== null) return { kind: 'unpushed', reason: refused };
  for (const one of [{ branch, head }, ...aside]) {
    const reason = await bringOne(mirror, one, one.branch === branch ? args.expected : null);
    if (reason !== null) return { kind: 'unpushed', reason };
  }
  return { kind: 'pushed', branch, head, aside };
}

/** Null when the remote's branch has the commit, asked of the remote itself after any push; else what stands in the way. */
async function bringOne(mirror: string, { branch, head }: Aside, expected: string | null): Promise<string | null> {
  const remote = await remoteSha({ mirror, branch });
  if (remote !== null && (await commitOf(mirror, remote)) !== null) {
    // Somebody else went on from it: all of it is there.
    if (await isAncestor({ mirror, ancestor: head, descendant: remote })) return null;
    if (await isAncestor({ mirror, ancestor: remote, descendant: head }))
      return pushOne(mirror, { branch, head }, remote);
  }
  return pushOne(mirror, { branch, head }, expected);
}

async function pushOne(mirror: string, { branch, head }: Aside, expected: string | null): Promise<string | null> {
  const pushed = await pushBranch({ mirror, branch, sha: head, expected });
  if (pushed.kind === 'refused') return `the remote refuses the push of ${branch}: ${pushed.reason}`;
  if (pushed.kind === 'diverged') {
    return `somebody else changed ${branch} on the remote, which is at ${pushed.remote ?? 'nothing'} and lacks this work`;
  }
  const there = await remoteSha({ mirror, branch });
  return there === head ? null : `${branch} of the remote is at ${there ?? 'nothing'}`;
}
