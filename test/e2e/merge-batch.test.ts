/** Requests that are verified and land together, and what becomes of those among whom one is at fault, or whose target is. */
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { WorkflowHandle } from '@temporalio/client';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { queueQuery } from '../../src/contract/refinery.js';
import type { MissionResult } from '../../src/workflows/mission.js';
import { gt } from '../support/gt.js';
import { count, liveTown, until } from '../support/live-town.js';
import type { LiveTown } from '../support/live-town.js';
import { QUICK } from '../support/test-formulas.js';

const NAMES = ['Ada', 'Bea', 'Cay', 'Dot', 'Eve', 'Fay', 'Gil', 'Hal'];

let town: LiveTown;
beforeAll(async () => {
  town = await liveTown({
    rigs: {
      many: {
        bare: true,
        files: { 'src/a.js': '// a\n' },
        gates: { slow: 'sleep 2', clean: '! grep -rq FIXME src' },
        names: NAMES,
        capacity: NAMES.length,
      },
      red: { gates: { check: 'sh check.sh' }, files: { 'check.sh': 'echo it is red; test -e mended.txt\n' } },
    },
    formulas: { quick: QUICK },
    patience: 0.05,
  });
});
afterAll(() => town.stop());

/** How often a workflow has had each act done. */
async function acts(handle: WorkflowHandle): Promise<Readonly<Record<string, number>>> {
  const { events } = await handle.fetchHistory();
  const names = (events ?? []).flatMap((event) => event.activityTaskScheduledEventAttributes?.activityType?.name ?? []);
  return Object.fromEntries([...new Set(names)].map((name) => [name, names.filter((one) => one === name).length]));
}

test('what waits together lands together; one at fault goes back to its polecat, and keeps nobody else', async () => {
  const quick = NAMES.slice(1).map((name) => ({ id: name, rig: 'many', formula: 'quick', vars: { name } }));
  const vars = { title: 'Write b', file: 'src/b.js', code: '// b', flaw: '// FIXME' };
  const work = [...quick, { id: 'flawed', rig: 'many', formula: 'demo-flawed', vars }];
  const handle = await town.startMission('together', { work });
  const { items } = (await handle.result()) as MissionResult;
  expect(items.map(({ state }) => state.kind)).toEqual(work.map(() => 'landed'));
  expect(items.map(({ id, reworks }) => [id, reworks])).toEqual(work.map(({ id }) => [id, id === 'flawed' ? 1 : 0]));
  const log = await town.log('many');
  for (const { id } of quick) expect(count(log, `Write ${id}`)).toBe(1);
  const done = await acts(town.client.workflow.getHandle('many/refinery'));
  // Nine requests, of which nine would be pushed one by one.
  expect(done['stackMerges']).toBeGreaterThan(0);
  expect(done['landMerge']).toBeLessThan(work.length - 1);
});

test('what the target alone fails of is nobody’s fault: it is held, told, and lands once the target is mended', async () => {
  const work = ['x', 'y'].map((name) => ({ id: name, rig: 'red', formula: 'quick', vars: { name } }));
  const handle = await town.startMission('mend', { work });
  const refinery = town.client.workflow.getHandle('red/refinery');
  const held = await until('both are held', async () => {
    const queue = await refinery.query(queueQuery);
    return queue.length === 2 && queue.every((one) => one.hold !== null) && queue;
  });
  for (const { hold } of held) expect(hold?.why).toMatch(/^gate "check" fails on main alone, too: [^]*it is red/);
  expect((await gt(['mq', 'list', 'red', '--town', town.dir])).stdout).toContain('fails on main alone, too');
  await writeFile(join(town.repository('red'), 'mended.txt'), 'mended\n');
  await town.git('red', 'add', 'mended.txt');
  await town.git('red', '-c', 'user.name=Ada', '-c', 'user.email=ada@example.com', 'commit', '-m', 'mended');
  const { items } = (await handle.result()) as MissionResult;
  expect(items).toMatchObject([
    { reworks: 0, state: { kind: 'landed' } },
    { reworks: 0, state: { kind: 'landed' } },
  ]);
});
