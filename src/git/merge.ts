/** One request alone on its target, as a merge queue that lands one at a time asks for it, and the clearing up after it. */
import { unreachable } from '../town/unreachable.js';
import type { Author } from './author.js';
import { forgetMerges } from './merge-pins.js';
import { stackBranches } from './stack.js';
import { removeWorktree } from './worktree.js';

type Preparing = {
  readonly mirror: string;
  /** Where the refinery's worktree of this attempt is to be. */
  readonly worktree: string;
  readonly branch: string;
  readonly sha: string;
  readonly target: string;
  readonly requestId: string;
  /** A commit that may have landed for the request from another host, which is lost: here is no pin of it. */
  readonly pushing?: string;
  /** Committer of what is made here. */
  readonly author?: Author;
};

export type Preparation =
  /** `commits` new ones lead from `base`, which the target was at, to `tip`. The worktree stays at `tip`, for the gates. */
  | { readonly kind: 'prepared'; readonly base: string; readonly tip: string; readonly commits: number }
  | { readonly kind: 'conflict'; readonly base: string; readonly files: readonly string[] }
  /** The target has all of it already. */
  | { readonly kind: 'empty'; readonly base: string }
  /** It landed as this commit, by a call whose answer nobody heard. */
  | { readonly kind: 'landed'; readonly commit: string }
  /** The remote has no such target, or its branch does not hold the commit (any more). */
  | { readonly kind: 'missing'; readonly what: 'target' | 'commit' };

/** See `stackBranches`. */
export async function prepareMerge({ requestId, branch, sha, pushing, ...args }: Preparing): Promise<Preparation> {
  const candidate = { requestId, branch, sha, ...(pushing === undefined ? {} : { pushing }) };
  const stack = await stackBranches({ ...args, candidates: [candidate] });
  if (stack.kind === 'no-target') return { kind: 'missing', what: 'target' };
  const { base } = stack;
  const [one] = stack.stacked;
  if (one === undefined) throw new Error(`nothing is said of ${requestId}`);
  switch (one.kind) {
    case 'stacked':
      return { kind: 'prepared', base, tip: one.tip, commits: one.commits };
    case 'conflict':
      return { kind: 'conflict', base, files: one.files };
    case 'landed':
      return one;
    case 'empty':
      return { kind: 'empty', base };
    case 'missing':
    // There is none below.
    case 'later':
      return { kind: 'missing', what: 'commit' };
    default:
      return unreachable(one);
  }
}

/** Clears up after `prepareMerge`. What landed stays known until `forgetMerges`: the answer may not have been heard yet. */
export async function closeMerge(args: {
  readonly mirror: string;
  readonly worktree: string;
  readonly requestId: string;
  readonly landed: boolean;
}): Promise<void> {
  const { mirror, worktree, requestId, landed } = args;
  await removeWorktree({ mirror, path: worktree });
  if (!landed) await forgetMerges({ mirror, requests: requestId });
}
