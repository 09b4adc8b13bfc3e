/** Histories that are made to end early: every workflow goes on in run after run, and nothing is lost or doubled on the way. */
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { lifecycleQuery } from '../../src/contract/polecat.js';
import { readyQuery } from '../../src/contract/molecule.js';
import { gt } from '../support/gt.js';
import { count, liveTown, until } from '../support/live-town.js';
import type { LiveTown } from '../support/live-town.js';
import { drawn } from '../support/sample.js';
import { CLASH, CLASH_REWORK, LONGER } from '../support/test-formulas.js';

/** Long enough for a next run, and then a person is asked. */
const ASKS = `
formula = "asks"
${Array.from({ length: 4 }, (_, n) => `[[steps]]\nid = "s${n}"\ntitle = "S${n}"\nrun = "echo ${n} > s${n}.txt"\n${n > 0 ? `needs = ["s${n - 1}"]\n` : ''}`).join('')}
[[steps]]
id = "ask"
title = "Ask"
type = "human"
needs = ["s3"]
`;

const PEOPLE = `
formula = "people"
${[1, 2, 3, 4, 5, 6]
  .map(
    (n) => `[[steps]]\nid = "p${n}"\ntitle = "Person ${n}"\ntype = "human"\n${n === 1 ? '' : `needs = ["p${n - 1}"]`}`,
  )
  .join('\n')}
`;

let town: LiveTown;
beforeAll(async () => {
  town = await liveTown({
    rigs: { server: { files: { 'shared.txt': 'nobody\n' }, bare: true, gates: { there: 'test -f shared.txt' } } },
    formulas: { longer: LONGER, clash: CLASH, 'clash-rework': CLASH_REWORK, asks: ASKS, people: PEOPLE },
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

const it = drawn('things that go on in another run', 3, 1);

it('gt export tells of each run of an open molecule, and waits for none', async () => {
  const mission = await town.startMission('asked', { work: [{ id: 'it', rig: 'server', formula: 'asks' }] });
  const id = await until('a person is asked in a later run', async () => {
    const [polecat] = Object.values(await mission.query<Record<string, string>>('swarm'));
    if (polecat === undefined) return null;
    const { molecule } = await town.client.workflow.getHandle(polecat).query(lifecycleQuery);
    const ready = await town.client.workflow.getHandle(molecule).query(readyQuery);
    return ready.includes('ask') ? molecule : null;
  });
  const { stdout, stderr } = await gt(['export', 'asked', '--town', town.dir], { TEMPORAL_ADDRESS: undefined });
  expect(stderr).toBe('');
  type Run = {
    readonly id: string;
    readonly runId: string;
    readonly status: string;
    readonly end: unknown;
    readonly state: Record<string, unknown>;
  };
  const { workflows } = JSON.parse(stdout) as { readonly workflows: readonly Run[] };
  const runs = workflows.filter((one) => one.id === id);
  expect(runs.length).toBeGreaterThan(1);
  expect(runs.map(({ status }) => status)).toEqual([...runs.slice(1).map(() => 'continued_as_new'), 'running']);
  expect(runs.map(({ end }) => end)).toEqual(runs.map(() => null));
  expect(runs.at(-1)?.state['state']).toMatchObject({
    proto: { formula: 'asks' },
    molecule: {},
    desk: {},
    beganMs: expect.any(Number),
  });
  const [first] = runs;
  const shown = await town.temporal('workflow', 'show', '-w', id, '-r', first?.runId ?? '', '--output', 'json');
  const file = join(town.dir, 'first-run.json');
  await writeFile(file, shown.output);
  const told = await gt(['explain', '--history', file, '--town', town.dir], { TEMPORAL_ADDRESS: undefined });
  expect(told.stdout).toContain(`It goes on in another run, ${runs[1]?.runId}. What follows is how it stood`);
  await town.client.workflow.getHandle(id).executeUpdate('close', { args: [{ step: 'ask' }] });
  await expect(mission.result()).resolves.toMatchObject({ landed: 1 });
});

it('a polecat hears of waits ever more rarely, in whichever run its molecule is', async () => {
  const mission = await town.startMission('waits', { work: [{ id: 'a', rig: 'server', formula: 'people' }] });
  const polecat = await until('a polecat works', async () => {
    const [id] = Object.values(await mission.query<Record<string, string>>('swarm'));
    return id === undefined ? null : town.client.workflow.getHandle(id);
  });
  const told = async () => {
    const { events } = await polecat.fetchHistory();
    return (events ?? []).flatMap(({ workflowExecutionSignaledEventAttributes: signal }) => {
      const data = signal?.signalName === 'waiting' ? signal.input?.payloads?.[0]?.data : null;
      return data == null
        ? []
        : [JSON.parse(Buffer.from(data).toString()) as { readonly id: string; readonly for: string }];
    });
  };
  const { molecule } = await until('it has a molecule', async () => {
    const life = await polecat.query(lifecycleQuery);
    return life.stage.includes('molecule') ? life : null;
  });
  for (const n of [1, 2, 3, 4, 5, 6]) {
    await until(`the polecat knows that person ${n} is waited for`, async () =>
      (await told()).some((one) => one.for === `person: p${n}`),
    );
    await town.client.workflow.getHandle(molecule).signal('close', { step: `p${n}` });
  }
  expect(await mission.result()).toMatchObject({ landed: 1 });
  const { raw } = await town.client.workflow.getHandle(molecule).describe();
  expect(raw.workflowExecutionInfo?.firstRunId).not.toBe(raw.workflowExecutionInfo?.execution?.runId);
  // Each says how many came before it.
  const counts = (await told()).map(({ id }) => Number(id.split(':').at(-1)));
  expect(counts).toEqual(counts.map((_, at) => at + 1));
});

it('gt export finds all that works for a mission, whatever that is called', async () => {
  const id = 'say "no" \\ more';
  const mission = await town.startMission(id, { work: [{ id: 'it', rig: 'server', formula: 'asks' }] });
  await until('its molecule is found', async () => {
    const { stdout } = await gt(['export', id, '--town', town.dir], { TEMPORAL_ADDRESS: undefined });
    const { workflows } = JSON.parse(stdout) as { readonly workflows: readonly { readonly type: string }[] };
    const types = new Set(workflows.map(({ type }) => type));
    return ['mission', 'polecat', 'molecule', 'witness'].every((type) => types.has(type));
  });
  await mission.cancel();
  await expect(mission.result()).rejects.toThrow('cancelled');
});
