/** Escalations of a real town: trouble reaches whoever can answer, in time, and each answer reaches whoever waits, once, through a death of the worker. */
import { appendFile } from 'node:fs/promises';
import { join } from 'node:path';
import { WorkflowUpdateStage } from '@temporalio/client';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { lookAtEscalation } from '../../src/activities/look-at-escalation.js';
import { chainQuery, escalationMessages, escalationQuery } from '../../src/contract/escalation.js';
import { inboxQuery } from '../../src/contract/inbox.js';
import { currentQuery } from '../../src/contract/molecule.js';
import { attribute } from '../../src/contract/search-attributes.js';
import { TOWN_QUEUE } from '../../src/contract/task-queues.js';
import { DAEMON, DEACON, MAYOR, OVERSEER } from '../../src/town/address.js';
import type { LinkKind } from '../../src/town/escalation-chain.js';
import { escalationOf } from '../../src/town/escalation-id.js';
import type { Raised, Waiter } from '../../src/town/escalation-input.js';
import { gt } from '../support/gt.js';
import { recordsOf } from '../support/ledger-records.js';
import { liveTown, until } from '../support/live-town.js';
import type { LiveTown } from '../support/live-town.js';
import { raiseBy, trouble } from '../support/raising.js';
import { BROKEN } from '../support/test-formulas.js';
import { runsOf } from '../support/said-history.js';

const ASK = `
formula = "ask"
[[steps]]
id = "think"
title = "Think it over"
type = "human"
[[steps]]
id = "after"
title = "After it"
type = "human"
needs = ["think"]
`;

/** A person before the overseer, and a rule of the deacon. */
const LADDER = `
[escalation.routes]
decision = ["crew/ann", "overseer"]
[[escalation.rules]]
tier = "deacon"
text = "connection reset"
then = "close"
note = "the network was down"
[[escalation.rules]]
tier = "mayor"
text = "out of quota"
then = "close"
note = "there is more of it tomorrow"
`;
const ANN = 'server/crew/ann';

let town: LiveTown;
beforeAll(async () => {
  town = await liveTown({
    rigs: { server: { bare: true } },
    formulas: { ask: ASK, broken: BROKEN },
    // The server suggests to continue as new after about 4,000 events otherwise.
    dynamicConfig: ['limit.historyCount.suggestContinueAsNew=80'],
  });
  await appendFile(join(town.dir, 'town.toml'), LADDER);
  await said('crew', 'add', 'server/ann');
  // Boot would start the deacon.
  await until('the schedule is paused', async () => {
    await town.client.schedule.getHandle(DAEMON).pause();
    return true;
  });
});
afterAll(() => town.stop());

async function said(...args: readonly string[]): Promise<string> {
  const { code, stdout, stderr } = await gt([...args, '--town', town.dir]);
  expect(code, stderr).toBe(0);
  return stdout.trim();
}
const refusal = (...args: readonly string[]) => gt(['escalation', ...args, '--town', town.dir]);
const handleOf = (id: string) => town.client.workflow.getHandle(id);
const viewOf = (id: string) => handleOf(id).query(escalationQuery);
const chainOf = (id: string) => handleOf(id).query(chainQuery);
const kindsOf = async (id: string) => (await chainOf(id)).map(({ kind }) => kind);
const raise = (more: Partial<Raised>, patience?: number) => raiseBy(town.client, trouble(more), patience);

const hasLink = (id: string, kind: LinkKind) =>
  until(`${id} has a link: ${kind}`, async () => (await kindsOf(id)).includes(kind));

/** What somebody was written by an escalation. */
async function mailsOf(id: string, owner = OVERSEER) {
  const inbox = await handleOf(owner)
    .query(inboxQuery)
    .catch(() => []);
  return inbox.filter(({ from }) => from === id);
}
const askedOverseer = (id: string) => until(`the overseer is asked: ${id}`, async () => (await mailsOf(id))[0]);

/** A molecule on nobody's hook, and its first step as one that waits. */
async function waiting(id: string): Promise<Extract<Waiter, { kind: 'step' }>> {
  const args = [{ formula: 'ask' }];
  const handle = await town.client.workflow.start('molecule', { taskQueue: TOWN_QUEUE, workflowId: id, args });
  const token = await until('it waits', async () => (await handle.query(currentQuery))[0]?.token);
  return { kind: 'step', at: id, step: 'think', token, answered: 0 };
}

