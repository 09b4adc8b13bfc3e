/** People and agents who write to each other in a real town: by `gt`, by the Temporal CLI, over many runs and deaths of the worker. */
import type { WorkflowHandle } from '@temporalio/client';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { deadLettersQuery, inboxQuery } from '../../src/contract/inbox.js';
import { explainQuery, mailMessage, rejectedQuery } from '../../src/contract/messages.js';
import { lifecycleQuery } from '../../src/contract/polecat.js';
import { attribute } from '../../src/contract/search-attributes.js';
import { slotsQuery } from '../../src/contract/witness.js';
import { writeMail } from '../../src/town/mail.js';
import { MAILS_MAX } from '../../src/town/inbox.js';
import type { Inbox } from '../../src/town/inbox.js';
import { gt } from '../support/gt.js';
import { overseerGoesOn } from '../support/overseer-goes-on.js';
import { recordsOf } from '../support/ledger-records.js';
import { liveTown, until } from '../support/live-town.js';
import type { LiveTown } from '../support/live-town.js';
import { random } from '../support/random.js';
import { IS_LONG, SEED } from '../support/sample.js';
import { runsOf } from '../support/said-history.js';
import { QUICK } from '../support/test-formulas.js';

const ASKER = `
formula = "asker"
[[steps]]
id = "ask"
title = "Ask"
agent = "asks"
[[steps]]
id = "wait"
title = "Wait"
needs = ["ask"]
type = "human"
`;

const ASKS =
  'echo x > x.txt && gt mail overseer "which colour?" --body "Red or blue?" && gt mail server/crew/ann "a word" && gt mail @rig/server "all of you" && ! gt mail @town "everybody" && gt done asked';

const LISTENER = `
formula = "listener"
[[steps]]
id = "listen"
title = "Listen"
agent = "listens"
`;

const LISTENS =
  'until gt current | tee -a told.txt | grep -q "drop it"; do sleep 0.3; done; gt current >> told.txt; gt done heard';

const WAITER = `
formula = "waiter"
[[steps]]
id = "wait"
title = "Wait"
type = "human"
`;

let town: LiveTown;
beforeAll(async () => {
  town = await liveTown({
    rigs: { server: { bare: true, capacity: 1, names: ['Toast'] }, web: { bare: true } },
    formulas: { asker: ASKER, listener: LISTENER, quick: QUICK, waiter: WAITER },
    agents: { asks: { command: 'sh', args: ['-c', ASKS] }, listens: { command: 'sh', args: ['-c', LISTENS] } },
    patience: 0.05,
    // The server suggests to continue as new after about 4,000 events otherwise.
    dynamicConfig: ['limit.historyCount.suggestContinueAsNew=60'],
  });
});
afterAll(() => town.stop());

/** `gt mail …`, in this town. */
async function mail(...args: readonly string[]): Promise<string> {
  const { code, stdout, stderr } = await gt(['mail', ...args, '--town', town.dir]);
  expect(code, stderr).toBe(0);
  return stdout.trim();
}

const inboxOf = (address: string): Promise<Inbox> => town.client.workflow.getHandle(address).query(inboxQuery);

const mailInLedger = () => recordsOf<{ readonly mail: string; readonly inbox: string }>(town, 'mail');

const member = (...args: readonly string[]) => gt(['crew', ...args, '--town', town.dir]);

