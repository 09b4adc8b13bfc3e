/** What `npm run histories` records of dogs: each job, one that fails, one that is called back, and a run of a plugin that is not there. */
import { TOWN_QUEUE } from '../../src/contract/task-queues.js';
import { DEACON, dogAt } from '../../src/town/address.js';
import { dogsQuery } from '../../src/contract/dog.js';
import { JOBS } from '../../src/town/dogs.js';
import { until } from './live-town.js';
import type { LiveTown } from './live-town.js';

export async function sendDogs({ client }: LiveTown): Promise<void> {
  const deacon = client.workflow.getHandle(DEACON);
  for (const job of JOBS) await deacon.executeUpdate('send', { args: [{ job, by: 'Ada', id: `recorded-${job}` }] });
  await until('all dogs are home', async () => {
    const { out, waiting } = await deacon.query(dogsQuery);
    return out.length === 0 && waiting.length === 0;
  });
  const start = (name: string, input: object) =>
    client.workflow.start('dog', { workflowId: dogAt(name), taskQueue: TOWN_QUEUE, args: [input] });
  await (await start('by-hand', { job: 'clean', dry: true })).result();
  await (await start('astray', { job: 'clean', rig: 'nowhere' })).result().catch(() => undefined);
  await (await start('plugin-none', { job: 'plugin', plugin: 'none', rests: true })).result();
  const called = await start('called-back', { job: 'compact' });
  await called.cancel();
  await called.result().catch(() => undefined);
}