const waitsFor = async (id: string) => (await handleOf(id).query(currentQuery)).map((step) => step.id);

type Recorded = {
  readonly escalation: string;
  readonly chain: readonly { readonly kind: LinkKind }[];
  readonly how: string;
};
const recorded = async (id: string) =>
  (await recordsOf<Recorded>(town, 'escalation')).filter((one) => one.escalation === id);

test('an emergency is the overseer’s at once, whoever else is there; who told of it has its end in the ledger', async () => {
  expect(await town.client.workflow.count(`GtRole IN ("${DEACON}", "${MAYOR}")`)).toEqual({ count: 0, groups: [] });
  const told = await said('escalate', 'the key of production is in the log', '--category', 'emergency', '--json');
  const { id } = JSON.parse(told) as { readonly id: string };
  expect(await askedOverseer(id)).toMatchObject({
    subject: 'HELP: CRITICAL emergency: the key of production is in the log',
    priority: 'urgent',
  });
  const { typedSearchAttributes: shown } = await handleOf(id).describe();
  expect([attribute.phase, attribute.severity, attribute.waitingFor].map((key) => shown.get(key))).toEqual([
    'escalated',
    'CRITICAL',
    OVERSEER,
  ]);
  // The patience of the town counts, 0.1: by none it would be more urgent after four hours.
  const { sinceMs, untilMs } = await viewOf(id);
  expect((untilMs ?? 0) - sinceMs).toBeLessThan(3_600_000);
  expect(await said('explain', id)).toMatch(/^\*\*CRITICAL emergency\*\*: the key of production is in the log$/m);
  expect(await said('escalation', 'resolve', id, '--action', 'close', '--note', 'revoked')).toBe('1 goes on');
  expect(await handleOf(id).result()).toMatchObject({ id, how: '1 goes on' });
  expect(await recorded(id)).toMatchObject([{ how: '1 goes on' }]);
  expect(await refusal('resolve', id)).toMatchObject({ code: 1, stderr: expect.stringContaining('has ended') });
});

test.concurrent('a tier that is not there is passed over; silence of one who has taken it up is told again, and what nobody takes up becomes more urgent', async () => {
  const id = await raise({ text: 'which colour?', choices: ['red', 'blue'] }, 0.0002);
  await hasLink(id, 'asked');
  const first = (await kindsOf(id)).filter((kind) => kind !== 'stale');
  expect(first.slice(0, 4)).toEqual(['raised', 'unreached', 'unreached', 'asked']);
  const mails = await until('he is told as urgently as can be', async () => {
    const all = await mailsOf(id);
    return all.some(({ priority }) => priority === 'urgent') ? all : null;
  });
  const urgencies = [...new Set(mails.map(({ priority }) => priority))];
  expect(urgencies).toEqual(['normal', 'high', 'urgent'].slice(-urgencies.length));
  expect(mails.at(-1)?.subject).toBe('HELP: CRITICAL (was MEDIUM) help: which colour?');
  expect(mails[0]?.body).toContain('- red\n- blue');
  await said('escalation', 'ack', id, '--by', ANN);
  await hasLink(id, 'silent');
  await handleOf(id).terminate('it was a test');
  expect(await said('escalation', 'show', id)).toMatch(/ · terminated\n\nIt was ended from outside.*\(it was a test\)/);
  expect(JSON.parse(await said('escalation', 'show', id, '--json'))).toMatchObject({ id, status: 'terminated' });
});

test.concurrent('a person who is silent is passed over when the clock says so, and one who passes it on at once', async () => {
  const asked = { category: 'decision', rig: 'server' } as const;
  const silent = await raise({ ...asked, text: 'which way?' }, 0.0002);
  const passed = await raise({ ...asked, text: 'which other way?' });
  await until(
    'Ann has both',
    async () => (await mailsOf(silent, ANN)).length + (await mailsOf(passed, ANN)).length >= 2,
  );
  expect(await said('escalation', 'forward', passed, '--reason', 'not mine', '--by', ANN)).toBe('it goes to overseer');
  await Promise.all([askedOverseer(silent), askedOverseer(passed)]);
  // How often it has become more urgent by then is as busy as the machine is.
  const climbed = (await kindsOf(silent)).filter((kind) => kind !== 'stale');
  expect(climbed.slice(0, 4)).toEqual(['raised', 'asked', 'silent', 'asked']);
  expect(await kindsOf(passed)).toEqual(['raised', 'asked', 'forwarded', 'asked']);
  await Promise.all([silent, passed].map((id) => handleOf(id).cancel()));
  await Promise.allSettled([silent, passed].map((id) => handleOf(id).result()));
  expect(await recorded(passed)).toMatchObject([{ how: 'it was cancelled' }]);
});

