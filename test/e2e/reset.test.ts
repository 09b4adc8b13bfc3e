/** A mission or a polecat is reset to before it started the one below it: that one goes on under it, and nothing is done twice. */
import type { WorkflowHandle } from '@temporalio/client';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { missionMessages, moleculeMessages } from '../../src/contract/messages.js';
import { progressQuery } from '../../src/contract/mission.js';
import type { MoleculeCarry } from '../../src/contract/molecule.js';
import { lifecycleQuery } from '../../src/contract/polecat.js';
import { slotsQuery } from '../../src/contract/witness.js';
import type { Step } from '../../src/town/molecule-state.js';
import { count, liveTown, until } from '../support/live-town.js';
import type { LiveTown } from '../support/live-town.js';
import { sample } from '../support/sample.js';
import { QUICK } from '../support/test-formulas.js';

/** Waits for a person between two steps that leave a commit each. */
const ASKS = `
formula = "asks"
[vars.name]
description = "name of the files"
required = true
[[steps]]
id = "one"
title = "Write one of {{name}}"
script = [{ write = "{{name}}-one.txt", text = "one" }, { close = "wrote one" }]
[[steps]]
id = "ask"
title = "Look at it"
type = "human"
needs = ["one"]
[[steps]]
id = "two"
title = "Write two of {{name}}"
needs = ["ask"]
script = [{ write = "{{name}}-two.txt", text = "two" }, { close = "wrote two" }]
`;

let town: LiveTown;
beforeAll(async () => {
  town = await liveTown({
    rigs: { server: { bare: true }, narrow: { capacity: 1, bare: true } },
    formulas: { asks: ASKS, quick: QUICK },
    patience: 0.02,
  });
});
afterAll(() => town.stop());

/** A mission whose molecule waits for a person. */
async function waiting(name: string) {
  const work = [{ id: 'a', rig: 'server', formula: 'asks', vars: { name } }];
  const mission = await town.startMission(name, { work });
  const id = await until('its polecat is there', async () => {
    const [polecat] = Object.values(await mission.query<Record<string, string>>('swarm'));
    return polecat ?? null;
  });
  const polecat = town.client.workflow.getHandle(id);
  const molecule = town.client.workflow.getHandle((await polecat.query(lifecycleQuery)).molecule);
  await waitsForPerson(molecule);
  return { name, mission, polecat, molecule };
}

const waitsForPerson = (molecule: WorkflowHandle) =>
  until('the molecule waits', async () => {
    const steps = await molecule.query<readonly Step[]>('steps');
    return steps.find((step) => step.id === 'ask')?.state.kind === 'waiting';
  });

/** To the last task that was completed before a child of that type was asked for. */
async function resetBefore(type: string, { workflowId }: WorkflowHandle, ...more: string[]): Promise<void> {
  const { events = [] } = await town.client.workflow.getHandle(workflowId).fetchHistory();
  const all = events ?? [];
  const asked = all.findIndex(
    ({ startChildWorkflowExecutionInitiatedEventAttributes: child }) => child?.workflowType?.name === type,
  );
  const task = all
    .slice(0, asked)
    .findLast((event) => event.workflowTaskCompletedEventAttributes && event.eventId !== all[asked - 1]?.eventId);
  const to = ['-w', workflowId, '--event-id', String(task?.eventId), '--reason', 'a test', ...more];
  expect(await town.temporal('workflow', 'reset', ...to)).toMatchObject({ code: 0 });
}

/** All that it was told since, it is told again. */
async function resetToStart({ workflowId }: WorkflowHandle): Promise<void> {
  const to = ['-w', workflowId, '--type', 'FirstWorkflowTask', '--reason', 'a test'];
  expect(await town.temporal('workflow', 'reset', ...to)).toMatchObject({ code: 0 });
}

/** Executions of the mission in that role, open or not. */
async function startedFor(mission: string, role: string): Promise<readonly string[]> {
  const runs: string[] = [];
  const query = `GtMission="${mission}" AND GtRole="${role}"`;
  for await (const one of town.client.workflow.list({ query })) runs.push(`${one.workflowId} ${one.runId}`);
  return runs;
}

const close = (molecule: WorkflowHandle) =>
  molecule.executeUpdate(moleculeMessages.close.update, { args: [{ step: 'ask' }] });