test('who is of the crew is written to, reads, answers and puts away; who asked and waits has the answer', async () => {
  const noRig = { code: 1, stderr: 'gt: there is no rig "nowhere": the town has server, web\n' };
  expect(await member('add', 'nowhere/ann')).toMatchObject(noRig);
  expect(await gt(['mail', 'send', 'nowhere/crew/ann', '--subject', 'x', '--town', town.dir])).toMatchObject(noRig);
  expect(await member('add', 'server/ann')).toMatchObject({ code: 0 });
  expect(await member('add', 'server/ann')).toMatchObject({ code: 1, stderr: expect.stringContaining('already') });
  expect((await member('list')).stdout).toBe('server/crew/ann\n');
  const asked = mail('send', 'server/crew/ann', '--subject', 'lunch?', '--body', 'At one?', '--wait', '60');
  await until('it has come', async () => (await inboxOf('server/crew/ann')).length === 1);
  await mail('send', 'server/crew/ann', '--subject', 'fire', '--priority', 'urgent', '--as', 'server/crew/bob');
  const as = ['--as', 'server/crew/ann'];
  expect((await mail('inbox', ...as)).split('\n').map((line) => line.split(/ {2,}/).at(-1))).toEqual([
    'about',
    'fire',
    'lunch?',
  ]);
  const [lunch, fire] = await inboxOf('server/crew/ann');
  await overseerGoesOn(town);
  expect(await mail('read', lunch?.id ?? '', ...as)).toContain('Subject: lunch?\n\nAt one?');
  expect(await mail('inbox', '--unread', ...as)).not.toContain('lunch?');
  expect(await mail('reply', lunch?.id ?? '', '--body', 'Yes.', ...as)).toBe('sent to overseer');
  expect(await asked).toMatch(/From: server\/crew\/ann\nTo: overseer\nReply-To: \S+\nSubject: Re: lunch\?\n\nYes\.$/);
  expect(await inboxOf('server/crew/ann')).toMatchObject([{ state: 'acked' }, { state: 'unread' }]);
  // Whoever is nobody gets no answer, and the mail stays.
  const { code, stderr } = await gt(['mail', 'reply', fire?.id ?? '', '--body', 'where?', ...as, '--town', town.dir]);
  expect({ code, stderr }).toEqual({ code: 1, stderr: expect.stringContaining('there is no server/crew/bob') });
  expect(await mail('read', lunch?.id ?? '', '--thread', ...as)).toContain('Subject: lunch?');
  expect(await mail('ack', fire?.id ?? '', ...as)).toBe('acknowledged');
  await mail('archive', lunch?.id ?? '', ...as);
  expect(await inboxOf('server/crew/ann')).toMatchObject([{ subject: 'fire' }]);
  expect(await mailInLedger()).toMatchObject([{ mail: lunch?.id, inbox: 'server/crew/ann', subject: 'lunch?' }]);
  expect(await mail('search', 'AT ONE', ...as)).toMatch(/lunch\?$/);
  expect(await mail('read', lunch?.id ?? '', ...as)).toContain('Subject: lunch?\n\nAt one?');
  const none = await gt(['mail', 'read', 'none', ...as, '--town', town.dir]);
  expect(none).toMatchObject({ code: 1, stderr: expect.stringContaining('nor the ledger has a mail none') });
  expect(await mail('search', 'fire', ...as)).toMatch(/fire$/);
  expect(await mail('search', 'nothing of that', ...as)).toBe('no mail');
  const { stdout } = await gt(['explain', 'server/crew/ann', '--town', town.dir]);
  expect(stdout).toContain('0 of 1 mails unread.');
  expect(await member('remove', 'server/ann')).toMatchObject({ code: 0 });
  expect((await member('list')).stdout).toContain('nobody');
  expect(await mailInLedger()).toMatchObject([{ mail: lunch?.id }, { mail: fire?.id }]);
  expect(await gt(['mail', 'send', 'server/crew/ann', '--subject', 'x', '--town', town.dir])).toMatchObject({
    code: 1,
  });
});

