/** Channels of a real town: what is published reaches each inbox and starts each mission once, by `gt` and the Temporal CLI, through deaths of the worker. */
import { createHash } from 'node:crypto';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { channelMessages, messagesQuery, subscribersQuery } from '../../src/contract/channel.js';
import { inboxQuery } from '../../src/contract/inbox.js';
import { explainQuery, rejectedQuery } from '../../src/contract/messages.js';
import { attribute } from '../../src/contract/search-attributes.js';
import { TOWN_QUEUE } from '../../src/contract/task-queues.js';
import { makeId } from '../../src/town/address.js';
import { MAILS_MAX } from '../../src/town/inbox.js';
import type { Inbox } from '../../src/town/inbox.js';
import { gt } from '../support/gt.js';
import { recordsOf } from '../support/ledger-records.js';
import { count, liveTown, until } from '../support/live-town.js';
import type { LiveTown } from '../support/live-town.js';
import { random } from '../support/random.js';
import { IS_LONG, SEED } from '../support/sample.js';
import { runsOf } from '../support/said-history.js';
import { QUICK } from '../support/test-formulas.js';

let town: LiveTown;
beforeAll(async () => {
  town = await liveTown({
    rigs: { server: { bare: true } },
    formulas: { quick: QUICK },
    patience: 0.05,
    // The server suggests to continue as new after about 4,000 events otherwise.
    dynamicConfig: ['limit.historyCount.suggestContinueAsNew=60'],
  });
  await Promise.all(['ann', 'here', 'late', 'later'].map((name) => said('crew', 'add', `server/${name}`)));
});
afterAll(() => town.stop());

const ANN = 'server/crew/ann';

async function said(...args: readonly string[]): Promise<string> {
  const { code, stdout, stderr } = await gt([...args, '--town', town.dir]);
  expect(code, stderr).toBe(0);
  return stdout.trim();
}
const channel = (...args: readonly string[]) => said('channel', ...args);
const refusal = (...args: readonly string[]) => gt(['channel', ...args, '--town', town.dir]);

const inboxOf = (address: string): Promise<Inbox> => town.client.workflow.getHandle(address).query(inboxQuery);
const handleOf = (name: string) => town.client.workflow.getHandle(`channel/${name}`);
const subjects = (inbox: Inbox) => inbox.map(({ subject }) => subject);
const lastChars = (inbox: Inbox) => subjects(inbox).map((subject) => subject.at(-1));

/** With little patience, which only whoever starts it can give it. */
async function begin(name: string, input: object = {}): Promise<void> {
  const args = [{ patience: 0.005, ...input }];
  await town.client.workflow.start('channel', { taskQueue: TOWN_QUEUE, workflowId: `channel/${name}`, args });
}

type Recorded = { readonly channel: string; readonly message: string; readonly subscriber?: string };
const recorded = async (kind: 'message' | 'missed', name: string) =>
  (await recordsOf<Recorded>(town, kind)).filter((one) => one.channel === `channel/${name}`);

async function kill(): Promise<void> {
  const pid = town.raised.workerPid();
  if (pid !== null) process.kill(pid, 'SIGKILL');
}

