import { chmod, readdir, readFile, stat, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { log } from '../../src/git/commit.js';
import { landMerge } from '../../src/git/land.js';
import { closeMerge, prepareMerge, type Preparation } from '../../src/git/merge.js';
import { forgetMerges, revokeMerge } from '../../src/git/merge-pins.js';
import { openWorktree } from '../../src/git/worktree.js';
import { killedCall } from '../support/killed-call.js';
import { until } from '../support/live-town.js';
import { runGit, writeFiles } from '../support/repos.js';
import { drawn } from '../support/sample.js';
import { BRANCH, finishStep, makeRig, openSandbox, type Rig } from '../support/sandboxes.js';

type Prepared = Extract<Preparation, { kind: 'prepared' }>;

function requestOf(rig: Rig, sha: string, branch = BRANCH, requestId = REQUEST) {
  const worktree = join(rig.folder, 'town', 'server', 'refinery', 'a request');
  return { mirror: rig.mirror, worktree, branch, sha, target: 'main', requestId };
}

async function prepared(rig: Rig, sha: string, branch = BRANCH, requestId = REQUEST): Promise<Prepared> {
  const made = await prepareMerge(requestOf(rig, sha, branch, requestId));
  if (made.kind !== 'prepared') throw new Error(`prepareMerge answered ${JSON.stringify(made)}`);
  return made;
}

const REQUEST = 'se-1a2b3c4d.0';
const landing = (rig: Rig, { base, tip }: Prepared, requestId = REQUEST) => ({
  mirror: rig.mirror,
  base,
  tip,
  target: 'main',
  pins: [{ requestId, tip }],
});

const it = drawn('courses of a merge', 11, 4);

describe('preparing', () => {
  test('puts the commits on top of the target with their authors, pins the tip and leaves it checked out', async () => {
    const rig = await makeRig();
    const sandbox = await openSandbox(rig);
    const one = await finishStep(rig, sandbox, { a: '1\n' }, 'one');
    const two = await finishStep(rig, { ...sandbox, head: one }, { a: '2\n' }, 'two');
    const base = await rig.origin.commit({ b: '1\n' });
    const made = await prepared(rig, two);
    expect(made).toMatchObject({ base });
    const commits = await log({ repo: rig.mirror, from: base, to: made.tip });
    expect(commits.map(({ author, subject }) => `${author}: ${subject}`)).toEqual([
      'server/polecats/Toast: one',
      'server/polecats/Toast: two',
    ]);
    expect(await runGit(rig.mirror, ['show', '-s', '--format=%cn', made.tip])).toBe('refinery');
    expect(await runGit(rig.mirror, ['rev-parse', `refs/gt/prepared/${REQUEST}/${made.tip}`])).toBe(made.tip);
    const { worktree } = requestOf(rig, two);
    expect((await readdir(worktree)).toSorted()).toEqual(['.git', 'README.md', 'a', 'b']);
    expect(await runGit(worktree, ['rev-parse', 'HEAD'])).toBe(made.tip);
    expect(await rig.origin.sha('main')).toBe(base);
  });

  it('again starts from nothing, whatever the gates left in the worktree', async () => {
    const rig = await makeRig();
    const sha = await finishStep(rig, await openSandbox(rig), { a: '1\n' });
    await prepared(rig, sha);
    const { worktree } = requestOf(rig, sha);
    await writeFiles(worktree, { a: 'changed\n', 'build/out': 'x' });
    const base = await rig.origin.commit({ b: '1\n' });
    expect(await prepared(rig, sha)).toMatchObject({ kind: 'prepared', base });
    expect(await readFile(join(worktree, 'a'), 'utf8')).toBe('1\n');
    expect(await readdir(worktree)).not.toContain('build');
  });

  test('names the files of a conflict, pins nothing and leaves nothing', async () => {
    const rig = await makeRig({ files: { 'a b': '1\n', c: '1\n', d: '1\n' } });
    const sha = await finishStep(rig, await openSandbox(rig), { 'a b': 'mine\n', c: null, d: 'mine\n' });
    const base = await rig.origin.commit({ 'a b': 'theirs\n', c: 'theirs\n' });
    const request = requestOf(rig, sha);
    expect(await prepareMerge(request)).toEqual({ kind: 'conflict', base, files: ['a b', 'c'] });
    expect(await runGit(rig.mirror, ['for-each-ref', 'refs/gt'])).toBe('');
    expect(await readdir(join(rig.folder, 'town', 'server', 'refinery'))).toEqual([]);
  });

  test.each([
    ['the very commits', async (rig: Rig, sha: string) => rig.origin.git('update-ref', 'refs/heads/main', sha)],
    ['the same change', async (rig: Rig) => rig.origin.commit({ a: '1\n' })],
  ])('finds it empty when the target has %s', async (_what, change) => {
    const rig = await makeRig();
    const sha = await finishStep(rig, await openSandbox(rig), { a: '1\n' });
    await change(rig, sha);
    const base = await rig.origin.sha('main');
    expect(await prepareMerge(requestOf(rig, sha))).toEqual({ kind: 'empty', base });
  });

  it('applies again what was reverted on the target since', async () => {
    const rig = await makeRig();
    const sha = await finishStep(rig, await openSandbox(rig), { a: '1\n' });
    const first = await prepared(rig, sha);
    expect(await landMerge(landing(rig, first))).toEqual({ kind: 'merged', commit: first.tip });
    await rig.origin.commit({ other: '1\n' });
    await rig.origin.commit({ a: null }, { message: 'revert' });
    const path = join(rig.folder, 'town', 'server', 'polecats', 'Shadow');
    const from = `${sha}~1`;
    const sandbox = await openWorktree({ mirror: rig.mirror, path, branch: 'polecat/Shadow/again', from });
    const before = await finishStep(rig, sandbox, { before: '1\n' });
    const again = await finishStep(rig, { ...sandbox, head: before }, { a: '1\n' }, 'again');
    const made = await prepared(rig, again, sandbox.branch, 'se-5e6f7a8b.0');
    expect(await runGit(rig.mirror, ['show', `${made.tip}:a`])).toBe('1');
  });

  it('keeps what was resolved in the merges of a branch', async () => {
    const rig = await makeRig({ files: { a: '1\n' } });
    const sandbox = await openSandbox(rig);
    const one = await finishStep(rig, sandbox, { a: 'mine\n' }, 'mine');
    await rig.origin.commit({ a: 'theirs\n' });
    await runGit(sandbox.path, ['fetch', '--quiet', 'origin']);
    await expect(runGit(sandbox.path, ['merge', 'origin/main'])).rejects.toThrow('Command failed');
    const merged = await finishStep(rig, { ...sandbox, head: one }, { a: 'both\n' }, 'merge');
    const base = await rig.origin.commit({ b: '1\n' });
    const made = await prepared(rig, merged);
    expect(await runGit(rig.mirror, ['show', `${made.tip}:a`])).toBe('both');
    expect(await runGit(rig.mirror, ['show', `${made.tip}:b`])).toBe('1');
    expect(await landMerge(landing(rig, made))).toEqual({ kind: 'merged', commit: made.tip });
    expect(await rig.origin.git('merge-base', base, 'main')).toBe(base);
  });

  it.each([
    ['a commit that never existed', 'commit', async () => '0123456789012345678901234567890123456789'],
    [
      'a branch that was deleted',
      'commit',
      async (rig: Rig, sha: string) => (await rig.origin.git('branch', '-D', BRANCH), sha),
    ],
    [
      'a branch that was pushed over',
      'commit',
      async (rig: Rig, sha: string) => (await rig.origin.git('update-ref', `refs/heads/${BRANCH}`, 'main'), sha),
    ],
    [
      'a target that is gone',
      'target',
      async (rig: Rig, sha: string) => (await rig.origin.git('branch', '-m', 'main', 'x'), sha),
    ],
  ])('says that %s is missing', async (_what, what, change) => {
    const rig = await makeRig();
    const sha = await finishStep(rig, await openSandbox(rig), { a: '1\n' });
    expect(await prepareMerge(requestOf(rig, await change(rig, sha)))).toEqual({ kind: 'missing', what });
  });
});

describe('landing', () => {
  test('moves the target once, and says so again when asked again, also after others went on', async () => {
    const rig = await makeRig();
    const sha = await finishStep(rig, await openSandbox(rig), { a: '1\n' });
    const made = await prepared(rig, sha);
    const merged = { kind: 'merged', commit: made.tip };
    expect(await landMerge(landing(rig, made))).toEqual(merged);
    expect(await landMerge(landing(rig, made))).toEqual(merged);
    await rig.origin.commit({ b: '1\n' });
    expect(await landMerge(landing(rig, made))).toEqual(merged);
    await closeMerge({ ...requestOf(rig, sha), vain: [] });
    await closeMerge({ ...requestOf(rig, sha), vain: [] });
    expect(await landMerge(landing(rig, made))).toEqual(merged);
    expect(await prepareMerge(requestOf(rig, sha))).toEqual({ kind: 'landed', commit: made.tip });
    await forgetMerges({ mirror: rig.mirror, requests: REQUEST });
    const pushing = { ...requestOf(rig, sha), pushing: made.tip };
    expect(await prepareMerge(pushing), 'without a pin, as on another host').toEqual({
      kind: 'landed',
      commit: made.tip,
    });
    expect(await rig.origin.git('rev-list', '--count', 'main')).toBe('3');
    await forgetMerges({ mirror: rig.mirror, requests: REQUEST });
    expect(await runGit(rig.mirror, ['for-each-ref', 'refs/gt'])).toBe('');
  });

  it.each([
    ['went on', async (rig: Rig) => rig.origin.commit({ b: '1\n' })],
    [
      'was pushed over',
      async (rig: Rig) => {
        const tree = await rig.origin.git('rev-parse', 'main^{tree}');
        const other = await rig.origin.git('commit-tree', tree, '-m', 'another first');
        await rig.origin.git('update-ref', 'refs/heads/main', other);
        return other;
      },
    ],
  ])('on a target that %s since says where it is, and preparing again then lands', async (_what, change) => {
    const rig = await makeRig();
    const sha = await finishStep(rig, await openSandbox(rig), { a: '1\n' });
    const made = await prepared(rig, sha);
    const target = await change(rig);
    expect(await landMerge(landing(rig, made))).toEqual({ kind: 'moved', target });
    const again = await prepared(rig, sha);
    expect(again.base).toBe(target);
    expect(await landMerge(landing(rig, again))).toEqual({ kind: 'merged', commit: again.tip });
    expect(await rig.origin.git('show', 'main:a')).toBe('1');
  });

  it('that the remote refuses gives its reason', async () => {
    const rig = await makeRig();
    const made = await prepared(rig, await finishStep(rig, await openSandbox(rig), { a: '1\n' }));
    const hook = join(rig.origin.path, 'hooks', 'pre-receive');
    await writeFile(hook, '#!/bin/sh\necho "main is protected"\nexit 1\n');
    await chmod(hook, 0o755);
    expect(await landMerge(landing(rig, made))).toEqual({
      kind: 'refused',
      reason: 'pre-receive hook declined\nmain is protected',
    });
  });

  test('what does not grow from its base is a mistake', async () => {
    const rig = await makeRig();
    const made = await prepared(rig, await finishStep(rig, await openSandbox(rig), { a: '1\n' }));
    const swapped = { ...landing(rig, made), base: made.tip, tip: made.base };
    await expect(landMerge(swapped)).rejects.toThrow('does not grow from');
  });

  it.each([true, false])('two at once: one wins, the other is told that the target moved (bare: %s)', async (bare) => {
    const rig = await makeRig({ bare });
    const branches = ['polecat/Toast/1', 'polecat/Shadow/2'];
    const made = [];
    for (const [n, branch] of branches.entries()) {
      const sha = await finishStep(rig, await openSandbox(rig, `slot ${n}`, branch), { [`file ${n}`]: '1\n' });
      const request = requestOf(rig, sha, branch);
      const answer = await prepareMerge({ ...request, worktree: `${request.worktree} ${n}`, requestId: `r${n}` });
      if (answer.kind !== 'prepared') throw new Error(answer.kind);
      made.push(answer);
    }
    const answers = await Promise.all(made.map((one, n) => landMerge(landing(rig, one, `r${n}`))));
    expect(answers.map(({ kind }) => kind).toSorted()).toEqual(['merged', 'moved']);
    const winner = made[answers[0]?.kind === 'merged' ? 0 : 1];
    expect(await rig.origin.sha('main')).toBe(winner?.tip);
    expect(answers).toContainEqual({ kind: 'moved', target: winner?.tip });
  });

  it('the same twice at once: both say merged and it is there once', async () => {
    const rig = await makeRig();
    const made = await prepared(rig, await finishStep(rig, await openSandbox(rig), { a: '1\n' }));
    const answers = await Promise.all([1, 2, 3].map(() => landMerge(landing(rig, made))));
    expect(answers).toEqual(answers.map(() => ({ kind: 'merged', commit: made.tip })));
    expect(await rig.origin.git('rev-list', '--count', 'main')).toBe('2');
  });
});

const revoked = (rig: Rig) => revokeMerge({ mirror: rig.mirror, requests: 'se-1a2b3c4d.*', target: 'main' });

describe('revoking', () => {
  const SLOWLY = '#!/bin/sh\nsleep 1\n';

  it('ends the permit to land; what is prepared again has one of its own', async () => {
    const rig = await makeRig();
    const sha = await finishStep(rig, await openSandbox(rig), { a: '1\n' });
    const made = await prepared(rig, sha);
    expect(await revoked(rig)).toBe(null);
    expect(await landMerge(landing(rig, made))).toEqual({ kind: 'moved', target: made.base });
    expect(await rig.origin.sha('main')).toBe(made.base);
    const again = await prepared(rig, sha);
    expect(await landMerge(landing(rig, again))).toEqual({ kind: 'merged', commit: again.tip });
  });

  it.each(['pre-receive', 'post-receive'])('waits for a push that its %s hook holds up', async (name) => {
    const rig = await makeRig();
    const sha = await finishStep(rig, await openSandbox(rig), { a: '1\n' });
    const made = await prepared(rig, sha);
    await writeFile(join(rig.origin.path, 'hooks', name), SLOWLY, { mode: 0o755 });
    const [landed, told] = await Promise.all([landMerge(landing(rig, made)), revoked(rig)]);
    expect(landed).toEqual({ kind: 'merged', commit: made.tip });
    expect(told).toBe(made.tip);
    expect(await revoked(rig)).toBe(made.tip);
  });

  it('waits for the push of a process that was killed in the middle of it', async () => {
    const rig = await makeRig();
    const sha = await finishStep(rig, await openSandbox(rig), { a: '1\n' });
    const made = await prepared(rig, sha);
    const began = join(rig.origin.path, 'began');
    await writeFile(join(rig.origin.path, 'hooks', 'pre-receive'), `#!/bin/sh\ntouch "${began}"\nsleep 4\n`, {
      mode: 0o755,
    });
    await killedCall(
      'landMerge',
      landing(rig, made),
      until('the push began', () => stat(began)),
    );
    expect(await rig.origin.sha('main')).toBe(made.base);
    expect(await revoked(rig)).toBe(made.tip);
    expect(await rig.origin.sha('main')).toBe(made.tip);
  });
});

describe.each(['path', 'file'] as const)('a local rig with its target checked out, by %s', (scheme) => {
  const options = scheme === 'file' ? { bare: false, scheme } : { bare: false };

  test('moves along when it is clean', async () => {
    const rig = await makeRig(options);
    const made = await prepared(rig, await finishStep(rig, await openSandbox(rig), { a: '1\n' }));
    expect(await landMerge(landing(rig, made))).toEqual({ kind: 'merged', commit: made.tip });
    expect(await readFile(join(rig.origin.path, 'a'), 'utf8')).toBe('1\n');
    expect(await rig.origin.git('status', '--porcelain')).toBe('');
  });

  test('refuses when it is dirty and loses nothing', async () => {
    const rig = await makeRig(options);
    const made = await prepared(rig, await finishStep(rig, await openSandbox(rig), { a: '1\n' }));
    await writeFiles(rig.origin.path, { 'README.md': 'in the middle of a thought\n' });
    expect(await landMerge(landing(rig, made))).toEqual({
      kind: 'refused',
      reason: 'Working directory has unstaged changes',
    });
    expect(await readFile(join(rig.origin.path, 'README.md'), 'utf8')).toBe('in the middle of a thought\n');
    expect(await rig.origin.sha('main')).toBe(made.base);
  });
});
