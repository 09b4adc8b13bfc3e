/** Takes a sandbox back to an earlier commit of its branch, with nothing at work in it. */
import type { Author } from '../git/author.js';
import { catchUp } from '../git/catch-up.js';
import { goBack } from '../git/go-back.js';
import type { Place } from '../git/worktree.js';
import { killAllMarked } from '../process/mark.js';
import { moleculeOf } from './publish.js';

type Way = {
  readonly branch: string;
  readonly author: Author;
  readonly to: string;
  /** Where work that was sent back begins at `to`: the target that it is brought up to then. */
  readonly catchUp?: string | undefined;
};

/** Answers where what was undone is kept, as `goBack` does. */
export async function takeBack(place: Place, { branch, author, to, catchUp: target }: Way): Promise<string | null> {
  await endSessions(branch);
  const kept = await goBack({ ...place, branch, author, to });
  if (target !== undefined) await catchUp({ ...place, target, author });
  return kept;
}

/** Sessions and acceptance commands carry marks that begin with their molecule, for which the branch is named. */
export async function endSessions(branch: string): Promise<void> {
  const molecule = moleculeOf(branch);
  await killAllMarked((mark) => mark.startsWith(`${molecule}/`) || mark.startsWith(`${molecule}-r`));
}