test.concurrent('who may not answer is refused, and the refusal stands in the chain; whoever asked may add a note', async () => {
  const agent = 'server/polecats/Toast';
  const { id } = JSON.parse(await said('escalate', 'how far is 7?', '--by', agent, '--json')) as {
    readonly id: string;
  };
  await askedOverseer(id);
  for (const by of [agent, ` ${agent.toLowerCase()}`, 'server/polecats/Ash', 'deacon/dogs/rex'])
    expect(await refusal('resolve', id, '--by', by)).toMatchObject({
      code: 1,
      stderr: expect.stringContaining(by.trim()),
    });
  expect(await refusal('forward', id)).toMatchObject({ stderr: expect.stringContaining('overseer is the last tier') });
  await said('escalation', 'note', id, 'I have seen no map', '--by', agent);
  const links = await chainOf(id);
  expect(links.filter(({ kind }) => kind === 'refused').map(({ by }) => by)).toEqual([
    agent,
    agent.toLowerCase(),
    'server/polecats/Ash',
    'deacon/dogs/rex',
  ]);
  expect(links.at(-1)).toMatchObject({ kind: 'noted', by: agent, says: 'I have seen no map' });
  // An answer to the mail is one in words.
  const mail = await askedOverseer(id);
  expect(await said('mail', 'reply', mail.id, '--body', 'To the river.')).toContain('taken as the answer');
  expect(await handleOf(id).result()).toMatchObject({ by: OVERSEER });
  expect((await chainOf(id)).find(({ kind }) => kind === 'resolved')?.says).toBe('retry: To the river. (by mail)');
});

test.concurrent('an answer reaches the step that waits, once, though the worker dies on its way', async () => {
  const waiter = await waiting('gt-answered1');
  const id = await raise({ source: 'question', text: 'go on?', waiter }, 0.1);
  await askedOverseer(id);
  // What does not fit is said by the step itself, and it waits still.
  expect(await refusal('resolve', id)).toMatchObject({ code: 1, stderr: expect.stringContaining('1 could not: ') });
  expect((await viewOf(id)).waiting).toHaveLength(1);
  const { resolve } = escalationMessages;
  const content = { id: 'once', by: 'Ada', action: 'close', note: 'go on' } as const;
  const options = { args: [content] as [typeof content], updateId: 'once', waitForStage: WorkflowUpdateStage.ACCEPTED };
  const update = await handleOf(id).startUpdate(resolve.update, options);
  const pid = town.raised.workerPid();
  if (pid !== null) process.kill(pid, 'SIGKILL');
  expect(await update.result()).toMatch(/^(?:1 goes on|it is on its way to those who wait: .*)$/);
  expect(await handleOf(id).result()).toEqual({ id, by: 'Ada', how: '1 goes on' });
  expect(await waitsFor(waiter.at)).toEqual(['after']);
  const [record] = await recorded(id);
  expect(record?.chain.map(({ kind }) => kind)).toEqual([
    'raised',
    'unreached',
    'unreached',
    'asked',
    'resolved',
    'answered',
    'resolved',
    'answered',
  ]);
  // The next one of the same trouble is a new round, and an answer that was meant for another wait is for nobody.
  expect(await raise({ source: 'question', text: 'go on?', waiter })).toBe(id);
  await until('it is asked again', async () => (await kindsOf(id)).includes('asked'));
  expect(await said('escalation', 'resolve', id, '--action', 'close')).toBe('1 waits no more');
  expect(await waitsFor(waiter.at)).toEqual(['after']);
});

