/** Workers without call stacks: a workflow with timers, scopes and queries goes on as ever, and says that it has none. */
import { bundleWorkflowCode, DefaultLogger, Worker } from '@temporalio/worker';
import { expect, test } from 'vitest';
import { LONG_TASKS, spareCallStacks } from '../src/workflow-threads.js';
import { here } from './support/here.js';
import { firstOfTwo, keepsItsThread, sayUpdate } from './support/takeover.js';
import { serveWorkers } from './support/serve-workers.js';

test('call stacks are kept by the SDK, and spared by ours', async () => {
  const { client, connection } = await serveWorkers();
  const workflowsPath = here('test/support/takeover.ts');
  const workflowBundle = await bundleWorkflowCode({ workflowsPath, logger: new DefaultLogger('ERROR') });
  const stackOf = async (workflowId: string) => {
    const worker = await Worker.create({ connection, taskQueue: 'threads', workflowBundle });
    return worker.runUntil(async () => {
      const handle = await client.workflow.start(firstOfTwo, { taskQueue: 'threads', workflowId });
      await handle.executeUpdate(sayUpdate);
      return handle.query<string>('__stack_trace');
    });
  };
  await expect(stackOf('kept')).resolves.toContain('firstOfTwo');
  spareCallStacks();
  await expect(stackOf('spared')).rejects.toThrow('stack traces are not enabled on this worker');
});

/** As many as this machine makes now in so many milliseconds, or rather more. */
async function turnsIn(ms: number): Promise<number> {
  const some = 50_000_000;
  await keepsItsThread(some);
  const beganMs = performance.now();
  await keepsItsThread(some);
  return Math.round((some * ms) / (performance.now() - beganMs));
}

test('a task that keeps its thread for longer than the SDK lets it by itself is done, and its worker goes on', async () => {
  const { client, connection } = await serveWorkers();
  const workflowsPath = here('test/support/takeover.ts');
  const workflowBundle = await bundleWorkflowCode({ workflowsPath, logger: new DefaultLogger('ERROR') });
  const taskQueue = 'long';
  const worker = await Worker.create({ connection, taskQueue, workflowBundle, ...LONG_TASKS });
  await worker.runUntil(async () => {
    await client.workflow.execute(keepsItsThread, { taskQueue, workflowId: 'long', args: [await turnsIn(6_500)] });
  });
  const { events } = await client.workflow.getHandle('long').fetchHistory();
  expect((events ?? []).filter((event) => event.workflowTaskFailedEventAttributes)).toEqual([]);
});
