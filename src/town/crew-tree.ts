/** The worktree of a member of a crew: when it may be taken away, so that nothing of theirs is lost by that, and what is known of one that was lost with its host. */
import { listed } from './listed.js';

/** `commit`: where HEAD was when it was asked for last; absent in what 0.10 made. */
export type CrewTree = {
  readonly host: string;
  readonly path: string;
  readonly branch: string;
  readonly commit?: string | undefined;
  /** The last one whose host was lost; of the same host while no other was made in its place. */
  readonly lost?: LostTree | undefined;
};

type LostTree = Pick<CrewTree, 'host' | 'path' | 'commit'> & {
  /** Once there is another one. */
  readonly instead?: Instead;
};

/** `from`: the branch of the remote that it was made from, null when there was one on that host. `isPushed`: the remote has the last known commit of the lost one. */
type Instead = { readonly from: string | null; readonly isPushed: boolean };

export function lostWith({ host, path, commit }: CrewTree): LostTree {
  return { host, path, commit };
}

/** `from`: as of `Instead`; `hasLost`: the remote has the commit that was asked for as `lost`. Both are absent in what 0.10 answered. */
export type OpenedTree = Pick<CrewTree, 'path' | 'branch' | 'commit'> & {
  readonly from?: string | null;
  readonly hasLost?: boolean;
};

/** The one that is there now, with what is known of the one before if that is lost. */
export function openedOn(
  host: string,
  { from = null, hasLost = false, ...opened }: OpenedTree,
  before: CrewTree | null,
): CrewTree {
  const lost = before?.lost;
  if (before === null || lost === undefined) return { host, ...opened };
  if (!isLost(before)) return { host, ...opened, lost };
  // Its host is back, and has it still.
  if (before.host === host) return { host, ...opened };
  return { host, ...opened, lost: { ...lost, instead: { from, isPushed: hasLost } } };
}

/** Whether its host is lost, and no other was made in its place yet. */
export function isLost({ host, lost }: CrewTree): boolean {
  return lost !== undefined && lost.host === host && lost.instead === undefined;
}

/** In a few sentences, for a board. */
export function treeText(tree: CrewTree): string {
  const here = isLost(tree) ? [] : [`Worktree: \`${tree.path}\` on host ${tree.host}.`];
  const loss = lossText(tree);
  return [...here, ...(loss === null ? [] : [loss])].join(' ');
}

/** What became of the one before, and what this one is made from; null when none was lost. */
export function lossText({ branch, lost }: CrewTree): string | null {
  if (lost === undefined) return null;
  const { host, path, commit, instead } = lost;
  const last = commit === undefined ? '' : `, last seen at commit ${commit.slice(0, 10)}`;
  const where = `the worktree ${path} on branch ${branch}${last}`;
  if (instead === undefined)
    return `Host ${host} is lost with ${where}: it is made anew on another host when it is asked for.`;
  const { from, isPushed } = instead;
  const had = isPushed ? 'that commit is on the remote' : 'what was not pushed is on the disk of that host alone';
  return `Host ${host} was lost with ${where}; ${had}. ${madeFrom(branch, from)}`;
}

function madeFrom(branch: string, from: string | null): string {
  if (from === null) return 'This one was there before.';
  if (from === branch) return `This one was made from ${branch}, as it is on the remote.`;
  return `This one was made from ${from}, as the remote has no ${branch}.`;
}

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