test.concurrent('the same trouble of many is one escalation, which is listed, and whose answer goes to all', async () => {
  const TROUBLES = ['the key of the provider is wrong', 'the disk of host 7 is full', 'the remote refuses us'];
  const EACH = 20;
  const raised = Array.from({ length: TROUBLES.length * EACH }, (_, at) =>
    trouble({
      category: 'blocked',
      severity: 'HIGH',
      source: 'auth',
      text: TROUBLES[at % TROUBLES.length] ?? '',
      waiter: { kind: 'telling', at: `polecat-${at}`, answered: 0 },
    }),
  );
  const ids = await Promise.all(raised.map((one) => raiseBy(town.client, one)));
  const all = [...new Set(ids)];
  expect(all).toEqual(TROUBLES.map((_, at) => escalationOf(raised[at] ?? trouble())));
  for (const id of all)
    await until('all wait', async () => (await viewOf(id)).waiting.length === EACH && (await mailsOf(id)).length === 1);
  const list = await until('all are listed', async () => {
    const rows = JSON.parse(await said('escalation', 'list', '--json', '--severity', 'high')) as {
      id: string;
      tier: string;
    }[];
    return rows.filter(({ id }) => all.includes(id)).length === all.length ? rows : null;
  });
  expect(list.filter(({ id }) => all.includes(id)).map(({ tier }) => tier)).toEqual([OVERSEER, OVERSEER, OVERSEER]);
  const [first = '', second = '', third = ''] = all;
  await said('escalation', 'resolve', first, '--note', 'a new key');
  expect(await handleOf(first).result()).toMatchObject({ how: `${EACH} go on` });
  expect(await said('escalation', 'resolve', second, '--waiter', 'polecat-1')).toBe(
    `1 goes on; ${EACH - 1} wait still`,
  );
  expect((await viewOf(second)).waiting).toHaveLength(EACH - 1);
  expect(await said('escalation', 'show', second)).toContain('| polecat-4 |');
  // One that becomes long goes on in another run, with all who wait.
  const { note } = escalationMessages;
  for (let at = 0; at < 80; at += 1) await handleOf(third).signal(note.signal, { text: `${at}`, by: 'Ada' });
  await until('it is in another run', async () => (await runsOf(town.client, third)).length > 1);
  await said('escalation', 'resolve', third, '--note', 'it takes us');
  expect(await handleOf(third).result()).toMatchObject({ how: `${EACH} go on` });
  const [record] = await recorded(third);
  expect(record?.chain.filter(({ kind }) => kind === 'noted')).toHaveLength(80);
});

test.concurrent('a step whose escalation was terminated is raised again', async () => {
  await town.startMission('broken', { work: [{ id: 'a', rig: 'server', formula: 'broken' }] });
  const query = 'GtMission="broken" AND GtRole="escalation" AND ExecutionStatus="Running"';
  const raisedBut = (run: string) =>
    until('it is raised', async () => {
      for await (const one of town.client.workflow.list({ query })) if (one.runId !== run) return one;
      return null;
    });
  const first = await raisedBut('');
  await handleOf(first.workflowId).terminate();
  const again = await raisedBut(first.runId);
  expect(again.workflowId).toBe(first.workflowId);
  expect((await viewOf(again.workflowId)).waiting).toMatchObject([{ kind: 'step' }]);
  await said('escalation', 'resolve', again.workflowId, '--action', 'skip');
});

test.concurrent('who replies in words where these are no answer is told so, and how it is answered', async () => {
  const waiter = await waiting('gt-replied');
  const id = await raise({ source: 'failure', category: 'failed', text: 'exit 4', waiter });
  const mail = await askedOverseer(id);
  const says = await said('mail', 'reply', mail.id, '--body', 'leave it out');
  expect(says).toContain(`gt escalation resolve ${id} says what is to be done`);
  await said('escalation', 'resolve', id, '--action', 'close');
  const late = await gt(['mail', 'reply', mail.id, '--body', 'thanks', '--town', town.dir]);
  expect(late.code, late.stdout).toBe(1);
  expect(late.stderr).toContain(`${id} does not take it`);
});

