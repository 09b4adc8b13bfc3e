/** Histories that are made to end early: every workflow goes on in run after run, and nothing is lost or doubled on the way. */
import { afterAll, beforeAll, expect, test } from 'vitest';
import { count, liveTown, until } from '../support/live-town.js';
import type { LiveTown } from '../support/live-town.js';
import { CLASH, CLASH_REWORK, LONGER } from '../support/test-formulas.js';

let town: LiveTown;
beforeAll(async () => {
  town = await liveTown({
    rigs: { server: { files: { 'shared.txt': 'nobody\n' }, bare: true, gates: { there: 'test -f shared.txt' } } },
    formulas: { longer: LONGER, clash: CLASH, 'clash-rework': CLASH_REWORK },
    // The server suggests it after about 4,000 events otherwise.
    dynamicConfig: ['limit.historyCount.suggestContinueAsNew=15'],
  });
});
afterAll(() => town.stop());

test('a mission with rework lands once, over many runs of mission, molecule, witness and refinery', async () => {
  const work = [
    ...['Ann', 'Bob'].map((name) => ({ id: name, rig: 'server', formula: 'clash', vars: { name, wait: 1 } })),
    { id: 'long', rig: 'server', formula: 'longer', vars: { name: 'long' }, needs: ['Ann'] },
  ];
  const handle = await town.startMission('runs', { work });
  await expect(handle.result()).resolves.toMatchObject({ landed: 3, total: 3 });
  const log = await town.log('server');
  for (const subject of [
    'Put Ann into shared.txt',
    'Put Bob into shared.txt',
    'Begin long',
    'Go on with long',
    'Finish long',
  ]) {
    expect(count(log, subject), subject).toBe(1);
  }
  expect((await town.git('server', 'show', 'main:shared.txt')).split('\n').toSorted()).toEqual(['Ann', 'Bob']);
  await until('every kind has gone on', async () => {
    const continued = new Set<string>();
    const query = 'ExecutionStatus="ContinuedAsNew"';
    for await (const one of town.client.workflow.list({ query })) continued.add(one.type);
    return ['mission', 'molecule', 'refinery', 'witness'].every((type) => continued.has(type));
  });
  await until('the slots are free', async () => {
    const slots = await town.client.workflow.getHandle('server/witness').query<{ leases: unknown[] }>('slots');
    return slots.leases.length === 0;
  });
});
