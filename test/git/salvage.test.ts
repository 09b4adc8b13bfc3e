import { rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { salvage, type Salvaged } from '../../src/git/salvage.js';
import { worktreeState, type Worktree } from '../../src/git/worktree.js';
import { runGit, writeFiles } from '../support/repos.js';
import { BRANCH, finishStep, makeRig, openSandbox, TOAST, type Rig } from '../support/sandboxes.js';

function save(rig: Rig, { path }: Worktree, expected: string | null = null): Promise<Salvaged> {
  return salvage({ mirror: rig.mirror, worktree: path, branch: BRANCH, author: TOAST, expected });
}

async function savedOf(saving: Promise<Salvaged>) {
  const saved = await saving;
  if (saved.kind !== 'pushed') throw new Error(`salvage answered ${JSON.stringify(saved)}`);
  return saved;
}

test('a sandbox in which nothing happened is clean, and no branch appears', async () => {
  const rig = await makeRig();
  expect(await save(rig, await openSandbox(rig))).toEqual({ kind: 'clean' });
  expect(await rig.origin.git('branch', '--format=%(refname:short)')).toBe('main');
});

test('leftovers are committed and pushed, and a second call says the same', async () => {
  const rig = await makeRig();
  const sandbox = await openSandbox(rig);
  const step = await finishStep(rig, sandbox, { a: '1\n' });
  await writeFiles(sandbox.path, { a: '2\n', untracked: 'u\n' });
  const saved = await savedOf(save(rig, sandbox, step));
  expect(saved).toEqual({ kind: 'pushed', branch: BRANCH, head: await rig.origin.sha(BRANCH), aside: [] });
  expect(await rig.origin.git('log', '--format=%an: %s', `${step}..${BRANCH}`)).toBe(
    `server/polecats/Toast: wip: work in progress on ${BRANCH}`,
  );
  expect(await rig.origin.git('show', `${BRANCH}:untracked`)).toBe('u');
  expect(await save(rig, sandbox, step)).toEqual(saved);
});

test('commits of a sandbox whose folder is gone are pushed from the mirror', async () => {
  const rig = await makeRig();
  const sandbox = await openSandbox(rig);
  await writeFiles(sandbox.path, { a: '1\n' });
  await runGit(sandbox.path, ['add', '--all']);
  await runGit(sandbox.path, ['commit', '--quiet', '--message', 'mine']);
  const head = await runGit(sandbox.path, ['rev-parse', 'HEAD']);
  await rm(sandbox.path, { recursive: true });
  expect(await save(rig, sandbox)).toEqual({ kind: 'pushed', branch: BRANCH, head, aside: [] });
});

test('an unfinished rebase is aborted, and what it had come to is kept aside', async () => {
  const rig = await makeRig({ files: { a: '1\n', b: '1\n' } });
  const sandbox = await openSandbox(rig);
  const step = await finishStep(rig, sandbox, { a: 'mine\n' });
  await rig.origin.commit({ a: 'theirs\n' });
  await runGit(sandbox.path, ['fetch', '--quiet', 'origin']);
  await expect(runGit(sandbox.path, ['rebase', 'origin/main'])).rejects.toThrow('conflict');
  await writeFiles(sandbox.path, { a: 'resolved\n', untracked: 'u\n' });
  const saved = await savedOf(save(rig, sandbox, step));
  const state = await worktreeState({ mirror: rig.mirror, path: sandbox.path });
  expect(state).toEqual({ head: saved.head, branch: BRANCH, dirty: [], rebasing: false });
  expect(await rig.origin.git('show', `${BRANCH}:a`)).toBe('mine');
  expect(await rig.origin.git('show', `${BRANCH}:untracked`)).toBe('u');
  const [aside] = saved.aside;
  expect(saved.aside).toHaveLength(1);
  expect(await rig.origin.git('show', `${aside?.branch}:a`)).toBe('resolved');
});

test('commits that the agent made off its branch are kept aside', async () => {
  const rig = await makeRig();
  const sandbox = await openSandbox(rig);
  const step = await finishStep(rig, sandbox, { a: '1\n' });
  await runGit(sandbox.path, ['checkout', '--quiet', '--detach', sandbox.base]);
  await writeFiles(sandbox.path, { off: '1\n' });
  const saved = await savedOf(save(rig, sandbox, step));
  expect(saved.head).toBe(step);
  expect(await rig.origin.git('show', `${saved.aside[0]?.branch}:off`)).toBe('1');
});

test('work that cannot be pushed stays and the reason is told', async () => {
  const rig = await makeRig();
  const sandbox = await openSandbox(rig);
  const step = await finishStep(rig, sandbox, { a: '1\n' });
  const theirs = await rig.origin.commit({ b: '1\n' }, { branch: BRANCH });
  await writeFiles(sandbox.path, { a: '2\n' });
  const diverged = await save(rig, sandbox, step);
  expect(diverged).toMatchObject({ kind: 'unpushed', reason: expect.stringContaining(theirs) });
  expect(await rig.origin.sha(BRANCH)).toBe(theirs);
  await writeFile(join(rig.mirror, 'gt-origin'), 'http://127.0.0.1:9/x.git\n');
  const unreachable = await save(rig, sandbox, step);
  expect(unreachable).toMatchObject({ kind: 'unpushed', reason: expect.stringContaining('git fetch failed') });
  expect(await runGit(rig.mirror, ['show', `${BRANCH}:a`])).toBe('2');
});