test.concurrent('who joins one that is cancelled while its answer is on its way to another has another one', async () => {
  const step = { kind: 'step', step: 'fix', token: 'fix@t1', answered: 0 } as const;
  const nobody = await town.client.workflow.start('molecule', { taskQueue: 'nowhere', workflowId: 'no-0', args: [{}] });
  const id = await raise({
    source: 'limits',
    category: 'blocked',
    text: 'the till is empty',
    waiter: { ...step, at: 'no-0' },
  });
  await askedOverseer(id);
  expect(await said('escalation', 'resolve', id)).toContain('on its way');
  await handleOf(id).cancel();
  await hasLink(id, 'ended');
  const other = trouble({
    source: 'limits',
    category: 'blocked',
    text: 'the till is empty',
    waiter: { ...step, at: 'no-1' },
  });
  expect(await raiseBy(town.client, other)).toBe(id);
  const next = escalationOf(other, 1);
  await until('another is raised', async () => (await viewOf(next)).waiting[0]?.at === 'no-1');
  await nobody.terminate();
  await said('escalation', 'resolve', next, '--action', 'skip');
});

test.concurrent('a rule of a role holds, too, while that role is not there', async () => {
  const waiter = await waiting('gt-ruled');
  const id = await raise({ source: 'limits', category: 'blocked', text: 'out of quota', waiter });
  expect(await handleOf(id).result()).toEqual({ id, by: MAYOR, how: '1 goes on' });
  expect(await kindsOf(id)).toEqual(['raised', 'unreached', 'resolved', 'answered']);
});

test('a role that is there answers by its rules, and an answer in words goes no further', async () => {
  await town.client.workflow.start('deacon', { taskQueue: TOWN_QUEUE, workflowId: DEACON, args: [{}] });
  const waiter = await waiting('gt-answered2');
  const id = await raise({ source: 'failure', category: 'failed', text: 'connection reset by peer', waiter });
  expect(await handleOf(id).result()).toEqual({ id, by: DEACON, how: '1 goes on' });
  expect(await kindsOf(id)).toEqual(['raised', 'asked', 'resolved', 'answered']);
  expect(await waitsFor(waiter.at)).toEqual(['after']);
  // It has passed nothing of that on.
  expect((await mailsOf(DEACON)).filter(({ body }) => body.includes('connection reset'))).toEqual([]);
});

const waiter = (at: string) => ({ kind: 'telling', at, answered: 0 }) as const;

test('how one stands is asked of the server, for whoever waits there and since when', async () => {
  const look = (escalation: string, at: string, sinceMs: number) =>
    lookAtEscalation(town.client, { escalation, waiter: waiter(at), sinceMs });
  const sinceMs = Date.now() - 1_000;
  expect(await look('hq-esc-00000000', 'ann', sinceMs)).toEqual({ kind: 'gone' });
  const answered = await raise({ text: 'how does it stand?', waiter: waiter('ann') });
  expect(await look(answered, 'ann', sinceMs)).toEqual({ kind: 'open' });
  expect(await look(answered, 'bob', sinceMs)).toEqual({ kind: 'gone' });
  await said('escalation', 'resolve', answered, '--action', 'close', '--by', 'cleo');
  await handleOf(answered).result();
  expect(await look(answered, 'ann', sinceMs)).toMatchObject({ kind: 'answered', by: 'cleo' });
  // One who came after that was not answered by it.
  expect(await look(answered, 'ann', Date.now() + 1_000)).toEqual({ kind: 'gone' });
  const cancelled = await raise({ text: 'is it wanted?', waiter: waiter('ann') });
  await handleOf(cancelled).cancel();
  await until('it is cancelled', async () => (await handleOf(cancelled).describe()).status.name === 'CANCELLED');
  expect(await look(cancelled, 'ann', sinceMs)).toEqual({ kind: 'cancelled' });
  const terminated = await raise({ text: 'is it here?', waiter: waiter('ann') });
  await handleOf(terminated).terminate();
  expect(await look(terminated, 'ann', sinceMs)).toEqual({ kind: 'gone' });
});

test('what an action has no use for is refused, and whoever waits waits still', async () => {
  const id = await raise({ text: 'with what?' });
  const { code, stderr } = await refusal('resolve', id, '--action', 'retry', '--usd', '20');
  expect([code, stderr]).toEqual([1, expect.stringContaining('usd goes with budget, and not with retry')]);
  expect(await said('escalation', 'resolve', id, '--action', 'close')).toBe('1 goes on');
});
