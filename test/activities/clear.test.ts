import { chmod, readdir, rename, rm, stat, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { expect, test } from 'vitest';
import { mergeActivities } from '../../src/activities/merge.js';
import { placesIn } from '../../src/activities/places.js';
import { shellIn } from '../../src/activities/shell.js';
import { authorEnvironment, authorOf } from '../../src/git/author.js';
import { plainEnvironment } from '../../src/process/environment.js';
import { findMarked } from '../../src/process/mark.js';
import { runShell } from '../../src/process/run.js';
import { DEFAULT_CONFINEMENT } from '../../src/town/confinement.js';
import type { Confinement } from '../../src/town/confinement.js';
import { asActivity } from '../support/activity.js';
import { makeBench } from '../support/bench.js';
import type { Bench } from '../support/bench.js';
import { missingBubblewrap } from '../support/bubblewrap.js';
import { killedCall } from '../support/killed-call.js';
import { until } from '../support/live-town.js';
import { makeFolder, makeRepo, runGit, writeFiles } from '../support/repos.js';
import type { Repo } from '../support/repos.js';
import { AS_TOLD } from '../support/remotes.js';
import { drawn } from '../support/sample.js';

async function pushed(bench: Bench, name = 'a'): Promise<string> {
  await writeFiles(bench.sandbox.path, { [name]: '1\n' });
  const acceptance = await bench.acts.acceptStep(bench.step());
  if (acceptance.kind !== 'accepted') throw new Error(acceptance.why);
  return acceptance.head;
}

const branches = (bench: Bench) => bench.origin.git('branch', '--format=%(refname:short)');
const refsOf = (bench: Bench) => runGit(bench.mirror, ['for-each-ref', '--format=%(refname)', 'refs/heads', 'refs/gt']);

test('a repository inside the sandbox is never called safe, and the sandbox with it stays', async () => {
  const bench = await makeBench();
  const { path } = bench.sandbox;
  await runGit(path, ['init', '--quiet', 'sub']);
  await writeFiles(path, { 'sub/x': '1\n' });
  const why = expect.stringContaining('sub is a git repository of its own');
  expect(await bench.acts.salvage(bench.ref)).toEqual({ kind: 'unpushed', why });
  await runGit(join(path, 'sub'), ['add', '--all']);
  await runGit(join(path, 'sub'), ['commit', '--quiet', '--message', 'inside']);
  expect(await bench.acts.salvage(bench.ref)).toEqual({ kind: 'unpushed', why });
  await runGit(path, ['add', '--all']);
  await runGit(path, ['commit', '--quiet', '--message', 'a gitlink']);
  await runGit(path, ['push', '--quiet', bench.origin.path, `HEAD:refs/heads/${bench.ref.branch}`]);
  expect(await bench.acts.nuke({ ...bench.ref, landed: true })).toEqual({ kind: 'kept', why });
  expect(await readdir(join(path, 'sub'))).toContain('x');
});

const it = drawn('sandboxes to be cleared', 13, 5);

it('what salvage finds on any branch of the remote, nuke finds there, too; what is in the mirror alone is no success', async () => {
  const bench = await makeBench();
  const { path } = bench.sandbox;
  await writeFiles(path, { a: '1\n' });
  await runGit(path, ['add', '--all']);
  await runGit(path, ['commit', '--quiet', '--message', 'a']);
  const alone = await bench.acts.nuke({ ...bench.ref, incarnation: 7, landed: false });
  expect(alone).toMatchObject({ kind: 'gone', where: expect.stringContaining('only'), isOnlyHere: true });
  await runGit(path, ['push', '--quiet', bench.origin.path, 'HEAD:refs/heads/of-somebody']);
  expect(await bench.acts.salvage(bench.ref)).toEqual({ kind: 'clean' });
  const where = 'its work is on other branches of the remote';
  expect(await bench.acts.nuke({ ...bench.ref, landed: false })).toEqual({ kind: 'gone', where });
  expect(await bench.origin.git('show', 'of-somebody:a')).toBe('1');
});

/** A sandbox whose repository has a submodule `lib`, checked out, and the repository that it is of. */
async function withSubmodule(): Promise<Bench & { readonly lib: Repo; readonly inside: string }> {
  const lib = await makeRepo({ bare: true, path: join(await makeFolder(), 'lib') });
  const bench = await makeBench();
  const { path } = bench.sandbox;
  await runGit(path, ['-c', 'protocol.file.allow=always', 'submodule', '--quiet', 'add', lib.path, 'lib']);
  return { ...bench, lib, inside: join(path, 'lib') };
}

const commitIn = async (folder: string, file: string) => {
  await writeFiles(folder, { [file]: '1\n' });
  await runGit(folder, ['add', '--all']);
  await runGit(folder, ['commit', '--quiet', '--message', file]);
};

it('commits of a submodule that nobody else has keep the sandbox, landed or not, until they are pushed', async () => {
  const bench = await withSubmodule();
  await commitIn(bench.inside, 'inner');
  await pushed(bench);
  const why = expect.stringContaining('the submodule lib has commits that none of their remotes has');
  expect(await bench.acts.salvage(bench.ref)).toEqual({ kind: 'unpushed', why });
  expect(await bench.acts.nuke({ ...bench.ref, landed: true })).toEqual({ kind: 'kept', why });
  expect(await readdir(bench.inside)).toContain('inner');
  await runGit(bench.inside, ['push', '--quiet', 'origin', 'HEAD:refs/heads/mine']);
  expect(await bench.acts.salvage(bench.ref)).toMatchObject({ kind: 'pushed' });
  expect(await bench.acts.nuke({ ...bench.ref, landed: false })).toMatchObject({ kind: 'gone' });
  expect(await bench.lib.git('show', 'mine:inner')).toBe('1');
});

it.each<[string, (inside: string) => Promise<unknown>]>([
  ['of another branch', (inside) => runGit(inside, ['checkout', '--quiet', '-'])],
  ['of no branch', (inside) => runGit(inside, ['checkout', '--quiet', '--detach'])],
  ['whose folder was deleted', (inside) => rm(inside, { recursive: true })],
  ['whose sandbox was deleted', (inside) => rm(dirname(inside), { recursive: true })],
])('commits of a submodule are found, too: %s', async (_, leave) => {
  const bench = await withSubmodule();
  await pushed(bench);
  await runGit(bench.inside, ['checkout', '--quiet', '-b', 'aside']);
  await commitIn(bench.inside, 'inner');
  await leave(bench.inside);
  await runGit(bench.sandbox.path, ['add', '--all']).catch(() => undefined);
  await runGit(bench.sandbox.path, ['commit', '--quiet', '--message', 'all']).catch(() => undefined);
  await runGit(bench.sandbox.path, ['push', '--quiet', 'origin', `HEAD:refs/heads/${bench.ref.branch}`]).catch(
    () => undefined,
  );
  expect(await bench.acts.nuke({ ...bench.ref, landed: true })).toMatchObject({
    kind: 'kept',
    why: expect.stringContaining('the submodule lib has commits'),
  });
});

it('that the target names a commit of a submodule is no proof that anybody has it; that the work began with it is', async () => {
  const bench = await withSubmodule();
  await commitIn(bench.inside, 'inner');
  await pushed(bench);
  await bench.origin.git('update-ref', 'refs/heads/main', bench.ref.branch);
  expect(await bench.acts.nuke({ ...bench.ref, landed: true })).toMatchObject({ kind: 'kept' });
  const next = { ...bench.ref, incarnation: 2, branch: 'polecat/Toast/se-2' };
  const { path } = await bench.acts.openSandbox(next);
  // A commit that no branch of the submodule's remote has, as one that only a tag names.
  await runGit(bench.inside, ['push', '--quiet', 'origin', 'HEAD:refs/tags/v1']);
  await runGit(path, ['-c', 'protocol.file.allow=always', 'submodule', '--quiet', 'update', '--init']);
  expect(await readdir(join(path, 'lib'))).toContain('inner');
  expect(await bench.acts.nuke({ ...next, landed: false })).toMatchObject({ kind: 'gone' });
});

const missing = await missingBubblewrap();

it.skipIf(missing !== null)(
  'git outside does not obey the settings of a submodule that was made by somebody who is shut in; what it holds is found all the same',
  async () => {
    const bench = await makeBench();
    const { path } = bench.sandbox;
    const tree = { mirror: bench.mirror, path, branch: bench.ref.branch };
    const confinement: Confinement = { ...DEFAULT_CONFINEMENT, level: 'bubblewrap' };
    const shell = await shellIn(tree, confinement);
    const env = plainEnvironment(authorEnvironment(authorOf('server/polecats/Toast')));
    const trap = join(await makeFolder(), 'sprung');
    const inside = async (command: string) => {
      const all = `set -e; D="$(git rev-parse --git-dir)/modules/lib"; export GIT_DIR="$D"; ${command}`;
      const { end, stderr } = await shell(all, { env, timeoutMs: 30_000 });
      expect(end, stderr).toEqual({ kind: 'exited', code: 0 });
    };
    // A commit that is missing is fetched by the program that the settings name.
    await inside(
      `git init -q --bare "$D" && git config extensions.partialClone origin && git config remote.origin.promisor true &&
       git config remote.origin.url /tmp && git config remote.origin.uploadpack 'touch "${trap}"; false' &&
       git update-ref refs/heads/work $(git commit-tree -m one $(git mktree < /dev/null)) &&
       echo ${'1'.repeat(40)} > "$D/HEAD"`,
    );
    const why = expect.stringContaining('the submodule lib has commits');
    expect(await bench.acts.salvage(bench.ref)).toEqual({ kind: 'unpushed', why });
    expect(await bench.acts.nuke({ ...bench.ref, landed: false })).toEqual({ kind: 'kept', why });
    await expect(stat(trap)).rejects.toThrow('ENOENT');
    await inside(`git update-ref refs/remotes/origin/main work`);
    expect(await bench.acts.nuke({ ...bench.ref, landed: false })).toMatchObject({ kind: 'gone' });
  },
);

it('salvage never pushes over what somebody else pushed, and is content when that holds all of the work', async () => {
  const bench = await makeBench();
  const first = await pushed(bench);
  const theirs = await bench.origin.commit({ theirs: '1\n' }, { branch: bench.ref.branch });
  expect(await bench.acts.salvage(bench.ref)).toEqual({ kind: 'pushed', branch: bench.ref.branch, head: first });
  expect(await bench.origin.sha(bench.ref.branch)).toBe(theirs);
  await writeFiles(bench.sandbox.path, { b: '1\n' });
  const why = expect.stringContaining(`somebody else changed ${bench.ref.branch}`);
  expect(await bench.acts.salvage(bench.ref)).toEqual({ kind: 'unpushed', why });
  expect(await bench.origin.sha(bench.ref.branch)).toBe(theirs);
});

it('salvage replaces what was pushed from here by its rebased self', async () => {
  const bench = await makeBench();
  await pushed(bench);
  await bench.origin.commit({ main: '1\n' });
  expect(await bench.acts.catchUp(bench.ref)).toEqual({ conflicts: [] });
  expect(await bench.acts.salvage(bench.ref)).toMatchObject({ kind: 'pushed' });
  expect(await bench.origin.git('show', `${bench.ref.branch}:main`)).toBe('1');
});

it('a nuke that is killed once the remote branch is gone leaves nothing when it is asked again', async () => {
  const bench = await makeBench();
  const head = await pushed(bench);
  await bench.origin.commit({ other: '1\n' });
  // Landed, but rebased: the commit itself is nowhere but on its branch.
  const hook = join(bench.origin.path, 'hooks', 'post-receive');
  await writeFile(hook, '#!/bin/sh\nsleep 60\n');
  await chmod(hook, 0o755);
  const request = { ...bench.ref, landed: true };
  const gone = until('the branch is gone', async () => (await branches(bench)) === 'main');
  expect(await killedCall('nuke', { state: bench.state, request }, gone)).toBe('killed');
  await rm(hook);
  expect(await refsOf(bench)).not.toBe('');
  expect(await bench.acts.nuke(request)).toEqual({ kind: 'gone', where: 'its work has landed' });
  expect(await refsOf(bench)).toBe('');
  expect(await readdir(dirname(bench.sandbox.path))).toEqual([]);
  expect(await readdir(join(bench.mirror, 'worktrees')).catch(() => [])).toEqual([]);
  await expect(bench.origin.sha(head)).resolves.toBe(head);
});

it('a repository that is missing is told in words: the sandbox stays, and nobody waits', async () => {
  const bench = await makeBench();
  await pushed(bench);
  await rename(bench.origin.path, `${bench.origin.path}.away`);
  const why = expect.stringContaining('does not appear to be a git repository');
  expect(await bench.acts.nuke({ ...bench.ref, landed: true })).toEqual({ kind: 'kept', why });
  const refused = { type: 'BadTown', nonRetryable: true, message: expect.stringContaining('rig "server": git fetch') };
  await expect(bench.acts.catchUp(bench.ref)).rejects.toMatchObject(refused);
});

it('a sandbox that was taken away is no reason to try for ever', async () => {
  const bench = await makeBench();
  await pushed(bench);
  await runGit(bench.mirror, ['worktree', 'remove', '--force', bench.sandbox.path]);
  await expect(bench.acts.catchUp(bench.ref)).rejects.toMatchObject({ type: 'BadTown', nonRetryable: true });
});

it("another branch's sandbox at the path is refused in words, and neither saved nor removed", async () => {
  const bench = await makeBench();
  await writeFiles(bench.sandbox.path, { a: '1\n' });
  const other = { ...bench.ref, branch: 'polecat/Toast/se-2' };
  await expect(bench.acts.openSandbox(other)).rejects.toMatchObject({
    nonRetryable: true,
    message: expect.stringMatching(/Toast-1 is the worktree of polecat\/Toast\/se-1.*rm -rf .*Toast-1, then try again/),
  });
  expect(await bench.acts.salvage(other)).toEqual({ kind: 'clean' });
  expect(await bench.acts.nuke({ ...other, landed: false })).toMatchObject({ kind: 'gone' });
  expect(await runGit(bench.sandbox.path, ['status', '--porcelain'])).toBe('?? a');
});

it('a merge is cleared up whole, however little of it is left, and again', async () => {
  const bench = await makeBench();
  const head = await pushed(bench);
  const places = placesIn(bench.state);
  const { prepareMerge, landMerge, closeMerge } = mergeActivities(places, AS_TOLD);
  const task = { rig: bench.ref.rig, request: 'se-1.0', branch: bench.ref.branch, head, target: 'main' };
  const close = () => asActivity(() => closeMerge({ ...task, landed: false }));
  const prepare = async () => {
    const prepared = await prepareMerge(task);
    if (prepared.kind !== 'prepared') throw new Error(prepared.kind);
    return prepared;
  };
  const left = async () => [
    ...(await readdir(dirname(places.merge('server', 'se-1.0')))),
    ...(await readdir(join(bench.mirror, 'worktrees'))).filter((name) => name !== 'Toast-1'),
    // How far the branch of the sandbox has been brought stays noted.
    ...(await runGit(bench.mirror, ['for-each-ref', '--format=%(refname)', 'refs/gt']))
      .split('\n')
      .filter((ref) => ref !== '' && !ref.startsWith('refs/gt/accepted')),
  ];
  const { base, tip } = await prepare();
  await bench.origin.commit({ other: '1\n' });
  expect(await landMerge({ ...task, base, tip })).toMatchObject({ kind: 'moved' });
  await close();
  expect(await left()).toEqual([]);
  const { worktree } = await prepare();
  await rm(worktree, { recursive: true });
  await close();
  await close();
  expect(await left()).toEqual([]);
  await rm(bench.mirror, { recursive: true });
  await close();
});

it('a nuke takes along what a refinery that was terminated left of its try to land the work, and nothing of others', async () => {
  const bench = await makeBench();
  const head = await pushed(bench);
  const places = placesIn(bench.state);
  const { prepareMerge } = mergeActivities(places, AS_TOLD);
  const task = { rig: bench.ref.rig, branch: bench.ref.branch, head, target: 'main' };
  for (const request of ['se-1.0', 'se-12.0']) {
    expect(await prepareMerge({ ...task, request })).toMatchObject({ kind: 'prepared' });
  }
  const mark = 'gates/se-1.0';
  const gate = runShell('sleep 60', { cwd: places.merge('server', 'se-1.0'), env: plainEnvironment(), mark });
  await until('the gate runs', async () => (await findMarked((one) => one === mark)).length > 0);
  expect(await bench.acts.nuke({ ...bench.ref, landed: false })).toMatchObject({ kind: 'gone' });
  expect((await gate).end).toEqual({ kind: 'signalled', signal: 'SIGKILL' });
  expect(await readdir(places.merges('server'))).toEqual(['se-12.0']);
  expect(await refsOf(bench)).toMatch(/^refs\/gt\/prepared\/se-12\.0\/[0-9a-f]+$/);
});
