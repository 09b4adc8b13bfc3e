/** Whether somebody has worked in a folder lately, by the times of its files. Git's own do not count, nor what a link leads to. */
import { lstat, readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { ignoreMissing } from '../git/discard.js';

/** Of more nobody can tell soon enough. */
const ENTRIES_MAX = 200_000;
const AT_ONCE = 50;

/** Why it may have been, in words; null when it has not. */
export async function touchedSince(folder: string, sinceMs: number): Promise<string | null> {
  let left = ENTRIES_MAX;
  const folders = [folder];
  for (let next = folders.pop(); next !== undefined; next = folders.pop()) {
    const inside = next;
    const names = (await readdir(inside).catch(ignoreMissing)) ?? [];
    left -= names.length;
    if (left < 0) return `it has more than ${ENTRIES_MAX} files, of which not all were looked at`;
    const paths = [inside, ...names.filter((name) => name !== '.git').map((name) => join(inside, name))];
    for (let at = 0; at < paths.length; at += AT_ONCE) {
      const some = paths.slice(at, at + AT_ONCE);
      const found = await Promise.all(some.map(async (path) => lstat(path).catch(ignoreMissing)));
      const newer = found.findIndex((one) => one !== undefined && one.mtimeMs > sinceMs);
      if (newer >= 0) return `${some[newer]} was changed lately`;
      folders.push(...some.filter((path, index) => path !== inside && found[index]?.isDirectory() === true));
    }
  }
  return null;
}
