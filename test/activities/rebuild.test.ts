/** A sandbox whose host is lost, rebuilt on another: what it begins with, and what whoever wakes with the old one can do. */
import { readdir, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import type { RebuildRequest } from '../../src/contract/activities.js';
import { makeBench, otherHost } from '../support/bench.js';
import type { Bench } from '../support/bench.js';
import { runGit, writeFiles } from '../support/repos.js';
import { drawn } from '../support/sample.js';

async function closed(bench: Bench, step: string, since = bench.sandbox.base): Promise<string> {
  await writeFiles(bench.sandbox.path, { [step]: '1\n' });
  const acceptance = await bench.acts.acceptStep(bench.step({ step, since }));
  if (acceptance.kind !== 'accepted') throw new Error(acceptance.why);
  return acceptance.head;
}

const FIRST = 'polecat/Toast/se-1';
const request = (bench: Bench, more: Partial<RebuildRequest> = {}): RebuildRequest => ({
  ...bench.ref,
  branch: `${FIRST}.1`,
  lost: FIRST,
  molecule: 'se-1',
  since: bench.sandbox.base,
  step: null,
  ...more,
});
const branches = async (bench: Bench) => (await bench.origin.git('branch', '--format=%(refname:short)')).split('\n');

test('it begins at the last step that closed, on a branch of its own that takes the place of the lost one', async () => {
  const bench = await makeBench();
  const since = await closed(bench, 'one');
  await writeFiles(bench.sandbox.path, { half: '1\n' });
  const other = await otherHost();
  const rebuilt = await other.acts.rebuildSandbox(request(bench, { since }));
  expect(rebuilt).toMatchObject({ branch: `${FIRST}.1`, base: since, hasStep: false });
  expect((await readdir(rebuilt.path)).toSorted()).toEqual(['.git', 'README.md', 'one']);
  expect(await branches(bench)).toEqual(['main', `${FIRST}.1`]);
  expect(await bench.origin.sha(`${FIRST}.1`)).toBe(since);
  expect(await other.acts.rebuildSandbox(request(bench, { since }))).toEqual(rebuilt);
});

const it = drawn('sandboxes to be rebuilt', 7, 3);

it('with nothing pushed it begins at the target, and pushes nothing', async () => {
  const bench = await makeBench();
  const other = await otherHost();
  const rebuilt = await other.acts.rebuildSandbox(request(bench));
  expect(await runGit(rebuilt.path, ['rev-parse', 'HEAD'])).toBe(bench.sandbox.base);
  const unopened = await otherHost();
  expect(await unopened.acts.rebuildSandbox(request(bench, { since: null }))).toMatchObject({
    base: bench.sandbox.base,
  });
  expect(await branches(bench)).toEqual(['main']);
});

it('work that was begun before begins at that branch of the remote, and at nothing else that the mirror has', async () => {
  const bench = await makeBench();
  const head = await closed(bench, 'one');
  const begin = async (from: string, incarnation: number) =>
    bench.acts.openSandbox({ ...bench.ref, name: 'Ash', branch: `polecat/Ash/se-${incarnation}`, incarnation, from });
  const sandbox = await begin(FIRST, 2);
  expect(sandbox).toMatchObject({ base: head });
  expect(await readdir(sandbox.path)).toContain('one');
  for (const from of ['polecat/Toast/se-7', head, `${FIRST}~1`, 'HEAD', '../../heads/polecat/Toast/se-1'])
    await expect(begin(from, 3)).rejects.toThrow(`has no branch "${from}"`);
  const other = await otherHost();
  const rebuilt = await other.acts.rebuildSandbox(request(bench, { since: null, lost: 'none', from: FIRST }));
  expect(rebuilt).toMatchObject({ base: head });
});

it('a step that was pushed and never recorded is in it when its checks are asked for again, and done anew else', async () => {
  const bench = await makeBench();
  const since = await closed(bench, 'one');
  const head = await closed(bench, 'two', since);
  const anew = await otherHost();
  const fresh = await anew.acts.rebuildSandbox(request(bench, { since, branch: `${FIRST}.9` }));
  expect(fresh).toMatchObject({ hasStep: false });
  expect(await runGit(fresh.path, ['rev-parse', 'HEAD'])).toBe(since);
  expect(await bench.origin.sha(FIRST)).toBe(head);

  const other = await otherHost();
  const whole = await other.acts.rebuildSandbox(request(bench, { since, step: 'two' }));
  expect(whole).toMatchObject({ hasStep: true });
  const again = bench.step({ branch: `${FIRST}.1`, step: 'two', since });
  expect(await other.acts.acceptStep(again)).toEqual({ kind: 'accepted', head });
  expect(await branches(bench)).toEqual(['main', `${FIRST}.1`, `${FIRST}.9`]);
});

it('what others pushed to the lost branch is in it', async () => {
  const bench = await makeBench();
  const since = await closed(bench, 'one');
  const theirs = join(bench.state, 'theirs');
  await runGit(bench.state, ['clone', '--quiet', '--branch', FIRST, bench.origin.path, theirs]);
  await writeFiles(theirs, { help: '1\n' });
  await runGit(theirs, ['add', '--all']);
  await runGit(theirs, ['commit', '--quiet', '--message', 'help']);
  await runGit(theirs, ['push', '--quiet', 'origin', FIRST]);
  const other = await otherHost();
  const rebuilt = await other.acts.rebuildSandbox(request(bench, { since }));
  expect((await readdir(rebuilt.path)).toSorted()).toEqual(['.git', 'README.md', 'help', 'one']);
});

it('work that was sent back begins on top of its target again, however often it is asked for', async () => {
  const bench = await makeBench();
  const since = await closed(bench, 'one');
  await bench.origin.commit({ later: '1\n' });
  const other = await otherHost();
  const asked = request(bench, { since, catchUp: 'main' });
  const rebuilt = await other.acts.rebuildSandbox(asked);
  expect((await readdir(rebuilt.path)).toSorted()).toEqual(['.git', 'README.md', 'later', 'one']);
  expect(await other.acts.rebuildSandbox(asked)).toEqual(rebuilt);
  expect(await bench.origin.sha(`${FIRST}.1`)).toBe(since);
});

it('who wakes with the old sandbox pushes nothing over the new one', async () => {
  const bench = await makeBench();
  const since = await closed(bench, 'one');
  const other = await otherHost();
  await other.acts.rebuildSandbox(request(bench, { since }));
  const stale = await closed(bench, 'two', since);
  expect(await bench.origin.sha(`${FIRST}.1`)).toBe(since);
  expect(await bench.origin.sha(FIRST)).toBe(stale);
});

it('rebuilt where it was lost before, the older sandbox makes room, and what lay in it is a commit of the mirror', async () => {
  const bench = await makeBench();
  const since = await closed(bench, 'one');
  await writeFiles(bench.sandbox.path, { half: '1\n' });
  const other = await otherHost();
  await other.acts.rebuildSandbox(request(bench, { since }));
  const back = await bench.acts.rebuildSandbox(request(bench, { since, branch: `${FIRST}.2`, lost: `${FIRST}.1` }));
  expect(back.path).toBe(bench.sandbox.path);
  await expect(stat(join(back.path, 'half'))).rejects.toThrow('ENOENT');
  expect(await runGit(bench.mirror, ['show', `${FIRST}:half`])).toBe('1');
  expect(await branches(bench)).toEqual(['main', `${FIRST}.2`]);
});
