/** Bounds what a folder keeps. */
import { readdir, rm, stat } from 'node:fs/promises';
import { join } from 'node:path';

/** Of more than `max` entries the `keep` newest are kept, by when they were written last. */
export async function forgetOldest(folder: string, max: number, keep = max): Promise<void> {
  const names = await readdir(folder);
  if (names.length <= max) return;
  const ages = await Promise.all(names.map(async (name) => ({ name, atMs: (await stat(join(folder, name))).mtimeMs })));
  const old = ages.toSorted((a, b) => b.atMs - a.atMs).slice(keep);
  await Promise.all(old.map(({ name }) => rm(join(folder, name), { recursive: true, force: true })));
}
