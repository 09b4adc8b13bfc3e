/** What is on the remote, against somebody who is shut in and may write loose objects of the mirror. */
import { cp, mkdir, readdir, readFile, rm, stat, writeFile } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';
import { deflateSync } from 'node:zlib';
import { expect, test } from 'vitest';
import { git, gitText } from '../../src/git/git.js';
import { fetchMirror } from '../../src/git/mirror.js';
import { openWorktree } from '../../src/git/worktree.js';
import { finishStep, makeRig, openSandbox, type Rig } from '../support/sandboxes.js';

const HONEST = 'echo honest\n';
const FORGED = 'echo forged\n';
/** With more than that git makes one of them (`gc.autoPackLimit`). */
const PACKS_MAX = 50;

const looseOf = ({ mirror }: Rig, id: string) => join(mirror, 'objects', id.slice(0, 2), id.slice(2));

/** The content of another object under its name: as git stores it, and as somebody can who may write there. */
async function forge(rig: Rig, id: string, text = FORGED): Promise<void> {
  const path = looseOf(rig, id);
  await rm(path, { force: true });
  await mkdir(dirname(path), { recursive: true });
  await writeFile(path, deflateSync(`blob ${text.length}\0${text}`));
}

/** What somebody else finds in his sandbox, who begins at the commit. */
async function seenBy(rig: Rig, name: string, from: string): Promise<string> {
  const path = join(rig.folder, 'town', 'server', 'polecats', name);
  await openWorktree({ mirror: rig.mirror, path, branch: `polecat/${name}/se-2`, from });
  return readFile(join(path, 'run.sh'), 'utf8');
}

const idOf = (rig: Rig, name: string) => gitText(rig.mirror, ['rev-parse', name]);

test('what was fetched, be it little, is in packs, and no loose object takes its place', async () => {
  const rig = await makeRig({ files: { 'run.sh': HONEST } });
  await forge(rig, await idOf(rig, 'origin/main:run.sh'));
  expect(await seenBy(rig, 'Nux', 'origin/main')).toBe(HONEST);
  await rig.origin.commit({ 'more.sh': HONEST });
  await fetchMirror(rig.mirror);
  expect(await seenBy(rig, 'Slit', 'origin/main')).toBe(HONEST);
  await forge(rig, await idOf(rig, 'origin/main^{tree}'));
  expect(await seenBy(rig, 'Ace', 'origin/main')).toBe(HONEST);
});

test('what a polecat has pushed is as it was, whatever becomes of its loose objects', async () => {
  const rig = await makeRig();
  const head = await finishStep(rig, await openSandbox(rig), { 'run.sh': HONEST });
  await fetchMirror(rig.mirror);
  for (const one of [`${head}:run.sh`, `${head}^{tree}`, head]) await forge(rig, await idOf(rig, one));
  expect(await seenBy(rig, 'Nux', head)).toBe(HONEST);
});

test.each([
  ['a file', (head: string) => `${head}:run.sh`],
  ['a folder', (head: string) => `${head}^{tree}`],
  ['a commit', (head: string) => head],
])('%s that was changed before it was looked at is had from the remote again', async (_what, nameOf) => {
  const rig = await makeRig();
  const head = await finishStep(rig, await openSandbox(rig), { 'run.sh': HONEST });
  await forge(rig, await idOf(rig, nameOf(head)));
  await fetchMirror(rig.mirror);
  expect(await seenBy(rig, 'Nux', head)).toBe(HONEST);
  await git(rig.mirror, ['fsck', '--strict']);
});

test('one that was taken away is had from the remote again', async () => {
  const rig = await makeRig();
  const head = await finishStep(rig, await openSandbox(rig), { 'run.sh': HONEST });
  await rm(looseOf(rig, await idOf(rig, `${head}:run.sh`)));
  await fetchMirror(rig.mirror);
  expect(await seenBy(rig, 'Nux', head)).toBe(HONEST);
});

test('one that is empty, as after a power cut, is had from the remote again', async () => {
  const rig = await makeRig();
  const head = await finishStep(rig, await openSandbox(rig), { 'run.sh': HONEST });
  const path = looseOf(rig, await idOf(rig, `${head}:run.sh`));
  await rm(path);
  await writeFile(path, '');
  await fetchMirror(rig.mirror);
  expect(await seenBy(rig, 'Nux', head)).toBe(HONEST);
});

test('tidying up leaves the folder of a polecat’s branches where it is: it is mounted where that works', async () => {
  const rig = await makeRig();
  const { branch } = await openSandbox(rig);
  const packs = join(rig.mirror, 'objects', 'pack');
  for (let at = 0; at < PACKS_MAX + 1; at += 1) {
    const id = await gitText(rig.mirror, ['hash-object', '-w', '--stdin'], { input: `${at}` });
    await git(rig.mirror, ['pack-objects', '--quiet', join(packs, 'pack')], { input: `${id}\n` });
  }
  const folder = await stat(join(rig.mirror, 'refs', 'heads', dirname(branch)));
  await rig.origin.commit({ 'more.sh': HONEST });
  await fetchMirror(rig.mirror);
  expect((await readdir(packs)).filter((name) => name.endsWith('.pack')).length).toBeLessThan(PACKS_MAX);
  expect(await stat(join(rig.mirror, 'refs', 'heads', dirname(branch)))).toMatchObject({ ino: folder.ino });
  expect(await readdir(join(rig.mirror, 'refs', 'heads', dirname(branch)))).toEqual([basename(branch)]);
});

test('a mirror of before, with loose objects of the remote, is put right by the next fetch', async () => {
  const rig = await makeRig({ files: { 'run.sh': HONEST } });
  await rm(join(rig.mirror, 'gt-sealed'));
  const packed = await gitText(rig.origin.path, ['rev-list', '--objects', '--no-object-names', 'main']);
  await rm(join(rig.mirror, 'objects', 'pack'), { recursive: true });
  await mkdir(join(rig.mirror, 'objects', 'pack'));
  for (const id of packed.split('\n')) {
    await mkdir(dirname(looseOf(rig, id)), { recursive: true });
    await cp(join(rig.origin.path, 'objects', id.slice(0, 2), id.slice(2)), looseOf(rig, id));
  }
  await fetchMirror(rig.mirror);
  await forge(rig, await idOf(rig, 'origin/main:run.sh'));
  expect(await seenBy(rig, 'Nux', 'origin/main')).toBe(HONEST);
});
