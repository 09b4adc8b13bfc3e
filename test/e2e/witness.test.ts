/** What reaches a witness late, wrong or not at all: it keeps to the newest settings, and goes on granting slots. */
import { once } from 'node:events';
import { readFile, rename, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { Client } from '@temporalio/client';
import { ApplicationFailure } from '@temporalio/common';
import { NativeConnection, Worker } from '@temporalio/worker';
import { afterAll, beforeAll, expect, onTestFinished, test } from 'vitest';
import { placesIn } from '../../src/activities/places.js';
import { townActivities } from '../../src/activities/town.js';
import { perform } from '../../src/calls.js';
import { deadLettersQuery } from '../../src/contract/inbox.js';
import { mailMessage, witnessMessages } from '../../src/contract/messages.js';
import { queueQuery } from '../../src/contract/refinery.js';
import { TOWN_QUEUE } from '../../src/contract/task-queues.js';
import { slotsQuery } from '../../src/contract/witness.js';
import { townShelf } from '../../src/formula-shelf.js';
import { Ledger } from '../../src/ledger/ledger.js';
import { writeMail } from '../../src/town/mail.js';
import { DEFAULT_LIMITS } from '../../src/town/rig.js';
import { NOBODY_LOOKS } from '../support/sinks.js';
import { liveTown, until } from '../support/live-town.js';
import type { LiveTown } from '../support/live-town.js';
import { proto, step } from '../support/molecules.js';
import { makeFolder } from '../support/repos.js';
import { connectTo, serve } from '../support/temporal.js';
import { ASK, QUICK } from '../support/test-formulas.js';

let town: LiveTown;
beforeAll(async () => {
  town = await liveTown({
    rigs: {
      first: { bare: true },
      late: { bare: true, capacity: 1, gates: { old: 'false' } },
      away: { bare: true },
      named: { bare: true },
    },
    formulas: { quick: QUICK, ask: ASK },
    patience: 0.05,
  });
});
afterAll(() => town.stop());

const built = (path: string) => fileURLToPath(new URL(`../../dist/${path}`, import.meta.url));
const quick = (id: string, rig: string) => ({ id, rig, formula: 'quick', vars: { name: id } });
const slotsOf = (rig: string) => town.client.workflow.getHandle(`${rig}/witness`).query(slotsQuery);
const about = (rig: string, request: string) => ({
  Request: request,
  Branch: 'polecat/Toast/none',
  Head: '1'.repeat(40),
  Target: 'main',
  Issue: 'i',
  Mission: 'm',
  Polecat: 'Toast',
  Incarnation: 1,
  Rig: rig,
  Priority: 2,
  Round: 0,
});
test('a mission that claims late does not put back the settings of a rig that were changed since', async () => {
  const before = await town.startMission('before', {
    work: [
      { id: 'question', rig: 'first', formula: 'ask' },
      { ...quick('answer', 'late'), needs: ['question'] },
    ],
  });
  const polecat = await until('it asks', async () => {
    const swarm = await before.query<Record<string, string>>('swarm');
    return swarm['question'];
  });
  const file = join(town.dir, 'town.toml');
  const text = await readFile(file, 'utf8');
  const changed = text.replace(
    'capacity = 1\n[rigs.late.gates]\nold = "false"',
    'capacity = 3\n[rigs.late.gates]\nnew = "true"',
  );
  expect(changed).not.toBe(text);
  await writeFile(file, changed);
  const since = await town.startMission('since', { work: [quick('newer', 'late')] });
  await expect(since.result()).resolves.toMatchObject({ landed: 1 });
  expect((await slotsOf('late')).capacity).toBe(3);
  const { molecule } = await town.client.workflow.getHandle(polecat).query<{ molecule: string }>('lifecycle');
  await until('it is answered', () =>
    town.client.workflow.getHandle(molecule).executeUpdate('close', { args: [{ step: 'think', note: 'thought' }] }),
  );
  await expect(before.result()).resolves.toMatchObject({ landed: 2, items: [{}, { reworks: 0 }] });
  expect((await slotsOf('late')).capacity).toBe(3);
});

test('a repository that is away while a hand-in is verified keeps nobody from a slot', async () => {
  await (await town.startMission('there', { work: [quick('there', 'away')] })).result();
  const { granted } = await slotsOf('away');
  await rename(town.repository('away'), `${town.repository('away')}.gone`);
  const witness = town.client.workflow.getHandle('away/witness');
  const envelope = { id: 'by-hand', from: 'away/polecats/Toast', to: 'away/witness' };
  const letter = { type: 'POLECAT_DONE', keys: about('away', 'none.0'), text: '' } as const;
  await witness.executeUpdate(mailMessage.update, { args: [writeMail(envelope, 'Toast', letter)] });
  const next = await town.startMission('next', { work: [quick('next', 'away')] });
  await until('a slot is granted', async () => (await slotsOf('away')).granted === granted + 1);
  await rename(`${town.repository('away')}.gone`, town.repository('away'));
  const retried = await until('it lands once the repository is back', async () => {
    const { items } = await next.query<{ items: readonly { state: { kind: string } }[] }>('progress');
    if (items[0]?.state.kind === 'failed') await next.executeUpdate('retry', { args: [{ item: 'next' }] });
    return items[0]?.state.kind === 'landed';
  });
  expect(retried).toBe(true);
  const dead = await until('the hand-in of nobody at work is a dead letter', async () =>
    (await witness.query(deadLettersQuery)).find(({ id }) => id === 'by-hand'),
  );
  expect(dead.why).toBe('no polecat Toast #1 of mission m is at work here');
  expect(JSON.stringify(await town.client.workflow.getHandle('away/refinery').query(queueQuery))).not.toContain(
    'none.0',
  );
});

test('items and requests may be called what every object has by birth', async () => {
  const work = ['constructor', 'toString', 'valueOf'].map((id) => quick(id, 'named'));
  await expect((await town.startMission('hasOwnProperty', { work })).result()).resolves.toMatchObject({ landed: 3 });
  const refinery = town.client.workflow.getHandle('named/refinery');
  const envelope = { id: 'odd', from: 'named/witness', to: 'named/refinery' };
  const letter = { type: 'MERGE_READY', keys: about('named', 'toString.0'), text: '' } as const;
  await refinery.executeUpdate(mailMessage.update, { args: [writeMail(envelope, 'Toast', letter)] });
  await until('it is out of the queue', async () => (await refinery.query(queueQuery)).length === 0);
  const told = await until('its verdict came back', async () => {
    const seen = JSON.stringify(await town.client.workflow.getHandle('named/witness').query(deadLettersQuery));
    return seen.includes('Failure-Type') ? seen : null;
  });
  expect(told).toContain('Failure-Type: not-pushed');
});

/** A server, a worker with the real workflows, and these acts for them. */
async function withActs(acts: (client: Client) => Record<string, (...args: never[]) => unknown>): Promise<Client> {
  const server = await serve(await makeFolder());
  const client = new Client({ connection: await connectTo(server.address) });
  const connection = await NativeConnection.connect({ address: server.address });
  const worker = await Worker.create({
    connection,
    taskQueue: TOWN_QUEUE,
    workflowBundle: { codePath: built('workflow-bundle.js') },
    dataConverter: { payloadConverterPath: built('workflows/payload-converter.js') },
    activities: acts(client),
    sinks: NOBODY_LOOKS,
  });
  const running = worker.run();
  onTestFinished(async () => {
    worker.shutdown();
    await running;
    await connection.close();
  });
  return client;
}

const GONE = { isOpen: false, phase: '', waitsFor: '', failing: null, acts: [] };

const ALONE = {
  name: 'alone',
  url: '/nowhere',
  branch: 'main',
  gates: [],
  names: ['Toast', 'Shadow'],
  capacity: 1,
  prefix: 'al',
  runtime: { kind: 'script' as const, model: 'none' },
};

test('a clean-up that fails is told and tried again, and the slot is free only then', async () => {
  let looks = 0;
  const client = await withActs(() => ({
    // The first look is the one of a witness that begins.
    findPolecats: () => {
      looks += 1;
      if (looks === 2) throw ApplicationFailure.nonRetryable('no such look');
      return { polecats: [], incarnationMax: 0 };
    },
    findRigHolds: () => ({ town: null, before: null }),
    lookAtHolders: ({ leases }: { leases: readonly unknown[] }) =>
      leases.map(() => ({ isMissionOpen: false, facts: GONE })),
  }));
  await client.workflow.start('nobody', { taskQueue: 'nobody', workflowId: 'gone' });
  const witness = await client.workflow.signalWithStart('witness', {
    taskQueue: TOWN_QUEUE,
    workflowId: 'alone/witness',
    args: [{ rig: ALONE, patience: 0.001 }],
    signal: witnessMessages.claim.signal,
    signalArgs: [{ id: 'gone/i/1@r', mission: 'gone', missionRun: 'r', item: 'i', priority: 2 }],
  });
  await until('the slot was held and is free', async () => {
    const slots = await witness.query(slotsQuery);
    return slots.granted === 1 && slots.leases.length === 0;
  });
  expect(looks).toBe(3);
  expect(JSON.stringify(await witness.query('rejected'))).toContain('could not be cleared yet: no such look');
  const { events } = await witness.fetchHistory();
  expect(events?.filter((event) => event.workflowTaskFailedEventAttributes)).toEqual([]);
});

test('a witness that begins while a polecat is about to start counts its slot as held', async () => {
  const state = await makeFolder();
  let hosts = 0;
  const end = new AbortController();
  const client = await withActs((town) => {
    const acts = townActivities({
      client: town,
      call: (call) => perform(town, call),
      host: 'none',
      places: placesIn(state),
      ledger: new Ledger(join(state, 'ledger.jsonl'), { commit: async () => undefined, warn: () => undefined }),
      formulas: townShelf(state),
      readTown: async () => ({ ok: false, problems: 'there is none' }),
    });
    const limits = { ...DEFAULT_LIMITS, patience: 0.05 };
    return {
      ...acts,
      planWork: ({ items }: { items: readonly { id: string }[] }) => ({
        limits,
        rigs: { alone: ALONE },
        protos: Object.fromEntries(items.map(({ id }) => [id, proto([step('work')])])),
      }),
      chooseHost: async () => {
        hosts += 1;
        await once(end.signal, 'abort');
        return 'none';
      },
    };
  });
  onTestFinished(() => end.abort());
  const start = (workflowId: string) => {
    const work = [{ id: 'i', rig: 'alone', formula: 'f' }];
    return client.workflow.start('mission', { taskQueue: TOWN_QUEUE, workflowId, args: [{ work }] });
  };
  const first = await start('first');
  await until('the first is about to start its polecat', async () => hosts === 1);
  const witness = client.workflow.getHandle('alone/witness');
  await witness.terminate('a test');
  const second = await start('second');
  const slots = await until('one holds the slot and one waits', async () => {
    const seen = await witness.query(slotsQuery);
    return seen.leases.length > 0 && seen.queue.length > 0 ? seen : null;
  });
  expect(slots.leases).toMatchObject([{ mission: 'first', name: 'Toast', incarnation: 1 }]);
  expect([slots.queue.map((claim) => claim.mission), hosts]).toEqual([['second'], 1]);
  await first.terminate('a test');
  await second.terminate('a test');
});
