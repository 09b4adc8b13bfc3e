/** What is on the remote, against somebody who is shut in and may write loose objects of the mirror. */
import { createHash } from 'node:crypto';
import { cp, mkdir, readdir, readFile, rm, stat, utimes, writeFile } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';
import { deflateSync } from 'node:zlib';
import { expect, test } from 'vitest';
import { commitOf, git, gitText } from '../../src/git/git.js';
import { fetchMirror } from '../../src/git/mirror.js';
import { INCOMING } from '../../src/git/seal.js';
import { openWorktree } from '../../src/git/worktree.js';
import { BRANCH, finishStep, makeRig, openSandbox, type Rig } from '../support/sandboxes.js';

const HONEST = 'echo honest\n';
const FORGED = 'echo forged\n';
/** With more than that git makes one of them (`gc.autoPackLimit`). */
const PACKS_MAX = 50;
/** And so many in one folder are taken for too many loose ones in all (`gc.auto`). */
const LOOSE_MAX = 27;

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

test('what was fetched by a worker that was killed is nobody’s before it was looked at', async () => {
  const rig = await makeRig();
  const head = await finishStep(rig, await openSandbox(rig), { 'run.sh': HONEST });
  await git(rig.mirror, ['fetch', '--quiet', '--', rig.origin.path, `+refs/heads/*:${INCOMING}*`]);
  await forge(rig, await idOf(rig, `${head}:run.sh`));
  expect(await commitOf(rig.mirror, `origin/${BRANCH}`)).toBeNull();
  await fetchMirror(rig.mirror);
  expect(await seenBy(rig, 'Nux', `origin/${BRANCH}`)).toBe(HONEST);
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

test('many packs become one, in which nothing is that nobody has looked at; folders of branches, which are mounted, stay where they are', async () => {
  const rig = await makeRig();
  const { branch } = await openSandbox(rig);
  const packs = join(rig.mirror, 'objects', 'pack');
  const forged = await gitText(rig.mirror, ['hash-object', '-w', '--stdin'], { input: HONEST });
  await forge(rig, forged);
  const ids: string[] = [];
  for (let at = 0; at < PACKS_MAX + 1; at += 1) {
    const id = await gitText(rig.mirror, ['hash-object', '-w', '--stdin'], { input: `${at}` });
    await git(rig.mirror, ['pack-objects', '--quiet', join(packs, 'pack')], { input: `${id}\n` });
    ids.push(id);
  }
  const folder = await stat(join(rig.mirror, 'refs', 'heads', dirname(branch)));
  await rig.origin.commit({ 'more.sh': HONEST.repeat(2) });
  await fetchMirror(rig.mirror);
  const [index, ...others] = (await readdir(packs)).filter((name) => name.endsWith('.idx'));
  expect(others).toEqual([]);
  const packed = await gitText(rig.mirror, ['verify-pack', '-v', join(packs, index ?? '')]);
  expect(ids.filter((id) => !packed.includes(id))).toEqual([]);
  expect(packed).not.toContain(forged);
  await git(rig.mirror, ['rev-list', '--objects', 'origin/main']);
  expect(await stat(join(rig.mirror, 'refs', 'heads', dirname(branch)))).toMatchObject({ ino: folder.ino });
  expect(await readdir(join(rig.mirror, 'refs', 'heads', dirname(branch)))).toEqual([basename(branch)]);
});

test('of very many loose objects those that are packed go, and those that nothing has led to for long', async () => {
  const rig = await makeRig();
  const { input, ids } = blobsBelow('17', 3 * LOOSE_MAX);
  await Promise.all(input.map((text) => git(rig.mirror, ['hash-object', '-w', '--stdin'], { input: text })));
  const [packed, old, young] = [0, 1, 2].map((part) => ids.slice(part * LOOSE_MAX, (part + 1) * LOOSE_MAX));
  const pack = join(rig.mirror, 'objects', 'pack', 'pack');
  await git(rig.mirror, ['pack-objects', '--quiet', pack], { input: packed?.map((id) => `${id}\n`).join('') ?? '' });
  const monthAgo = new Date(Date.now() - 30 * 24 * 60 * 60_000);
  await Promise.all(old?.map((id) => utimes(looseOf(rig, id), monthAgo, monthAgo)) ?? []);
  await rig.origin.commit({ 'more.sh': HONEST });
  await fetchMirror(rig.mirror);
  const left = await readdir(join(rig.mirror, 'objects', '17'));
  expect(left.map((name) => `17${name}`).toSorted()).toEqual(young?.toSorted());
});

/** Texts whose names as blobs begin so. */
function blobsBelow(
  folder: string,
  count: number,
): { readonly input: readonly string[]; readonly ids: readonly string[] } {
  const all = Array.from({ length: 1024 * count }, (_, at) => `${at}`);
  const named = all.map(
    (text) => [text, createHash('sha1').update(`blob ${text.length}\0${text}`).digest('hex')] as const,
  );
  const chosen = named.filter(([, id]) => id.startsWith(folder)).slice(0, count);
  return { input: chosen.map(([text]) => text), ids: chosen.map(([, id]) => id) };
}

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
