/** Where the town is: small, so that commands that read no more than formulas start at once. */
import { statSync } from 'node:fs';
import { readFile, stat } from 'node:fs/promises';
import { dirname, join, resolve } from 'node:path';
import { TOWN_FILE } from './town/paths.js';

/** The nearest folder with a `town.toml`, from `start` upwards; null when there is none. */
export function findTown(start: string): string | null {
  for (let dir = resolve(start); ; dir = dirname(dir)) {
    if (isFile(join(dir, TOWN_FILE))) return dir;
    if (dir === dirname(dir)) return null;
  }
}

function isFile(file: string): boolean {
  try {
    return statSync(file).isFile();
  } catch {
    return false;
  }
}

/** Why the folder cannot be used as a town, in a sentence; null when its `town.toml` can be read. */
export async function whyNoTown(dir: string): Promise<string | null> {
  const file = join(dir, TOWN_FILE);
  try {
    await readFile(file);
    return null;
  } catch (error) {
    return whyUnread(dir, file, error);
  }
}

/** What stood in the way of reading `file`, the `town.toml` of `dir`. */
export async function whyUnread(dir: string, file: string, error: unknown): Promise<string> {
  const code = error instanceof Error && 'code' in error ? String(error.code) : String(error);
  const folder = await stat(dir).catch((reason: NodeJS.ErrnoException) => reason.code ?? 'unknown');
  if (code === 'EACCES' || code === 'EPERM' || folder === 'EACCES')
    return `${file} cannot be read: its owner must give you the permission (${code})`;
  if (folder === 'ENOENT') return `${dir} does not exist: make a town there with: gt init ${dir}`;
  if (typeof folder === 'object' && !folder.isDirectory())
    return `${dir} is a file: a town is a folder with a ${TOWN_FILE}`;
  if (code === 'ENOENT') return `${dir} is no town, it has no ${TOWN_FILE}: make it one with: gt init ${dir}`;
  return `${file} cannot be read (${code}): is it a file?`;
}

/** The town that `GT_TOWN` names, a folder. */
export function townOfEnvironment(env: NodeJS.ProcessEnv = process.env): string | null {
  return env['GT_TOWN'] || null;
}