test('what is published reaches each inbox that it is for, once, and is answered by mail to whoever published it', async () => {
  expect(await channel('subscribe', 'deploys', 'overseer')).toBe('overseer has subscribed');
  await channel('subscribe', 'channel/deploys', ANN, '--subject', '*failed', '--key', 'Commit=4f*');
  const first = ['--subject', 'api is out', '--body', 'All of it.', '--as', ANN, '--id', 'm1'];
  expect(await channel('publish', 'deploys', ...first)).toBe('m1 is published; it is for 1 of 2 subscribers');
  const second = ['--subject', 'web failed', '--key', 'Commit=4f1c', '--id', 'm2', '--priority', 'high', '--json'];
  expect(JSON.parse(await channel('publish', 'deploys', ...second))).toMatchObject({
    id: 'm2',
    channel: 'channel/deploys',
  });
  // Said again, it is the same.
  expect(await channel('publish', 'deploys', ...first)).toContain('m1 is published; it is for 1 of 2');
  await channel('publish', 'deploys', '--subject', 'last');
  const heard = ['[channel deploys] api is out', '[channel deploys] web failed', '[channel deploys] last'];
  await until('the overseer has them', async () => (await inboxOf('overseer')).length === 3);
  expect(subjects(await inboxOf('overseer'))).toEqual(heard);
  await until('Ann has hers', async () => (await inboxOf(ANN)).length === 1);
  expect(await inboxOf(ANN)).toMatchObject([
    {
      id: expect.stringMatching(/^deploys\/m2@\d+\/server\/crew\/ann$/),
      from: 'overseer',
      subject: '[channel deploys] web failed',
      body: 'Commit: 4f1c',
      thread: 'm2',
      priority: 'high',
    },
  ]);
  const [{ id: answered } = { id: '' }] = await inboxOf('overseer');
  await said('mail', 'reply', answered, '--body', 'Well done.');
  await until('Ann has the answer', async () => (await inboxOf(ANN)).length === 2);
  expect((await inboxOf(ANN)).at(-1)).toMatchObject({ subject: 'Re: [channel deploys] api is out', thread: 'm1' });
  await until('it is listed', async () => (await channel('list')) === 'channel/deploys');
  const shown = await channel('show', 'deploys');
  expect(shown).toMatch(/^overseer +mail +every message +3 +0 +0$/m);
  expect(shown).toMatch(/^m2 .* web failed$/m);
  expect(await channel('show', 'deploys', 'm2')).toBe('From: overseer\nSubject: web failed\n\nCommit: 4f1c');
  expect(JSON.parse(await channel('show', 'deploys', '--json'))).toMatchObject({ messages: [{ id: 'm1' }, {}, {}] });
  await channel('unsubscribe', 'deploys', 'overseer');
  await channel('publish', 'deploys', '--subject', 'unheard');
  expect(await refusal('unsubscribe', 'deploys', 'overseer')).toMatchObject({
    code: 1,
    stderr: expect.stringContaining(`overseer is no subscriber; there are ${ANN}`),
  });
  await until('all are in the ledger', async () => (await recorded('message', 'deploys')).length === 4);
  expect(subjects(await inboxOf('overseer'))).toEqual(heard);
});

// Each with a channel and inboxes of its own, at once.
test.concurrent('who comes late gets of what is kept; what is not kept any more is in the ledger', async () => {
  await begin('late');
  await channel('retain', 'late', '--messages', '3');
  for (const id of ['a', 'b', 'c', 'd', 'e']) await channel('publish', 'late', '--subject', id, '--id', id);
  expect((await handleOf('late').query(messagesQuery)).map(({ id }) => id)).toEqual(['c', 'd', 'e']);
  await until('all are in the ledger', async () => (await recorded('message', 'late')).length === 5);
  expect((await recorded('message', 'late')).map(({ message }) => message)).toEqual(['a', 'b', 'c', 'd', 'e']);
  await channel('subscribe', 'late', 'server/crew/late', '--since', '2');
  await channel('subscribe', 'late', 'server/crew/later', '--since', 'all');
  await channel('publish', 'late', '--subject', 'f');
  await until('both have the last', async () => {
    const [late, later] = await Promise.all([inboxOf('server/crew/late'), inboxOf('server/crew/later')]);
    return late.length === 3 && later.length === 4;
  });
  expect(lastChars(await inboxOf('server/crew/late'))).toEqual(['d', 'e', 'f']);
  expect(lastChars(await inboxOf('server/crew/later'))).toEqual(['c', 'd', 'e', 'f']);
  // Sent back, it finds there what came before, and nothing comes twice.
  await channel('subscribe', 'late', 'server/crew/later', '--since', 'all');
  await until('it has been served again', async () => {
    const [later] = (await handleOf('late').query(subscribersQuery)).filter(({ id }) => id === 'server/crew/later');
    return later !== undefined && later.had > 4 && later.lacks === 0;
  });
  expect(lastChars(await inboxOf('server/crew/later'))).toEqual(['c', 'd', 'e', 'f']);
});

/** Missions that hooks of a channel have started. */
async function startedBy(name: string): Promise<readonly string[]> {
  const found: string[] = [];
  for await (const { workflowId, memo } of town.client.workflow.list({ query: 'GtRole="mission"' }))
    if (String(memo?.['startedFor']).startsWith(`channel/${name}/`)) found.push(workflowId);
  return found;
}

