/** When the worktree of a member of a crew may be taken away: nothing of theirs is lost by that. */
import { listed } from './listed.js';

type Found = {
  /** Files that differ from the last commit. */
  readonly dirty: readonly string[];
  readonly rebasing: boolean;
  /** How many commits of HEAD the remote does not have. */
  readonly beyond: number;
  /** Branches that were worked on there, with commits that the remote does not have. */
  readonly unpushed: readonly { readonly branch: string; readonly commits: number }[];
};

const NAMED_MAX = 3;

/** What there is that is nowhere else, in words that go on from the path; null: nothing. */
export function whyKept({ dirty, rebasing, beyond, unpushed }: Found): string | null {
  if (rebasing) return 'a rebase that has not ended';
  if (dirty.length > 0)
    return `${counted(dirty.length, 'file')} not committed, as ${listed(dirty.slice(0, NAMED_MAX), 'and')}`;
  if (unpushed.length > 0) {
    const branches = unpushed.slice(0, NAMED_MAX).map(({ branch, commits }) => `${branch} (${commits})`);
    return `commits that the remote does not have, on ${listed(branches, 'and')}`;
  }
  return beyond === 0 ? null : `${counted(beyond, 'commit')} that the remote does not have`;
}

const counted = (count: number, what: string) => `${count} ${what}${count === 1 ? '' : 's'}`;
