/** What a person has made in a worktree besides its own branch: branches at commits that HEAD has been at there, and that the remote does not have. */
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { ignoreMissing } from './discard.js';
import { gitText } from './git.js';
import { metadataOf, type Place } from './worktree.js';

export type Unpushed = { readonly branch: string; readonly head: string; readonly commits: number };

/** `others`: how the names of branches begin that are somebody else's. The branch named as `own` counts in any case. */
export async function unpushedBranches(
  place: Place,
  { own, others }: { readonly own: string; readonly others: readonly string[] },
): Promise<readonly Unpushed[]> {
  const { mirror } = place;
  const visited = await visitedIn(place);
  const listed = await gitText(mirror, ['for-each-ref', '--format=%(objectname) %(refname:lstrip=2)', 'refs/heads']);
  const theirs = listed.split('\n').flatMap((line) => {
    const at = line.indexOf(' ');
    const [head, branch] = [line.slice(0, at), line.slice(at + 1)];
    const isTheirs = visited.has(head) && !others.some((start) => branch.startsWith(start));
    return at > 0 && (branch === own || isTheirs) ? [{ branch, head }] : [];
  });
  const counted: Unpushed[] = [];
  for (const one of theirs) {
    const commits = Number(await gitText(mirror, ['rev-list', '--count', one.head, '--not', '--remotes']));
    if (commits > 0) counted.push({ ...one, commits });
  }
  return counted;
}

/** By git's own log of HEAD. */
async function visitedIn(place: Place): Promise<ReadonlySet<string>> {
  const metadata = await metadataOf(place);
  const log =
    metadata === null ? undefined : await readFile(join(metadata, 'logs', 'HEAD'), 'utf8').catch(ignoreMissing);
  return new Set((log ?? '').split('\n').flatMap((line) => line.split(' ', 2)));
}
