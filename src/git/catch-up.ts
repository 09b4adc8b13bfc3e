/** Brings a branch up to its target before it is reworked. */
import { authorEnvironment, type Author } from './author.js';
import { isAncestor } from './branch.js';
import { Blocked } from './git-error.js';
import { fetchMirror } from './mirror.js';
import { REBASE } from './pile.js';
import { inWorktree, inWorktreeText, own, worktreeState, type Place } from './worktree.js';

type Request = Place & { readonly target: string; readonly author: Author };

/**
 * Puts the worktree's branch on top of the remote's `target` by a rebase where that goes by itself. Where it conflicts, or the
 * branch holds a merge whose resolution a rebase would drop, the target is merged in instead, and what conflicts is left marked
 * in the files with the merge open: the next commit concludes it. Called again it goes on from whatever it finds.
 */
export async function catchUp(args: Request): Promise<{ readonly conflicts: readonly string[] }> {
  await fetchMirror(args.mirror);
  return own(args, async () => {
    const target = `refs/remotes/origin/${args.target}`;
    if (await isMerging(args)) return { conflicts: await unresolved(args) };
    // A rebase that a crash cut off has changed nothing yet that cannot be had again.
    if ((await worktreeState(args))?.rebasing === true) await inWorktree(args, ['rebase', '--abort']);
    const head = await inWorktreeText(args, ['rev-parse', 'HEAD']);
    if (await isAncestor({ mirror: args.mirror, ancestor: target, descendant: head })) return { conflicts: [] };
    if (!(await rebase(args, target)))
      await merge(args, target, ['--no-ff', '-m', `Merge ${args.target} before rework`]);
    return { conflicts: await unresolved(args) };
  });
}

/** False when the branch cannot be rebased by itself; it is then as it was. */
async function rebase(args: Request, target: string): Promise<boolean> {
  const merges = await inWorktreeText(args, ['rev-list', '--merges', '--max-count=1', `${target}..HEAD`]);
  if (merges !== '') return false;
  const env = authorEnvironment(args.author);
  const done = await inWorktree(args, [...REBASE, target], { codes: [0, 1], env });
  if (done.code === 0) return true;
  await inWorktree(args, ['rebase', '--abort']);
  return false;
}

/**
 * Merges `commit`, which somebody pushed to the worktree's own branch. Answers the files in which that conflicts; they are left
 * with the merge open, as by `catchUp`.
 */
export async function takeIn(
  args: Place & { readonly commit: string; readonly message: string; readonly author: Author },
): Promise<{ readonly conflicts: readonly string[] }> {
  return own(args, async () => {
    await merge(args, args.commit, ['--ff', '-m', args.message]);
    return { conflicts: await unmerged(args) };
  });
}

/** Undoes what `takeIn` left open; everything was committed before it. */
export async function leaveOut(place: Place): Promise<void> {
  await own(place, () => inWorktree(place, ['merge', '--abort']));
}

async function merge(args: Place & { readonly author: Author }, what: string, how: readonly string[]): Promise<void> {
  const done = await inWorktree(args, ['merge', '--quiet', '--no-verify', ...how, what], {
    codes: [0, 1, 2],
    env: authorEnvironment(args.author),
  });
  if (done.code !== 0 && !(await isMerging(args))) {
    throw new Blocked(`${what} cannot be merged into ${args.path}: ${done.stdout}${done.stderr}`.trim());
  }
}

async function isMerging(place: Place): Promise<boolean> {
  return (await inWorktree(place, ['rev-parse', '--quiet', '--verify', 'MERGE_HEAD'], { codes: [0, 1] })).code === 0;
}

/** Files in which an open merge has conflicts that nobody has resolved: still unmerged, and with the markers in them. */
export async function unresolved(place: Place): Promise<readonly string[]> {
  const files = await unmerged(place);
  if (files.length === 0) return [];
  // A file without markers was resolved by hand; git learns of it when it is added.
  const marked = await inWorktree(place, ['grep', '--no-index', '-lzE', '^(<<<<<<<|>>>>>>>)( |$)', '--', ...files], {
    codes: [0, 1],
  });
  return marked.stdout.split('\0').filter(Boolean);
}

async function unmerged(place: Place): Promise<readonly string[]> {
  const listed = await inWorktreeText(place, ['diff', '--name-only', '--diff-filter=U', '-z', '--no-ext-diff']);
  return listed.split('\0').filter(Boolean);
}