const slots = () => town.client.workflow.getHandle('server/witness').query(slotsQuery);
const isFree = (name: string) =>
  until('its slot is free', async () => (await slots()).leases.every(({ mission }) => mission !== name));
/** What stands in the history of the run that went on. */
const failedStart = async (workflow: WorkflowHandle) =>
  (await workflow.fetchHistory()).events?.some((event) => event.startChildWorkflowExecutionFailedEventAttributes);
const startFails = (workflow: WorkflowHandle) => until('the start fails', () => failedStart(workflow));

const resultOf = (mission: WorkflowHandle) => town.client.workflow.getHandle(mission.workflowId).result();

async function landsOnce({ name, mission, molecule }: Awaited<ReturnType<typeof waiting>>): Promise<void> {
  await close(molecule);
  await expect(resultOf(mission)).resolves.toMatchObject({ landed: 1, items: [{ attempt: 1 }] });
  const log = await town.log('server');
  expect([count(log, `Write one of ${name}`), count(log, `Write two of ${name}`)]).toEqual([1, 1]);
  await isFree(name);
}

/** It is the one that was there before. */
const isTried = sample('things that are reset', 10, 3);

const isTakenOver = ({ mission, polecat }: Awaited<ReturnType<typeof waiting>>) =>
  until('it has its polecat', async () => {
    const swarm = await mission.query<Record<string, string>>('swarm');
    return swarm['a'] === polecat.workflowId;
  });

test.runIf(isTried(0))(
  'a mission that is reset to before its polecat takes it over, and its work lands once',
  async () => {
    const work = await waiting('again');
    await resetBefore('polecat', work.mission);
    await startFails(work.mission);
    await isTakenOver(work);
    expect((await slots()).leases).toHaveLength(1);
    await landsOnce(work);
    expect(await startedFor('again', 'polecat')).toHaveLength(1);
  },
);

test.runIf(isTried(1))(
  'a mission that was paused takes its polecat over, too, which goes on when it is resumed',
  async () => {
    const work = await waiting('held');
    await work.mission.executeUpdate(missionMessages.pause.update, { args: [{ by: 'ann' }] });
    await resetBefore('polecat', work.mission);
    await isTakenOver(work);
    // It was not asked for: nothing is to begin before it is resumed.
    expect(await failedStart(town.client.workflow.getHandle('held'))).toBe(false);
    await work.mission.executeUpdate(missionMessages.resume.update, { args: [{ by: 'ann' }] });
    await landsOnce(work);
    expect(await startedFor('held', 'polecat')).toHaveLength(1);
  },
);

test.runIf(isTried(2))(
  'a mission that is reset to its first task leaves its polecat the slot, and takes it over',
  async () => {
    const work = await waiting('anew');
    await resetToStart(work.mission);
    await startFails(work.mission);
    await isTakenOver(work);
    expect((await slots()).leases).toHaveLength(1);
    await landsOnce(work);
    expect(await startedFor('anew', 'polecat')).toHaveLength(1);
  },
);

/** The molecule of the mission's second item, which waits for a person; not the one that is named. */
const secondOf = (mission: WorkflowHandle, but: string | null) =>
  until('the second item waits for a person', async () => {
    const { b: id } = await mission.query<Record<string, string>>('swarm');
    if (id === undefined) return null;
    const { molecule } = await town.client.workflow.getHandle(id).query(lifecycleQuery);
    if (molecule === but || molecule === '') return null;
    const handle = town.client.workflow.getHandle(molecule);
    await waitsForPerson(handle);
    return handle;
  });

test.runIf(isTried(3))(
  'a slot that a mission has left to the polecat of a later item is free when that has closed',
  async () => {
    const work = [
      { id: 'a', rig: 'narrow', formula: 'quick', vars: { name: 'first' } },
      { id: 'b', rig: 'narrow', formula: 'asks', vars: { name: 'second' }, needs: ['a'] },
    ];
    const mission = await town.startMission('chained', { work });
    const second = await secondOf(mission, null);
    await resetToStart(mission);
    const { leases } = await until('the first item is asked for again', async () => {
      const now = await town.client.workflow.getHandle('narrow/witness').query(slotsQuery);
      return now.queue.length > 0 ? now : null;
    });
    expect(leases.map(({ item }) => item)).toEqual(['b']);
    await close(second);
    const again = await secondOf(mission, second.workflowId);
    await close(again);
    await expect(resultOf(mission)).resolves.toMatchObject({ landed: 2 });
  },
);

