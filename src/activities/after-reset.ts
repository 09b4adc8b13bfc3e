/**
 * A molecule that was reset (`temporal workflow reset`) goes on from an earlier step than its sandbox is at: that goes back with it. It
 * is known by commits of steps that are on the remote and that the molecule does not know of.
 */
import type { Author } from '../git/author.js';
import { remoteSha } from '../git/branch.js';
import { stepCommits, type StepCommit } from '../git/commit.js';
import { commitOf } from '../git/git.js';
import { goBack } from '../git/go-back.js';
import { worktreeState, type Place } from '../git/worktree.js';

type Expected = {
  readonly molecule: string;
  readonly branch: string;
  readonly author: Author;
  readonly step: string;
  /** The commit that the molecule knows the branch to be at. */
  readonly since: string;
};

type Session = Expected & {
  /** Whether it is the first session of its step. */
  readonly isFirst: boolean;
  /** Whether it was begun once before, by another run of the molecule. */
  readonly isAgain: boolean;
};

/** Before a session. What earlier sessions of its step have left stays, unless other steps have come since. */
export async function afterReset(place: Place, expected: Session): Promise<void> {
  const { isFirst, isAgain } = expected;
  const pushed = await pushedSince(place, expected);
  const isLater = pushed.some(({ step }) => isFirst || step !== expected.step);
  if (isLater || (isFirst && isAgain)) await back(place, expected, expected.since);
}

/** Before the checks of a step: what its session left before the reset is in the commit of the step, if that was reached. */
export async function afterResetInStep(place: Place, expected: Expected): Promise<void> {
  const pushed = await pushedSince(place, expected);
  const first = pushed.findIndex(({ step }) => step !== expected.step);
  if (first !== -1) await back(place, expected, pushed[first - 1]?.sha ?? expected.since);
}

async function back(place: Place, { branch, author }: Expected, to: string): Promise<void> {
  if ((await commitOf(place.mirror, to)) !== null && (await worktreeState(place)) !== null)
    await goBack({ ...place, branch, author, to });
}

/** Commits of the molecule's steps that the remote has and the molecule does not know of, oldest first. */
async function pushedSince({ mirror }: Place, { branch, molecule, since }: Expected): Promise<readonly StepCommit[]> {
  const isOurs = (commit: StepCommit) => commit.molecule === molecule;
  const here = `refs/heads/${branch}`;
  // The remote is asked only when there may be something.
  if ((await commitOf(mirror, since)) === null || !(await stepCommits(mirror, since, here)).some(isOurs)) return [];
  const remote = await remoteSha({ mirror, branch });
  if (remote === null || remote === since || (await commitOf(mirror, remote)) === null) return [];
  return (await stepCommits(mirror, since, remote)).filter(isOurs);
}
