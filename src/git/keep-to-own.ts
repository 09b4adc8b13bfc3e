/**
 * What somebody who is shut in can write of git's own files (see `narrow`), before the engine's git acts by them: they may say that HEAD is
 * another's branch, that a rebase is to end on one, or that a file of git's is one of the host's. Nothing of others is to move by that.
 */
import { lstat, readdir, readFile, readlink, rename, rm, writeFile } from 'node:fs/promises';
import { dirname, join, relative } from 'node:path';
import { ignoreMissing } from './discard.js';
import { commitOf, git } from './git.js';

/** The worktree's own branch, and the folder of git's metadata for it. */
type Own = { readonly mirror: string; readonly metadata: string; readonly branch: string };

/** HEAD is on its own branch, or on none, from then on; the commit that it is at, and all files of the tree, stay as they are. */
export async function keepToOwn({ mirror, metadata, branch }: Own): Promise<void> {
  const names = join('refs', 'heads', dirname(branch));
  await pointNowhere(mirror, names);
  for (const folder of [metadata, join(mirror, 'logs', names)]) await keepPlain(folder);
  for (const folder of ['rebase-merge', 'rebase-apply']) await endOnOwn(join(metadata, folder), `refs/heads/${branch}`);
  await leaveOthers(mirror, join(metadata, 'HEAD'), `refs/heads/${branch}`);
}

/** Whether there is a pipe or a link among the files of git's that can be written there: git makes neither, and would wait for a pipe for ever. */
export async function holdsOddFiles({ mirror, metadata, branch }: Own): Promise<boolean> {
  const names = join('refs', 'heads', dirname(branch));
  const all = await Promise.all([metadata, join(mirror, names), join(mirror, 'logs', names)].map(below));
  return all.flat().some(({ isPlain }) => !isPlain);
}

/** A branch of the polecat's name that stands for another one would be followed: it becomes a branch at the same commit. */
async function pointNowhere(mirror: string, names: string): Promise<void> {
  const all = await below(join(mirror, names));
  // Git would wait for a pipe for ever, also for one that another name leads to.
  const waiting = await Promise.all(all.map(async ({ path, isPlain }) => !isPlain && (await leadsToNoRef(path))));
  for (const [at, { path }] of all.entries()) if (waiting[at] === true) await rm(path, { force: true });
  for (const { path, isPlain } of all.filter((_, at) => waiting[at] !== true)) {
    if (path.endsWith('.lock') || (isPlain && !(await textOf(path)).startsWith('ref:'))) continue;
    const ref = relative(mirror, path);
    const at = await commitOf(mirror, ref);
    if (at === null) await rm(path, { force: true });
    else await git(mirror, ['update-ref', '--no-deref', ref, at]);
  }
}

/** A pipe, or a link that git would follow as one of the file system's. */
async function leadsToNoRef(path: string): Promise<boolean> {
  return !(await readlink(path).catch(() => '')).startsWith('refs/');
}

/** Git writes through a link, and waits for a pipe; it makes neither. */
async function keepPlain(folder: string): Promise<void> {
  for (const { path, isPlain } of await below(folder)) if (!isPlain) await rm(path, { force: true });
}

/** A rebase that is aborted puts the branch that it names back, and takes away the refs that it lists. */
async function endOnOwn(rebase: string, own: string): Promise<void> {
  const names = (await readdir(rebase).catch(() => [])).filter((name) => name === 'head-name');
  await rm(join(rebase, 'refs-to-delete'), { recursive: true, force: true });
  for (const name of names)
    if ((await textOf(join(rebase, name))) !== own) await replace(join(rebase, name), 'detached HEAD\n');
}

async function leaveOthers(mirror: string, head: string, own: string): Promise<void> {
  const said = await textOf(head);
  const ref = /^ref:\s*(refs\/.*)$/.exec(said)?.[1] ?? null;
  if (ref === own || /^[0-9a-f]{40,64}$/.test(said)) return;
  const at = ref === null ? null : await commitOf(mirror, ref);
  await replace(head, at === null ? `ref: ${own}\n` : `${at}\n`);
}

/** Without the white space around it; empty when it cannot be read. */
async function textOf(path: string): Promise<string> {
  return (await readFile(path, 'utf8').catch(() => '')).trim();
}

async function replace(path: string, text: string): Promise<void> {
  const half = `${path}.new`;
  await rm(half, { recursive: true, force: true });
  await writeFile(half, text, { flag: 'wx' });
  if ((await lstat(path).catch(ignoreMissing))?.isDirectory() === true) await rm(path, { recursive: true });
  await rename(half, path);
}

type Entry = { readonly path: string; readonly isPlain: boolean };

/** All but the folders that can be read. Submodules have repositories of their own, at which the engine's git only looks. */
async function below(folder: string): Promise<readonly Entry[]> {
  const entries = await readdir(folder, { withFileTypes: true }).catch(() => []);
  const found = entries.map(async (entry) => {
    const path = join(folder, entry.name);
    if (!entry.isDirectory()) return [{ path, isPlain: entry.isFile() }];
    return entry.name === 'modules' ? [] : below(path);
  });
  return (await Promise.all(found)).flat();
}
