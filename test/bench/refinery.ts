/**
 * `npm run bench:refinery`: a merge queue with a gate of two seconds, on a real repository: requests that are verified and land together against one after
 * the other, the same with some that do not pass, and one request that comes alone. Counted from the first hand-in to the last verdict.
 */
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Client } from '@temporalio/client';
import { mergeActivities } from '../../src/activities/merge.js';
import { runGates } from '../../src/activities/merge-gates.js';
import { placesIn, type Places } from '../../src/activities/places.js';
import { ensureRole } from '../../src/activities/roles.js';
import { findRigHolds } from '../../src/activities/town-hold.js';
import type { RoleRequest } from '../../src/contract/activities.js';
import { mailMessage } from '../../src/contract/messages.js';
import { queueQuery } from '../../src/contract/refinery.js';
import { TOWN_QUEUE } from '../../src/contract/task-queues.js';
import { refineryOf, witnessOf } from '../../src/town/address.js';
import type { RigSnapshot } from '../../src/town/rig.js';
import { AS_TOLD } from '../support/remotes.js';
import { makeRepo, type Repo } from '../support/repos.js';
import { readyMail } from '../support/requests.js';
import { BENCH_HOST } from './bench-host.js';
import { withWorkers } from './bench-workers.js';
import { measuredBy, tell, tellJson } from './figures.js';

const MANY = 64;
/** One after the other takes as long for each, so fewer of them tell. */
const FEW = 12;
const RED = [13, 30, 51];
const GATE_MS = 2_000;
const GATE = 'sleep 2; test ! -e red.txt';

type Asked = {
  readonly name: string;
  readonly requests: number;
  readonly batch: number;
  readonly red?: readonly number[];
};

class Queue {
  readonly #client: Client;
  readonly #folder: string;

  constructor(client: Client, folder: string) {
    this.#client = client;
    this.#folder = folder;
  }

  /** Milliseconds until all have their verdict, and how many of them landed. */
  async measure({ name, requests, batch, red = [] }: Asked): Promise<{ readonly ms: number; readonly landed: number }> {
    const origin = await makeRepo({ bare: true, path: join(this.#folder, `${name}.git`) });
    const rig = rigOf(name, origin, batch);
    const branches = await branchesIn(origin, requests, red);
    await this.#begin(rig);
    // Whatever is done once for a rig is done.
    await this.#handIn(rig, 'warm', await origin.commit({ 'warm.txt': 'warm\n' }, { branch: 'warm' }));
    await this.#untilEmpty(rig);
    const before = Number(await origin.git('rev-list', '--count', 'main'));
    const { length } = await this.#events(rig);
    await Promise.all(branches.map(({ branch, head }) => this.#handIn(rig, branch, head)));
    await this.#untilEmpty(rig);
    const times = (await this.#events(rig))
      .slice(length)
      .flatMap(({ at, isHandIn, isVerdict }) => (isHandIn || isVerdict ? [at] : []));
    const ms = Math.max(...times) - Math.min(...times);
    return { ms, landed: Number(await origin.git('rev-list', '--count', 'main')) - before };
  }

  /** As the server has them. */
  async #events({ name }: RigSnapshot) {
    const { events } = await this.#client.workflow.getHandle(refineryOf(name)).fetchHistory();
    return (events ?? []).map((event) => ({
      at: Number(event.eventTime?.seconds ?? 0) * 1_000 + (event.eventTime?.nanos ?? 0) / 1e6,
      isHandIn: Boolean(event.workflowExecutionUpdateAcceptedEventAttributes),
      isVerdict: event.signalExternalWorkflowExecutionInitiatedEventAttributes?.signalName === 'mail',
    }));
  }

  async #begin(rig: RigSnapshot): Promise<void> {
    const args = [{ rig, patience: 1 }];
    for (const [type, workflowId] of [
      ['witness', witnessOf(rig.name)],
      ['refinery', refineryOf(rig.name)],
    ] as const)
      await this.#client.workflow.start(type, { taskQueue: TOWN_QUEUE, workflowId, args });
  }

  async #handIn({ name: rig }: RigSnapshot, branch: string, head: string): Promise<void> {
    const mail = readyMail(rig, { request: `be-${branch}.0`, branch, head, priority: 2 });
    await this.#client.workflow.getHandle(refineryOf(rig)).executeUpdate(mailMessage.update, { args: [mail] });
  }

  async #untilEmpty({ name }: RigSnapshot): Promise<void> {
    const refinery = this.#client.workflow.getHandle(refineryOf(name));
    while ((await refinery.query(queueQuery)).length > 0) await new Promise((resolve) => setTimeout(resolve, 250));
  }
}

const rigOf = (name: string, { path }: Repo, batch: number): RigSnapshot => ({
  name,
  url: path,
  branch: 'main',
  gates: [{ name: 'slow', command: GATE }],
  // One by one is what there was before.
  merge: { batch, concurrent: batch > 1 },
  names: ['Toast'],
  capacity: 1,
  prefix: 'be',
  runtime: { kind: 'script', model: '' },
});

async function branchesIn(origin: Repo, requests: number, red: readonly number[]) {
  const branches: { readonly branch: string; readonly head: string }[] = [];
  for (let at = 0; at < requests; at += 1) {
    const branch = `b${`${at}`.padStart(3, '0')}`;
    const more = red.includes(at) ? { 'red.txt': 'red\n' } : {};
    branches.push({ branch, head: await origin.commit({ [`${branch}.txt`]: 'work\n', ...more }, { branch }) });
  }
  return branches;
}

const actsOf = (places: Places, client: Client) => ({
  ...mergeActivities(places, AS_TOLD),
  runGates: (request: Parameters<typeof runGates>[1]) => runGates(places, request, new AbortController().signal),
  chooseHost: () => Promise.resolve(BENCH_HOST),
  findRefineryBefore: () => Promise.resolve(null),
  ensureRole: (request: RoleRequest) => ensureRole(client, request),
  findPolecats: () => Promise.resolve({ polecats: [], incarnationMax: 0 }),
  findRigHolds: (request: { readonly rig: string }) => findRigHolds(client, request),
  areOpen: (executions: readonly unknown[]) => Promise.resolve(executions.map(() => false)),
  record: () => Promise.resolve(),
  recordAll: () => Promise.resolve(),
});

const folder = await mkdtemp(join(tmpdir(), 'gt-bench-'));
measuredBy('npm run bench:refinery');
try {
  await withWorkers(
    (client) => actsOf(placesIn(join(folder, 'state')), client),
    async (client) => {
      const queue = new Queue(client, folder);
      const lone = await queue.measure({ name: 'lone', requests: 1, batch: 16 });
      const over = lone.ms - GATE_MS;
      tell('one alone, beyond its gate', over, 'ms', 'at most 500', over <= 500);
      const single = await queue.measure({ name: 'single', requests: FEW, batch: 1 });
      const each = single.ms / FEW;
      tell('one after the other, each', each, 'ms');
      const many = await queue.measure({ name: 'many', requests: MANY, batch: 16 });
      const times = (each * MANY) / many.ms;
      tell('together, each', many.ms / MANY, 'ms');
      tell('together, against one by one', times, 'times', 'at least 6', times >= 6 && many.landed === MANY);
      const some = await queue.measure({ name: 'some', requests: MANY, batch: 16, red: RED });
      const timesRed = (each * MANY) / some.ms;
      const isRight = some.landed === MANY - RED.length;
      tell('three at fault, against one by one', timesRed, 'times', 'at least 3', timesRed >= 3 && isRight);
    },
  );
} finally {
  await rm(folder, { recursive: true, force: true });
}
tellJson();
