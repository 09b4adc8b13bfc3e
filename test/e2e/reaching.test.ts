/** People hear outside of the town of what has come to them: by webhook, Slack, e-mail and a command, on real receivers that fail, hang and are busy. */
import { appendFile, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import * as z from 'zod';
import { perform } from '../../src/calls.js';
import { explainQuery } from '../../src/contract/messages.js';
import { deliveriesQuery } from '../../src/contract/reach.js';
import { TOWN_QUEUE } from '../../src/contract/task-queues.js';
import { OVERSEER } from '../../src/town/address.js';
import type { Delivery } from '../../src/town/reach.js';
import type { ReachMessage } from '../../src/town/reach-message.js';
import { gt } from '../support/gt.js';
import { recordsOf } from '../support/ledger-records.js';
import { liveTown, until } from '../support/live-town.js';
import type { LiveTown } from '../support/live-town.js';
import { httpReceiver, smtpReceiver, type Postbox, type Receiver } from '../support/receivers.js';

const ANN = 'server/crew/ann';
const BOB = 'server/crew/bob';
const CAT = 'server/crew/cat';
const DAN = 'server/crew/dan';
const EVE = 'server/crew/eve';

let town: LiveTown;
let http: Receiver;
let smtp: Postbox;
let letGo: () => void = () => undefined;

beforeAll(async () => {
  http = await httpReceiver({
    '/gone': (to) => to.writeHead(404).end('no such hook'),
    '/hangs': () => undefined,
    '/busy': (to, before) => (before === 0 ? to.writeHead(429, { 'retry-after': '1' }).end() : to.end()),
    '/held-too': () => undefined,
    '/held': (to, before) => (before === 0 ? (letGo = () => to.destroy()) : to.end()),
  });
  smtp = await smtpReceiver();
  town = await liveTown({
    rigs: { server: { bare: true } },
    patience: 0.02,
    // The server suggests to continue as new after about 4,000 events otherwise.
    dynamicConfig: ['limit.historyCount.suggestContinueAsNew=150'],
    env: { SLACK_HOOK: `${http.url}/slack-4f1c9a77d0` },
  });
  for (const workflowId of [ANN, BOB, CAT, DAN, EVE])
    await town.client.workflow.start('crew', { workflowId, taskQueue: TOWN_QUEUE, args: [{ patience: 0.02 }] });
});
afterAll(async () => {
  letGo();
  await town.stop();
  await http.stop();
  await smtp.stop();
});

/** Quiet hours that hold now, for hours yet. */
const quietNow = (): string => `${timeIn(-1)}-${timeIn(6)}`;
const timeIn = (hours: number): string => new Date(Date.now() + hours * 3_600_000).toISOString().slice(11, 16);

const ways = () => `
[reach.desk]
kind = "webhook"
url = "${http.url}/desk"
[reach.gone]
kind = "webhook"
url = "${http.url}/gone"
[reach.hangs]
kind = "webhook"
url = "${http.url}/hangs"
[reach.busy]
kind = "webhook"
url = "${http.url}/busy"
[reach.held]
kind = "webhook"
url = "${http.url}/held"
[reach.held-too]
kind = "webhook"
url = "${http.url}/held-too"
[reach.chat]
kind = "slack"
url = "env:SLACK_HOOK"
[reach.letters]
kind = "email"
server = "${smtp.url}"
from = "town@example.org"
to = "ann@example.org"
[reach.own]
kind = "command"
program = "sh"
args = ["-c", "cat > told-$GT_REACH_TO.json"]
[people.overseer]
reach = ["desk", "own"]
[people."crew/ann"]
reach = ["gone", "chat", "letters"]
[people."${BOB}"]
reach = ["hangs", "letters"]
quiet = "${quietNow()}"
[people."${CAT}"]
reach = ["busy"]
[people."${DAN}"]
reach = ["held"]
[people."${EVE}"]
reach = ["held-too", "desk"]
`;

type Words = { readonly subject?: string; readonly body?: string; readonly priority?: string };

async function write(to: string, id: string, words: Words = {}): Promise<void> {
  const content = { id, from: 'server/witness', to, subject: `about ${id}`, body: 'It waits.', ...words };
  const answer = await perform(town.client, { kind: 'update', workflow: to, name: 'mail', content, updateId: id });
  expect(answer).toMatchObject({ kind: 'result' });
}

const deliveriesOf = (person: string) => town.client.workflow.getHandle(person).query(deliveriesQuery);
const boardOf = (person: string) => town.client.workflow.getHandle(person).query(explainQuery);

async function told(person: string, mail: string): Promise<readonly Delivery[]> {
  return until(`${person} is told of ${mail}`, async () => {
    const about = (await deliveriesOf(person)).filter(({ mails }) => mails.includes(mail));
    return about.some(({ outcome }) => outcome === 'told') ? about : null;
  });
}

/** With the payloads as the text that they are. */
const wordsIn = (history: object): string =>
  JSON.stringify(history, (_key, value: unknown) => {
    const bytes = z.object({ type: z.literal('Buffer'), data: z.array(z.number()) }).safeParse(value).data?.data;
    if (bytes !== undefined) return Buffer.from(bytes).toString();
    return value instanceof Uint8Array ? Buffer.from(value).toString() : value;
  });

const saidTo = (path: string): readonly ReachMessage[] =>
  http.taken(path).map(({ body }) => JSON.parse(body) as ReachMessage);

test('of whom town.toml has no way nothing is done; once it has one, the next mail tells of what is unread', async () => {
  await write(OVERSEER, 'first');
  const { events } = await town.client.workflow.getHandle(OVERSEER).fetchHistory();
  const acts = events?.flatMap((one) => one.activityTaskScheduledEventAttributes?.activityType?.name ?? []);
  // Whoever begins asks once what somebody before left.
  expect(acts).toEqual(['findPersonBefore']);
  expect(await deliveriesOf(OVERSEER)).toEqual([]);
  const refused = await gt(['reach', 'test', 'overseer', '--town', town.dir]);
  expect(refused).toMatchObject({ code: 1, stderr: expect.stringContaining('[people.overseer] has reach = ["NAME"]') });

  await appendFile(join(town.dir, 'town.toml'), ways());
  await write(OVERSEER, 'second', { priority: 'high' });
  await told(OVERSEER, 'first');
  const [message] = saidTo('/desk');
  expect(message).toMatchObject({ kind: 'digest', to: OVERSEER, town: 'test', isUrgent: false });
  expect(message?.mails.map(({ id }) => id)).toEqual(['second', 'first']);
  expect(message?.text).toContain('gt mail read second');
  expect(http.taken('/desk')[0]?.headers['idempotency-key']).toBe(message?.id);
});

test('a flood is few messages, and names each mail once', async () => {
  const ids = Array.from({ length: 20 }, (_, index) => `flood-${index}`);
  const before = saidTo('/desk').length;
  await Promise.all(ids.map((id) => write(OVERSEER, id)));
  await until('all are told', async () => {
    const known = new Set((await deliveriesOf(OVERSEER)).flatMap(({ mails }) => mails));
    return ids.every((id) => known.has(id));
  });
  const messages = saidTo('/desk').slice(before);
  expect(messages.flatMap(({ mails }) => mails.map(({ id }) => id)).toSorted()).toEqual(ids.toSorted());
  expect(messages.length).toBeLessThan(5);
  const board = await boardOf(OVERSEER);
  expect(board).toContain('Mail is told outside of the town, too');
});

test('a way that fails for good is recorded and shown, and the next one is used', async () => {
  await write(ANN, 'lunch', { subject: 'lunch <!channel>?', body: 'At one?' });
  const about = await told(ANN, 'lunch');
  expect(about).toMatchObject([
    { way: 'gone', outcome: 'failed', tries: 1, why: 'it answered 404: no such hook' },
    { way: 'chat', outcome: 'told', tries: 1 },
  ]);
  const [slack] = http.taken('/slack-4f1c9a77d0');
  const { text } = JSON.parse(slack?.body ?? '') as { text: string };
  expect(text).toContain('*[test] lunch &lt;!channel&gt;?*');
  expect(text).toContain("gt mail reply lunch --body 'YOUR ANSWER' --as server/crew/ann");
  expect(await boardOf(ANN)).toContain('not told: it answered 404: no such hook');
  const records = await until('the ledger has both', async () => {
    const all = await recordsOf<Delivery & { readonly person: string }>(town, 'delivery');
    const hers = all.filter(({ person }) => person === ANN);
    return hers.length === 2 ? hers : null;
  });
  expect(records.map(({ way, outcome }) => `${way} ${outcome}`)).toEqual(['gone failed', 'chat told']);
  const history = wordsIn(await town.client.workflow.getHandle(ANN).fetchHistory());
  expect([history.includes('no such hook'), history.includes('slack-4f1c9a77d0')]).toEqual([true, false]);
});

test('what is urgent passes quiet hours, and goes by every way at once: one that hangs holds up nothing', async () => {
  await write(BOB, 'later');
  await until('it waits', async () => (await boardOf(BOB)).includes('quiet hours'));
  await write(BOB, 'fire', { priority: 'urgent', subject: 'the remote burns' });
  expect(await told(BOB, 'fire')).toMatchObject([{ way: 'letters', outcome: 'told' }]);
  const [letter = ''] = smtp.letters;
  expect(letter).toContain('Subject: [test] the remote burns');
  expect(letter).toMatch(/Message-ID: <[0-9a-f-]{36}@gastown>/);
  expect(letter).toContain('temporal workflow update execute -w server/crew/bob --name reply');
  expect(http.taken('/hangs').length).toBeGreaterThan(0);
  expect((await deliveriesOf(BOB)).flatMap(({ mails }) => mails)).not.toContain('later');

  const file = join(town.dir, 'town.toml');
  await writeFile(file, (await readFile(file, 'utf8')).replace(/quiet = .*\n/, '').replace('["hangs", ', '['));
  const woken = await town.temporal('workflow', 'update', 'execute', '-w', BOB, '--name', 'reach', '--input', '{}');
  expect(woken.output).toContain('what is untold is told');
  await told(BOB, 'later');
});

test('what is urgent waits for no next run, though one is due and something else hangs', async () => {
  await write(EVE, 'hung');
  await until('it hangs', () => Promise.resolve(http.taken('/held-too').length > 0));
  const handle = town.client.workflow.getHandle(EVE);
  const { runId } = await handle.describe();
  for (let nth = 0; (await handle.describe()).historyLength < 160; nth += 1)
    await Promise.all(Array.from({ length: 10 }, (_, at) => write(EVE, `calm ${nth}.${at}`)));
  await write(EVE, 'fire', { priority: 'urgent', subject: 'the remote burns' });
  expect(await told(EVE, 'fire')).toMatchObject([{ way: 'desk', outcome: 'told' }]);
  expect((await handle.describe()).runId, 'the next run is due, and has not begun').toBe(runId);
});

test('who is busy is asked again when he has said, and knows the message by its key', async () => {
  await write(CAT, 'slowly');
  expect(await told(CAT, 'slowly')).toMatchObject([{ way: 'busy', outcome: 'told', tries: 2 }]);
  const tries = http.taken('/busy').map(({ headers }) => [headers['idempotency-key'], headers['x-gastown-try']]);
  const [key] = tries[0] ?? [];
  expect(tries).toEqual([
    [key, '1'],
    [key, '2'],
  ]);
});

test('a worker that dies when a message was taken, and before that is known, tells it once more, under its key', async () => {
  await write(DAN, 'once');
  await until('it was taken', async () => http.taken('/held').length > 0);
  const pid = town.raised.workerPid();
  if (pid === null) throw new Error('there is no worker');
  process.kill(pid, 'SIGKILL');
  expect(await told(DAN, 'once')).toMatchObject([{ way: 'held', outcome: 'told' }]);
  expect(new Set(http.taken('/held').map(({ headers }) => headers['idempotency-key'])).size).toBe(1);
  expect(saidTo('/held').flatMap(({ mails }) => mails.map(({ id }) => id))).toEqual(['once', 'once']);
});

test('a test goes by each way, and tells how that went', async () => {
  const tested = await gt(['reach', 'test', 'overseer', '--town', town.dir]);
  expect(tested).toMatchObject({ code: 0, stdout: 'desk: told\nown: told\n' });
  const own = JSON.parse(await readFile(join(town.dir, 'told-overseer.json'), 'utf8')) as ReachMessage;
  expect(own).toMatchObject({ kind: 'test', to: OVERSEER, subject: '[test] a test for overseer' });
  const failed = await gt(['reach', 'test', 'server/ann', '--town', town.dir]);
  expect(failed.code).toBe(1);
  expect(failed.stderr).toContain('gone: not told, it answered 404: no such hook\nchat: told\nletters: told');
  const listed = await gt(['reach', 'list', 'overseer', '--town', town.dir]);
  expect(listed.stdout).toContain('a test for overseer');
});
