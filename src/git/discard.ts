/**
 * Removes a folder so that nobody ever meets half of it: it is renamed away first, then deleted. What a crash leaves of the
 * deletion is swept up by the next one.
 */
import { randomUUID } from 'node:crypto';
import { readdir, rename, rm } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';

const GONE = '.gone-';

/** Removes the folder if it is there. `as` is where it waits for its deletion, if that may not be beside `path`. */
export async function discard(path: string, as = path): Promise<void> {
  await rename(path, `${as}${GONE}${randomUUID()}`).catch(ignoreMissing);
  const leftovers = await siblings(as, GONE);
  await Promise.all(leftovers.map((leftover) => rm(leftover, { recursive: true, force: true, maxRetries: 3 })));
}

/** Folders beside `path` whose name is its name with `suffix` and something behind. */
export async function siblings(path: string, suffix: string): Promise<readonly string[]> {
  const parent = dirname(path);
  const names = await readdir(parent).catch(ignoreMissing);
  return (names ?? []).filter((name) => name.startsWith(basename(path) + suffix)).map((name) => join(parent, name));
}

/** For `.catch`: a missing file becomes undefined, any other trouble goes on. */
export function ignoreMissing(error: NodeJS.ErrnoException): undefined {
  if (error.code === 'ENOENT' || error.code === 'ENOTDIR') return undefined;
  throw error;
}
