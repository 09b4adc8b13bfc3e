import { execFile } from 'node:child_process';
import { mkdir, readFile, rm, symlink, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { describe, expect, test } from 'vitest';
import { salvage, type Salvaged } from '../../src/git/salvage.js';
import { removeWorktree, worktreeState, type Worktree } from '../../src/git/worktree.js';
import { runGit, writeFiles } from '../support/repos.js';
import { drawn } from '../support/sample.js';
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

const it = drawn('sandboxes to be saved', 9, 4);

it('commits of a sandbox whose folder is gone are pushed from the mirror', async () => {
  const rig = await makeRig();
  const sandbox = await openSandbox(rig);
  await writeFiles(sandbox.path, { a: '1\n' });
  await runGit(sandbox.path, ['add', '--all']);
  await runGit(sandbox.path, ['commit', '--quiet', '--message', 'mine']);
  const head = await runGit(sandbox.path, ['rev-parse', 'HEAD']);
  await rm(sandbox.path, { recursive: true });
  expect(await save(rig, sandbox)).toEqual({ kind: 'pushed', branch: BRANCH, head, aside: [] });
});

it('an unfinished rebase is aborted, and what it had come to is kept aside', async () => {
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

it('commits that the agent made off its branch are kept aside', async () => {
  const rig = await makeRig();
  const sandbox = await openSandbox(rig);
  const step = await finishStep(rig, sandbox, { a: '1\n' });
  await runGit(sandbox.path, ['checkout', '--quiet', '--detach', sandbox.base]);
  await writeFiles(sandbox.path, { off: '1\n' });
  const saved = await savedOf(save(rig, sandbox, step));
  expect(saved.head).toBe(step);
  expect(await rig.origin.git('show', `${saved.aside[0]?.branch}:off`)).toBe('1');
});

it('work that cannot be pushed stays and the reason is told', async () => {
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

describe('what somebody who is shut in wrote of git', () => {
  const OTHER = 'polecat/Shadow/se-5e6f7a8b';

  /** Two sandboxes, of which the first has a commit that is not pushed, and a file that nobody committed. */
  async function neighbours() {
    const rig = await makeRig();
    const other = await openSandbox(rig, 'Shadow', OTHER);
    const theirs = await finishStep(rig, other, { theirs: '1\n' });
    const sandbox = await openSandbox(rig);
    await writeFiles(sandbox.path, { mine: '1\n' });
    await runGit(sandbox.path, ['add', '--all']);
    await runGit(sandbox.path, ['commit', '--quiet', '--message', 'mine']);
    const mine = await runGit(sandbox.path, ['rev-parse', 'HEAD']);
    await writeFiles(sandbox.path, { loose: '1\n' });
    const metadata = await runGit(sandbox.path, ['rev-parse', '--absolute-git-dir']);
    const untouched = async () => {
      expect(await runGit(rig.mirror, ['rev-parse', OTHER])).toBe(theirs);
      expect(await rig.origin.sha(OTHER)).toBe(theirs);
      expect(await runGit(other.path, ['status', '--porcelain'])).toBe('');
    };
    return { rig, sandbox, theirs, mine, metadata, untouched };
  }

  it("a sandbox that was left on another's branch is saved beside its own, and the other does not move", async () => {
    const { rig, sandbox, theirs, mine, untouched } = await neighbours();
    await runGit(sandbox.path, ['symbolic-ref', 'HEAD', `refs/heads/${OTHER}`]);
    const saved = await savedOf(save(rig, sandbox));
    await untouched();
    expect(saved.head).toBe(mine);
    const aside = saved.aside[0]?.branch;
    expect(await rig.origin.git('show', `${aside}:loose`)).toBe('1');
    expect(await rig.origin.sha(`${aside}^`)).toBe(theirs);
    const state = await worktreeState({ mirror: rig.mirror, path: sandbox.path });
    expect(state).toMatchObject({ branch: null, dirty: [] });
    expect(await save(rig, sandbox)).toEqual(saved);
  });

  it("a branch that stands for another's becomes one of its own at the same commit", async () => {
    const { rig, sandbox, theirs, untouched } = await neighbours();
    await runGit(sandbox.path, ['symbolic-ref', `refs/heads/${BRANCH}`, `refs/heads/${OTHER}`]);
    const saved = await savedOf(save(rig, sandbox));
    await untouched();
    expect(await runGit(rig.mirror, ['show', `${saved.head}:loose`])).toBe('1');
    expect(await runGit(rig.mirror, ['rev-parse', `${BRANCH}^`])).toBe(theirs);
  });

  it.each([
    ['is to put back', 'head-name'],
    ['is to take away', 'refs-to-delete'],
  ])("a rebase is aborted without the other's branch that it %s", async (_what, file) => {
    const { rig, sandbox, mine, metadata, untouched } = await neighbours();
    await runGit(sandbox.path, ['checkout', '--quiet', '--detach']);
    await mkdir(join(metadata, 'rebase-merge'));
    const ends = { onto: mine, 'orig-head': mine, 'head-name': `refs/heads/${BRANCH}`, interactive: '' };
    await writeFiles(join(metadata, 'rebase-merge'), { ...ends, [file]: `refs/heads/${OTHER}\n` });
    const saved = await savedOf(save(rig, sandbox));
    await untouched();
    expect(await worktreeState({ mirror: rig.mirror, path: sandbox.path })).toMatchObject({ rebasing: false });
    expect(await rig.origin.sha(`${BRANCH}^`)).toBe(mine);
    expect(await rig.origin.git('show', `${saved.head}:loose`)).toBe('1');
  });

  it('a link in place of a file that git writes is not followed', async () => {
    const { rig, sandbox, metadata, untouched } = await neighbours();
    const ofHost = join(rig.folder, 'of the host');
    for (const [name, at] of [
      ['COMMIT_EDITMSG', metadata],
      ['HEAD', join(metadata, 'logs')],
      [BRANCH, join(rig.mirror, 'logs', 'refs', 'heads')],
    ] as const) {
      await writeFile(ofHost, 'kept\n');
      await rm(join(at, name), { force: true });
      await symlink(ofHost, join(at, name));
      await writeFiles(sandbox.path, { loose: `${name}\n` });
      const saved = await savedOf(save(rig, sandbox));
      expect(await rig.origin.git('show', `${saved.head}:loose`)).toBe(name);
      expect(await readFile(ofHost, 'utf8'), name).toBe('kept\n');
    }
    await untouched();
  });

  it.each(['folder', 'pipe', 'link to nothing', 'branch that is not there'])(
    'HEAD that is a %s is its own branch again, and the sandbox can be saved and removed',
    async (what) => {
      const { rig, sandbox, mine, metadata, untouched } = await neighbours();
      const head = join(metadata, 'HEAD');
      await rm(head);
      if (what === 'folder') await mkdir(head);
      if (what === 'pipe') await promisify(execFile)('mkfifo', [head]);
      if (what === 'link to nothing') await symlink('/nowhere/at all', head);
      if (what === 'branch that is not there') await writeFile(head, 'ref: refs/heads/polecat/Nux/se-9c\n');
      const saved = await savedOf(save(rig, sandbox));
      expect(await rig.origin.sha(`${saved.branch}^`)).toBe(mine);
      await removeWorktree({ mirror: rig.mirror, path: sandbox.path });
      await untouched();
    },
  );
});
