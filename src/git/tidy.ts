/**
 * Keeps a mirror small. Not by `git gc`: that packs whatever lies about loose, and what is in a pack counts as looked at (see `seal`); and it packs refs, with the
 * last of which the folder of a polecat's branches goes, while it is mounted where that polecat works.
 */
import { readdir, rm, stat, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { ignoreMissing } from './discard.js';
import { git, gitText } from './git.js';
import { inPackFolder, takeOver } from './seal.js';

/** As git's own: more packs than that are made one, and of that many loose objects a part lies in each of 256 folders. */
const PACKS_MAX = 50;
const LOOSE_MAX = 6_700 / 256;
/** Larger ones stay as they are. */
const PACK_BYTES_MAX = 256 * 1024 * 1024;
const PARTS_OF_A_PACK = ['idx', 'rev', 'bitmap', 'mtimes', 'pack'];
/** When it was looked last for loose objects that nothing leads to. */
const PRUNED_FILE = 'gt-pruned';
const PRUNE_EVERY_MS = 24 * 60 * 60_000;

/** For whoever is alone with the mirror, after sealing. */
export async function tidyUp(mirror: string): Promise<void> {
  await joinPacks(mirror);
  if (!(await isFull(mirror))) return;
  await git(mirror, ['prune-packed', '--quiet']);
  if (!(await isFull(mirror)) || (await wasPruned(mirror))) return;
  await writeFile(join(mirror, PRUNED_FILE), '');
  await git(mirror, ['prune', '--expire=2.weeks.ago']);
}

async function joinPacks(mirror: string): Promise<void> {
  const folder = join(mirror, 'objects', 'pack');
  const names = new Set(await readdir(folder));
  const packs = [...names].flatMap((name) => (name.endsWith('.idx') ? [name.slice(0, -'.idx'.length)] : []));
  // Of one whose pack is gone somebody has begun to take away the rest.
  const found = await Promise.all(packs.map((pack) => stat(join(folder, `${pack}.pack`)).catch(ignoreMissing)));
  const sizes = found.map((one) => one?.size ?? Infinity);
  const small = packs.filter((pack, at) => (sizes[at] ?? 0) <= PACK_BYTES_MAX && !names.has(`${pack}.keep`));
  if (small.length <= PACKS_MAX) return;
  const whole = await inPackFolder(mirror, async (made) => {
    const order = ['pack-objects', '--quiet', '--stdin-packs', '--non-empty', join(made, 'pack')];
    const said = await gitText(mirror, order, { input: small.map((pack) => `${pack}.pack\n`).join('') });
    await takeOver(mirror, made);
    return said.split('\n').flatMap((name) => (name === '' ? [] : [`pack-${name}`]));
  });
  // Nothing goes before what takes its place is there.
  const now = new Set(await readdir(folder));
  if (whole.length === 0 || !whole.every((pack) => now.has(`${pack}.pack`) && now.has(`${pack}.idx`))) return;
  for (const pack of small)
    if (!whole.includes(pack))
      for (const part of PARTS_OF_A_PACK) await rm(join(folder, `${pack}.${part}`), { force: true });
}

async function isFull(mirror: string): Promise<boolean> {
  return ((await readdir(join(mirror, 'objects', '17')).catch(ignoreMissing)) ?? []).length > LOOSE_MAX;
}

async function wasPruned(mirror: string): Promise<boolean> {
  const last = (await stat(join(mirror, PRUNED_FILE)).catch(ignoreMissing))?.mtimeMs ?? 0;
  return Date.now() - last < PRUNE_EVERY_MS;
}
