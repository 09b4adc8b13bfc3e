/** Brings a branch up to its target by a merge, which rewrites nothing that was pushed. */
import { authorEnvironment, type Author } from './author.js';
import { fetchMirror } from './mirror.js';
import { inWorktree, inWorktreeText, own, type Place } from './worktree.js';

/**
 * Merges the remote's `target` into the worktree's branch. What conflicts is left in the files, marked, with the merge open:
 * the next commit concludes it. Called again while a merge is open, it only says what is still unresolved.
 */
export async function catchUp(
  args: Place & { readonly target: string; readonly author: Author },
): Promise<{ readonly conflicts: readonly string[] }> {
  await fetchMirror(args.mirror);
  return own(args, async () => {
    if (!(await isMerging(args))) {
      const ref = `refs/remotes/origin/${args.target}`;
      const message = `Merge ${args.target} before rework`;
      const merge = await inWorktree(args, ['merge', '--quiet', '--no-verify', '--no-ff', '-m', message, ref], {
        codes: [0, 1],
        env: authorEnvironment(args.author),
      });
      if (merge.code !== 0 && !(await isMerging(args))) {
        throw new Error(`${args.target} cannot be merged into ${args.path}: ${merge.stdout}${merge.stderr}`.trim());
      }
    }
    return { conflicts: await unresolved(args) };
  });
}

async function isMerging(place: Place): Promise<boolean> {
  return (await inWorktree(place, ['rev-parse', '--quiet', '--verify', 'MERGE_HEAD'], { codes: [0, 1] })).code === 0;
}

/** Files in which an open merge has conflicts that nobody has resolved: still unmerged, and with the markers in them. */
export async function unresolved(place: Place): Promise<readonly string[]> {
  const listed = await inWorktreeText(place, ['diff', '--name-only', '--diff-filter=U', '-z']);
  const files = listed.split('\0').filter(Boolean);
  if (files.length === 0) return [];
  // A file without markers was resolved by hand; git learns of it when it is added.
  const marked = await inWorktree(place, ['grep', '--no-index', '-lzE', '^(<<<<<<<|>>>>>>>)( |$)', '--', ...files], {
    codes: [0, 1],
  });
  return marked.stdout.split('\0').filter(Boolean);
}
