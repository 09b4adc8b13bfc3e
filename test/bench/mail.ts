/**
 * `npm run bench:mail`: a thousand agents with inboxes write a hundred thousand mails to each other while the worker is killed again and again. Then each mail is
 * looked for, in the inboxes and in the ledger: it has to be there once, and of each sender in the order in which it wrote to that inbox.
 * `npm run bench:mail -- 10000` for so many mails, with an agent for each hundred.
 */
import { setTimeout as pause } from 'node:timers/promises';
import { mailMessage } from '../../src/contract/messages.js';
import { inboxQuery } from '../../src/contract/inbox.js';
import { startOfRole } from '../../src/contract/search-attributes.js';
import { TOWN_QUEUE } from '../../src/contract/task-queues.js';
import { recordsOf } from '../support/ledger-records.js';
import { liveTown, until } from '../support/live-town.js';
import type { LiveTown } from '../support/live-town.js';
import { random } from '../support/random.js';
import { SEED } from '../support/sample.js';
import { measuredBy, median, tell, tellJson } from './figures.js';

const MAILS = Number(process.argv[2] ?? 100_000);
/** Less than an inbox holds of each, on the average: some have to make room. */
const EACH = 100;
const AGENTS = Math.max(2, Math.round(MAILS / EACH));
/** Under way at once; an inbox takes ten. */
const AT_ONCE = 64;
/** As often in the whole campaign. */
const KILLS = 10;
const AGAIN_MS = 200;
const QUERIES_AT_ONCE = 16;
/** Until what had to make room is in the ledger. */
const SECONDS_MAX = 300;
/** Of what went wrong: so much of each, and so many of them, the most frequent first. */
const ERROR_CHARS = 100;
const ERRORS_SHOWN = 10;

const addressOf = (at: number) => `server/crew/a${at}`;

/** `ids`: what one agent wrote to one inbox, in order. `again`: how often a mail was asked for once more, by the error. */
type Sent = {
  readonly ids: Map<string, string[]>;
  readonly again: Map<string, number>;
  readonly tookMs: number[];
  taken: number;
};

/** All of these, so many at once. */
async function each<T>(all: readonly T[], atOnce: number, act: (one: T) => Promise<void>): Promise<void> {
  const left = [...all];
  const worker = async () => {
    for (let one = left.shift(); one !== undefined; one = left.shift()) await act(one);
  };
  await Promise.all(Array.from({ length: atOnce }, worker));
}

async function startAgents({ client }: LiveTown): Promise<void> {
  const all = Array.from({ length: AGENTS }, (_, at) => addressOf(at));
  await each(all, AT_ONCE, async (workflowId) => {
    await client.workflow.start('crew', {
      workflowId,
      taskQueue: TOWN_QUEUE,
      args: [{ patience: 0.05 }],
      typedSearchAttributes: startOfRole('crew', 'server'),
    });
  });
}

/** One after the other: the next is written once the last is taken. What was lost with the worker is asked again under its id. */
async function writeAll(
  { client }: LiveTown,
  from: string,
  sent: Sent,
  below: (most: number) => number,
): Promise<void> {
  for (let at = 0; at < EACH; at += 1) {
    const to = addressOf(below(AGENTS));
    const content = { id: `${from}:${at}`, from, to, subject: `${at}`, body: 'x'.repeat(200) };
    const begun = performance.now();
    for (let isTaken = false; !isTaken;) {
      try {
        await client.workflow
          .getHandle(to)
          .executeUpdate(mailMessage.update, { updateId: content.id, args: [content] });
        isTaken = true;
      } catch (error) {
        const text = textOf(error);
        sent.again.set(text, (sent.again.get(text) ?? 0) + 1);
        await pause(AGAIN_MS);
      }
    }
    sent.tookMs.push(performance.now() - begun);
    sent.taken += 1;
    const key = `${from} ${to}`;
    sent.ids.set(key, [...(sent.ids.get(key) ?? []), content.id]);
  }
}

/** Of the cause, which says more than that the Update has failed; without ids and numbers, by which all would differ. */
function textOf(error: unknown): string {
  if (!(error instanceof Error)) return String(error).slice(0, ERROR_CHARS);
  const why = error.cause instanceof Error ? error.cause.message : error.message;
  return `${error.name}: ${why}`.replaceAll(/\d+/g, 'N').slice(0, ERROR_CHARS);
}

