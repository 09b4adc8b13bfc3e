import { readdir } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { expect } from 'vitest';
import { landMerge } from '../../src/git/land.js';
import { closeMerge, prepareMerge } from '../../src/git/merge.js';
import { openMirror } from '../../src/git/mirror.js';
import { salvage } from '../../src/git/salvage.js';
import { openWorktree, worktreeState } from '../../src/git/worktree.js';
import { randomOf } from '../../src/dev/chaos.js';
import { killedCall } from '../support/killed-call.js';
import { makeFolder, makeRepo, runGit, writeFiles } from '../support/repos.js';
import { BRANCH, finishStep, makeRig, openSandbox, TOAST } from '../support/sandboxes.js';
import { drawn, IS_LONG, SEED } from '../support/sample.js';

const ROUNDS = IS_LONG ? 20 : 1;
const random = randomOf(SEED);
const MANY = Object.fromEntries(Array.from({ length: 400 }, (_, n) => [`src/${n % 20}/${n}.txt`, `${n}\n`.repeat(50)]));

/** One title a round: it carries the moment of the kill and the seed. */
function rounds(msMax: number): { readonly ms: number }[] {
  return Array.from({ length: ROUNDS }, () => ({ ms: Math.round(random() * msMax) }));
}

const it = drawn('acts that are killed', 5, 2);

it.each(rounds(250))(`opening a mirror goes on after a kill at $ms ms (seed ${SEED})`, async ({ ms }) => {
  const origin = await makeRepo({ bare: true, files: MANY });
  const path = join(await makeFolder(), 'mirror.git');
  const args = { path, url: origin.url };
  await killedCall('openMirror', args, ms);
  await openMirror(args);
  expect(await readdir(dirname(path))).toEqual(['mirror.git']);
  expect(await runGit(path, ['fsck', '--connectivity-only', 'origin/main'])).toBe('');
  expect(await runGit(path, ['rev-parse', 'origin/main'])).toBe(await origin.sha('main'));
});

it.each(rounds(250))(`opening a worktree goes on after a kill at $ms ms (seed ${SEED})`, async ({ ms }) => {
  const rig = await makeRig({ files: MANY });
  const path = join(rig.folder, 'town', 'server', 'polecats', 'Toast');
  const args = { mirror: rig.mirror, path, branch: BRANCH, from: 'origin/main' };
  await killedCall('openWorktree', args, ms);
  const head = await rig.origin.sha('main');
  expect(await openWorktree(args)).toEqual({ path, branch: BRANCH, head, base: head });
  expect(await worktreeState(args)).toEqual({ head, branch: BRANCH, dirty: [], rebasing: false });
  expect(await readdir(dirname(path))).toEqual(['Toast']);
  expect(await readdir(join(rig.mirror, 'worktrees'))).toHaveLength(1);
});

it.each(rounds(600))(`a merge that is killed while prepared at $ms ms lands once (seed ${SEED})`, async ({ ms }) => {
  const rig = await makeRig({ files: MANY });
  const sandbox = await openSandbox(rig);
  const one = await finishStep(rig, sandbox, { one: '1\n' });
  const two = await finishStep(rig, { ...sandbox, head: one }, { two: '2\n' });
  const base = await rig.origin.commit({ other: '1\n' });
  const worktree = join(rig.folder, 'town', 'server', 'refinery', 'r1');
  const args = { mirror: rig.mirror, worktree, branch: BRANCH, sha: two, target: 'main', requestId: 'r1' };
  await killedCall('prepareMerge', args, ms);
  const made = await prepareMerge(args);
  if (made.kind !== 'prepared') throw new Error(made.kind);
  expect(made).toMatchObject({ base });
  expect(await worktreeState({ mirror: rig.mirror, path: worktree })).toMatchObject({ head: made.tip, dirty: [] });
  const landing = {
    mirror: rig.mirror,
    base,
    tip: made.tip,
    target: 'main',
    pins: [{ requestId: 'r1', tip: made.tip }],
  };
  expect(await landMerge(landing)).toEqual({ kind: 'merged', commit: made.tip });
  await closeMerge({ ...args, vain: [] });
  expect(await rig.origin.git('log', '--format=%h', '--', 'one')).toMatch(/^\w+$/);
  expect(await rig.origin.git('rev-list', '--count', 'main')).toBe('4');
});

it.each(
  rounds(250).flatMap(({ ms }) => [
    { ms, bare: true },
    { ms, bare: false },
  ]),
)(`a merge that is killed while it lands at $ms ms lands once (bare: $bare, seed ${SEED})`, async ({ ms, bare }) => {
  const rig = await makeRig({ files: MANY, bare });
  const sha = await finishStep(rig, await openSandbox(rig), { one: '1\n' });
  const worktree = join(rig.folder, 'town', 'server', 'refinery', 'r1');
  const request = { mirror: rig.mirror, worktree, branch: BRANCH, sha, target: 'main', requestId: 'r1' };
  const made = await prepareMerge(request);
  if (made.kind !== 'prepared') throw new Error(made.kind);
  const landing = {
    mirror: rig.mirror,
    base: made.base,
    tip: made.tip,
    target: 'main',
    pins: [{ requestId: 'r1', tip: made.tip }],
  };
  await killedCall('landMerge', landing, ms);
  expect(await landMerge(landing)).toEqual({ kind: 'merged', commit: made.tip });
  expect(await rig.origin.sha('main')).toBe(made.tip);
  expect(await rig.origin.git('rev-list', '--count', 'main')).toBe('2');
  expect(bare ? '' : await rig.origin.git('status', '--porcelain')).toBe('');
});

it.each(rounds(600))(`work whose salvage is killed at $ms ms is pushed whole (seed ${SEED})`, async ({ ms }) => {
  const rig = await makeRig({ files: { ...MANY, a: '1\n' } });
  const sandbox = await openSandbox(rig);
  const step = await finishStep(rig, sandbox, { a: 'mine\n' });
  await rig.origin.commit({ a: 'theirs\n' });
  await runGit(sandbox.path, ['fetch', '--quiet', 'origin']);
  await expect(runGit(sandbox.path, ['rebase', 'origin/main'])).rejects.toThrow('conflict');
  await writeFiles(sandbox.path, { a: 'resolved\n', untracked: 'u\n' });
  const args = { mirror: rig.mirror, worktree: sandbox.path, branch: BRANCH, author: TOAST, expected: step };
  await killedCall('salvage', args, ms);
  const saved = await salvage(args);
  expect(saved).toMatchObject({ kind: 'pushed', branch: BRANCH, head: await rig.origin.sha(BRANCH) });
  expect(await rig.origin.git('show', `${BRANCH}:a`)).toBe('mine');
  expect(await rig.origin.git('show', `${BRANCH}:untracked`)).toBe('u');
  // A kill in the middle of the abort leaves one more snapshot, of the half-aborted tree.
  const asides = await rig.origin.git('for-each-ref', '--format=%(refname:short)', `refs/heads/${BRANCH}.saved-*`);
  const texts = await Promise.all(asides.split('\n').map((branch) => rig.origin.git('show', `${branch}:a`)));
  expect(texts).toContain('resolved');
});
