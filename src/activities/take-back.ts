/** Takes a sandbox to another commit that was its branch's, with nothing at work in it. */
import { lastAccepted, noteAccepted } from '../git/accepted.js';
import type { Author } from '../git/author.js';
import { isAncestor } from '../git/branch.js';
import { catchUp, takeIn } from '../git/catch-up.js';
import { goBack, keepUndone } from '../git/go-back.js';
import { worktreeState, type Place } from '../git/worktree.js';
import { killAllMarked } from '../process/mark.js';
import { moleculeOf } from './publish.js';

type Own = { readonly branch: string; readonly author: Author };

type Way = Own & {
  readonly to: string;
  /** Where work that was sent back begins at `to`: the target that it is brought up to then. */
  readonly catchUp?: string | undefined;
  /** A commit on top of `to` that was not checked yet: the sandbox alone goes on to it. */
  readonly unchecked?: string | undefined;
};

/** Answers where what was undone is kept, as `goBack` does. May be asked again after a kill anywhere. */
export async function takeBack(place: Place, { to, catchUp: target, unchecked, ...own }: Way): Promise<string | null> {
  await endSessions(own.branch);
  const kept = await goBack({ ...place, ...own, to });
  if (unchecked !== undefined) await takeIn({ ...place, ...own, commit: unchecked, message: 'Go on' });
  // The last act: before it, whoever asks again still finds that the sandbox is elsewhere.
  await noteAccepted({ ...place, ...own }, { from: to, to });
  if (target !== undefined) await bringUp(place, { ...own, target });
  return kept;
}

/** Brings the branch up to its target. Where that rewrites it, the copies stand for what was accepted. */
export async function bringUp(
  place: Place,
  { target, branch, author }: Own & { readonly target: string },
): Promise<{ readonly conflicts: readonly string[] }> {
  const { mirror } = place;
  const result = await catchUp({ ...place, target, author });
  const last = await lastAccepted({ mirror, branch });
  const head = (await worktreeState(place))?.head ?? null;
  if (last === null || head === null) return result;
  if (await isAncestor({ mirror, ancestor: last.to, descendant: head })) return result;
  await keepUndone({ mirror, branch, to: head }, last.to);
  await noteAccepted({ mirror, branch }, { from: last.to, to: head });
  return result;
}

/** Sessions and acceptance commands carry marks that begin with their molecule, for which the branch is named. */
export async function endSessions(branch: string): Promise<void> {
  const molecule = moleculeOf(branch);
  await killAllMarked((mark) => mark.startsWith(`${molecule}/`) || mark.startsWith(`${molecule}-r`));
}