/** At even distances of the way. */
async function killOften({ raised }: LiveTown, sent: Sent): Promise<number> {
  let kills = 0;
  while (kills < KILLS) {
    const due = ((kills + 1) * AGENTS * EACH) / (KILLS + 1);
    while (sent.taken < due) await pause(AGAIN_MS);
    const pid = raised.workerPid();
    if (pid !== null) process.kill(pid, 'SIGKILL');
    kills += pid === null ? 0 : 1;
    await pause(AGAIN_MS);
  }
  return kills;
}

type Found = { readonly id: string; readonly from: string; readonly to: string };

/** In the order in which they came: what had to make room went first. */
async function findAll(town: LiveTown): Promise<readonly Found[]> {
  const gone = await recordsOf<{ readonly mail: string; readonly from: string; readonly to: string }>(town, 'mail');
  const found: Found[] = gone.map(({ mail, from, to }) => ({ id: mail, from, to }));
  const all = Array.from({ length: AGENTS }, (_, at) => addressOf(at));
  await each(all, QUERIES_AT_ONCE, async (address) => {
    const inbox = await until(`${address} answers`, () => town.client.workflow.getHandle(address).query(inboxQuery));
    found.push(...inbox.map(({ id, from, to }) => ({ id, from, to })));
  });
  return found;
}

/** How many are there less than once, more than once, and before one that was written earlier. */
function judged(found: readonly Found[], sent: Sent) {
  const times = new Map<string, number>();
  const order = new Map<string, string[]>();
  for (const { id, from, to } of found) {
    times.set(id, (times.get(id) ?? 0) + 1);
    order.set(`${from} ${to}`, [...(order.get(`${from} ${to}`) ?? []), id]);
  }
  const all = [...sent.ids.values()].flat();
  const asSent = ([key, ids]: [string, string[]]) => JSON.stringify(order.get(key)) === JSON.stringify(ids);
  return {
    lost: all.filter((id) => !times.has(id)).length,
    doubled: [...times.values()].filter((count) => count > 1).length,
    disordered: [...sent.ids].filter((one) => !asSent(one)).length,
  };
}

async function bench(): Promise<void> {
  const { below } = random(SEED);
  const town = await liveTown({ rigs: { server: { bare: true } }, patience: 0.05 });
  try {
    await startAgents(town);
    const sent: Sent = { ids: new Map(), again: new Map(), tookMs: [], taken: 0 };
    const begun = performance.now();
    const killing = killOften(town, sent);
    const senders = Array.from({ length: AGENTS }, (_, at) => addressOf(at));
    await each(senders, AT_ONCE, (from) => writeAll(town, from, sent, below));
    const seconds = (performance.now() - begun) / 1_000;
    const kills = await killing;
    const all = AGENTS * EACH;
    const found = await until(
      'all are found',
      async () => {
        const seen = await findAll(town);
        return seen.length >= all ? seen : null;
      },
      SECONDS_MAX,
    ).catch(() => findAll(town));
    tellAll(sent, { kills, seconds, found });
  } finally {
    await town.stop();
  }
}

type Campaign = { readonly kills: number; readonly seconds: number; readonly found: readonly Found[] };

function tellAll(sent: Sent, { kills, seconds, found }: Campaign): void {
  const { lost, doubled, disordered } = judged(found, sent);
  const sorted = sent.tookMs.toSorted((a, b) => a - b);
  tell('agents with inboxes', AGENTS, 'agents');
  tell('mails taken', sent.taken, 'mails');
  tell('kills of the worker', kills, 'kills', `${KILLS}`, kills === KILLS);
  const again = [...sent.again].toSorted(([, a], [, b]) => b - a);
  tell(
    'asked again, as the answer was lost',
    again.reduce((sum, [, times]) => sum + times, 0),
    'times',
  );
  for (const [text, times] of again.slice(0, ERRORS_SHOWN)) console.log(`  ${times} times: ${text}`);
  tell('mails lost', lost, 'mails', '0', lost === 0);
  tell('mails doubled', doubled, 'mails', '0', doubled === 0);
  tell('pairs of sender and inbox out of order', disordered, 'pairs', '0', disordered === 0);
  tell('mails a second, kills included', sent.taken / seconds, '1/s');
  tell('from sent to taken, median', median(sorted), 'ms');
  tell('from sent to taken, 99 of 100', sorted[Math.floor(sorted.length * 0.99)] ?? 0, 'ms');
}

measuredBy(`npm run bench:mail -- ${MAILS}`);
await bench();
tellJson();
