/** An answer on its way to one who waits: who is busy with it, and who does not even take it in hand, on a real server. */
import { bundleWorkflowCode, DefaultLogger, Worker } from '@temporalio/worker';
import { expect, onTestFinished, test } from 'vitest';
import { answerWaiter } from '../../src/activities/answer-waiter.js';
import { perform } from '../../src/calls.js';
import type { Action } from '../../src/town/escalation-input.js';
import { asActivity, cancelActivity } from '../support/activity.js';
import { letGoSignal } from '../support/busy.js';
import { here } from '../support/here.js';
import { until } from '../support/live-town.js';
import { serveWorkers } from '../support/serve-workers.js';

const QUEUE = 'busy';
const ESCALATION = 'hq-esc-1';

/** A step that waits, with a worker for its workflow or none, and the act that brings it an answer. */
async function waiting({ isWorked }: { readonly isWorked: boolean }) {
  const { connection, client } = await serveWorkers();
  if (isWorked) {
    const logger = new DefaultLogger('ERROR');
    const workflowBundle = await bundleWorkflowCode({ workflowsPath: here('test/support/busy.ts'), logger });
    const worker = await Worker.create({ connection, taskQueue: QUEUE, workflowBundle });
    const running = worker.run();
    onTestFinished(async () => {
      worker.shutdown();
      await running;
    });
  }
  const handle = await client.workflow.start('busy', { taskQueue: QUEUE, workflowId: 'se-1' });
  const call: Parameters<typeof answerWaiter>[0]['call'] = (one, whenAccepted) => perform(client, one, whenAccepted);
  const answer = (attempt: number, withinMs: number, cancel?: AbortController, action: Action = 'close') =>
    asActivity(
      () =>
        answerWaiter(
          { client, call },
          {
            escalation: ESCALATION,
            waiter: { kind: 'step', at: 'se-1', step: 'fix', token: 'fix@t1', mission: 'm', item: 'a', answered: 0 },
            resolution: { action },
            by: 'mayor',
            patience: 1,
          },
          withinMs,
        ),
      cancel,
      { attempt, activityId: '7', workflowExecution: { workflowId: ESCALATION, runId: 'r' } },
    );
  const accepted = async () => {
    const { events } = await handle.fetchHistory();
    return (events ?? []).filter((event) => event.workflowExecutionUpdateAcceptedEventAttributes).length;
  };
  return { handle, answer, accepted };
}

test('who is busy with an answer is waited for, however long; asked again it is the same one', async () => {
  const { handle, answer, accepted } = await waiting({ isWorked: true });
  const WITHIN_MS = 2_000;
  const cancel = new AbortController();
  const first = answer(10, WITHIN_MS, cancel).catch((error: unknown) => error);
  await until('it is taken in hand', async () => ((await accepted()) === 1 ? true : null));
  // Its worker goes: the next try has it from the server.
  cancelActivity(cancel);
  expect(String(await first)).toContain('CANCELLED');
  const begunMs = Date.now();
  const second = answer(11, WITHIN_MS).then((says) => ({ says, ms: Date.now() - begunMs }));
  setTimeout(() => void handle.signal(letGoSignal), 2 * WITHIN_MS);
  const { says, ms } = await second;
  expect(says).toEqual({ kind: 'taken', says: 'closed "fix"' });
  expect(ms).toBeGreaterThan(WITHIN_MS);
  expect(await handle.result()).toEqual([expect.stringContaining('mayor')]);
  expect(await accepted()).toBe(1);
});

test('one whose mission is gone waits still when that was to be told', async () => {
  const { answer } = await waiting({ isWorked: true });
  expect(await answer(1, 5_000, undefined, 'reassign')).toEqual({ kind: 'refused', says: 'there is no m' });
});

test('who does not take it in hand is tried ten times, and told why', async () => {
  const { handle, answer } = await waiting({ isWorked: false });
  const nobody = 'se-1 has not taken the answer in 0.5 s: no worker takes its tasks';
  const ninth = await answer(9, 500).catch((error: unknown) => error);
  expect(ninth).toMatchObject({ message: expect.stringContaining(nobody) as string });
  expect(ninth).not.toHaveProperty('nonRetryable', true);
  await expect(answer(10, 500)).rejects.toMatchObject({
    type: 'Unreached',
    nonRetryable: true,
    message: expect.stringContaining(nobody) as string,
  });
  await handle.terminate();
  expect(await answer(1, 5_000)).toEqual({ kind: 'gone', says: 'there is no se-1' });
});
