/** What a gate that finds nothing to run means: the branch's doing is told from a gate that never was. */
import { existsSync } from 'node:fs';
import { chmod, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { mergeActivities } from '../../src/activities/merge.js';
import { placesIn } from '../../src/activities/places.js';
import { sessionActivities } from '../../src/activities/sessions.js';
import type { Means } from '../../src/activities/session-run.js';
import type { MergeTask } from '../../src/contract/merge-activities.js';
import type { GateVerdict } from '../../src/town/gate-verdict.js';
import type { Gate } from '../../src/town/rig.js';
import { asActivity } from '../support/activity.js';
import { makeBench } from '../support/bench.js';
import { makeFolder, runGit, writeFiles } from '../support/repos.js';
import type { Files } from '../support/repos.js';
import { AS_TOLD } from '../support/remotes.js';

const CHECK = '#!/bin/sh\necho checked\nexit 1\n';

/** What the gates say of a branch with these changes to a target that has an executable `check.sh`. */
async function verdictOn(
  change: { readonly files?: Files; readonly mode?: number },
  commands: readonly (string | Omit<Gate, 'name'>)[],
  { asked = true, times = 1 } = {},
): Promise<GateVerdict> {
  const bench = await makeBench({ files: { 'README.md': 'hello\n', 'check.sh': CHECK } });
  const { origin, ref, state } = bench;
  const { path } = bench.sandbox;
  const head = async () => (await bench.acts.submit({ ...ref, since: bench.sandbox.base })) as { head: string };
  await runGit(path, ['update-index', '--chmod=+x', 'check.sh']);
  await chmod(join(path, 'check.sh'), 0o755);
  await runGit(path, ['commit', '--quiet', '--message', 'executable']);
  await origin.git('fetch', '--quiet', path, 'HEAD:refs/heads/main');
  await writeFiles(path, { 'work.txt': 'work\n', ...change.files });
  if (change.mode !== undefined) await chmod(join(path, 'check.sh'), change.mode);
  const task: MergeTask = {
    rig: ref.rig,
    request: 'se-gated.0',
    branch: ref.branch,
    target: 'main',
    ...(await head()),
  };
  const places = placesIn(state);
  const acts = { ...mergeActivities(places, AS_TOLD), ...sessionActivities(places, {} as Means) }; // gates use no runtime
  const prepared = await asActivity(() => acts.prepareMerge(task));
  if (prepared.kind !== 'prepared') throw new Error(prepared.kind);
  const gates = commands.map((one, at) => ({
    name: `gate-${at}`,
    ...(typeof one === 'string' ? { command: one } : one),
  }));
  const target = { rig: ref.rig.name, branch: 'main', base: prepared.base };
  const { worktree, tip } = prepared;
  const request = { request: task.request, worktree, tip, gates, timeoutMs: 60_000, ...(asked ? { target } : {}) };
  for (let run = 1; run < times; run += 1) await asActivity(() => acts.runGates(request));
  const verdict = await asActivity(() => acts.runGates(request));
  await asActivity(() => acts.closeMerge({ ...task, landed: false }));
  const left = [places.merge('server', 'se-gated.0'), places.mergeTarget('server', 'se-gated.0')];
  expect(left.filter((folder) => existsSync(folder))).toEqual([]);
  return verdict;
}

test('a gate whose script the branch deleted has failed, with what it says on the target', async () => {
  const verdict = await verdictOn({ files: { 'check.sh': null } }, ['true', './check.sh']);
  expect(verdict).toMatchObject({ kind: 'failed', gate: 'gate-1' });
  expect(verdict).toHaveProperty(
    'log',
    expect.stringMatching(/exited with 127[^]*On main alone this gate runs[^]*checked/),
  );
});

test('so has one whose script the branch made not executable', async () => {
  const verdict = await verdictOn({ mode: 0o644 }, ['./check.sh']);
  expect(verdict).toMatchObject({ kind: 'failed', log: expect.stringContaining('exited with 126') });
});

test('the target is made ready by the gates before, as the branch was', async () => {
  const commands = ['test ! -f check.sh || cp -p check.sh built', './built'];
  expect(await verdictOn({ files: { 'check.sh': null } }, commands)).toMatchObject({ kind: 'failed', gate: 'gate-1' });
});

test('a gate that never was could not run, whatever the branch did', async () => {
  const never = await verdictOn({ files: { 'check.sh': null } }, ['no-such-program --all']);
  expect(never).toMatchObject({
    kind: 'could-not-run',
    gate: 'gate-0',
    log: expect.stringContaining('On main alone it cannot run either.'),
  });
  expect(await verdictOn({ files: { 'other.sh': CHECK } }, ['./other.sh'])).toMatchObject({ kind: 'could-not-run' });
});

test('a request of before, which names no target, has the verdict of before', async () => {
  const verdict = await verdictOn({ files: { 'check.sh': null } }, ['./check.sh'], { asked: false });
  expect(verdict).toMatchObject({ kind: 'could-not-run', log: expect.stringContaining('exited with 127') });
});

test('what has passed is not run again on the same tree; what has failed is', async () => {
  const file = join(await makeFolder(), 'runs');
  const counted = `echo run >> "${file}"`;
  expect(await verdictOn({}, [counted], { times: 3 })).toEqual({ kind: 'passed', isKnown: true });
  expect(await readFile(file, 'utf8')).toBe('run\n');
  expect(await verdictOn({}, [counted, 'exit 3'], { times: 2 })).toMatchObject({ kind: 'failed', gate: 'gate-1' });
  expect(await readFile(file, 'utf8')).toBe('run\n'.repeat(3));
});

test('a gate that fails is run again as often as its rig says: it is flaky, or has failed', async () => {
  const file = join(await makeFolder(), 'tried');
  const command = `test -f "${file}" || { touch "${file}"; exit 1; }`;
  expect(await verdictOn({}, [{ command, retries: 1 }])).toEqual({
    kind: 'passed',
    notes: ['gate-0 is flaky: it failed once on this tree, and then passed'],
  });
  expect(await verdictOn({}, [{ command: 'exit 1', retries: 2 }])).toMatchObject({ kind: 'failed' });
});

test('a gate in quarantine is run and told of, and lets through', async () => {
  const gates = [{ command: 'echo no; exit 4', quarantined: true as const }, 'true'];
  expect(await verdictOn({}, gates)).toMatchObject({
    kind: 'passed',
    notes: [expect.stringMatching(/^gate-0 is quarantined: `echo no; exit 4` exited with 4\nno/)],
  });
});

test('a gate has its own time, and what it has printed is kept in a file that the verdict names', async () => {
  const verdict = await verdictOn({}, [{ command: 'echo begun; sleep 30', timeoutMs: 500 }]);
  expect(verdict).toMatchObject({ kind: 'failed', log: expect.stringMatching(/ran out of time\nbegun/) as string });
  const [, file = ''] = /All that is kept of it: (.+)$/m.exec(verdict.kind === 'failed' ? verdict.log : '') ?? [];
  expect(await readFile(file, 'utf8')).toBe('begun\n');
});
