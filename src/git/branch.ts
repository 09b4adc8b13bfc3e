/** Branches of the mirror and of its remote. */
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { ignoreMissing } from './discard.js';
import { commitOf, git, gitText } from './git.js';
import { originOf } from './origin.js';
import { pushIfUnchanged } from './push.js';

const TRIES_MAX = 3;
const RETIRED = 'refs/gt/retired/';

export type BranchPush =
  | { readonly kind: 'pushed' }
  /** The remote's branch is neither what was expected nor what was to be pushed; null when it does not exist. */
  | { readonly kind: 'diverged'; readonly remote: string | null }
  | { readonly kind: 'refused'; readonly reason: string };

export type BranchDeletion =
  | { readonly kind: 'deleted' }
  | { readonly kind: 'diverged'; readonly remote: string }
  | { readonly kind: 'refused'; readonly reason: string };

/**
 * Sees that the remote's `branch` is at `sha`, if it is at `expected` (null: absent) until then. Work that somebody else put
 * there is never overwritten. Network trouble throws GitError.
 */
export async function pushBranch(args: {
  readonly mirror: string;
  readonly branch: string;
  readonly sha: string;
  readonly expected: string | null;
}): Promise<BranchPush> {
  const result = await swap(args);
  return result.kind === 'done' ? { kind: 'pushed' } : result;
}

/** Sees that the remote has no `branch`, if it is at `expected` until then. */
export async function deleteRemoteBranch(args: {
  readonly mirror: string;
  readonly branch: string;
  readonly expected: string;
}): Promise<BranchDeletion> {
  const result = await swap({ ...args, sha: null });
  if (result.kind === 'done' || (result.kind === 'diverged' && result.remote === null)) return { kind: 'deleted' };
  return result.kind === 'diverged' ? { kind: 'diverged', remote: String(result.remote) } : result;
}

/**
 * Takes the mirror's own `branch` away, if it is at `expected`, and notes that: from then on a call that goes on after a crash
 * knows by `retiredAt` that the commit was proved to be elsewhere. The branch's worktree must be gone.
 */
export async function retireBranch(args: {
  readonly mirror: string;
  readonly branch: string;
  readonly expected: string;
}): Promise<void> {
  const ref = `refs/heads/${args.branch}`;
  if ((await commitOf(args.mirror, ref)) !== args.expected) return;
  const input = `update ${RETIRED}${args.branch} ${args.expected}\ndelete ${ref} ${args.expected}\n`;
  await git(args.mirror, ['update-ref', '--no-deref', '--stdin'], { input });
}

/** What the branch was at when it was retired; null when it was not, or was forgotten. */
export async function retiredAt(args: { readonly mirror: string; readonly branch: string }): Promise<string | null> {
  return commitOf(args.mirror, `${RETIRED}${args.branch}`);
}

export async function forgetRetired(args: { readonly mirror: string; readonly branch: string }): Promise<void> {
  await git(args.mirror, ['update-ref', '-d', `${RETIRED}${args.branch}`]);
}

/** Whether the mirror's own `branch` once held the commit: nobody else made it. */
export async function everHeld(args: {
  readonly mirror: string;
  readonly branch: string;
  readonly commit: string;
}): Promise<boolean> {
  const { mirror, branch, commit } = args;
  if ((await commitOf(mirror, commit)) === null) return false;
  const walk = ['rev-list', '--walk-reflogs', '--end-of-options', `refs/heads/${branch}`];
  const { code, stdout } = await git(mirror, walk, { codes: [0, 128] });
  const held = code === 0 ? stdout.split('\n').filter(Boolean) : [];
  if (held.length === 0) return false;
  const input = [commit, ...held.map((one) => `^${one}`)].join('\n');
  return (await gitText(mirror, ['rev-list', '--max-count=1', '--stdin'], { input: `${input}\n` })) === '';
}

/** The commit that the mirror's own `branch` began at; null when its log does not go back so far. */
export async function bornAt(args: { readonly mirror: string; readonly branch: string }): Promise<string | null> {
  const log = await readFile(join(args.mirror, 'logs', 'refs', 'heads', args.branch), 'utf8').catch(ignoreMissing);
  return /^0+ ([0-9a-f]+) /.exec(log ?? '')?.[1] ?? null;
}

/** What the remote's branch is at now, asked of the remote itself; null when it does not exist. */
export async function remoteSha(args: { readonly mirror: string; readonly branch: string }): Promise<string | null> {
  const ref = `refs/heads/${args.branch}`;
  const listed = await gitText(args.mirror, ['ls-remote', '--', await originOf(args.mirror), ref], { network: true });
  const line = listed.split('\n').find((one) => one.endsWith(`\t${ref}`));
  return line?.split('\t')[0] ?? null;
}

/** Whether `descendant` contains `ancestor`. Both must be in the mirror, or GitError is thrown. */
export async function isAncestor(args: {
  readonly mirror: string;
  readonly ancestor: string;
  readonly descendant: string;
}): Promise<boolean> {
  const command = ['merge-base', '--is-ancestor', args.ancestor, args.descendant];
  return (await git(args.mirror, command, { codes: [0, 1] })).code === 0;
}

/**
 * Whether some branch of the remote has each of the commits, as the mirror has last fetched it: whoever gives up what is on this machine asks this, and
 * nothing else. `without`: that branch, and what was saved beside it, do not count.
 */
export async function isOnRemote(args: {
  readonly mirror: string;
  readonly heads: readonly string[];
  readonly without?: string;
}): Promise<boolean> {
  const { mirror, heads, without } = args;
  const excluded = without === undefined ? [] : [without, `${without}.saved-*`].map((one) => `--exclude=origin/${one}`);
  return (await gitText(mirror, ['rev-list', '--max-count=1', ...heads, '--not', ...excluded, '--remotes'])) === '';
}

/**
 * Whether each of the commits is on `target`, itself or as a commit with the same change. Says nothing about reverts that
 * came later, and a merge commit counts only itself: a hint for people, not a proof of landing (see `landMerge`).
 */
export async function hasPatch(args: {
  readonly mirror: string;
  readonly commits: readonly string[];
  readonly target: string;
}): Promise<boolean> {
  for (const commit of args.commits) {
    if (await isAncestor({ mirror: args.mirror, ancestor: commit, descendant: args.target })) continue;
    const limit = (await commitOf(args.mirror, `${commit}^`)) === null ? [] : [`${commit}^`];
    const marks = await gitText(args.mirror, ['cherry', args.target, commit, ...limit]);
    if (!marks.split('\n').includes(`- ${commit}`)) return false;
  }
  return true;
}

type Swap = {
  readonly mirror: string;
  readonly branch: string;
  readonly sha: string | null;
  readonly expected: string | null;
};

/** Looks before and after: a push of a process that died may still arrive while this one is tried. */
async function swap(args: Swap): Promise<{ readonly kind: 'done' } | Exclude<BranchPush, { readonly kind: 'pushed' }>> {
  for (let attempt = 1; ; attempt += 1) {
    const remote = await remoteSha(args);
    if (remote === args.sha) return { kind: 'done' };
    if (remote !== args.expected) return { kind: 'diverged', remote };
    const result = await pushIfUnchanged(args);
    if (result.kind === 'pushed') return { kind: 'done' };
    if (result.kind === 'refused') return (await remoteSha(args)) === args.sha ? { kind: 'done' } : result;
    if (attempt >= TRIES_MAX)
      throw new Error(`${args.branch} of ${args.mirror}'s remote is locked or moves all the time`);
  }
}
