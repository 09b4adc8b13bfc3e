/** The mayor of a real town: wishes that a scripted model plans over HTTP, that people plan, and that come to nothing. */
import { createHash } from 'node:crypto';
import { readFile, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { perform } from '../../src/calls.js';
import { deadLettersQuery, inboxQuery } from '../../src/contract/inbox.js';
import { wishesQuery, type mayorMessages } from '../../src/contract/mayor.js';
import { TOWN_QUEUE } from '../../src/contract/task-queues.js';
import { agentsQuery } from '../../src/contract/witness.js';
import { startModelServer, type ModelServer } from '../../src/dev/model-server.js';
import type { Rule, Turn } from '../../src/dev/model-script.js';
import { DEACON, makeId, MAYOR, OVERSEER } from '../../src/town/address.js';
import type { KeptMail } from '../../src/town/inbox.js';
import { missionKeyOf } from '../../src/town/wish-mission.js';
import type { Wish, WishState } from '../../src/town/wish.js';
import { gt } from '../support/gt.js';
import { count, liveTown, until } from '../support/live-town.js';
import type { LiveTown } from '../support/live-town.js';
import { QUICK } from '../support/test-formulas.js';

const item = (id: string, more: object = {}) => ({
  id,
  title: `Write ${id}`,
  rig: 'server',
  formula: 'quick',
  vars: { name: id },
  reason: `${id} is wanted`,
  ...more,
});
const call = (name: string, input: object): Turn => ({ tools: [{ name, input: { ...input } }] });
const plan = (...work: readonly object[]): Turn =>
  call('close', { summary: 'planned', output: { title: 'Login', reason: 'It has a login then.', work } });
const rule = (texts: readonly string[], ...turns: readonly Turn[]): Rule => ({ when: [...texts], turns: [...turns] });

const WAITS = `
formula = "waits"
[[steps]]
id = "answer"
title = "Answer"
type = "human"
`;

const LOGIN = 'Let people log in.';
const RULES = [
  // Killed here: what it has read before is not asked for again.
  rule([LOGIN, 'in two files'], call('list_files', { path: '.' }), {
    ...plan(item('login'), item('logout', { needs: ['login'] })),
    fault: { kind: 'stall', seconds: 60, times: 1 },
  }),
  rule(
    [LOGIN, 'Session: 1\n', 'these rigs cannot be read now', '- away: '],
    call('read_file', { path: 'server/README.md' }),
    plan(item('login', { formula: 'qick' })),
  ),
  rule([LOGIN, 'did you mean "quick"'], plan(item('login'))),
  rule(['Mend it.'], plan(item('mended', { rig: 'web' }))),
  rule(['Purple.'], call('escalate', { detail: 'What is to be purple?' })),
];

let model: ModelServer;
let town: LiveTown;
beforeAll(async () => {
  model = await startModelServer({ script: { rules: RULES } });
  town = await liveTown({
    rigs: {
      server: { bare: true, files: { 'README.md': 'a server without a login\n' }, runtime: { kind: 'script' } },
      web: { bare: true, runtime: { kind: 'script' } },
      away: { bare: true, runtime: { kind: 'script' } },
    },
    formulas: { quick: QUICK, waits: WAITS },
    runtime: { kind: 'anthropic', model: 'scripted', base_url: model.url },
    env: { ANTHROPIC_API_KEY: 'scripted' },
  });
  // Its remote is not there: what is wished of the others is planned all the same.
  await rm(town.repository('away'), { recursive: true });
});
afterAll(async () => {
  await town.stop();
  await model.stop();
});

const ofTown = (...args: string[]) => gt([...args, '--town', town.dir], { TEMPORAL_ADDRESS: undefined });
const said = (name: keyof typeof mayorMessages | 'mail', content: object) =>
  town.client.workflow.getHandle(MAYOR).executeUpdate<string, [object]>(name, { args: [content] });

/** Whom the schedule of boot would have started. */
const ofDeacon = (name: string, content: object) =>
  town.client.workflow.signalWithStart(DEACON, {
    workflowId: DEACON,
    taskQueue: TOWN_QUEUE,
    args: [{}],
    signal: name,
    signalArgs: [content],
  });

async function wishNamed(id: string): Promise<Wish | undefined> {
  const wishes = await town.client.workflow.getHandle(MAYOR).query(wishesQuery);
  return wishes.find((wish) => wish.id === id);
}

const inState = (id: string, kind: WishState['kind']): Promise<Wish> =>
  until(`the wish ${id} is ${kind}`, async () => {
    const wish = await wishNamed(id);
    return wish?.state.kind === kind && wish;
  });

const letters = (): Promise<readonly KeptMail[]> => town.client.workflow.getHandle(OVERSEER).query(inboxQuery);
const letter = (fits: (mail: KeptMail) => boolean): Promise<KeptMail> =>
  until('a letter', async () => (await letters()).find(fits));

function killWorker(): void {
  const pid = town.raised.workerPid();
  if (pid === null) throw new Error('the worker has ended');
  process.kill(pid, 'SIGKILL');
}

const missions = async () => (await town.client.workflow.count('GtRole="mission"')).count;
/** Of the rule, how often the model was asked for the turn. */
const asked = (at: number, turn: number) =>
  model.requests().filter((one) => one.rule === at && one.turn === turn).length;

test('a wish is planned, mended, changed, approved and lands, once, though the worker is killed twice', async () => {
  const wished = await ofTown('wish', LOGIN, '--id', 'login', '--by', 'Ada');
  expect(wished).toMatchObject({ code: 0, stdout: expect.stringContaining('gt wish show login') });
  const first = await inState('login', 'proposed');
  expect(first).toMatchObject({ sessions: 2, preview: [{ id: 'login', steps: 1 }], plan: { by: MAYOR } });
  expect(first.usage.turns).toBe(3);
  expect((await letter(({ subject }) => subject.startsWith('WISH login'))).body).toContain('gt wish approve login');
  const { stdout } = await ofTown('wish', 'show', 'login');
  expect(stdout).toContain('- login: name = login');
  expect(stdout).toMatch(/Planned without the code of away, which could not be read: git .*not/);

  await said('change', { wish: 'login', words: 'in two files', by: 'Ada' });
  await until('the model is asked anew', async () => asked(0, 1) === 1);
  const planners = await town.client.workflow.getHandle(MAYOR).query(agentsQuery);
  expect(planners).toMatchObject([{ agent: MAYOR, item: 'login', kind: 'working' }]);
  killWorker();
  const second = await inState('login', 'proposed');
  expect(second.preview).toHaveLength(2);
  expect([asked(0, 0), asked(0, 1)]).toEqual([1, 2]);
  // A letter that the worker dies of would hold up those after it for as long as the server waits for that.
  await until('the overseer knows', async () => {
    return (await letters()).filter(({ subject }) => subject.startsWith('WISH login')).length === 2;
  });
  await said('approve', { wish: 'login', by: 'Ada' });
  killWorker();
  const closed = await inState('login', 'closed');
  expect(closed.state).toMatchObject({ end: 'landed', says: expect.stringContaining('2 of 2 items landed') });
  expect(await missions()).toBe(1);
  for (const name of ['login', 'logout']) expect(count(await town.log('server'), `Write ${name}`)).toBe(1);
  await expect(said('approve', { wish: 'login' })).rejects.toMatchObject({ cause: { message: /is over: / } });
});

test('one that need not be shown is started as it is planned; one that makes no sense asks, and is rejected', async () => {
  await said('sling', { id: 'mend', wish: 'Mend it.', rig: 'server', approve: 'start', by: 'Ada' });
  expect(await ofTown('sling', 'Purple.', 'mayor', '--id', 'purple')).toMatchObject({ code: 0 });
  const asks = await inState('purple', 'unplanned');
  expect(asks.state).toMatchObject({ why: 'the planner asks: What is to be purple?' });
  expect(await ofTown('unsling', 'mayor', 'purple', '--by', 'Ada')).toMatchObject({ code: 0 });
  expect((await inState('purple', 'closed')).state).toMatchObject({ says: 'rejected by Ada: not wanted any more' });
  await expect(said('sling', { wish: ' ' })).rejects.toMatchObject({
    cause: { message: expect.stringContaining('wish: ') },
  });
  await expect(said('approve', { wish: 'nothing' })).rejects.toMatchObject({ cause: { message: /no wish "nothing"/ } });
  expect((await inState('mend', 'closed')).state).toMatchObject({ end: 'landed' });
  expect(count(await town.log('web'), 'Write mended')).toBe(1);
});

test('without a model a wish waits for a plan of a person, which takes the same way', async () => {
  const settings = join(town.dir, 'town.toml');
  await writeFile(settings, `${await readFile(settings, 'utf8')}\n[roles.mayor]\nruntime = { kind = "human" }\n`);
  await said('sling', { id: 'hand', wish: 'By hand.', by: 'server/crew/nobody' });
  expect((await inState('hand', 'unplanned')).state).toMatchObject({ why: expect.stringMatching(/^no model is/) });
  expect((await letter(({ subject }) => subject.startsWith('WISH hand'))).body).toContain('gt wish plan hand --file');
  const file = join(town.dir, 'hand.json');
  const { reason: _, ...work } = item('hand');
  await said('plan', { wish: 'hand', mission: { work: [{ ...work, vars: {} }] }, by: 'Ada' });
  const faulty = await until('it is checked', async () => {
    const wish = await wishNamed('hand');
    return wish?.state.kind === 'unplanned' && wish.plan !== null && wish;
  });
  expect(faulty.state).toMatchObject({ why: expect.stringContaining('name') });
  await writeFile(file, JSON.stringify({ work: [work] }));
  expect(await ofTown('wish', 'plan', 'hand', '--file', file, '--by', 'Ada')).toMatchObject({ code: 0 });
  const proposed = await inState('hand', 'proposed');
  // Its mission ends, so to say, before the mayor hears that it has begun.
  const mission = makeId('hq-cv', createHash('sha256').update(missionKeyOf(proposed)).digest('hex'));
  const early = { id: `landed/${mission}@r/mayor`, from: mission, to: MAYOR, subject: 'early', body: '' };
  await said('mail', early);
  const dead = () => town.client.workflow.getHandle(MAYOR).query(deadLettersQuery);
  const undelivered = { to: 'server/crew/nobody', body: expect.stringContaining('By hand.') as string };
  await until('whoever wished it is nobody', async () => (await dead()).length > 0);
  // The next mayor has all that the one before had.
  await town.client.workflow.getHandle(MAYOR).terminate('a test');
  expect((await ofTown('wish', 'approve', 'hand', '--by', 'Ada')).stdout).toContain('its mission is started');
  expect((await dead())[0]).toMatchObject(undelivered);
  expect((await ofTown('explain', MAYOR)).stdout).toContain('server/crew/nobody does not take it');
  expect((await inState('hand', 'closed')).state).toMatchObject({ end: 'landed' });
  // A worker that was killed may have let the first wish's end come early as well.
  const told = await town.client.workflow.getHandle(MAYOR).query(inboxQuery);
  expect(told.filter(({ from }) => from === mission)).toMatchObject([{ subject: 'early', state: 'read' }]);
  expect((await ofTown('wish', 'list')).stdout).toMatch(/hand .*landed/);
});

/** The mission of a wish, at work on an item that waits for a person. */
async function atWork(id: string): Promise<string> {
  await said('sling', { id, wish: 'Ask.' });
  const work = [{ id, rig: 'server', formula: 'waits' }];
  await said('plan', { wish: id, mission: { work, notify: ['overseer'] }, by: 'Ada' });
  await inState(id, 'proposed');
  await said('approve', { wish: id, by: 'Ada' });
  const { state } = await inState(id, 'started');
  const mission = state.kind === 'started' ? state.mission : '';
  await until('its mission is at work', async () => {
    const { count: found } = await town.client.workflow.count(`GtMission="${mission}" AND GtRole="molecule"`);
    return found === 1;
  });
  return mission;
}

test('a mission that is cancelled or terminated closes its wish as well', async () => {
  const [mission, dead] = await Promise.all([atWork('ask'), atWork('dead')]);
  await town.client.workflow.getHandle(mission).cancel();
  expect((await inState('ask', 'closed')).state).toMatchObject({ end: 'failed', says: `${mission}: it was cancelled` });
  expect((await letter(({ from }) => from === mission)).subject).toBe('Ask. was cancelled: 0 of 1 items');
  await town.client.workflow.getHandle(dead).terminate('a test');
  await until('the server lists it', async () => {
    const { count: found } = await town.client.workflow.count(
      'WorkflowType="mission" AND ExecutionStatus="Terminated"',
    );
    return found === 1;
  });
  expect(await said('ended', { mission })).toContain('known');
  await ofDeacon('patrol', { by: 'Ada' });
  expect((await inState('dead', 'closed')).state).toMatchObject({ end: 'failed', says: expect.stringContaining(dead) });
  const mail = await letter(({ subject }) => subject === 'WISH dead: failed');
  expect(mail.body).toMatch(new RegExp(`^${dead}: .*terminated.*ended from outside`));
});

test('who asked to hear of a mission hears that it was refused', async () => {
  const input = { work: [{ id: 'x', rig: 'server', formula: 'qick' }], notify: [OVERSEER] };
  const options = { taskQueue: TOWN_QUEUE, workflowId: 'hq-cv-refused', args: [input] };
  await town.client.workflow.start('mission', options);
  expect((await letter(({ from }) => from === 'hq-cv-refused')).subject).toBe('hq-cv-refused was refused');
});

test('a call for help goes on to the overseer, and its answer to whoever wrote', async () => {
  const help = { id: 'h1', from: DEACON, to: MAYOR, subject: 'HELP: server/witness', body: 'It does not answer.' };
  await perform(town.client, { kind: 'update', workflow: MAYOR, name: 'mail', content: help, updateId: 'h1' });
  expect(await letter(({ subject }) => subject === help.subject)).toMatchObject({ from: DEACON, to: OVERSEER });
  const notice = { ...help, id: 'landed/hq-cv-1@r/mayor', from: 'hq-cv-1', subject: 'Other landed: 1 of 1 items' };
  await perform(town.client, { kind: 'update', workflow: MAYOR, name: 'mail', content: notice, updateId: 'n1' });
  const kept = await town.client.workflow.getHandle(MAYOR).query(inboxQuery);
  expect(kept.map(({ id }) => id)).toContain(notice.id);
  expect(kept.map(({ id }) => id)).not.toContain(help.id);
});
