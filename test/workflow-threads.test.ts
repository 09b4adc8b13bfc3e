/** Workers without call stacks: a workflow with timers, scopes and queries goes on as ever, and says that it has none. */
import { bundleWorkflowCode, DefaultLogger, Worker } from '@temporalio/worker';
import { expect, test } from 'vitest';
import { spareCallStacks } from '../src/workflow-threads.js';
import { here } from './support/here.js';
import { firstOfTwo, sayUpdate } from './support/takeover.js';
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
