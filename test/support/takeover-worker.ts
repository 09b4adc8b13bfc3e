/** A worker of the workflows beside it, as a process that can be killed: `takeover-worker.ts ADDRESS QUEUE INTERCEPTORS…`. */
import { bundleWorkflowCode, DefaultLogger, NativeConnection, Runtime, Worker } from '@temporalio/worker';
import { here } from './here.js';

const [address = '', taskQueue = '', ...workflowInterceptorModules] = process.argv.slice(2);
const logger = new DefaultLogger('ERROR');
Runtime.install({ logger });
const connection = await NativeConnection.connect({ address });
const workflowsPath = here('test/support/takeover.ts');
const workflowBundle = await bundleWorkflowCode({ workflowsPath, workflowInterceptorModules, logger });
const worker = await Worker.create({
  connection,
  taskQueue,
  workflowBundle,
  stickyQueueScheduleToStartTimeout: '2 seconds',
});
await worker.run();
