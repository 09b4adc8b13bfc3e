import { execFile } from 'node:child_process';
import { chmod, mkdir, readdir, readFile, rm, stat, symlink, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { describe, expect, test } from 'vitest';
import { commitAll, log } from '../../src/git/commit.js';
import { markShutIn, openWorktree, removeWorktree, worktreeState } from '../../src/git/worktree.js';
import { runGit, writeFiles } from '../support/repos.js';
import { drawn } from '../support/sample.js';
import { BRANCH, makeRig, openSandbox, TOAST } from '../support/sandboxes.js';

const it = drawn('worktrees as they may be found', 7, 3);

describe('opening a worktree', () => {
  test('starts a new branch from the given commit', async () => {
    const rig = await makeRig({ files: { 'src/a b.txt': '1\n' } });
    const main = await rig.origin.sha('main');
    const sandbox = await openSandbox(rig);
    expect(sandbox).toEqual({ path: sandbox.path, branch: BRANCH, head: main, base: main });
    expect(await readFile(join(sandbox.path, 'src/a b.txt'), 'utf8')).toBe('1\n');
    const state = await worktreeState({ mirror: rig.mirror, path: sandbox.path });
    expect(state).toEqual({ head: main, branch: BRANCH, dirty: [], rebasing: false });
  });

  test('takes up one that is there with all that lies in it, and keeps its base when the target moves', async () => {
    const rig = await makeRig({ files: { a: '1\n' } });
    const first = await openSandbox(rig);
    await writeFiles(first.path, { a: '2\n' });
    const head = await commitAll({ mirror: rig.mirror, path: first.path, message: 'x', author: TOAST });
    await writeFiles(first.path, { a: '3\n', new: 'n\n' });
    await rig.origin.commit({ b: '1\n' });
    await runGit(rig.mirror, ['fetch', '--quiet', 'origin']);
    expect(await openSandbox(rig)).toEqual({ ...first, head });
    expect((await worktreeState({ mirror: rig.mirror, path: first.path }))?.dirty).toEqual(['a', 'new']);
  });

  it('rebuilds a missing folder from the branch, whose commits stay', async () => {
    const rig = await makeRig();
    const first = await openSandbox(rig);
    await writeFiles(first.path, { a: '2\n' });
    const head = await commitAll({ mirror: rig.mirror, path: first.path, message: 'x', author: TOAST });
    await rm(first.path, { recursive: true });
    expect(await worktreeState({ mirror: rig.mirror, path: first.path })).toBeNull();
    expect(await openSandbox(rig)).toEqual({ ...first, head });
    expect(await readFile(join(first.path, 'a'), 'utf8')).toBe('2\n');
  });

  it('builds a half-made one anew', async () => {
    const rig = await makeRig({ files: { a: '1\n' } });
    const path = join(rig.folder, 'town', 'server', 'polecats', 'Toast');
    await runGit(rig.mirror, ['worktree', 'add', '--quiet', '--no-checkout', '-b', BRANCH, path, 'origin/main']);
    await writeFile(join(rig.mirror, 'worktrees', 'Toast', 'locked'), 'initializing');
    const sandbox = await openSandbox(rig);
    expect(await readFile(join(sandbox.path, 'a'), 'utf8')).toBe('1\n');
    expect((await worktreeState({ mirror: rig.mirror, path }))?.dirty).toEqual([]);
  });

  it.each(['', 'index.lock', 'locked'])('survives metadata without anything in it but "%s"', async (file) => {
    const rig = await makeRig();
    const stale = join(rig.mirror, 'worktrees', 'Toast');
    await mkdir(stale, { recursive: true });
    if (file !== '') await writeFile(join(stale, file), '');
    expect(await readdir((await openSandbox(rig)).path)).toContain('README.md');
    expect(await readdir(join(rig.mirror, 'worktrees'))).toEqual(['Toast']);
  });

  it("refuses a folder with somebody's files, and one of another branch, and touches neither", async () => {
    const rig = await makeRig();
    const path = join(rig.folder, 'mine');
    await mkdir(path);
    await writeFile(join(path, 'thesis'), 'precious');
    const args = { mirror: rig.mirror, path, branch: 'x', from: 'origin/main' };
    await expect(openWorktree(args)).rejects.toThrow('holds files that are no worktree');
    expect(await readdir(path)).toEqual(['thesis']);
    const sandbox = await openSandbox(rig);
    await writeFiles(sandbox.path, { new: 'n\n' });
    await expect(openSandbox(rig, 'Toast', 'polecat/Toast/se-2')).rejects.toThrow(`is the worktree of ${BRANCH}`);
    expect(await readdir(sandbox.path)).toContain('new');
  });

  test('from a commit that is not there says so', async () => {
    const rig = await makeRig();
    const args = { mirror: rig.mirror, path: join(rig.folder, 'w'), branch: 'x', from: 'origin/nothing' };
    await expect(openWorktree(args)).rejects.toThrow('there is no commit origin/nothing');
  });

  test('works for many at once and for odd folder names', async () => {
    const rig = await makeRig();
    const names = ['Toast', 'a b', ' ', '.hidden', '@{x}', 'ä', 'Toast.lock', '-q'];
    const opened = await Promise.all(names.map((name, n) => openSandbox(rig, name, `polecat/${n}/x`)));
    expect(await Promise.all(opened.map(async ({ path }) => readdir(path)))).toEqual(
      names.map(() => ['.git', 'README.md']),
    );
    await Promise.all(opened.map(({ path }) => removeWorktree({ mirror: rig.mirror, path })));
    expect(await readdir(join(rig.folder, 'town', 'server', 'polecats'))).toEqual([]);
    expect(await readdir(join(rig.mirror, 'worktrees')).catch(() => [])).toEqual([]);
  });
});

it.each(['HEAD', 'index', 'index.other'])('a look waits for no pipe in place of %s', async (name) => {
  const rig = await makeRig({ files: { a: '1\n' } });
  const { path, head } = await openSandbox(rig);
  const metadata = join(rig.mirror, 'worktrees', 'Toast');
  await markShutIn(metadata);
  await rm(join(metadata, name), { force: true });
  await promisify(execFile)('mkfifo', [join(metadata, name)]);
  expect(await worktreeState({ mirror: rig.mirror, path })).toMatchObject({ head, branch: BRANCH });
});

it('a look waits for no pipe among the branches of its name, nor for one that a link there leads to', async () => {
  const rig = await makeRig({ files: { a: '1\n' } });
  const { path, head } = await openSandbox(rig);
  await markShutIn(join(rig.mirror, 'worktrees', 'Toast'));
  const names = join(rig.mirror, 'refs', 'heads', 'polecat', 'Toast');
  await promisify(execFile)('mkfifo', [join(names, 'pipe'), join(path, 'pipe')]);
  await symlink(join(path, 'pipe'), join(names, 'link'));
  await symlink('refs/heads/polecat/Toast/pipe', join(names, 'link to the pipe'));
  expect(await worktreeState({ mirror: rig.mirror, path })).toMatchObject({ head, branch: BRANCH });
  expect(await readdir(names)).toEqual([BRANCH.slice('polecat/Toast/'.length)]);
});

it.each([
  ['as .gitignore', '.'],
  ['as .gitignore of a folder whose name is no text', "$(printf 'a\\377b')/c"],
])('a look lets git go on where it waits for a pipe %s, and takes that away', async (_what, folder) => {
  const rig = await makeRig({ files: { a: '1\n' } });
  const { path, head } = await openSandbox(rig);
  const make = `cd "${folder}" && touch b && mkfifo .gitignore`;
  await promisify(execFile)('sh', ['-c', `mkdir -p "${folder}" && ${make}`], { cwd: path });
  expect(await worktreeState({ mirror: rig.mirror, path })).toMatchObject({ head, branch: BRANCH });
  await promisify(execFile)('sh', ['-c', `cd "${folder}" && test -e b && test ! -e .gitignore`], { cwd: path });
});

test('removing a worktree leaves its branch, nothing else, and can be done twice', async () => {
  const rig = await makeRig();
  const sandbox = await openSandbox(rig);
  const place = { mirror: rig.mirror, path: sandbox.path };
  await removeWorktree(place);
  await removeWorktree(place);
  expect(await worktreeState(place)).toBeNull();
  expect(await runGit(rig.mirror, ['worktree', 'list', '--porcelain'])).toBe(`worktree ${rig.mirror}\nbare`);
  expect((await readdir(rig.mirror)).filter((name) => name.startsWith('gt-worktree'))).toEqual([]);
  expect(await runGit(rig.mirror, ['rev-parse', BRANCH])).toBe(sandbox.head);
});

describe('committing everything', () => {
  test('takes new, changed and deleted files but not ignored ones, under the address of the agent', async () => {
    const rig = await makeRig({ files: { a: '1\n', gone: 'g\n', '.gitignore': 'node_modules\n' } });
    const { path, base } = await openSandbox(rig);
    await writeFiles(path, { a: '2\n', gone: null, 'new/ö.txt': 'n\n', 'node_modules/x': 'x' });
    const args = { mirror: rig.mirror, path, message: 'implement: the login\n\n# kept\n', author: TOAST };
    const head = await commitAll(args);
    expect(await commitAll(args)).toBe(head);
    expect(await log({ repo: rig.mirror, from: base, to: head })).toEqual([
      {
        sha: head,
        author: 'server/polecats/Toast',
        email: 'server.polecats.Toast@gastown.local',
        subject: 'implement: the login',
      },
    ]);
    const names = await runGit(path, ['-c', 'core.quotePath=false', 'show', '--name-status', '--format=', head]);
    expect(names).toBe('M\ta\nD\tgone\nA\tnew/ö.txt');
    expect(await runGit(path, ['show', '-s', '--format=%b', head])).toBe('# kept');
  });

  test("runs no hook of the agent's and heeds no repository the agent puts in its place", async () => {
    const rig = await makeRig();
    const { path } = await openSandbox(rig);
    const spy = join(rig.folder, 'spy');
    await writeFiles(path, {
      'hooks/pre-commit': `#!/bin/sh\ntouch '${spy}'\n`,
      '.gitattributes': '* filter=evil\n',
      new: 'n\n',
    });
    await chmod(join(path, 'hooks', 'pre-commit'), 0o755);
    await runGit(path, ['config', 'core.hooksPath', join(path, 'hooks')]);
    await rm(join(path, '.git'));
    await runGit(path, ['init', '--quiet']);
    await runGit(path, ['config', 'filter.evil.clean', `touch '${spy}'; cat`]);
    const head = await commitAll({ mirror: rig.mirror, path, message: 'x', author: TOAST });
    expect(await runGit(rig.mirror, ['show', `${BRANCH}:new`])).toBe('n');
    expect(await runGit(rig.mirror, ['rev-parse', BRANCH])).toBe(head);
    await expect(stat(spy)).rejects.toThrow('ENOENT');
  });

  test('sees a rebase that the agent left and does not end it', async () => {
    const rig = await makeRig({ files: { a: '1\n' } });
    const { path, base } = await openSandbox(rig);
    const place = { mirror: rig.mirror, path };
    await writeFiles(path, { a: 'mine\n' });
    await commitAll({ ...place, message: 'mine', author: TOAST });
    await runGit(path, ['checkout', '--quiet', '--detach', base]);
    await writeFiles(path, { a: 'theirs\n' });
    const theirs = await commitAll({ ...place, message: 'theirs', author: TOAST });
    await runGit(path, ['checkout', '--quiet', BRANCH]);
    await expect(runGit(path, ['rebase', theirs])).rejects.toThrow('conflict');
    expect(await worktreeState(place)).toMatchObject({ branch: null, dirty: ['a'], rebasing: true });
    await commitAll({ ...place, message: 'x', author: TOAST });
    expect(await worktreeState(place)).toMatchObject({ branch: null, dirty: [], rebasing: true });
  });
});
