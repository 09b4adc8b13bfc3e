/**
 * A molecule that was reset (`temporal workflow reset`) goes on from another step than its sandbox is at: that goes there with it, back,
 * forwards, or to the side. It is known by the engine having brought the branch to another commit than the molecule knows; where that was not
 * noted, by commits of steps on the remote, on top of the one that the molecule knows, and that it knows nothing of.
 */
import { lastAccepted } from '../git/accepted.js';
import type { Author } from '../git/author.js';
import { isAncestor, remoteSha } from '../git/branch.js';
import { stepCommits, type StepCommit } from '../git/commit.js';
import { commitOf } from '../git/git.js';
import { undoneOf } from '../git/go-back.js';
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

type Claimed = InStep & {
  /** Its session says that it is done, and not a person. */
  readonly bySession?: boolean;
};

type Session = InStep & {
  /** Whether it is the first session of its step. */
  readonly isFirst: boolean;
  /** Whether it was begun once before, by another run of the molecule. */
  readonly isAgain: boolean;
};

/** Where the branch is, as another run of the molecule left it. */
type Whereabouts = {
  /** Where that had brought it; null where this one knows of it, or nothing was noted. */
  readonly elsewhere: string | null;
  /** Commits of the molecule's steps that the remote has and the molecule does not know of, oldest first. */
  readonly later: readonly StepCommit[];
};

/** Before a session. What earlier sessions of its step have left stays, unless other steps have come since. */
export async function afterReset(place: Place, expected: Session, endOthers: () => Promise<void>): Promise<void> {
  const { isFirst, isAgain } = expected;
  const { elsewhere, later } = await whereabouts(place, expected);
  const isLater = later.some(({ step }) => isFirst || step !== expected.step);
  if (elsewhere === null && !isLater && !(isFirst && isAgain)) return;
  await endOthers();
  await back(place, expected, expected.since);
}

/**
 * Before the checks of a step: what its session left before the reset is in the commit of the step, if that was reached. Answers in words when
 * what the step is said to have done is not in the sandbox now.
 */
export async function afterResetInStep(place: Place, expected: Claimed): Promise<string | null> {
  const { since, step, bySession } = expected;
  const { elsewhere, later } = await whereabouts(place, expected);
  const isOwn = (commit: StepCommit) => commit.step === step;
  if (elsewhere === null) {
    // A commit of the step itself at the end is that of an earlier attempt of this very act.
    if (later.length > 0 && !later.slice(-1).some(isOwn))
      await back(place, expected, later.findLast(isOwn)?.sha ?? since);
    return null;
  }
  const state = await worktreeState(place);
  const isLoose = state !== null && (state.dirty.length > 0 || state.head !== elsewhere);
  const unchecked = await workOf(place, expected);
  const kept = await back(place, expected, since, unchecked);
  const isThere = bySession === true ? unchecked !== undefined : !isLoose;
  return isThere ? null : aboutUndone(since, kept);
}

function aboutUndone(since: string, kept: string | null): string {
  const where = kept === null ? '' : ` (what lay in it is kept as ${kept})`;
  return `the molecule was reset, and its sandbox went to ${since} with it${where}: do there what is missing, and close the step again`;
}

/** Before what looks at the sandbox or hands it in: between steps there is no commit that the molecule does not know of. */
export async function afterResetBetween(place: Place, expected: Expected): Promise<void> {
  const { elsewhere, later } = await whereabouts(place, expected);
  if (elsewhere !== null || later.length > 0) await back(place, expected, expected.since);
}

/** Answers where what was undone is kept. */
async function back(place: Place, expected: Expected, to: string, unchecked?: string): Promise<string | null> {
  const { branch, author, since, catchUp } = expected;
  if ((await worktreeState(place)) === null) return null;
  const isRework = to === since && unchecked === undefined;
  return takeBack(place, { branch, author, to, unchecked, catchUp: isRework ? catchUp : undefined });
}

async function whereabouts(place: Place, expected: Expected): Promise<Whereabouts> {
  const { mirror } = place;
  const { branch, since } = expected;
  const last = await lastAccepted({ mirror, branch });
  // What was accepted on top of `since` may have been by an earlier attempt of the act that asks.
  if (last !== null && last.to !== since && last.from !== since) return { elsewhere: last.to, later: [] };
  const here = await commitOf(mirror, `refs/heads/${branch}`);
  if (here === null || !(here === since || (await holds(mirror, here, since)))) return { elsewhere: null, later: [] };
  return { elsewhere: null, later: here === since ? [] : await pushedSince(place, expected, here) };
}

async function holds(mirror: string, tip: string, commit: string): Promise<boolean> {
  return (await commitOf(mirror, commit)) !== null && (await isAncestor({ mirror, ancestor: commit, descendant: tip }));
}

async function pushedSince(
  { mirror }: Place,
  { branch, molecule, since }: Expected,
  here: string,
): Promise<readonly StepCommit[]> {
  const isOurs = (commit: StepCommit) => commit.molecule === molecule;
  // The remote is asked only when there may be something.
  if (!(await stepCommits(mirror, since, here)).some(isOurs)) return [];
  const remote = await remoteSha({ mirror, branch });
  // A branch that was rebased, by whomever, holds copies of what is known.
  if (remote === null || remote === since || !(await holds(mirror, remote, since))) return [];
  return (await stepCommits(mirror, since, remote)).filter(isOurs);
}

/** What the step itself, and no other, had committed on top of `since`: on the branch, or in what was undone. */
async function workOf({ mirror }: Place, { branch, molecule, since, step }: InStep): Promise<string | undefined> {
  for (const tip of [`refs/heads/${branch}`, ...(await undoneOf({ mirror, branch }))]) {
    if (!(await holds(mirror, tip, since))) continue;
    const commits = (await stepCommits(mirror, since, tip)).filter((one) => one.molecule === molecule);
    const others = commits.findIndex((one) => one.step !== step);
    const own = commits.slice(0, others === -1 ? commits.length : others).at(-1);
    if (own !== undefined) return own.sha;
  }
  return undefined;
}
