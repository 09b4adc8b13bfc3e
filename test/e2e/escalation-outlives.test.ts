/** What an open escalation outlives: the death of `gt up` with all that it runs, and its asker's going on in another run when somebody has cancelled it. */
import { rm } from 'node:fs/promises';
import type { Client, WorkflowExecutionInfo } from '@temporalio/client';
import { expect, onTestFinished, test } from 'vitest';
import { clientOf } from '../../src/client.js';
import { escalationQuery } from '../../src/contract/escalation.js';
import { missionMessages } from '../../src/contract/messages.js';
import { TOWN_QUEUE } from '../../src/contract/task-queues.js';
import { gt, startGt } from '../support/gt.js';
import { liveTown, makeTownFolder, until } from '../support/live-town.js';
import type { TownPlan } from '../support/live-town.js';
import { processesIn } from '../support/processes.js';
import { runsOf } from '../support/said-history.js';
import { connectTo } from '../support/temporal.js';
import { BROKEN } from '../support/test-formulas.js';

const PLAN: TownPlan = { rigs: { server: { bare: true } }, formulas: { broken: BROKEN } };
const WORK = { work: [{ id: 'a', rig: 'server', formula: 'broken' }] };

const escalationsOf = async (client: Client, mission: string) => {
  const found: WorkflowExecutionInfo[] = [];
  const query = `GtMission="${mission}" AND GtRole="escalation"`;
  for await (const one of client.workflow.list({ query })) found.push(one);
  return found.toSorted((a, b) => b.startTime.getTime() - a.startTime.getTime());
};
const raisedIn = (client: Client, mission: string) =>
  until('it is raised', async () => (await escalationsOf(client, mission))[0] ?? null);

async function up(dir: string) {
  const running = startGt(['up', dir]);
  onTestFinished(async () => void (await running.end('SIGTERM')));
  const [, address = ''] = await running.says(/export TEMPORAL_ADDRESS=(\S+)/);
  return { running, client: clientOf({ connection: await connectTo(address), payloads: null }) };
}

test('gt up is killed with all that it runs: what waits is asked for still, and is answered', async () => {
  const dir = await makeTownFolder(PLAN);
  onTestFinished(() => rm(dir, { recursive: true, force: true, maxRetries: 5 }));
  const first = await up(dir);
  await first.client.workflow.start('mission', { taskQueue: TOWN_QUEUE, workflowId: 'm', args: [WORK] });
  const raised = await raisedIn(first.client, 'm');
  for (const one of await processesIn(dir)) process.kill(Number.parseInt(one, 10), 'SIGKILL');
  expect(await first.running.exited).toBeNull();

  const { client } = await up(dir);
  expect((await escalationsOf(client, 'm')).map(({ runId, status: { name } }) => ({ runId, name }))).toEqual([
    { runId: raised.runId, name: 'RUNNING' },
  ]);
  expect(await client.workflow.getHandle(raised.workflowId).query(escalationQuery)).toMatchObject({
    waiting: [{ kind: 'step' }],
  });
  const answer = await gt(['escalation', 'resolve', raised.workflowId, '--action', 'skip', '--town', dir]);
  expect(answer.stdout, answer.stderr).toContain('1 goes on');
  expect(await client.workflow.getHandle(raised.workflowId).result()).toMatchObject({ id: raised.workflowId });
  await client.workflow.getHandle('m').result();
});

test('one that was cancelled does not come back in the next run of whoever had asked', async () => {
  // An hour is some seconds.
  const HOUR_MS = 10_000;
  const town = await liveTown({
    ...PLAN,
    patience: HOUR_MS / 3_600_000,
    dynamicConfig: ['limit.historyCount.suggestContinueAsNew=60'],
  });
  onTestFinished(() => town.stop());
  const { client } = town;
  await town.startMission('m', WORK);
  const mission = client.workflow.getHandle('m');
  const ofStep = await raisedIn(client, 'm');
  const fail = await gt(['escalation', 'resolve', ofStep.workflowId, '--action', 'fail', '--town', town.dir]);
  expect(fail.stdout, fail.stderr).toContain('1 goes on');
  const ofItem = await until('the item is asked about', async () =>
    (await escalationsOf(client, 'm')).find(({ workflowId }) => workflowId !== ofStep.workflowId),
  );
  await client.workflow.getHandle(ofItem.workflowId).cancel();
  await client.workflow
    .getHandle(ofItem.workflowId)
    .result()
    .catch(() => undefined);
  const write = async (nth: number) => {
    const mail = ['mail', 'send', 'm', '--subject', `news ${nth}`, '--id', `news-${nth}`];
    const { code, stderr } = await gt([...mail, '--town', town.dir]);
    expect(code, stderr).toBe(0);
  };
  let nth = 0;
  await until('it has gone on in another run', async () => {
    await write((nth += 1));
    return (await runsOf(client, 'm')).length > 1;
  });
  const untilMs = Date.now() + 1.5 * HOUR_MS;
  while (Date.now() < untilMs) {
    await write((nth += 1));
    await new Promise((resolve) => setTimeout(resolve, HOUR_MS / 5));
  }
  expect(
    (await runsOf(client, 'm'))
      .flat()
      .some((event) => event.activityTaskScheduledEventAttributes?.activityType?.name === 'lookAtEscalation'),
    'it was asked after',
  ).toBe(true);
  expect((await escalationsOf(client, 'm')).map(({ runId }) => runId)).toEqual([ofItem.runId, ofStep.runId]);
  await mission.executeUpdate(missionMessages.skip.update, { args: [{ item: 'a' }] });
  await mission.result();
});
