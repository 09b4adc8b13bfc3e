import { chmod, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import {
  deleteRemoteBranch,
  everHeld,
  forgetRetired,
  hasPatch,
  isAncestor,
  pushBranch,
  remoteSha,
  retireBranch,
  retiredAt,
} from '../../src/git/branch.js';
import { catchUp } from '../../src/git/catch-up.js';
import { fetchMirror } from '../../src/git/mirror.js';
import { removeWorktree } from '../../src/git/worktree.js';
import { runGit } from '../support/repos.js';
import { BRANCH, finishStep, makeRig, openSandbox, TOAST } from '../support/sandboxes.js';

describe('pushing a branch', () => {
  test.each([
    ['a path', {}],
    ['a file: URL', { scheme: 'file' as const }],
  ])('to %s creates it, moves it on, and is done when it is there', async (_what, options) => {
    const rig = await makeRig(options);
    const sandbox = await openSandbox(rig);
    const at = { mirror: rig.mirror, branch: BRANCH };
    expect(await remoteSha(at)).toBeNull();
    const first = await finishStep(rig, sandbox, { a: '1\n' });
    expect(await remoteSha(at)).toBe(first);
    const second = await finishStep(rig, { ...sandbox, head: first }, { a: '2\n' });
    expect(await pushBranch({ ...at, sha: second, expected: first })).toEqual({ kind: 'pushed' });
    expect(await rig.origin.sha(BRANCH)).toBe(second);
  });

  test('never overwrites what somebody else put there, or brings back what somebody took away', async () => {
    const rig = await makeRig();
    const sandbox = await openSandbox(rig);
    const mine = await finishStep(rig, sandbox, { a: '1\n' });
    const theirs = await rig.origin.commit({ b: '1\n' }, { branch: BRANCH });
    const push = { mirror: rig.mirror, branch: BRANCH, sha: sandbox.base };
    expect(await pushBranch({ ...push, expected: mine })).toEqual({ kind: 'diverged', remote: theirs });
    expect(await pushBranch({ ...push, expected: null })).toEqual({ kind: 'diverged', remote: theirs });
    await rig.origin.git('branch', '-D', BRANCH);
    expect(await pushBranch({ ...push, expected: mine })).toEqual({ kind: 'diverged', remote: null });
  });

  test("passes on what the remote's hook says, and does not need its own", async () => {
    const rig = await makeRig();
    const sandbox = await openSandbox(rig);
    const hook = join(rig.origin.path, 'hooks', 'pre-receive');
    await writeFile(hook, '#!/bin/sh\necho "no pushes on Fridays"\nexit 1\n');
    await chmod(hook, 0o755);
    const push = { mirror: rig.mirror, branch: BRANCH, sha: sandbox.head, expected: null };
    expect(await pushBranch(push)).toEqual({
      kind: 'refused',
      reason: 'pre-receive hook declined\nno pushes on Fridays',
    });
  });

  test('to a remote that is gone throws', async () => {
    const rig = await makeRig();
    const sandbox = await openSandbox(rig);
    await runGit(rig.folder, ['init', '--quiet', 'x']);
    await writeFile(join(rig.mirror, 'gt-origin'), 'http://127.0.0.1:9/x.git\n');
    const push = { mirror: rig.mirror, branch: BRANCH, sha: sandbox.head, expected: null };
    await expect(pushBranch(push)).rejects.toMatchObject({ name: 'GitError', kind: 'network' });
  });
});

test('deleting a remote branch happens once, and not when it moved', async () => {
  const rig = await makeRig();
  const head = await finishStep(rig, await openSandbox(rig), { a: '1\n' });
  const deletion = { mirror: rig.mirror, branch: BRANCH, expected: head };
  const theirs = await rig.origin.commit({ b: '1\n' }, { branch: BRANCH });
  expect(await deleteRemoteBranch(deletion)).toEqual({ kind: 'diverged', remote: theirs });
  expect(await deleteRemoteBranch({ ...deletion, expected: theirs })).toEqual({ kind: 'deleted' });
  expect(await deleteRemoteBranch({ ...deletion, expected: theirs })).toEqual({ kind: 'deleted' });
  await expect(rig.origin.sha(BRANCH)).rejects.toThrow('Needed a single revision');
});

test('the branch that a local rig has checked out cannot be deleted', async () => {
  const rig = await makeRig({ bare: false });
  const deletion = { mirror: rig.mirror, branch: 'main', expected: await rig.origin.sha('main') };
  expect(await deleteRemoteBranch(deletion)).toMatchObject({ kind: 'refused' });
});

test('a local branch retires only where it is expected to be, and that is known until it is forgotten', async () => {
  const rig = await makeRig();
  const sandbox = await openSandbox(rig);
  const head = await finishStep(rig, sandbox, { a: '1\n' });
  await removeWorktree({ mirror: rig.mirror, path: sandbox.path });
  const there = { mirror: rig.mirror, branch: BRANCH };
  await retireBranch({ ...there, expected: sandbox.base });
  expect(await runGit(rig.mirror, ['rev-parse', `refs/heads/${BRANCH}`])).toBe(head);
  expect(await retiredAt(there)).toBeNull();
  await retireBranch({ ...there, expected: head });
  await retireBranch({ ...there, expected: head });
  expect(await runGit(rig.mirror, ['for-each-ref', 'refs/heads'])).toBe('');
  expect(await retiredAt(there)).toBe(head);
  await forgetRetired(there);
  await forgetRetired(there);
  expect(await runGit(rig.mirror, ['for-each-ref', 'refs/gt'])).toBe('');
});

test('a commit is ours when the branch once held it, also before it was rebased, and not when somebody pushed it', async () => {
  const rig = await makeRig();
  const sandbox = await openSandbox(rig);
  const before = await finishStep(rig, sandbox, { a: '1\n' });
  const theirs = await rig.origin.commit({ b: '1\n' }, { branch: BRANCH });
  await rig.origin.commit({ c: '1\n' });
  await catchUp({ mirror: rig.mirror, path: sandbox.path, target: 'main', author: TOAST });
  const after = await runGit(sandbox.path, ['rev-parse', 'HEAD']);
  const ours = (commit: string) => everHeld({ mirror: rig.mirror, branch: BRANCH, commit });
  expect(after).not.toBe(before);
  expect(await Promise.all([before, after, theirs, '0'.repeat(40)].map(ours))).toEqual([true, true, false, false]);
});

test('a patch counts as there when the commit, or another with the same change, is on the target', async () => {
  const rig = await makeRig();
  const sandbox = await openSandbox(rig);
  const one = await finishStep(rig, sandbox, { a: '1\n' });
  const two = await finishStep(rig, { ...sandbox, head: one }, { b: '1\n' });
  await rig.origin.commit({ other: 'o\n' });
  await rig.origin.commit({ a: '1\n' }, { message: 'the same as one' });
  await fetchMirror(rig.mirror);
  const on = (...commits: string[]) => hasPatch({ mirror: rig.mirror, commits, target: 'origin/main' });
  expect(await isAncestor({ mirror: rig.mirror, ancestor: one, descendant: 'origin/main' })).toBe(false);
  expect([await on(sandbox.base), await on(one), await on(two), await on(one, two)]).toEqual([
    true,
    true,
    false,
    false,
  ]);
});
