import { execFile } from 'node:child_process';
import { mkdir, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { createServer } from 'node:http';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { describe, expect, onTestFinished, test } from 'vitest';
import { fetchMirror, inspectRemote, openMirror } from '../../src/git/mirror.js';
import { makeFolder, makeRepo, runGit } from '../support/repos.js';
import { drawn } from '../support/sample.js';
import { finishStep, makeRig, openSandbox } from '../support/sandboxes.js';

describe('a look at a remote', () => {
  test('finds its default branch and head, by path and by URL', async () => {
    const repo = await makeRepo({ branch: 'trunk' });
    const found = { kind: 'found', branch: 'trunk', head: await repo.sha('HEAD') };
    expect(await inspectRemote(repo.path)).toEqual(found);
    expect(await inspectRemote(`file://${encodeURI(repo.path)}`)).toEqual(found);
  });

  test.each([
    ['a folder that is no repository', 'not-found', async () => makeFolder()],
    ['a folder that does not exist', 'not-found', async () => '/no/such/folder'],
    ['a repository without commits', 'empty', async () => (await makeRepo({ files: null, bare: true })).path],
    ['a server that does not answer', 'network', async () => 'http://127.0.0.1:9/repo.git'],
  ])('says what is wrong with %s', async (_what, reason, make) => {
    const url = await make();
    expect(await inspectRemote(url)).toEqual({ kind: 'unusable', reason, problem: expect.stringMatching(/\S{5}/) });
  });

  test('says that a detached HEAD names no branch', async () => {
    const repo = await makeRepo({});
    await repo.git('checkout', '--quiet', '--detach');
    expect(await inspectRemote(repo.path)).toMatchObject({ kind: 'unusable', reason: 'detached' });
  });

  test('needs no HEAD when a branch is asked for, and says which is near one that is not there', async () => {
    const repo = await makeRepo({ bare: true });
    await repo.git('symbolic-ref', 'HEAD', 'refs/heads/gone');
    expect(await inspectRemote(repo.path)).toMatchObject({ kind: 'unusable', reason: 'detached' });
    expect(await inspectRemote(repo.path, 'main')).toMatchObject({ kind: 'found', branch: 'main' });
    expect(await inspectRemote(repo.path, 'mian')).toEqual({
      kind: 'unusable',
      reason: 'no-branch',
      problem: `${repo.path} has no branch mian; did you mean main?`,
    });
    expect(await inspectRemote(repo.path, 'release')).toMatchObject({
      problem: `${repo.path} has no branch release; there is main`,
    });
  });
});

const it = drawn('things that happen to a mirror', 6, 3);

describe('a mirror', () => {
  test('has the object format of its remote', async () => {
    const path = join(await makeFolder(), 'rig');
    await runGit('/', ['init', '--quiet', '--object-format=sha256', '--initial-branch=main', path]);
    await runGit(path, ['commit', '--quiet', '--allow-empty', '--message', 'first']);
    const mirror = join(await makeFolder(), 'mirror.git');
    await openMirror({ path: mirror, url: path });
    expect(await runGit(mirror, ['rev-parse', 'origin/main'])).toMatch(/^[0-9a-f]{64}$/);
  });

  test("holds the remote's branches and follows what is pushed and deleted there", async () => {
    const repo = await makeRepo({ bare: true });
    const mirror = join(await makeFolder(), 'deep', 'mirror.git');
    await openMirror({ path: mirror, url: repo.url });
    expect(await runGit(mirror, ['rev-parse', 'origin/main'])).toBe(await repo.sha('main'));
    const sha = await repo.commit({ a: '1\n' }, { branch: 'topic' });
    await fetchMirror(mirror);
    expect(await runGit(mirror, ['rev-parse', 'origin/topic'])).toBe(sha);
    await repo.git('branch', '-D', 'topic');
    await repo.commit({ a: '1\n' }, { branch: 'topic/below' });
    await fetchMirror(mirror);
    expect(await runGit(mirror, ['branch', '--remotes', '--format=%(refname:short)'])).toBe(
      'origin/main\norigin/topic/below',
    );
  });

  it('that tells a password to everybody in its worktrees, as those of before do, tells it no more once it is opened', async () => {
    const repo = await makeRepo({ bare: true });
    const path = join(await makeFolder(), 'mirror.git');
    await openMirror({ path, url: repo.url });
    await runGit(path, ['config', 'remote.origin.url', 'https://bot:secret@host/x.git']);
    await openMirror({ path, url: repo.url });
    expect(await readFile(join(path, 'config'), 'utf8')).not.toContain('secret');
    expect(await runGit(path, ['config', 'remote.origin.url'])).toBe(repo.url);
  });

  it('is made once, and what a cut-off attempt left is swept away', async () => {
    const repo = await makeRepo({ bare: true });
    const folder = await makeFolder();
    const path = join(folder, 'mirror.git');
    await mkdir(join(folder, 'mirror.git.making-123', 'refs'), { recursive: true });
    await Promise.all([1, 2, 3].map(() => openMirror({ path, url: repo.url })));
    await openMirror({ path, url: repo.url });
    expect(await readdir(folder)).toEqual(['mirror.git']);
  });

  it("keeps to the town's URL whatever an agent makes of the shared configuration", async () => {
    const repo = await makeRepo({ bare: true });
    const mirror = join(await makeFolder(), 'mirror.git');
    await openMirror({ path: mirror, url: repo.url });
    await runGit(mirror, ['remote', 'set-url', 'origin', '/nowhere']);
    const sha = await repo.commit({ a: '1\n' });
    await fetchMirror(mirror);
    expect(await runGit(mirror, ['rev-parse', 'origin/main'])).toBe(sha);
  });

  it('follows its rig to another URL', async () => {
    const [first, second] = [await makeRepo({}), await makeRepo({ files: { other: '1\n' } })];
    const mirror = join(await makeFolder(), 'mirror.git');
    await openMirror({ path: mirror, url: first.url });
    await openMirror({ path: mirror, url: second.url });
    await fetchMirror(mirror);
    expect(await runGit(mirror, ['rev-parse', 'origin/main'])).toBe(await second.sha('main'));
  });

  test('of an unreachable rig is not there at all', async () => {
    const folder = await makeFolder();
    await expect(openMirror({ path: join(folder, 'mirror.git'), url: '/no/such/rig' })).rejects.toThrow(
      'does not appear to be a git repository',
    );
    await expect(openMirror({ path: join(folder, 'mirror.git'), url: '/no/such/rig' })).rejects.toThrow(
      'does not appear to be a git repository',
    );
    expect((await readdir(folder)).filter((name) => name === 'mirror.git')).toEqual([]);
  });

  it('of a repository that names its objects by SHA-256 does so, too', async () => {
    const folder = await makeFolder();
    await runGit(folder, ['init', '--quiet', '--object-format=sha256', '--initial-branch=main', 'rig']);
    const repo = await makeRepo({ path: join(folder, 'rig') });
    const path = join(folder, 'mirror.git');
    await openMirror({ path, url: repo.url });
    await fetchMirror(path);
    expect(await runGit(path, ['rev-parse', 'origin/main'])).toBe(await repo.sha('main'));
    const other = await makeRepo({});
    await expect(openMirror({ path, url: other.url })).rejects.toThrow('is a sha1 repository');
  });

  test.each([
    ['among the branches of a polecat', () => 'refs/heads/polecat/Toast/pipe'],
    ['in the place of a loose object', (id: string) => `objects/${id.slice(0, 2)}/${id.slice(2)}`],
  ])('is fetched into where somebody put a pipe %s', async (_what, nameOf) => {
    const rig = await makeRig();
    const tip = await finishStep(rig, await openSandbox(rig), { a: '1\n' });
    const pipe = join(rig.mirror, nameOf(tip));
    await rm(pipe, { force: true });
    await promisify(execFile)('mkfifo', [pipe]);
    const sha = await rig.origin.commit({ b: '1\n' });
    await fetchMirror(rig.mirror);
    expect(await runGit(rig.mirror, ['rev-parse', 'origin/main'])).toBe(sha);
    expect(await runGit(rig.mirror, ['cat-file', '-t', tip])).toBe('commit');
  });

  it('keeps its branches when somebody has made a HEAD among them, which stands for one', async () => {
    const rig = await makeRig();
    await runGit(rig.mirror, ['symbolic-ref', 'refs/remotes/origin/HEAD', 'refs/remotes/origin/main']);
    const sha = await rig.origin.commit({ b: '1\n' });
    for (let round = 0; round < 2; round += 1) {
      await fetchMirror(rig.mirror);
      expect(await runGit(rig.mirror, ['for-each-ref', '--format=%(refname) %(objectname)', 'refs/remotes'])).toBe(
        `refs/remotes/origin/main ${sha}`,
      );
    }
  });

  test('is never made over something else', async () => {
    const folder = await makeFolder();
    await writeFile(join(folder, 'mine'), 'precious');
    await expect(openMirror({ path: folder, url: '/x' })).rejects.toThrow('is no mirror of this town');
    expect(await readdir(folder)).toEqual(['mine']);
  });
});

test('a remote is asked for through the proxy of the environment', async () => {
  const asked = new Promise<string>((resolve) => {
    const proxy = createServer((request, response) => {
      resolve(request.url ?? '');
      response.writeHead(404).end();
    }).listen(0, '127.0.0.1', () => {
      const address = proxy.address();
      process.env['http_proxy'] = `http://127.0.0.1:${typeof address === 'object' ? address?.port : 0}`;
      void inspectRemote('http://far.example/web.git').catch(() => undefined);
    });
    onTestFinished(() => void proxy.close());
  });
  onTestFinished(() => void delete process.env['http_proxy']);
  expect(await asked).toContain('http://far.example/web.git/info/refs');
});
