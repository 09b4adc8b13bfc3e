/** Branches of the remote that are made to take the work of many, which lands from there as one. */
import { isAncestor } from './branch.js';
import { commitOf } from './git.js';
import { GitError } from './git-error.js';
import { fetchMirror } from './mirror.js';
import { pushIfUnchanged } from './push.js';

const TRIES_MAX = 5;

export type Opened =
  | { readonly kind: 'open' }
  /** It has commits that the target has not. */
  | { readonly kind: 'taken' }
  | { readonly kind: 'no-target' }
  | { readonly kind: 'refused'; readonly reason: string };

/** Sees that the remote has `branch`, at `target` unless it `goesOn` with what it has. */
export async function openIntegration(args: {
  readonly mirror: string;
  readonly branch: string;
  readonly target: string;
  readonly goesOn: boolean;
}): Promise<Opened> {
  const { mirror, branch, target, goesOn } = args;
  for (let tries = 0; tries < TRIES_MAX; tries += 1) {
    await fetchMirror(mirror);
    const base = await commitOf(mirror, `refs/remotes/origin/${target}`);
    if (base === null) return { kind: 'no-target' };
    const now = await commitOf(mirror, `refs/remotes/origin/${branch}`);
    if (now === base || (now !== null && goesOn)) return { kind: 'open' };
    if (now !== null && !(await isAncestor({ mirror, ancestor: now, descendant: base }))) return { kind: 'taken' };
    const pushed = await pushIfUnchanged({ mirror, branch, sha: base, expected: now });
    if (pushed.kind === 'pushed') return { kind: 'open' };
    if (pushed.kind === 'refused') return pushed;
  }
  const stderr = `${branch} moves all the time, or another git holds its lock`;
  throw new GitError({ kind: 'lock', command: ['push'], cwd: mirror, code: null, stderr, how: 'stale' });
}