// From here on three at once: each has addresses of its own.
test.concurrent('an agent writes to the overseer, who is there with the first mail, and hears the answer', async () => {
  await member('add', 'server/ann');
  await town.startMission('asking', { title: 'Ask', work: [{ id: 'a', rig: 'server', formula: 'asker' }] });
  const found = await until('it is asked', async () =>
    (await inboxOf('overseer')).find(({ subject }) => subject === 'which colour?'),
  );
  expect(found).toMatchObject({ from: expect.stringMatching(/^server\/polecats\//) });
  expect(await mail('reply', found?.id ?? '', '--body', 'Blue.')).toBe(`sent to ${found?.from}`);
  expect(await inboxOf(found?.from ?? '')).toMatchObject([
    { subject: 'Re: which colour?', body: 'Blue.', from: 'overseer' },
  ]);
  const { from } = found ?? {};
  await until('all of the rig have heard', async () => (await inboxOf('server/crew/ann')).length === 2);
  expect(await inboxOf('server/crew/ann')).toMatchObject([
    { subject: 'a word', from },
    { subject: 'all of you', from },
  ]);
  await member('remove', 'server/ann');
  // Its slot goes to the next, for whom a late answer is not.
  const asking = town.client.workflow.getHandle('asking');
  await asking.cancel();
  await asking.result().catch(() => undefined);
  await town.startMission('next', { title: 'Next', work: [{ id: 'a', rig: 'server', formula: 'waiter' }] });
  const next = town.client.workflow.getHandle(found?.from ?? '');
  await until('another is there', async () => (await next.describe()).status.name === 'RUNNING');
  const late = await gt(['mail', 'reply', found?.id ?? '', '--body', 'Or red.', '--town', town.dir]);
  expect(late).toMatchObject({ code: 1, stderr: expect.stringContaining(`${found?.from} does not take it`) });
  const [refusal] = await next.query(rejectedQuery);
  expect(refusal?.reason).toMatch(/is another one by now: whoever this is for, number \d+, has ended$/);
  expect(await next.query(deadLettersQuery)).toMatchObject([{ body: 'Or red.', why: refusal?.reason }]);
  expect(await inboxOf(found?.from ?? '')).toEqual([]);
  // The mission itself can be written to; what nobody has put away when it ends is in the ledger.
  await mail('send', 'next', '--subject', 'hurry', '--id', 'hurry');
  await mail('send', 'next', '--subject', 'or not', '--id', 'or-not');
  expect(await mail('inbox', '--as', 'next')).toMatch(/hurry[^]*or not/);
  await mail('ack', 'hurry', '--as', 'next');
  await mail('archive', 'hurry', '--as', 'next');
  expect((await gt(['explain', 'next', '--town', town.dir])).stdout).toContain('1 of 1 mails unread');
  await town.client.workflow.getHandle('next').cancel();
  const left = () => town.client.workflow.getHandle('next').result();
  await expect(left()).rejects.toMatchObject({ cause: { name: 'CancelledFailure' } });
  expect((await mailInLedger()).filter(({ inbox }) => inbox === 'next')).toMatchObject([
    { mail: 'hurry', state: 'acked' },
    { mail: 'or-not', state: 'unread' },
  ]);
});

test.concurrent('who asked to hear of a landing has mail of it, once, and nobody is waited for who is not there', async () => {
  await member('add', 'web/ann');
  const work = [{ id: 'a', rig: 'web', formula: 'quick', vars: { name: 'told' } }];
  const notify = ['web/crew/ann', 'overseer', 'web/crew/nobody'];
  const mission = await town.startMission('told', { title: 'Tell us', work, notify });
  expect(await mission.result()).toMatchObject({ landed: 1 });
  const told = {
    from: 'told',
    subject: 'Tell us landed: 1 of 1 items',
    body: expect.stringContaining('a (web): landed'),
  };
  expect((await inboxOf('web/crew/ann')).filter(({ from }) => from === 'told')).toMatchObject([told]);
  expect((await inboxOf('overseer')).filter(({ from }) => from === 'told')).toMatchObject([told]);
  await member('remove', 'web/ann');
});

test.concurrent('so it is by the Temporal CLI, and what does not fit is refused with what does', async () => {
  const said = { id: 'by-cli', from: 'me', to: 'overseer', subject: 'by hand', body: '' };
  await mail('send', 'overseer', '--subject', 'so that there is one');
  const update = (name: string, input: object) =>
    town.temporal('workflow', 'update', 'execute', '-w', 'overseer', '--name', name, '--input', JSON.stringify(input));
  expect(await update('mail', said)).toMatchObject({ code: 0, output: expect.stringContaining('taken') });
  expect(await update('mail', said)).toMatchObject({ code: 0 });
  expect((await inboxOf('overseer')).filter(({ id }) => id === 'by-cli')).toHaveLength(1);
  expect(await update('ack', { mail: 'by-cli' })).toMatchObject({ code: 0 });
  expect(await update('ack', { mail: 'nothing' })).toMatchObject({
    output: expect.stringContaining('the inbox of overseer has no mail "nothing"'),
  });
  const { id: _, body: __, ...least } = { ...said, subject: 'no more than that' };
  expect(await update('mail', least)).toMatchObject({ code: 0, output: expect.stringContaining('taken') });
  expect((await inboxOf('overseer')).filter(({ subject }) => subject === least.subject)).toMatchObject([
    { id: expect.stringMatching(/^ml-\w{8}$/), body: '' },
  ]);
  expect(await update('mail', { ...said, id: 'long', from: 'x'.repeat(1_001) })).toMatchObject({
    output: expect.stringContaining('from: of 1001 characters; the most is 1000'),
  });
  expect(await update('mail', { ...said, id: 'two\nlines', subject: 'in\ntwo' })).toMatchObject({ code: 0 });
  expect(await mail('inbox')).toMatch(/^two lines .* in two$/m);
  const others = { ...said, id: 'for-others', to: 'server/crew/bob' };
  await town.temporal('workflow', 'signal', '-w', 'overseer', '--name', 'mail', '--input', JSON.stringify(others));
  const rejected = await town.client.workflow.getHandle('overseer').query(rejectedQuery);
  expect(rejected.at(-1)?.reason).toBe('this is overseer, not server/crew/bob');
  const start = [
    'workflow',
    'start',
    '--task-queue',
    'gastown',
    '--type',
    'crew',
    '--workflow-id',
    'nobody',
    '--input',
    '{}',
  ];
  await town.temporal(...start);
  await expect(town.client.workflow.getHandle('nobody').result()).rejects.toMatchObject({
    cause: { message: expect.stringContaining('RIG/crew/NAME') },
  });
});

test('a witness keeps what is written to it, and mail of the town that reaches nobody is a dead letter', async () => {
  expect(await mail('send', '*/witness', '--subject', 'who is at work?')).toContain('in the inbox of server/witness');
  expect(await mail('inbox', '--as', 'server/witness')).toContain('who is at work?');
  const about = {
    Request: 'se-1.0',
    Branch: 'b',
    Head: 'h',
    Target: 'main',
    Issue: 'a',
    Mission: 'm',
    Polecat: 'Toast',
  };
  const keys = { ...about, Incarnation: 1, Rig: 'server', 'Merge-Commit': 'c', 'Merged-At': 'now' };
  const envelope = { id: 'late', from: 'server/refinery', to: 'server/witness' };
  const witness = town.client.workflow.getHandle('server/witness');
  await until('nobody works as Toast', async () => (await witness.query(slotsQuery)).leases.length === 0);
  await witness.signal('mail', writeMail(envelope, 'Toast', { type: 'MERGED', keys, text: '' }));
  const [dead] = await until('it is a dead letter', async () => {
    const found = await witness.query(deadLettersQuery);
    return found.length > 0 ? found : null;
  });
  expect(dead).toMatchObject({ id: 'late', why: 'server/polecats/Toast cannot be reached: no-recipient' });
  expect(await witness.query(explainQuery)).toMatch(/1 of 1 mails unread[^]*MERGED: Toast/);
  await until('it is in the ledger', async () => (await mailInLedger()).some((one) => one.mail === 'late'));
  expect(await mail('search', 'MERGED', '--as', 'server/witness')).toContain('MERGED: Toast');
});

const AGENT = 'server/polecats/Toast';
const EVERYBODY = ['ann', 'bob', 'cid'];
const about = async (name: string) => (await inboxOf(`server/crew/${name}`)).map(({ subject }) => subject);
const toCrew = () => mail('send', '@crew/server', '--subject', 'lunch', '--id', 'lunch', '--as', 'server/crew/cid');

/** Kills the worker while `act` is on its way; done when there is another one. */
async function killDuring<T>(act: () => Promise<T>): Promise<() => Promise<T>> {
  const pid = await until('there is a worker', async () => town.raised.workerPid());
  const acting = act();
  process.kill(pid, 'SIGKILL');
  await until('there is another', async () => ![null, pid].includes(town.raised.workerPid()));
  return () => acting;
}

/** Mail that interrupts is told to an agent at work, once; other mail waits in its inbox. */
async function agentHasHeard(mission: WorkflowHandle): Promise<void> {
  expect(await mission.result()).toMatchObject({ landed: 1 });
  const told = await town.git('server', 'show', 'main:told.txt');
  expect(told.split('drop it')).toHaveLength(2);
  expect(told).toContain('<untrusted from="mail of overseer">\nMail: stop\nSubject: stop');
  expect(told).not.toContain('lunch at one');
  expect((await mailInLedger()).filter(({ inbox }) => inbox === AGENT).slice(-3)).toMatchObject([
    { subject: 'by the way', state: 'unread' },
    { subject: 'all hands', state: 'unread', toIncarnation: expect.any(Number) },
    { mail: 'stop', state: 'read' },
  ]);
}

/** It is looked up once: each who belongs to it then has the mail once, and nobody who comes later. */
async function groupHasIt(first: string): Promise<void> {
  await member('add', 'server/eve');
  expect(await toCrew()).toBe(first);
  expect(await Promise.all([...EVERYBODY, 'eve'].map(about))).toEqual([['lunch'], ['lunch'], [], []]);
  // Under its id there is no other.
  const other = ['send', '@rig/server', '--subject', 'lunch', '--id', 'lunch', '--as', 'server/crew/cid'];
  expect(await gt(['mail', ...other, '--town', town.dir])).toMatchObject({
    code: 1,
    stderr: expect.stringContaining(
      'lunch is the id of a mail of server/crew/cid to @crew/server, which was sent before: nothing was sent',
    ),
  });
  const [copy] = await inboxOf('server/crew/ann');
  expect(copy).toMatchObject({ from: 'server/crew/cid', to: 'server/crew/ann', thread: 'lunch' });
  await mail('reply', copy?.id ?? '', '--body', 'Yes.', '--as', 'server/crew/ann');
  expect(await inboxOf('server/crew/cid')).toMatchObject([{ subject: 'Re: lunch', thread: 'lunch' }]);
  // So it is by the Temporal CLI; where nobody is, nothing is sent, and the same may be sent later.
  const input = JSON.stringify({ from: 'ci', to: 'server/crew/*', subject: 'red' });
  const execute = (id: string, json: string) =>
    town.temporal('workflow', 'execute', '--task-queue', 'gastown', '--type', 'circular', '-w', id, '--input', json);
  expect(await execute('circular/red', input)).toMatchObject({ code: 0, output: expect.stringContaining('reached') });
  expect(await about('eve')).toEqual(['red']);
  const nobody = ['send', '@crew/nowhere', '--subject', 'x', '--id', 'none', '--town', town.dir];
  const said = { code: 1, stderr: expect.stringContaining('nobody else is of @crew/nowhere now: nothing was sent') };
  expect(await gt(['mail', ...nobody])).toMatchObject(said);
  expect(await gt(['mail', ...nobody])).toMatchObject(said);
}

const FLOODED = 'web/crew/flood';
const SENDERS = 10;
const EACH = IS_LONG ? 500 : 20;

async function flood(): Promise<void> {
  const owner = town.client.workflow.getHandle(FLOODED);
  const sender = async (from: string) => {
    for (let at = 0; at < EACH; at += 1) {
      const content = { id: `${from}:${at}`, from, to: FLOODED, subject: `${at}`, body: '' };
      // Asked again when the answer was lost with the worker.
      await until(
        'it is taken',
        () => owner.executeUpdate(mailMessage.update, { updateId: content.id, args: [content] }),
        120,
      );
    }
  };
  await Promise.all(Array.from({ length: SENDERS }, (_, at) => sender(`s${at}`)));
}

/** Each mail is there once, in its sender's order. */
async function nothingIsLost(): Promise<void> {
  const owner = town.client.workflow.getHandle(FLOODED);
  const kept = await until('it answers', () => inboxOf(FLOODED));
  expect(kept).toHaveLength(MAILS_MAX);
  expect((await runsOf(town.client, FLOODED)).length).toBeGreaterThan(1);
  const all = SENDERS * EACH;
  const gone = await until('what had no room is in the ledger', async () => {
    const found = (await mailInLedger()).filter(({ inbox }) => inbox === FLOODED);
    return found.length >= all - MAILS_MAX ? found : null;
  });
  const order = [...gone.map((one) => one.mail), ...kept.map(({ id }) => id)];
  expect(new Set(order).size).toBe(all);
  expect(order).toHaveLength(all);
  for (let at = 0; at < SENDERS; at += 1) {
    const own = order.filter((id) => id.startsWith(`s${at}:`));
    expect(own).toEqual(Array.from({ length: EACH }, (_, n) => `s${at}:${n}`));
  }
  const { typedSearchAttributes: shown } = await owner.describe();
  expect(shown.get(attribute.role)).toBe('crew');
}

test(`mail to an agent at work, to a group, and hundreds to one inbox, through deaths of the worker (seed ${SEED})`, async () => {
  const { below } = random(SEED);
  const work = [{ id: 'a', rig: 'server', formula: 'listener' }];
  const [mission] = await Promise.all([
    town.startMission('listening', { title: 'Listen', work }),
    ...[...EVERYBODY.map((name) => `server/${name}`), 'web/flood'].map((one) => member('add', one)),
  ]);
  const stage = async () => (await town.client.workflow.getHandle(AGENT).query(lifecycleQuery)).stage;
  await until('it is there', async () => (await stage()).startsWith('molecule'));
  await mail('send', AGENT, '--subject', 'by the way', '--body', 'lunch at one');
  await mail('send', '@polecats/server', '--subject', 'all hands', '--priority', 'low', '--id', 'all-hands');
  const flooding = { isOver: false };
  const flooded = flood().finally(() => (flooding.isOver = true));
  const someMore = () => {
    const some = below(MAILS_MAX);
    return until('some more have come', async () => flooding.isOver || (await inboxOf(FLOODED)).length > some);
  };
  await someMore();
  const first = await killDuring(toCrew);
  await someMore();
  const stop = ['--subject', 'stop', '--body', 'drop it', '--delivery', 'interrupt', '--id', 'stop'];
  const stopped = await killDuring(() => mail('send', AGENT, ...stop));
  const deaths = async () => {
    for (let count = 2; !flooding.isOver && count < (IS_LONG ? 10 : 2); count += 1) {
      await someMore();
      await killDuring(async () => undefined);
    }
  };
  await stopped();
  await agentHasHeard(mission);
  const said = await first();
  expect(said).toBe('lunch: it is in the inbox of server/crew/ann and server/crew/bob');
  await groupHasIt(said);
  await deaths();
  await flooded;
  await nothingIsLost();
});
