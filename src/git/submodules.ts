/**
 * The submodules of a worktree. Their repositories lie beside its metadata or in its folders, and go with it: a commit in them that
 * none of their remotes has is nowhere else.
 */
import { readdir, stat } from 'node:fs/promises';
import { join, relative } from 'node:path';
import { ignoreMissing } from './discard.js';
import { commitOf, git, type GitOutput } from './git.js';
import { inWorktree, metadataOf, type Place } from './worktree.js';

type Module = { readonly name: string; readonly dir: string };

/** Git in the repository of this folder, by its settings: its output, whatever its exit code. */
export type Look = (dir: string, args: readonly string[]) => Promise<Pick<GitOutput, 'code' | 'stdout'>>;

const INDEX_CHARS_MAX = 128 * 1024 * 1024;

/**
 * Names of the submodules, nested ones included, with a commit (of a branch, of HEAD, of the stash) that no branch of their remotes
 * had when they were fetched last. `born`: the commit that the work began at; what that names as a submodule's commit was there
 * before, on a branch or not. The target is no such witness: it names what was never pushed as soon as the work has landed. `look`: where
 * somebody is shut in, who may have made them; settings can name programs, which git starts for a commit that is missing.
 */
export async function unpushedSubmodules(
  place: Place,
  born: string | null,
  look: Look = lookHere,
): Promise<readonly string[]> {
  const isThere = (await stat(place.path).catch(ignoreMissing)) !== undefined;
  const links = isThere ? await gitlinks(place) : [];
  const modules = await modulesOf(place, links);
  if (modules.length === 0) return [];
  const known = born === null ? [] : await namedBy(place.mirror, born, links);
  const found: string[] = [];
  for (const { name, dir } of modules) if (await isUnpushed(dir, known, look)) found.push(name);
  return found;
}

/** What is wrong with them, and what to do, for whoever works in the worktree. */
export function aboutUnpushed(names: readonly string[]): string {
  const one = names[0] ?? '';
  const have = names.length === 1 ? `the submodule ${one} has` : `the submodules ${names.join(', ')} have`;
  return `${have} commits that none of their remotes has: push them there (git -C ${one} push origin HEAD:refs/heads/BRANCH)`;
}

async function gitlinks(place: Place): Promise<readonly string[]> {
  const { stdout } = await inWorktree(place, ['ls-files', '--stage', '-z'], { keepChars: INDEX_CHARS_MAX });
  return stdout.split('\0').flatMap((entry) => /^160000 [0-9a-f]+ 0\t([\s\S]+)$/.exec(entry)?.[1] ?? []);
}

async function modulesOf(place: Place, links: readonly string[]): Promise<readonly Module[]> {
  const metadata = await metadataOf(place);
  const beside = metadata === null ? [] : await modulesIn(join(metadata, 'modules'));
  const inside = await Promise.all(
    links.map(async (path) => {
      const dir = join(place.path, path, '.git');
      if ((await stat(dir).catch(ignoreMissing))?.isDirectory() !== true) return [];
      return [{ name: path, dir }, ...(await modulesIn(join(dir, 'modules'), path))];
    }),
  );
  return [...beside, ...inside.flat()];
}

/** A submodule's name may have slashes; its own submodules lie in its folder `modules`. */
async function modulesIn(folder: string, outer = ''): Promise<readonly Module[]> {
  const below = async (at: string): Promise<readonly Module[]> => {
    const entries = (await readdir(at, { withFileTypes: true }).catch(ignoreMissing)) ?? [];
    if (entries.some((entry) => entry.name === 'HEAD')) {
      const name = join(outer, relative(folder, at));
      return [{ name, dir: at }, ...(await modulesIn(join(at, 'modules'), name))];
    }
    const folders = entries.filter((entry) => entry.isDirectory());
    return (await Promise.all(folders.map((entry) => below(join(at, entry.name))))).flat();
  };
  return below(folder);
}

async function namedBy(mirror: string, commit: string, links: readonly string[]): Promise<readonly string[]> {
  if (links.length === 0 || (await commitOf(mirror, commit)) === null) return [];
  const { stdout } = await git(mirror, ['--literal-pathspecs', 'ls-tree', '-z', commit, '--', ...links]);
  return Array.from(stdout.matchAll(/(?:^|\0)160000 commit ([0-9a-f]+)\t/g), ([, sha = '']) => sha);
}

async function isUnpushed(dir: string, known: readonly string[], look: Look): Promise<boolean> {
  const present = async (names: readonly string[]) => {
    const found = names.map(async (name) => {
      const { code, stdout } = await look(dir, [
        'rev-parse',
        '--verify',
        '--quiet',
        '--end-of-options',
        `${name}^{commit}`,
      ]);
      return code === 0 ? [stdout.trim()] : [];
    });
    return (await Promise.all(found)).flat();
  };
  const loose = await present(['HEAD', 'refs/stash']);
  const there = await present(known);
  const order = ['rev-list', '--max-count=1', '--branches', ...loose, '--not', '--remotes', ...there];
  const { code, stdout } = await look(dir, order);
  // What cannot be read is not known to be anywhere else.
  return code !== 0 || stdout.trim() !== '';
}

/** Told where it is: its configuration names a work tree, which may be gone. */
function lookHere(dir: string, args: readonly string[]): Promise<GitOutput> {
  return git(dir, args, { env: { GIT_DIR: dir, GIT_WORK_TREE: dir }, codes: [0, 1, 128] });
}