test.runIf(isTried(4))(
  'a mission that is reset once its work has landed does it again, and gives the slot back again',
  async () => {
    const first = await waiting('twice');
    await landsOnce(first);
    await resetBefore('polecat', first.mission);
    const polecat = await until('another molecule waits', async () => {
      const [id] = Object.values(await first.mission.query<Record<string, string>>('swarm'));
      if (id === undefined) return null;
      const { molecule } = await town.client.workflow.getHandle(id).query(lifecycleQuery);
      return molecule === first.molecule.workflowId ? null : molecule;
    });
    const again = town.client.workflow.getHandle(polecat);
    await waitsForPerson(again);
    await close(again);
    await expect(resultOf(first.mission)).resolves.toMatchObject({ landed: 1 });
    await isFree('twice');
  },
);

test.runIf(isTried(5))(
  'a mission that takes over says what holds now: a pause that the reset has left out does not',
  async () => {
    const { mission, polecat, molecule } = await waiting('free');
    await mission.executeUpdate(missionMessages.pause.update, { args: [{ by: 'ann' }] });
    const isHeld = async () => (await molecule.query<MoleculeCarry>('state')).molecule.paused != null;
    await until('the molecule is held', isHeld);
    await resetBefore('polecat', mission, '--reapply-exclude', 'All');
    await isTakenOver({ name: 'free', mission, polecat, molecule });
    await until('the molecule goes on', async () => !(await isHeld()));
    await landsOnce({ name: 'free', mission, polecat, molecule });
    expect(await startedFor('free', 'polecat')).toHaveLength(1);
  },
);

test.runIf(isTried(6))('a mission that has taken its polecat over ends it when it is cancelled', async () => {
  const { mission, polecat, molecule } = await waiting('ended');
  await resetBefore('polecat', mission);
  await startFails(mission);
  await town.client.workflow.getHandle('ended').cancel();
  await expect(resultOf(mission)).rejects.toMatchObject({ cause: { name: 'CancelledFailure' } });
  expect((await polecat.describe()).status.name).toBe('CANCELLED');
  expect((await molecule.describe()).status.name).toBe('CANCELLED');
  await isFree('ended');
});

test.runIf(isTried(7))(
  'a polecat that is reset to before its molecule takes it over, and its work lands once',
  async () => {
    const work = await waiting('hook');
    await resetBefore('molecule', work.polecat);
    await startFails(work.polecat);
    await landsOnce(work);
    expect(await startedFor('hook', 'molecule')).toHaveLength(1);
  },
);

test.runIf(isTried(8))('a polecat that has taken its molecule over ends it when it is cancelled', async () => {
  const { mission, polecat, molecule } = await waiting('dropped');
  await resetBefore('molecule', polecat);
  await startFails(polecat);
  await polecat.cancel();
  await until('its mission asks', async () => (await mission.query(progressQuery)).items[0]?.state.kind === 'failed');
  expect((await molecule.describe()).status.name).toBe('CANCELLED');
  await mission.executeUpdate(missionMessages.skip.update, { args: [{ item: 'a' }] });
  await expect(resultOf(mission)).resolves.toMatchObject({ landed: 0 });
  await isFree('dropped');
});

test.runIf(isTried(9))('a polecat whose molecule fails that it has taken over says why', async () => {
  const { mission, polecat, molecule } = await waiting('refused');
  await resetBefore('molecule', polecat);
  await startFails(polecat);
  await molecule.executeUpdate(moleculeMessages.fail.update, { args: [{ step: 'ask', reason: 'not like this' }] });
  const state = await until('its mission asks', async () => {
    const [item] = (await mission.query(progressQuery)).items;
    return item?.state.kind === 'failed' ? item.state : null;
  });
  expect(state.reason).toContain('not like this');
  await mission.executeUpdate(missionMessages.skip.update, { args: [{ item: 'a' }] });
  await expect(resultOf(mission)).resolves.toMatchObject({ landed: 0 });
});
