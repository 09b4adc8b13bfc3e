/** Work is ended, or given to another polecat, whichever run it is in by now: the server forgets what is asked of a run that has closed. */
import type { WorkflowHandle } from '@temporalio/client';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { moleculeMessages } from '../../src/contract/messages.js';
import { lifecycleQuery } from '../../src/contract/polecat.js';
import { slotsQuery } from '../../src/contract/witness.js';
import { liveTown, until } from '../support/live-town.js';
import type { LiveTown } from '../support/live-town.js';
import { sample } from '../support/sample.js';

const LONG = `
formula = "long"
${[1, 2, 3, 4]
  .map(
    (n) => `
[[steps]]
id = "s${n}"
title = "Step ${n}"
${n === 1 ? '' : `needs = ["s${n - 1}"]`}
run = "echo ${n} > ${n}.txt"`,
  )
  .join('')}
[[steps]]
id = "ask"
title = "Look at it"
type = "human"
needs = ["s4"]
`;

const isTried = sample('ways to end work in another run', 5, 1);

let town: LiveTown;
beforeAll(async () => {
  town = await liveTown({
    rigs: { server: { bare: true } },
    formulas: { long: LONG },
    patience: 0.05,
    dynamicConfig: ['limit.historyCount.suggestContinueAsNew=25'],
  });
});
afterAll(() => town.stop());

/** A mission whose molecule waits for a person. */
async function asking(id: string) {
  const mission = await town.startMission(id, { work: [{ id: 'a', rig: 'server', formula: 'long' }] });
  const found = await until('a person is waited for', async () => {
    const [workflowId] = Object.values(await mission.query<Record<string, string>>('swarm'));
    if (workflowId === undefined) return null;
    const polecat = town.client.workflow.getHandle(workflowId);
    const { molecule } = await polecat.query(lifecycleQuery);
    const handle = town.client.workflow.getHandle(molecule);
    return (await handle.query<readonly string[]>('ready')).includes('ask') ? { polecat, molecule: handle } : null;
  });
  return { mission, ...found };
}

const statusOf = async (workflowId: string) =>
  (await town.client.workflow.getHandle(workflowId).describe()).status.name;

/** How mission, polecat and molecule have ended, once the mission has. */
async function endsOf({ mission, polecat, molecule }: Awaited<ReturnType<typeof asking>>): Promise<readonly string[]> {
  await until('the mission has ended', async () => (await statusOf(mission.workflowId)) !== 'RUNNING');
  await until('the slot is free', async () => {
    const slots = await town.client.workflow.getHandle('server/witness').query(slotsQuery);
    return slots.leases.length === 0;
  });
  return Promise.all([mission, polecat, molecule].map(({ workflowId }) => statusOf(workflowId)));
}
const ALL = ['CANCELLED', 'CANCELLED', 'CANCELLED'];

const goneOn = (molecule: WorkflowHandle) =>
  until('it has gone on in another run', async () => {
    const { runId, raw } = await molecule.describe();
    return raw.workflowExecutionInfo?.firstRunId !== runId;
  });

async function reset(workflowId: string): Promise<void> {
  const reason = ['--reason', 'a test'];
  const { code, output } = await town.temporal(
    'workflow',
    'reset',
    '-w',
    workflowId,
    '-t',
    'LastWorkflowTask',
    ...reason,
  );
  expect(code, output).toBe(0);
  await until('it goes on', () => town.client.workflow.getHandle(workflowId).query('explain'));
}

test.runIf(isTried(0))('a molecule that has gone on in another run ends with its mission', async () => {
  const work = await asking('later');
  await goneOn(work.molecule);
  await work.mission.cancel();
  expect(await endsOf(work)).toEqual(ALL);
});

test.runIf(isTried(1))('an item whose molecule has gone on in another run is given to another polecat', async () => {
  const { mission, molecule } = await asking('given');
  await goneOn(molecule);
  await mission.signal('reassign', { item: 'a' });
  const next = await until('another molecule asks', async () => {
    const [workflowId] = Object.values(await mission.query<Record<string, string>>('swarm'));
    if (workflowId === undefined) return null;
    const now = await town.client.workflow.getHandle(workflowId).query(lifecycleQuery);
    const handle = town.client.workflow.getHandle(now.molecule);
    return now.molecule !== molecule.workflowId && (await handle.query<string[]>('ready')).includes('ask')
      ? handle
      : null;
  });
  expect(await statusOf(molecule.workflowId)).toBe('CANCELLED');
  await next.executeUpdate(moleculeMessages.close.update, { args: [{ step: 'ask' }] });
  expect(await mission.result()).toMatchObject({ landed: 1 });
});

test.runIf(isTried(2))('a molecule that was reset ends with its mission', async () => {
  const work = await asking('again');
  await reset(work.molecule.workflowId);
  await work.mission.cancel();
  expect(await endsOf(work)).toEqual(ALL);
});

test.runIf(isTried(3))('a polecat that was reset ends with its mission', async () => {
  const work = await asking('polecat');
  await reset(work.polecat.workflowId);
  await work.mission.cancel();
  expect(await endsOf(work)).toEqual(ALL);
});

test.runIf(isTried(4))(
  'a molecule that has gone on in another run ends with its polecat, however that ends',
  async () => {
    const { mission, polecat, molecule } = await asking('terminated');
    await goneOn(molecule);
    await polecat.terminate('a test');
    await until('it has ended', async () => (await statusOf(molecule.workflowId)) !== 'RUNNING');
    expect(await statusOf(molecule.workflowId)).toBe('CANCELLED');
    await mission.cancel();
  },
);
