/** What comes back from the merge queue goes on in the same sandbox and lands on the second try. */
import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { queueQuery } from '../../src/contract/refinery.js';
import type { MissionResult } from '../../src/workflows/mission.js';
import { count, liveTown, until } from '../support/live-town.js';
import type { LiveTown } from '../support/live-town.js';
import { drawn } from '../support/sample.js';
import { CLASH, CLASH_REWORK, QUICK, STRIP, STRIP_REWORK } from '../support/test-formulas.js';

let town: LiveTown;
beforeAll(async () => {
  town = await liveTown({
    rigs: {
      shared: { files: { 'shared.txt': 'nobody\n' } },
      strict: { gates: { clean: '! grep -rq FIXME src' }, files: { 'src/a.js': '// a\n' } },
      stripped: { gates: { check: 'chmod +x check.sh; ./check.sh' }, files: { 'check.sh': 'true\n' } },
      broken: { gates: { test: 'no-such-program --all' } },
      mended: { gates: { test: 'no-such-gate-yet --all' } },
      raced: { gates: { slow: 'sleep 1.5' } },
      gone: {},
      mine: { files: { 'README.md': 'mine\n' } },
    },
    formulas: { clash: CLASH, 'clash-rework': CLASH_REWORK, quick: QUICK, strip: STRIP, 'strip-rework': STRIP_REWORK },
  });
});
afterAll(() => town.stop());

test('two items change the same line: one lands, the other is reworked in the same sandbox and lands with both', async () => {
  const work = ['Ann', 'Bob'].map((name) => ({ id: name, rig: 'shared', formula: 'clash', vars: { name, wait: 1 } }));
  const handle = await town.startMission('clash', { work });
  const { items } = (await handle.result()) as MissionResult;
  expect(items.map((item) => item.state.kind)).toEqual(['landed', 'landed']);
  expect(items.reduce((sum, item) => sum + item.reworks, 0)).toBe(1);
  const text = await readFile(join(town.repository('shared'), 'shared.txt'), 'utf8');
  expect(text.split('\n').filter(Boolean).toSorted()).toEqual(['Ann', 'Bob']);
  const log = await town.log('shared');
  expect(count(log, 'Put Ann into shared.txt')).toBe(1);
  expect(count(log, 'Put Bob into shared.txt')).toBe(1);
  expect(log.filter((line) => line.includes('Resolve conflict of'))).toHaveLength(1);
});

test('a red gate sends the branch back with its log, and the mended branch lands', async () => {
  const vars = { title: 'Write b', file: 'src/b.js', code: '// b', flaw: '// FIXME' };
  const handle = await town.startMission('red', { work: [{ id: 'b', rig: 'strict', formula: 'demo-flawed', vars }] });
  const { items } = (await handle.result()) as MissionResult;
  expect(items[0]?.reworks).toBe(1);
  expect(await readFile(join(town.repository('strict'), 'src/b.js'), 'utf8')).toBe('// b\n');
  expect(count(await town.log('strict'), 'Mend src/b.js after: gate')).toBe(1);
});

const it = drawn('ways to come back from the merge queue', 6, 2);

it('a branch that deleted what its gate runs comes back with that, and lands when it is restored', async () => {
  const handle = await town.startMission('strip', { work: [{ id: 's', rig: 'stripped', formula: 'strip' }] });
  const { items } = (await handle.result()) as MissionResult;
  expect(items[0]).toMatchObject({ reworks: 1, state: { kind: 'landed' } });
  expect(count(await town.log('stripped'), 'Restore after: gate')).toBe(1);
  expect(await readFile(join(town.repository('stripped'), 'check.sh'), 'utf8')).toBe('true\n');
});

