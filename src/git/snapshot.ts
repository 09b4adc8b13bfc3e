/** All that lies in a worktree as a commit beside its branch, before something is done that would lose it. */
import { rm } from 'node:fs/promises';
import { join } from 'node:path';
import { authorEnvironment, type Author } from './author.js';
import { stageEverything } from './commit.js';
import { inWorktree, inWorktreeText, metadataOf, type Place } from './worktree.js';

/** For an owner: a commit of the whole tree on top of HEAD that changes neither HEAD nor the index. The same tree gives the same commit. */
export async function snapshotOf(
  place: Place,
  { head, author, message }: { readonly head: string; readonly author: Author; readonly message: string },
): Promise<string> {
  const index = join((await metadataOf(place)) ?? place.mirror, 'gt-snapshot-index');
  await rm(index, { force: true });
  await rm(`${index}.lock`, { force: true });
  const env = { GIT_INDEX_FILE: index };
  await inWorktree(place, ['read-tree', head], { env });
  await stageEverything(place, null, { env });
  const tree = await inWorktreeText(place, ['write-tree'], { env });
  await rm(index, { force: true });
  const date = await inWorktreeText(place, ['show', '--no-patch', '--format=%cI', head]);
  const dates = { GIT_AUTHOR_DATE: date, GIT_COMMITTER_DATE: date };
  return inWorktreeText(place, ['commit-tree', tree, '-p', head, '-m', message], {
    env: { ...authorEnvironment(author), ...dates },
  });
}
