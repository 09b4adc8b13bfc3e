/** What a molecule awaits of other workflows, and how those that are done with are taken off the server. */
import { WorkflowNotFoundError } from '@temporalio/client';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { deleteExecution } from '../../src/activities/forgetting.js';
import { checkGate } from '../../src/activities/gate.js';
import { TOWN_QUEUE } from '../../src/contract/task-queues.js';
import { liveTown, until } from '../support/live-town.js';
import type { LiveTown } from '../support/live-town.js';
import { drawn } from '../support/sample.js';

/** Each step that a person closes is a piece of history. */
const STEPS = ['a', 'b', 'c', 'd', 'e', 'f', 'g'];
const ASK = `
formula = "ask"
${STEPS.map((id) => `[[steps]]\nid = "${id}"\ntitle = "Think it over"\ntype = "human"`).join('\n')}
`;

let town: LiveTown;
beforeAll(async () => {
  town = await liveTown({
    rigs: { server: {} },
    formulas: { ask: ASK },
    // The server suggests it after about 4,000 events otherwise.
    dynamicConfig: ['limit.historyCount.suggestContinueAsNew=15'],
  });
});
afterAll(() => town.stop());

const start = (workflowId: string) =>
  town.client.workflow.start('molecule', { taskQueue: TOWN_QUEUE, workflowId, args: [{ formula: 'ask' }] });
const close = (workflowId: string, step: string) =>
  town.client.workflow.getHandle(workflowId).signal('close', { step });

/** Closes all steps, one after the other; answers the runs that this took. */
async function closeAll(workflowId: string): Promise<readonly string[]> {
  const handle = town.client.workflow.getHandle(workflowId);
  const runs = new Set<string>();
  for (const step of STEPS) {
    runs.add((await handle.describe()).runId);
    await close(workflowId, step);
    await until(`${step} is closed`, async () => !(await handle.query<readonly string[]>('ready')).includes(step));
  }
  expect(runs.size).toBeGreaterThan(1);
  return [...runs];
}
const awaitBead = (id: string, signal = new AbortController().signal) =>
  checkGate(town.client, { type: 'bead', await: id, rig: null, patience: 1 }, { attempt: 1, signal });

test('a gate on another molecule opens when that completes, also when it goes on in a new run in between', async () => {
  await start('mo-open');
  const finding = awaitBead('mo-open');
  await closeAll('mo-open');
  expect(await finding).toEqual({ kind: 'open', detail: 'mo-open has completed' });
  expect(await awaitBead('mo-open')).toMatchObject({ kind: 'open' });
});

const it = drawn('executions that end elsewhere', 3, 1);

it('a gate on a molecule that is terminated, fails or is not there has failed, and says why', async () => {
  const handle = await start('mo-ended');
  const finding = awaitBead('mo-ended');
  await handle.terminate('not needed');
  expect(await finding).toMatchObject({ kind: 'failed', detail: expect.stringContaining('mo-ended') as string });
  const failing = await start('mo-failed');
  await failing.signal('fail', { step: 'a', reason: 'no way' });
  expect(await awaitBead('mo-failed')).toMatchObject({
    kind: 'failed',
    detail: expect.stringContaining('no way') as string,
  });
  expect(await awaitBead('mo-ghost')).toMatchObject({
    kind: 'failed',
    detail: expect.stringContaining('no workflow mo-ghost') as string,
  });
});

it('a gate that is given up stops waiting at once', async () => {
  await start('mo-left');
  const began = Date.now();
  await expect(awaitBead('mo-left', AbortSignal.timeout(300))).rejects.toThrow(/abort/i);
  expect(Date.now() - began).toBeLessThan(5_000);
});

it('deleted, an execution is gone with all its runs; a namesake after it, and one that is open, are left alone', async () => {
  const handle = await start('mo-wisp');
  const first = { workflowId: 'mo-wisp', firstRunId: handle.firstExecutionRunId };
  await expect(deleteExecution(town.client, first)).rejects.toThrow('mo-wisp is still open');
  const runs = await closeAll('mo-wisp');
  await handle.result();
  const second = await start('mo-wisp');
  await deleteExecution(town.client, first);
  await deleteExecution(town.client, first);
  for (const runId of runs) {
    await until(`run ${runId} is gone`, async () =>
      town.client.workflow
        .getHandle('mo-wisp', runId)
        .describe()
        .then(
          () => false,
          (error: unknown) => error instanceof WorkflowNotFoundError,
        ),
    );
  }
  expect((await town.client.workflow.getHandle('mo-wisp').describe()).runId).toBe(second.firstExecutionRunId);
  await deleteExecution(town.client, { workflowId: 'mo-never', firstRunId: null });
});
