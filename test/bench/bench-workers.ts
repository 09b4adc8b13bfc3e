/** A server and the workers of a benchmark: those of ours, whose acts it brings, and one for plain workflows, of the same kind and beside them. */
import { mkdtemp, rm } from 'node:fs/promises';
import { loadavg, tmpdir } from 'node:os';
import { join } from 'node:path';
import { Client, Connection } from '@temporalio/client';
import { bundleWorkflowCode, DefaultLogger, NativeConnection, Runtime, Worker } from '@temporalio/worker';
import { hostQueue, sessionQueue, TOWN_QUEUE } from '../../src/contract/task-queues.js';
import { machine } from '../../src/dev/machine.js';
import { startServer } from '../../src/dev/server.js';
import { findTemporalCli } from '../../src/dev/temporal-cli.js';
import { NOBODY_LOOKS } from '../support/sinks.js';
import { here } from '../support/here.js';
import { BENCH_HOST } from './bench-host.js';
import { tell } from './figures.js';

/** Of the workflows in test/bench/plain.ts, and of their activities. */
export const PLAIN_QUEUE = 'plain';

type Acts = (client: Client) => object;

/** All of them run while `work` does; nothing of theirs stays. */
export async function withWorkers(acts: Acts, work: (client: Client) => Promise<void>): Promise<void> {
  tell('load of the machine before', loadavg()[0] ?? 0, 'processes');
  Runtime.install({ logger: new DefaultLogger('ERROR'), shutdownSignals: [] });
  const folder = await mkdtemp(join(tmpdir(), 'gt-bench-'));
  try {
    const { path: cli } = await findTemporalCli({ machine: machine(), say: () => undefined });
    const [dbFile, log] = [join(folder, 'temporal.db'), join(folder, 'server.log')];
    const server = await startServer({ cli, dbFile, namespace: 'default', log, say: () => undefined });
    try {
      await besideWorkers(server.address, acts, work);
    } finally {
      await server.stop();
    }
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

async function besideWorkers(address: string, acts: Acts, work: (client: Client) => Promise<void>): Promise<void> {
  const connection = await NativeConnection.connect({ address });
  const client = new Client({ connection: await Connection.connect({ address }) });
  const options = { connection, activities: acts(client), maxConcurrentActivityTaskExecutions: 1_000 };
  const logger = new DefaultLogger('ERROR');
  const workers = await Promise.all([
    Worker.create({
      ...options,
      taskQueue: TOWN_QUEUE,
      workflowBundle: { codePath: here('dist/workflow-bundle.js') },
      dataConverter: { payloadConverterPath: here('dist/workflows/payload-converter.js') },
      sinks: NOBODY_LOOKS,
    }),
    Worker.create({
      ...options,
      taskQueue: PLAIN_QUEUE,
      workflowBundle: await bundleWorkflowCode({ workflowsPath: here('test/bench/plain.ts'), logger }),
    }),
    Worker.create({ ...options, taskQueue: hostQueue(BENCH_HOST) }),
    Worker.create({ ...options, taskQueue: sessionQueue(BENCH_HOST) }),
  ]);
  const running = Promise.all(workers.map((worker) => worker.run()));
  await work(client);
  for (const worker of workers) worker.shutdown();
  await running;
  await client.connection.close();
  await connection.close();
}
