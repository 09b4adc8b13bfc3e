/** Trouble of very many at once, through deaths of the worker and of the server: each is asked for once, all of them are listed, and each hears its answer. */
import { setTimeout as pause } from 'node:timers/promises';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { escalationQuery } from '../../src/contract/escalation.js';
import { escalationOf } from '../../src/town/escalation-id.js';
import { gt } from '../support/gt.js';
import { recordsOf } from '../support/ledger-records.js';
import { liveTown, until } from '../support/live-town.js';
import type { LiveTown } from '../support/live-town.js';
import { raiseBy, trouble } from '../support/raising.js';
import { random } from '../support/random.js';
import { IS_LONG, SEED } from '../support/sample.js';

/** A thousand with `npm run test:long`. */
const TROUBLES = IS_LONG ? 100 : 10;
const EACH = 10;
const DEATHS = IS_LONG ? 6 : 2;

/** Without digits, which do not tell one trouble from another. */
const word = (n: number) => String(n).replaceAll(/\d/g, (digit) => 'abcdefghij'[Number(digit)] ?? '');

const raised = Array.from({ length: TROUBLES * EACH }, (_, at) =>
  trouble({
    category: 'blocked',
    severity: at % 3 === 0 ? 'CRITICAL' : 'HIGH',
    source: 'auth',
    text: `the key of account ${word(at % TROUBLES)} is wrong`,
    waiter: { kind: 'telling', at: `polecat-${at}`, answered: 0 },
  }),
);
const ids = [...new Set(raised.map((one) => escalationOf(one)))];

let town: LiveTown;
beforeAll(async () => {
  town = await liveTown({ rigs: { server: { bare: true } } });
});
afterAll(() => town.stop());

async function said(...args: readonly string[]): Promise<string> {
  const { code, stdout, stderr } = await gt([...args, '--town', town.dir]);
  expect(code, stderr).toBe(0);
  return stdout;
}

/** Every second or two the worker or the server dies, so many times. */
async function die(): Promise<void> {
  const { below } = random(SEED);
  for (let times = 0; times < DEATHS; times += 1) {
    await pause(500 + below(1_500));
    const pid = times % 3 === 1 ? town.raised.serverPid() : town.raised.workerPid();
    if (pid !== null) process.kill(pid, 'SIGKILL');
  }
}

/** As askers do it: until the server has it. */
async function persist<T>(what: string, work: () => Promise<T>): Promise<T> {
  const [result] = await until(what, async () => [await work()], 240);
  return result;
}

test(`${TROUBLES * EACH} at once, of ${TROUBLES} troubles: all are raised, listed and answered (seed ${SEED})`, async () => {
  expect(ids).toHaveLength(TROUBLES);
  const dying = die();
  await Promise.all(raised.map((one) => persist('it is raised', () => raiseBy(town.client, one))));
  await dying;
  const begunMs = Date.now();
  for (const id of ids)
    await persist('all who have it wait', async () => {
      const { waiting, tier } = await town.client.workflow.getHandle(id).query(escalationQuery);
      expect({ id, waiting: waiting.length, tier }).toEqual({ id, waiting: EACH, tier: 'overseer' });
    });
  const routedMs = Date.now() - begunMs;
  await until('all are listed', async () => {
    const rows = JSON.parse(await said('escalation', 'list', '--json')) as readonly { readonly id: string }[];
    return ids.every((id) => rows.some((row) => row.id === id));
  });
  const askedMs = Date.now();
  const asked = JSON.parse(await said('inbox', '--json')) as readonly { readonly workflow: string }[];
  console.warn(
    `all have been routed ${routedMs} ms after the last death; gt inbox with ${TROUBLES} took ${Date.now() - askedMs} ms`,
  );
  expect(
    asked
      .map(({ workflow }) => workflow)
      .filter((id) => ids.includes(id))
      .toSorted(),
  ).toEqual(ids.toSorted());
  const answering = die();
  const resolve = { action: 'close', note: 'a new key', by: 'overseer' };
  await Promise.all(
    ids.map((id) =>
      persist('it is answered', async () => {
        const handle = town.client.workflow.getHandle(id);
        const args: [object] = [{ ...resolve, id: `answer-${id}` }];
        await handle.executeUpdate('resolve', { args, updateId: `answer-${id}` });
      }),
    ),
  );
  await answering;
  const ends = await Promise.all(
    ids.map((id) => persist('it ends', () => town.client.workflow.getHandle(id).result() as Promise<object>)),
  );
  expect(ends).toEqual(ids.map((id) => ({ id, by: 'overseer', how: `${EACH} go on` })));
  const records = await recordsOf<{ readonly escalation: string }>(town, 'escalation');
  expect(records.map(({ escalation }) => escalation).toSorted()).toEqual(ids.toSorted());
});