test.concurrent('a mission that is refused is told and recorded, stops nothing, and begins once the hook is mended', async () => {
  await begin('broken');
  const hook = ['--rig', 'server', '--take', 'name=subject'];
  await channel('hook', 'broken', 'fixer', ...hook, '--formula', 'nothing-of-that');
  await channel('subscribe', 'broken', ANN);
  await channel('publish', 'broken', '--subject', 'mended', '--id', 'x1');
  await until('it is told', async () => {
    const { typedSearchAttributes: shown } = await handleOf('broken').describe();
    return shown.get(attribute.phase) === 'escalated' && shown.get(attribute.waitingFor) === 'overseer: fixer';
  });
  expect(await said('explain', 'channel/broken')).toMatch(/\*\*fixer lacks missions\*\* since .*nothing-of-that/);
  expect(await said('status')).toContain('overseer: fixer');
  await until('it is recorded', async () => (await recorded('missed', 'broken')).length === 1);
  expect(await recorded('missed', 'broken')).toMatchObject([{ message: 'x1', subscriber: 'fixer' }]);
  await until('the other has it', async () => (await inboxOf(ANN)).some(({ thread }) => thread === 'x1'));
  expect(await startedBy('broken')).toEqual([]);
  await channel('hook', 'broken', 'fixer', ...hook, '--formula', 'quick', '--since', '1');
  const [mission = ''] = await until('it runs', async () => {
    const started = await startedBy('broken');
    return started.length > 0 ? started : null;
  });
  expect(await town.client.workflow.getHandle(mission).result()).toMatchObject({ landed: 1 });
  expect(count(await town.log('server'), 'Write mended')).toBe(1);
  expect(await said('explain', 'channel/broken')).not.toContain('lacks missions');
});

test.concurrent('a mission whose id something else has is told as refused', async () => {
  await begin('taken');
  await channel('publish', 'taken', '--subject', 'x', '--id', 't1');
  const [{ atMs } = { atMs: 0 }] = await handleOf('taken').query(messagesQuery);
  const workflowId = makeId('hq-cv', createHash('sha256').update(`channel/taken/t1@${atMs}/writer`).digest('hex'));
  const other = await town.startMission(workflowId, { work: [{ id: 'a', rig: 'server', formula: 'nothing-of-that' }] });
  await other.result().catch(() => undefined);
  const hook = ['--rig', 'server', '--formula', 'quick', '--take', 'name=id', '--since', '1'];
  await channel('hook', 'taken', 'writer', ...hook);
  const missed = await until('it is recorded', async () => {
    const found = await recorded('missed', 'taken');
    return found.length > 0 ? found : null;
  });
  expect(missed).toMatchObject([{ why: `the id of its mission, ${workflowId}, is taken by another workflow` }]);
  expect(await handleOf('taken').query(explainQuery)).toContain('is taken by another workflow');
});

test.concurrent('nobody waits for an inbox that is not there; what it lacks is in the ledger, and is sent when it has come', async () => {
  await begin('away');
  await channel('subscribe', 'away', 'server/crew/away');
  await channel('subscribe', 'away', 'server/crew/here');
  await channel('publish', 'away', '--subject', 'one', '--id', 'one');
  await until('who is there has it', async () =>
    (await inboxOf('server/crew/here')).some(({ id }) => id.startsWith('away/')),
  );
  await until('the other is given up', async () => (await recorded('missed', 'away')).length === 1);
  expect(await recorded('missed', 'away')).toMatchObject([{ message: 'one', subscriber: 'server/crew/away' }]);
  const board = await handleOf('away').query(explainQuery);
  expect(board).toMatch(/\*\*server\/crew\/away is away\*\* since .*there is no server\/crew\/away.*Tried 5 times/);
  await said('crew', 'add', 'server/away');
  await channel('subscribe', 'away', 'server/crew/away', '--since', 'all');
  await until('it has it now', async () => (await inboxOf('server/crew/away')).length === 1);
  expect(await handleOf('away').query(explainQuery)).not.toContain('is away');
});

test.concurrent('an inbox that does not answer holds nobody, though the run of the channel has become long', async () => {
  const silent = { taskQueue: 'nobody', workflowId: 'server/crew/silent', args: [] };
  await town.client.workflow.start('crew', silent);
  await said('crew', 'add', 'server/heard');
  await begin('silent', { patience: 0.2 });
  for (const name of ['silent', 'heard']) await channel('subscribe', 'silent', `server/crew/${name}`);
  for (let at = 0; at < 30; at += 1)
    await handleOf('silent').executeUpdate(channelMessages.publish.update, { args: [{ subject: `${at}` }] });
  await until('there is a next run', async () => (await runsOf(town.client, 'channel/silent')).length > 1);
  await until('the other has all', async () => (await inboxOf('server/crew/heard')).length === 30);
  const [first] = await handleOf('silent').query(subscribersQuery);
  expect(first).toMatchObject({ id: 'server/crew/silent', had: 0, missed: 0, trouble: null });
  await town.client.workflow.getHandle('server/crew/silent').terminate();
});

