/**
 * Repositories inside a worktree. Of such a folder git keeps only the id of a commit (a gitlink). Without an entry in
 * `.gitmodules` nobody finds its files again: it must not land, and its folder must not be taken for a copy of something.
 */
import { readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { ignoreMissing } from './discard.js';
import { commitOf, git, type GitOptions } from './git.js';
import { inWorktree, type Place } from './worktree.js';

export type StrayLink = {
  readonly path: string;
  readonly commit: string;
  /** What lies in its folder. Git passes over the files of a folder that it takes for a repository. */
  readonly inside: 'nothing' | 'files' | 'repository';
};

/** The whole index of a very large repository. */
const INDEX_CHARS_MAX = 128 * 1024 * 1024;

/** Gitlinks of the index that `.gitmodules` does not name. */
export async function strayLinks(place: Place, options: GitOptions = {}): Promise<readonly StrayLink[]> {
  const { stdout } = await inWorktree(place, ['ls-files', '--stage', '-z'], { ...options, keepChars: INDEX_CHARS_MAX });
  const links = stdout.split('\0').flatMap((entry) => {
    const [, commit, path] = /^160000 ([0-9a-f]+) \d\t([\s\S]+)$/.exec(entry) ?? [];
    return commit === undefined || path === undefined ? [] : [{ commit, path }];
  });
  if (links.length === 0) return [];
  const named = await submodules(place, options);
  const strays = links.filter((link) => !named.has(link.path));
  return Promise.all(strays.map(async (link) => ({ ...link, inside: await insideOf(join(place.path, link.path)) })));
}

/** Whether the commit has this very gitlink: then it is nobody's doing here. */
export async function hasLink(mirror: string, commit: string, link: StrayLink): Promise<boolean> {
  if ((await commitOf(mirror, commit)) === null) return false;
  const command = ['rev-parse', '--verify', '--quiet', '--end-of-options', `${commit}:${link.path}`];
  return (await git(mirror, command, { codes: [0, 1, 128] })).stdout.trim() === link.commit;
}

/** What is wrong with them, and what to do, for whoever works in the worktree. */
export function aboutStrays(paths: readonly string[]): string {
  const one = paths[0] ?? '';
  const are = paths.length === 1 ? 'is a git repository of its own' : 'are git repositories of their own';
  return (
    `${paths.join(', ')} ${are}, of which git would keep only a commit id and no file. ` +
    `To keep the files here, rm -rf ${one}/.git; to leave them out, delete ${one} or name it in .gitignore; ` +
    `a real submodule must stand in .gitmodules (git submodule add)`
  );
}

async function submodules(place: Place, options: GitOptions): Promise<ReadonlySet<string>> {
  const look = ['config', '--blob', ':.gitmodules', '--null', '--get-regexp', '^submodule\\..*\\.path$'];
  const { stdout } = await inWorktree(place, look, { ...options, codes: [0, 1, 128] });
  return new Set(stdout.split('\0').flatMap((entry) => (entry === '' ? [] : [entry.slice(entry.indexOf('\n') + 1)])));
}

async function insideOf(folder: string): Promise<StrayLink['inside']> {
  const names = (await readdir(folder).catch(ignoreMissing)) ?? [];
  return names.includes('.git') ? 'repository' : names.length > 0 ? 'files' : 'nothing';
}
