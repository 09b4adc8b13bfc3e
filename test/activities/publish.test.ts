import { chmod, readFile, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import { expect, test } from 'vitest';
import { placesIn } from '../../src/activities/places.js';
import { sandboxActivities } from '../../src/activities/sandbox.js';
import { sessionActivities } from '../../src/activities/sessions.js';
import type { Means } from '../../src/activities/session-run.js';
import type { AcceptRequest } from '../../src/contract/activities.js';
import { findMarked } from '../../src/process/mark.js';
import { asActivity, cancelActivity } from '../support/activity.js';
import { makeBench } from '../support/bench.js';
import type { Bench } from '../support/bench.js';
import { runGit, writeFiles } from '../support/repos.js';
import { AS_TOLD } from '../support/remotes.js';

async function accepted(bench: Bench, more: Partial<AcceptRequest> = {}): Promise<string> {
  const acceptance = await bench.acts.acceptStep(bench.step(more));
  if (acceptance.kind !== 'accepted') throw new Error(acceptance.why);
  return acceptance.head;
}

test("a repository inside the sandbox, empty or not, is refused in words until its files are the sandbox's own", async () => {
  const bench = await makeBench();
  const inner = join(bench.sandbox.path, 'a b');
  await runGit(bench.sandbox.path, ['init', '--quiet', 'a b']);
  await writeFiles(inner, { x: '1\n' });
  const words = { kind: 'rejected', why: expect.stringContaining('rm -rf a b/.git') };
  expect(await bench.acts.acceptStep(bench.step())).toEqual(words);
  await runGit(inner, ['add', '--all']);
  await runGit(inner, ['commit', '--quiet', '--message', 'inside']);
  expect(await bench.acts.acceptStep(bench.step())).toEqual(words);
  const submission = await bench.acts.submit({ ...bench.ref, since: bench.sandbox.base });
  expect(submission).toEqual({ ...words, kind: 'refused' });
  expect(await runGit(bench.sandbox.path, ['ls-files', '--stage'])).not.toContain('160000');
  // Also when the agent committed it.
  await runGit(bench.sandbox.path, ['add', '--all']);
  await runGit(bench.sandbox.path, ['commit', '--quiet', '--message', 'a gitlink']);
  expect(await bench.acts.acceptStep(bench.step())).toEqual(words);
  await rm(join(inner, '.git'), { recursive: true });
  const head = await accepted(bench);
  expect(await bench.origin.git('show', `${head}:a b/x`)).toBe('1');
});

test("work on another's branch is refused in words, and that does not move", async () => {
  const bench = await makeBench();
  const { sandbox, ref, mirror, acts } = bench;
  const other = 'polecat/Shadow/se-2';
  await acts.openSandbox({ ...ref, name: 'Shadow', branch: other });
  await writeFiles(sandbox.path, { x: '1\n' });
  await runGit(sandbox.path, ['symbolic-ref', 'HEAD', `refs/heads/${other}`]);
  const why = `the sandbox is on ${other}: go back to ${ref.branch}, with the work on it`;
  expect(await acts.acceptStep(bench.step())).toEqual({ kind: 'rejected', why });
  expect(await acts.submit({ ...ref, since: sandbox.base })).toEqual({ kind: 'refused', why });
  expect(await runGit(mirror, ['rev-parse', other])).toBe(sandbox.base);
  await runGit(sandbox.path, ['symbolic-ref', 'HEAD', `refs/heads/${ref.branch}`]);
  expect(await bench.origin.git('show', `${await accepted(bench)}:x`)).toBe('1');
});

test("a submodule that .gitmodules names, and a gitlink that was there before, are nobody's fault", async () => {
  const bench = await makeBench();
  const { path } = bench.sandbox;
  await runGit(path, ['-c', 'protocol.file.allow=always', 'submodule', '--quiet', 'add', bench.origin.path, 'sub']);
  const head = await accepted(bench);
  expect(await bench.origin.git('ls-tree', head, 'sub')).toContain('160000 commit');
  await runGit(path, ['rm', '--quiet', '--cached', '.gitmodules']);
  await writeFiles(path, { '.gitmodules': null, a: '1\n' });
  await accepted(bench, { since: head });
});

const running = (mark: string) => findMarked((one) => one === mark);

test('a cancelled step ends its acceptance command at once, with everything that it started', async () => {
  const bench = await makeBench();
  const acts = sandboxActivities(placesIn(bench.state), AS_TOLD);
  const cancel = new AbortController();
  const command = 'setsid sleep 60 & sleep 60';
  const accepting = asActivity(() => acts.acceptStep(bench.step({ molecule: 'se-cancelled', command })), cancel);
  const failure = accepting.catch(String);
  // Of this machine: what other tests run has other marks.
  const mark = 'se-cancelled/work/acceptance';
  while ((await running(mark)).length < 3) await pause(20);
  const before = Date.now();
  cancelActivity(cancel);
  expect(await failure).toContain('CANCELLED');
  expect(Date.now() - before).toBeLessThan(15_000);
  expect(await running(mark)).toEqual([]);
});

test('cancelled gates end at once, with everything that they started', async () => {
  const bench = await makeBench();
  // Gates use no runtime.
  const acts = sessionActivities(placesIn(bench.state), {} as Means);
  const cancel = new AbortController();
  const gates = [{ name: 'slow', command: 'setsid sleep 60 & sleep 60' }];
  const request = { request: 'se-cancelled.0', worktree: bench.sandbox.path, gates, timeoutMs: 60_000 };
  const failure = asActivity(() => acts.runGates(request), cancel).catch(String);
  const mark = 'gates/se-cancelled.0';
  while ((await running(mark)).length < 3) await pause(20);
  cancelActivity(cancel);
  expect(await failure).toContain('CANCELLED');
  expect(await running(mark)).toEqual([]);
});

test('what somebody pushed on top of the branch is taken in, and so is what conflicts, once it is resolved', async () => {
  const bench = await makeBench({ files: { 'a.txt': '1\n' } });
  await writeFiles(bench.sandbox.path, { 'b.txt': 'mine\n' });
  const first = await accepted(bench);
  await bench.origin.commit({ 'c.txt': 'theirs\n' }, { branch: bench.ref.branch, message: 'theirs' });
  await writeFiles(bench.sandbox.path, { 'b.txt': 'mine again\n' });
  const second = await accepted(bench, { since: first, command: 'test -f c.txt' });
  expect(await bench.origin.sha(bench.ref.branch)).toBe(second);
  expect(await bench.origin.git('show', `${second}:c.txt`)).toBe('theirs');
  expect(await bench.origin.git('show', `${second}:b.txt`)).toBe('mine again');

  const theirs = await bench.origin.commit({ 'a.txt': 'theirs\n' }, { branch: bench.ref.branch });
  await writeFiles(bench.sandbox.path, { 'a.txt': 'mine\n' });
  const why = expect.stringMatching(new RegExp(`somebody pushed to .*${theirs}.* conflicts in a.txt: resolve`));
  const step = bench.step({ since: second });
  expect(await bench.acts.submit({ ...bench.ref, since: second })).toEqual({ kind: 'refused', why });
  expect(await readFile(join(bench.sandbox.path, 'a.txt'), 'utf8')).toBe('mine\n');
  expect(await bench.acts.acceptStep(step)).toEqual({ kind: 'rejected', why });
  expect(await readFile(join(bench.sandbox.path, 'a.txt'), 'utf8')).toContain('<<<<<<<');
  await writeFiles(bench.sandbox.path, { 'a.txt': 'both\n' });
  const third = await accepted(bench, { since: second });
  expect(await bench.origin.git('merge-base', theirs, third)).toBe(theirs);
  expect(await bench.origin.git('show', `${third}:a.txt`)).toBe('both');
});

test('a branch that somebody rewrote is left to people', async () => {
  const bench = await makeBench();
  await writeFiles(bench.sandbox.path, { secret: '1\n' });
  const first = await accepted(bench);
  await bench.origin.git('update-ref', `refs/heads/${bench.ref.branch}`, 'main');
  const theirs = await bench.origin.commit({ other: '1\n' }, { branch: bench.ref.branch });
  await writeFiles(bench.sandbox.path, { more: '1\n' });
  const acceptance = await bench.acts.acceptStep(bench.step({ since: first }));
  expect(acceptance).toEqual({
    kind: 'rejected',
    why: expect.stringMatching(/somebody pushed .* no longer holds .*git merge origin\/polecat\/Toast\/se-1/),
  });
  expect(await bench.origin.sha(bench.ref.branch)).toBe(theirs);
});

test('a branch that no longer holds what was accepted is refused in words, until it does', async () => {
  const bench = await makeBench();
  const { path, base } = bench.sandbox;
  await writeFiles(path, { a: '1\n' });
  const first = await accepted(bench, { title: 'Write a' });
  await runGit(path, ['reset', '--quiet', '--hard', base]);
  const why = expect.stringContaining(`no longer holds what was accepted before (Write a): git merge ${first} `);
  expect(await bench.acts.acceptStep(bench.step({ since: first }))).toEqual({ kind: 'rejected', why });
  await writeFiles(path, { b: '1\n' });
  expect(await bench.acts.acceptStep(bench.step({ since: first }))).toEqual({ kind: 'rejected', why });
  const at = { molecule: 'se-1', since: first };
  expect(await bench.acts.submit({ ...bench.ref, since: first, at })).toEqual({ kind: 'refused', why });
  expect(await bench.origin.sha(bench.ref.branch)).toBe(first);
  await runGit(path, ['-c', 'user.name=x', '-c', 'user.email=x@x', 'merge', '--quiet', '--no-edit', first]);
  expect(await bench.origin.git('show', `${await accepted(bench, { since: first })}:a`)).toBe('1');
});

test('what somebody took out of the branch on the remote may be left out', async () => {
  const bench = await makeBench();
  const { path } = bench.sandbox;
  await writeFiles(path, { a: '1\n' });
  const first = await accepted(bench);
  await bench.origin.git('update-ref', `refs/heads/${bench.ref.branch}`, 'main');
  await bench.origin.commit({ other: '1\n' }, { branch: bench.ref.branch });
  await runGit(path, ['fetch', '--quiet', 'origin']);
  await runGit(path, ['reset', '--quiet', '--hard', `origin/${bench.ref.branch}`]);
  const head = await accepted(bench, { since: first });
  expect(await bench.origin.git('ls-tree', '--name-only', head)).not.toContain('a\n');
  expect(await runGit(bench.mirror, ['for-each-ref', '--contains', first])).toContain('refs/gt/undone/');
});

test('work that is on the target already, and that its rebase drops, is not lost', async () => {
  const bench = await makeBench();
  const { path } = bench.sandbox;
  await writeFiles(path, { a: '1\n' });
  const first = await accepted(bench);
  await writeFiles(path, { b: '1\n' });
  const second = await accepted(bench, { since: first });
  await bench.origin.commit({ a: '1\n', c: '1\n' }, { branch: 'main' });
  await bench.acts.catchUp(bench.ref);
  await writeFiles(path, { a: '2\n' });
  const third = await accepted(bench, { since: second, molecule: 'se-1-r1' });
  expect(await bench.origin.sha(bench.ref.branch)).toBe(third);
  expect(await bench.origin.git('log', '--format=%s', `main..${third}`)).toBe('Work\nWork');
});

test("a remote's hook that refuses the push ends the step and the hand-in in its words", async () => {
  const bench = await makeBench();
  const hook = join(bench.origin.path, 'hooks', 'pre-receive');
  await writeFile(hook, '#!/bin/sh\necho "sign your work"\nexit 1\n');
  await chmod(hook, 0o755);
  await writeFiles(bench.sandbox.path, { a: '1\n' });
  const why = expect.stringContaining('sign your work');
  expect(await bench.acts.acceptStep(bench.step())).toEqual({ kind: 'rejected', why });
  expect(await bench.acts.submit({ ...bench.ref, since: bench.sandbox.base })).toEqual({ kind: 'refused', why });
  expect(await bench.acts.salvage(bench.ref)).toEqual({ kind: 'unpushed', why });
  expect(await bench.acts.nuke({ ...bench.ref, landed: false })).toMatchObject({ kind: 'kept' });
});
