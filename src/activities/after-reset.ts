/**
 * A molecule that was reset (`temporal workflow reset`) goes on from an earlier step than its sandbox is at: that goes back with it. It
 * is known by commits of steps that are on the remote, on top of the one that the molecule knows, and that it knows nothing of.
 */
import type { Author } from '../git/author.js';
import { isAncestor, remoteSha } from '../git/branch.js';
import { stepCommits, type StepCommit } from '../git/commit.js';
import { commitOf } from '../git/git.js';
import { worktreeState, type Place } from '../git/worktree.js';
import { takeBack } from './take-back.js';

export type Expected = {
  readonly molecule: string;
  readonly branch: string;
  readonly author: Author;
  /** The commit that the molecule knows the branch to be at. */
  readonly since: string;
  /** Where work that was sent back begins at `since`: the target that it is brought up to then. */
  readonly catchUp?: string;
};

type InStep = Expected & { readonly step: string };

type Session = InStep & {
  /** Whether it is the first session of its step. */
  readonly isFirst: boolean;
  /** Whether it was begun once before, by another run of the molecule. */
  readonly isAgain: boolean;
};

/** Before a session. What earlier sessions of its step have left stays, unless other steps have come since. */
export async function afterReset(place: Place, expected: Session, endOthers: () => Promise<void>): Promise<void> {
  const { isFirst, isAgain } = expected;
  const pushed = await pushedSince(place, expected);
  const isLater = pushed.some(({ step }) => isFirst || step !== expected.step);
  if (!isLater && !(isFirst && isAgain)) return;
  await endOthers();
  await back(place, expected, expected.since);
}

/** Before the checks of a step: what its session left before the reset is in the commit of the step, if that was reached. */
export async function afterResetInStep(place: Place, expected: InStep): Promise<void> {
  const pushed = await pushedSince(place, expected);
  const isOwn = ({ step }: StepCommit) => step === expected.step;
  // A commit of the step itself at the end is that of an earlier attempt of this very act.
  if (pushed.length === 0 || pushed.slice(-1).some(isOwn)) return;
  await back(place, expected, pushed.findLast(isOwn)?.sha ?? expected.since);
}

/** Before what looks at the sandbox or hands it in: between steps there is no commit that the molecule does not know of. */
export async function afterResetBetween(place: Place, expected: Expected): Promise<void> {
  if ((await pushedSince(place, expected)).length > 0) await back(place, expected, expected.since);
}

async function back(place: Place, { branch, author, since, catchUp }: Expected, to: string): Promise<void> {
  if ((await commitOf(place.mirror, to)) === null || (await worktreeState(place)) === null) return;
  await takeBack(place, { branch, author, to, catchUp: to === since ? catchUp : undefined });
}

/** Commits of the molecule's steps that the remote has and the molecule does not know of, oldest first. */
async function pushedSince({ mirror }: Place, { branch, molecule, since }: Expected): Promise<readonly StepCommit[]> {
  const isOurs = (commit: StepCommit) => commit.molecule === molecule;
  const here = `refs/heads/${branch}`;
  // The remote is asked only when there may be something.
  if ((await commitOf(mirror, since)) === null || (await commitOf(mirror, here)) === null) return [];
  if (!(await stepCommits(mirror, since, here)).some(isOurs)) return [];
  const remote = await remoteSha({ mirror, branch });
  if (remote === null || remote === since || (await commitOf(mirror, remote)) === null) return [];
  // A branch that was rebased, by whomever, holds copies of what is known.
  if (!(await isAncestor({ mirror, ancestor: since, descendant: remote }))) return [];
  return (await stepCommits(mirror, since, remote)).filter(isOurs);
}