it('a gate that cannot run holds the request, lets nothing through, and goes on when it is mended', async () => {
  const handle = await town.startMission('held', {
    work: [{ id: 'c', rig: 'broken', formula: 'quick', vars: { name: 'c' } }],
  });
  const refinery = town.client.workflow.getHandle('broken/refinery');
  const held = await until('the request is held', async () =>
    (await refinery.query(queueQuery)).find((one) => one.hold !== null),
  );
  expect(held.hold?.why).toContain('gate "test" could not run');
  expect(held.hold?.why).toContain('no-such-program');
  expect(held.hold?.why).toContain('On main alone it cannot run either.');
  expect(await town.log('broken')).toHaveLength(1);
  const listed = await until('it shows', async () => {
    const { output } = await town.temporal('workflow', 'list', '-q', 'GtPhase="escalated"');
    return output.includes('broken/refinery') ? output : null;
  });
  expect(listed).toContain('refinery');
  // The operator takes the request out: its polecat hears of it and fails with where the work is.
  const removed = await town.temporal(
    'workflow',
    'signal',
    '-w',
    'broken/refinery',
    '--name',
    'remove',
    '--input',
    JSON.stringify({ request: held.id, reason: 'no gate' }),
  );
  expect(removed.code).toBe(0);
  const progress = await until('the item has failed', async () => {
    const seen = await handle.query<MissionResult>('progress');
    return seen.items[0]?.state.kind === 'failed' ? seen : null;
  });
  expect(JSON.stringify(progress.items[0]?.state)).toContain('its work is on branch polecat/');
  await town.temporal(
    'workflow',
    'signal',
    '-w',
    'held',
    '--name',
    'skip',
    '--input',
    '{"item":"c","reason":"test over"}',
  );
  await handle.result();
});

it('a gate that is mended in town.toml is the refinery’s with the next mission, and lets the held request through', async () => {
  const start = (id: string) =>
    town.startMission(id, { work: [{ id, rig: 'mended', formula: 'quick', vars: { name: id } }] });
  const first = await start('first');
  const refinery = town.client.workflow.getHandle('mended/refinery');
  await until('it is held', async () => (await refinery.query(queueQuery)).some((one) => one.hold !== null));
  const file = join(town.dir, 'town.toml');
  await writeFile(file, (await readFile(file, 'utf8')).replace('no-such-gate-yet', 'true'));
  const second = await start('second');
  await expect(second.result()).resolves.toMatchObject({ landed: 1 });
  await expect(first.result()).resolves.toMatchObject({ landed: 1 });
});

it('a checked-out target with somebody’s unsaved work refuses the push; the refinery says so, and lands when it can', async () => {
  await writeFile(join(town.repository('mine'), 'README.md'), 'unsaved\n');
  const handle = await town.startMission('dirty', {
    work: [{ id: 'd', rig: 'mine', formula: 'quick', vars: { name: 'd' } }],
  });
  const refinery = town.client.workflow.getHandle('mine/refinery');
  await until('it says why', async () =>
    (await refinery.query(queueQuery))[0]?.stage.includes('the target refuses the push'),
  );
  expect(await readFile(join(town.repository('mine'), 'README.md'), 'utf8')).toBe('unsaved\n');
  await town.git('mine', 'checkout', '--', 'README.md');
  await expect(handle.result()).resolves.toMatchObject({ landed: 1 });
  expect(await readFile(join(town.repository('mine'), 'd.txt'), 'utf8')).toBe('d\n');
});

it('somebody pushes to the target while gates run: the request is rebased and lands on top', async () => {
  const handle = await town.startMission('raced', {
    work: [{ id: 'e', rig: 'raced', formula: 'quick', vars: { name: 'e' } }],
  });
  const refinery = town.client.workflow.getHandle('raced/refinery');
  await until('its gates run', async () => (await refinery.query(queueQuery))[0]?.stage.startsWith('gates'));
  await town.git(
    'raced',
    '-c',
    'user.name=Ada',
    '-c',
    'user.email=ada@example.com',
    'commit',
    '--allow-empty',
    '-m',
    'meanwhile',
  );
  await expect(handle.result()).resolves.toMatchObject({ landed: 1 });
  const subjects = (await town.log('raced')).map((line) => line.replace(/^\S+ \S+ /, ''));
  expect(subjects).toEqual(['first', 'meanwhile', 'Write e']);
});

it('a rig whose branch or repository is gone fails the item in words, and retry goes on when it is back', async () => {
  await town.git('gone', 'branch', '-m', 'main', 'other');
  const work = [{ id: 'g', rig: 'gone', formula: 'quick', vars: { name: 'g' } }];
  const handle = await town.startMission('gone', { work });
  const reason = await until('the item has failed', async () => {
    const state = (await handle.query<MissionResult>('progress')).items[0]?.state;
    return state?.kind === 'failed' ? state.reason : null;
  });
  expect(reason).toContain('has no branch "main"; correct town.toml or push it');
  await town.git('gone', 'branch', '-m', 'other', 'main');
  await town.temporal('workflow', 'signal', '-w', 'gone', '--name', 'retry', '--input', '{"item":"g"}');
  await expect(handle.result()).resolves.toMatchObject({ landed: 1 });
});
