/** Workers without call stacks: a workflow with timers, scopes and queries goes on as ever, and says that it has none. */
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Connection } from '@temporalio/client';
import { bundleWorkflowCode, DefaultLogger, NativeConnection, Worker } from '@temporalio/worker';
import { expect, onTestFinished, test } from 'vitest';
import { clientOf } from '../src/client.js';
import { spareCallStacks } from '../src/workflow-threads.js';
import { here } from './support/here.js';
import { firstOfTwo, sayUpdate } from './support/takeover.js';
import { serve } from './support/temporal.js';

test('call stacks are kept by the SDK, and spared by ours', async () => {
  const folder = await mkdtemp(join(tmpdir(), 'gt-threads-'));
  onTestFinished(() => rm(folder, { recursive: true, force: true, maxRetries: 5 }));
  const { address } = await serve(folder);
  const connection = await NativeConnection.connect({ address });
  onTestFinished(() => connection.close());
  const own = await Connection.connect({ address });
  onTestFinished(() => own.close());
  const client = clientOf({ connection: own, payloads: null });
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
