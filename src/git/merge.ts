/** One request alone on its target, and the clearing up after one or several. */
import type { Strategy } from '../town/strategy.js';
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
  readonly item?: string;
  readonly strategy?: Strategy;
  /** A commit that may have landed for the request from another host, which is lost: here is no pin of it. */
  readonly pushing?: string;
  /** Committer of what is made here. */
  readonly author?: Author;
};

export type Preparation =
  /** On `base`, which the target was at. The worktree stays at `tip`, for the gates. */
  | { readonly kind: 'prepared'; readonly base: string; readonly tip: string }
  | { readonly kind: 'conflict'; readonly base: string; readonly files: readonly string[] }
  /** The target has all of it already. */
  | { readonly kind: 'empty'; readonly base: string }
  /** It landed as this commit, by a call whose answer nobody heard. */
  | { readonly kind: 'landed'; readonly commit: string }
  /** The remote has no such target, or its branch does not hold the commit (any more). */
  | { readonly kind: 'missing'; readonly what: 'target' | 'commit' };

/** See `stackBranches`. */
export async function prepareMerge({
  requestId,
  branch,
  sha,
  item,
  pushing,
  ...args
}: Preparing): Promise<Preparation> {
  const more = { ...(item === undefined ? {} : { item }), ...(pushing === undefined ? {} : { pushing }) };
  const candidate = { requestId, branch, sha, ...more };
  const stack = await stackBranches({ ...args, candidates: [candidate] });
  if (stack.kind === 'no-target') return { kind: 'missing', what: 'target' };
  const { base } = stack;
  const [one] = stack.stacked;
  if (one === undefined) throw new Error(`nothing is said of ${requestId}`);
  switch (one.kind) {
    case 'stacked':
      return { kind: 'prepared', base, tip: one.tip };
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

/**
 * Clears up after a preparation. `vain`: the ids of the requests that did not land by it. What landed stays known until `forgetMerges`: the answer may
 * not have been heard yet.
 */
export async function closeMerge(args: {
  readonly mirror: string;
  readonly worktree: string;
  readonly vain: readonly string[];
}): Promise<void> {
  const { mirror, worktree, vain } = args;
  await removeWorktree({ mirror, path: worktree });
  for (const requests of vain) await forgetMerges({ mirror, requests });
}