test('so it is by the Temporal CLI and by mail, and what does not fit is refused with what does', async () => {
  const update = (name: string, input: object) =>
    town.temporal(
      'workflow',
      'update',
      'execute',
      '-w',
      'channel/cli',
      '--name',
      name,
      '--input',
      JSON.stringify(input),
    );
  const start = (id: string, input: string) =>
    town.temporal('workflow', 'start', '--task-queue', TOWN_QUEUE, '--type', 'channel', '-w', id, '--input', input);
  await start('channel/cli', '{"hours": 1}');
  expect(await update('subscribe', { subscriber: 'server/crew/here' })).toMatchObject({ code: 0 });
  await town.temporal(
    'workflow',
    'signal',
    '-w',
    'channel/cli',
    '--name',
    'publish',
    '--input',
    '{"id":"s1","subject":"by signal"}',
  );
  await town.temporal('workflow', 'signal', '-w', 'channel/cli', '--name', 'publish', '--input', '{"subject":""}');
  const rejected = await until('it is refused', async () => {
    const found = await handleOf('cli').query(rejectedQuery);
    return found.length > 0 ? found : null;
  });
  expect(rejected.at(-1)?.reason).toMatch(/^subject: /);
  expect(await update('subscribe', { subscriber: 'channel/cli' })).toMatchObject({
    output: expect.stringContaining('"channel/cli" is nobody\'s inbox'),
  });
  // A mail to its address is published, with the lines at its head as keys.
  const mailed = [
    'mail',
    'send',
    'channel/cli',
    '--subject',
    'by mail',
    '--body',
    'Commit: 4f1c\n\nA word.',
    '--as',
    ANN,
  ];
  expect(await said(...mailed)).toContain('is published; it is for 1 of 1 subscribers');
  await until('both have come', async () => {
    const mine = (await inboxOf('server/crew/here')).filter(({ id }) => id.startsWith('cli/'));
    return mine.length === 2 && mine[1]?.from === ANN;
  });
  expect((await handleOf('cli').query(messagesQuery)).at(-1)).toMatchObject({
    keys: { Commit: '4f1c' },
    body: 'A word.',
  });
  // What is said in the name of a channel would come back to it with each answer.
  const echo = ['mail', 'send', 'channel/cli', '--subject', 'x', '--as', 'channel/other', '--town', town.dir];
  expect(await gt(echo)).toMatchObject({ code: 1, stderr: expect.stringContaining('a channel publishes nothing') });
  expect(await refusal('retain', 'cli', '--messages', '')).toMatchObject({ code: 2 });
  // Mistyped, it begins none.
  expect(await gt(['mail', 'send', 'channel/clii', '--subject', 'x', '--town', town.dir])).toMatchObject({ code: 1 });
  expect(await gt([...mailed, '--wait', '1', '--town', town.dir])).toMatchObject({ code: 2 });
  await start('channel/bad', '{"messages": -1}');
  await expect(handleOf('bad').result()).rejects.toMatchObject({
    cause: { message: expect.stringMatching(/^messages: .*For example: \{"messages": 100/) },
  });
  await start('channels/cli', '{}');
  await expect(town.client.workflow.getHandle('channels/cli').result()).rejects.toMatchObject({
    cause: { message: expect.stringContaining('channel/NAME') },
  });
  await handleOf('cli').cancel();
  await handleOf('cli')
    .result()
    .catch(() => undefined);
  expect((await handleOf('cli').describe()).status.name).toBe('CANCELLED');
  expect(await recorded('message', 'cli')).toHaveLength(2);
});

test.concurrent('with a message that matches a mission begins and lands once, though the worker dies all the while', async () => {
  await begin('work');
  const hook = ['--formula', 'quick', '--rig', 'server', '--take', 'name=key:Name', '--subject', 'write *'];
  expect(await channel('hook', 'work', 'writer', ...hook, '--notify', 'overseer')).toBe('writer has subscribed');
  const { publish } = channelMessages;
  for (const [id, subject] of Object.entries({ w1: 'write this', no: 'read this', w2: 'write that' })) {
    const content = { id, subject, keys: { Name: id } };
    await until('it is taken', () => handleOf('work').executeUpdate(publish.update, { updateId: id, args: [content] }));
    if (IS_LONG) await kill();
  }
  const missions = await until('both missions run', async () => {
    const [writer] = await handleOf('work').query(subscribersQuery);
    const started = await startedBy('work');
    return writer?.had === 2 && started.length === 2 ? started : null;
  });
  await kill();
  for (const mission of missions)
    expect(await town.client.workflow.getHandle(mission).result()).toMatchObject({ landed: 1 });
  const log = await town.log('server');
  expect([count(log, 'Write w1'), count(log, 'Write w2'), count(log, 'Write no')]).toEqual([1, 1, 0]);
  // Sent back to the first message, the hook finds its missions, and starts none.
  await channel('hook', 'work', 'writer', ...hook, '--since', 'all');
  await until('it has been served again', async () => {
    const [writer] = await handleOf('work').query(subscribersQuery);
    return writer !== undefined && writer.had >= 4 && writer.lacks === 0;
  });
  expect((await startedBy('work')).toSorted()).toEqual(missions.toSorted());
  expect(count(await town.log('server'), 'Write w1')).toBe(1);
});

test.concurrent(`hundreds of messages through deaths of the worker: each subscriber has each once, in order (seed ${SEED})`, async () => {
  const { below } = random(SEED);
  const senders = IS_LONG ? 6 : 4;
  const each = IS_LONG ? 200 : 15;
  const all = senders * each;
  await begin('flood', { messages: 10 });
  const readers = ['server/crew/flood-a', 'server/crew/flood-b'];
  for (const reader of readers) {
    await said('crew', 'add', reader.replace('crew/', ''));
    await channel('subscribe', 'flood', reader);
  }
  // One who is not there, and holds nobody.
  await channel('subscribe', 'flood', 'server/crew/flood-none');
  const flood = { isOver: false };
  const deaths = (async () => {
    for (let times = 0; !flood.isOver && times < (IS_LONG ? 10 : 1); times += 1) {
      const some = below(all / 3);
      await until(
        'some more are in the ledger',
        async () => flood.isOver || (await recorded('message', 'flood')).length > some,
      );
      await kill();
    }
  })();
  const { publish } = channelMessages;
  const sender = async (from: string) => {
    for (let at = 0; at < each; at += 1) {
      const content = { id: `${from}:${at}`, from, subject: `${at}` };
      const update = { updateId: content.id, args: [content] as [typeof content] };
      await until('it is taken', () => handleOf('flood').executeUpdate(publish.update, update), 120);
    }
  };
  await Promise.all(Array.from({ length: senders }, (_, at) => sender(`s${at}`)));
  flood.isOver = true;
  await deaths;
  const expected = (from: string) => Array.from({ length: each }, (_, n) => `${from}:${n}`);
  for (const reader of readers) {
    const got = await until(
      `${reader} has all`,
      async () => {
        const put = (await recordsOf<{ readonly inbox: string; readonly thread: string }>(town, 'mail')).filter(
          ({ inbox }) => inbox === reader,
        );
        const here = await inboxOf(reader);
        return put.length + here.length >= all && here.length <= MAILS_MAX ? [...put, ...here] : null;
      },
      240,
    );
    const order = got.map(({ thread = '' }) => thread);
    expect(order).toHaveLength(all);
    for (let at = 0; at < senders; at += 1)
      expect(order.filter((id) => id.startsWith(`s${at}:`))).toEqual(expected(`s${at}`));
  }
  const missed = await until(
    'what nobody could have is told',
    async () => {
      const found = await recorded('missed', 'flood');
      return found.length >= all ? found : null;
    },
    120,
  );
  expect(new Set(missed.map(({ message }) => message)).size).toBe(all);
  expect(missed).toHaveLength(all);
  const written = await recorded('message', 'flood');
  expect(written).toHaveLength(all);
  expect((await handleOf('flood').query(messagesQuery)).map(({ id }) => id)).toEqual(
    written.slice(-10).map(({ message }) => message),
  );
  expect((await runsOf(town.client, 'channel/flood')).length).toBeGreaterThan(1);
});
