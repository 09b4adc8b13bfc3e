/** How polecats do, in a real town in seconds: one whose agent falls silent, workers that are killed, polecats that die in numbers, a town that is held. */
import { existsSync } from 'node:fs';
import { appendFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { inboxQuery } from '../../src/contract/inbox.js';
import { deaconMessages, explainQuery, missionMessages, witnessMessages } from '../../src/contract/messages.js';
import { heartbeatQuery } from '../../src/contract/deacon.js';
import { holdsQuery, nudgesQuery } from '../../src/contract/polecat.js';
import { agentsQuery, slotsQuery, witnessKeptQuery } from '../../src/contract/witness.js';
import { TOWN_QUEUE } from '../../src/contract/task-queues.js';
import { DEACON, OVERSEER, witnessOf } from '../../src/town/address.js';
import type { KeptMail } from '../../src/town/inbox.js';
import { patrolEndsMs } from '../../src/workflows/patience.js';
import { gt } from '../support/gt.js';
import { count, liveTown, until } from '../support/live-town.js';
import type { LiveTown } from '../support/live-town.js';
import { ASK } from '../support/test-formulas.js';

/** The agent works on it. */
const THINK = `
formula = "think"
[[steps]]
id = "think"
title = "Think"
`;
/** Says that it has begun, and waits for leave to end. */
const BUILD = `
formula = "build"
[vars]
name = ""
signs = ""
[[steps]]
id = "build"
title = "Build {{name}}"
run = "touch {{signs}}/{{name}}.begun && until [ -e {{signs}}/go ]; do sleep 0.1; done; echo 1 > {{name}}.txt"
`;

/** Five minutes are a second. */
const PATIENCE = 0.003;

let town: LiveTown;
beforeAll(async () => {
  town = await liveTown({
    rigs: { server: { runtime: { kind: 'mute' } }, web: {}, app: {}, late: {} },
    formulas: { think: THINK, build: BUILD, ask: ASK },
    agents: { mute: { command: 'sh', args: ['-c', 'echo hm; exec sleep 600', '{prompt}'] } },
    patience: PATIENCE,
  });
  const work = ['think', 'ask'].map((formula) => ({ id: formula, rig: 'server', formula }));
  await town.startMission('silent', { work });
});
afterAll(() => town.stop());

const witness = (rig: string) => town.client.workflow.getHandle(witnessOf(rig));
const lookNow = (rig: string) => witness(rig).executeUpdate(witnessMessages.look.update, { args: [{}] });

const lettersOf = (address: string): Promise<readonly KeptMail[]> =>
  town.client.workflow.getHandle(address).query(inboxQuery);
const mailAbout = (subject: string): Promise<KeptMail> =>
  until(`mail "${subject}"`, async () => (await lettersOf(OVERSEER)).find((mail) => mail.subject.startsWith(subject)));

const three = (rig: string, formula: string) =>
  ['a', 'b', 'c'].map((id) => ({
    id,
    rig,
    formula,
    ...(formula === 'build' ? { vars: { name: `${rig}-${id}`, signs: town.dir } } : {}),
  }));
const held = async (rig: string) => (await witness(rig).query(slotsQuery)).leases;

test('polecats that die in numbers open the breaker of the rig; then their items go to others', async () => {
  const mission = await town.startMission('dead', { work: three('app', 'ask') });
  const before = await until('three are at work', async () => (await held('app')).length === 3 && held('app'));
  for (const { name } of before)
    await until(`${name} is there`, async () => {
      await town.client.workflow.getHandle(`app/polecats/${name}`).terminate('a test');
      return true;
    });
  const why = '3 polecats or workers died within 30 seconds in app';
  expect(await mailAbout(`HELP: HIGH failed: ${why}`)).toMatchObject({
    from: expect.stringMatching(/^hq-esc-/) as string,
    body: expect.stringContaining('`gt resume app/witness`') as string,
  });
  const after = await until('three others are', async () => {
    const now = await held('app');
    return now.length === 3 && now.every(({ incarnation }) => incarnation > 3) && now;
  });
  expect(after.map(({ item }) => item).toSorted()).toEqual(['a', 'b', 'c']);
  expect(await lookNow('app')).toContain('it looks');
  const breaker = () => until('it knows', async () => (await witness('app').query(witnessKeptQuery))?.breaker);
  const { deaths, opened } = await breaker();
  expect(deaths.map(({ isCounted }) => isCounted)).toEqual([true, true, true]);
  await witness('app').terminate('a test');
  const more = await town.startMission('more', { work: [{ id: 'd', rig: 'app', formula: 'ask' }] });
  await until('there is another', async () => (await held('app')).length === 4);
  expect(await breaker()).toMatchObject({ deaths, opened });
  await more.cancel();
  await mission.cancel();
  await mission.result().catch(() => undefined);
});

test('an agent that falls silent is nudged, then asked to hand over, then told of; whoever waits for a person is left alone', async () => {
  const mission = town.client.workflow.getHandle('silent');
  const names = await until('both are at work', async () => {
    const now = await held('server');
    return now.length === 2 && ['think', 'ask'].map((item) => now.find((one) => one.item === item)?.name ?? '');
  });
  const [silent = '', asking = ''] = names.map((name) => `server/polecats/${name}`);
  const mail = await mailAbout(`HELP: HIGH lifecycle: ${silent} is quiet, seen since`);
  expect(mail).toMatchObject({ from: expect.stringMatching(/^hq-esc-/) as string, priority: 'high' });
  expect(mail.body).toMatch(/: runSession: \d+ effects, 3 bytes of output, and none/);
  const nudges = await town.client.workflow.getHandle(silent).query(nudgesQuery);
  expect(nudges).toMatchObject([
    { by: 'server/witness', cycle: false },
    { by: 'server/witness', cycle: true },
  ]);
  expect(await town.client.workflow.getHandle(asking).query(nudgesQuery)).toEqual([]);
  const seen = await witness('server').query(agentsQuery);
  expect(['think', 'ask'].map((item) => seen.find((one) => one.item === item))).toMatchObject([
    { agent: silent, mission: 'silent', item: 'think', kind: 'quiet', done: 'tell' },
    { agent: asking, item: 'ask', kind: 'waiting', fact: 'it waits for person: think', done: null },
  ]);
  const listed = await gt(['agents', '--rig', 'server', '--town', town.dir]);
  expect(listed.stdout).toMatch(new RegExp(`${silent} +working +.*quiet: runSession`));
  await mission.cancel();
  await mission.result().catch(() => undefined);
});

function killWorker(): void {
  const pid = town.raised.workerPid();
  if (pid === null) throw new Error('the worker has ended');
  process.kill(pid, 'SIGKILL');
}

/** Of the session of a polecat, as the server has it. */
async function attemptOf(polecat: string): Promise<number> {
  const own = await town.client.workflow.getHandle(polecat).describe();
  const molecule = own.raw.pendingChildren?.[0]?.workflowId ?? '';
  const { raw } = await town.client.workflow.getHandle(molecule).describe();
  return raw.pendingActivities?.[0]?.attempt ?? 0;
}

test('sessions that are cut off with their worker are no mass death: they go on, and nobody is told', async () => {
  const mission = await town.startMission('killed', { work: three('web', 'build') });
  for (const id of ['a', 'b', 'c'])
    await until(`${id} has begun`, async () => existsSync(join(town.dir, `web-${id}.begun`)));
  const names = (await held('web')).map(({ name }) => `web/polecats/${name}`);
  killWorker();
  for (const name of names) await until(`${name} is tried again`, async () => (await attemptOf(name)) > 1);
  await lookNow('web');
  await until('it has looked', async () => (await witness('web').query(agentsQuery)).length === 3);
  expect(await boardOf('web/witness')).not.toContain('No slot is granted');
  await writeFile(join(town.dir, 'go'), '');
  expect(await mission.result()).toMatchObject({ landed: 3 });
});

const call = (...args: string[]) => gt([...args, '--town', town.dir], { GT_AGENT: undefined });
const boardOf = (id: string) => town.client.workflow.getHandle(id).query(explainQuery);
const isHeld = async (id: string) => (await boardOf(id)).includes('**Paused** by Ada');
const startGone = (work: readonly object[]) =>
  town.client.workflow.start('mission', { taskQueue: TOWN_QUEUE, workflowId: 'gone', args: [{ work }] });
const ended = async (id: string) => town.client.workflow.getHandle(id).terminate('a test');

/** A commit on a branch of its own, which the target does not have. */
async function begunOn(branch: string): Promise<string> {
  const path = join(town.dir, 'half');
  await town.git('web', 'worktree', 'add', '-b', branch, path, 'main');
  await writeFile(join(path, 'half.txt'), 'half\n');
  await town.git('web', '-C', path, 'add', '.');
  await town.git('web', '-C', path, '-c', 'user.name=Toast', '-c', 'user.email=t@t', 'commit', '-m', 'Half of it');
  return town.git('web', 'rev-parse', branch);
}

test('work of a mission that is gone: the overseer is told how to start it again, or where town.toml says so it goes on from what was saved', async () => {
  const { client } = town;
  const branch = 'polecat/Toast/we-1';
  const head = await begunOn(branch);
  await until('a deacon', async () => (await client.workflow.getHandle(DEACON).describe()).status.name === 'RUNNING');
  const { firstExecutionRunId: run } = await startGone(three('web', 'build'));
  await ended('gone');
  // Another of the id, which has no such items.
  await startGone([{ id: 'x', rig: 'web', formula: 'ask' }]);
  await ended('gone');
  const tell = (item: string, on = branch) =>
    client.workflow.getHandle(DEACON).executeUpdate(deaconMessages.recovered.update, {
      args: [{ rig: 'web', mission: 'gone', run, item, branch: on, head }],
    });
  expect([await tell('a'), await tell('a')]).toEqual(['taken up', 'known already']);
  const mail = await mailAbout('HELP: recovered work of gone');
  expect(mail.body).toContain('--input');
  const input: unknown = JSON.parse(/--input '(.*)'`/.exec(mail.body)?.[1] ?? '');
  expect(input).toMatchObject({ work: [{ id: 'a', rig: 'web', formula: 'build', needs: [], from: branch }] });
  await tell('c', 'polecat/Toast/we-0');
  await until('the overseer hears that nothing is started', async () =>
    (await lettersOf(OVERSEER)).find(({ body }) => body.includes('The remote has that branch no more')),
  );
  await appendFile(join(town.dir, 'town.toml'), '[deacon]\nredispatch = true\n');
  await tell('b');
  const started = await until('another mission', async () => {
    for await (const one of client.workflow.list({ query: 'WorkflowType="mission"' }))
      if (one.workflowId.startsWith('hq-cv-')) return one.workflowId;
    return null;
  });
  expect(await client.workflow.getHandle(started).result()).toMatchObject({
    landed: 1,
    total: 1,
    items: [{ id: 'b' }],
  });
  expect(count(await town.log('web'), 'Half of it')).toBe(1);
});

test('an emergency stop holds all rigs, those that begin later, too, whoever dies meanwhile; a hold of somebody else outlasts it', async () => {
  const mission = await town.startMission('asking', { work: [{ id: 'one', rig: 'app', formula: 'ask' }] });
  const [lease] = await until('it is at work', async () => (await held('app')).length === 1 && held('app'));
  const polecat = `app/polecats/${lease?.name}`;
  // Without a deacon there is one by that.
  await ended(DEACON).catch(() => undefined);
  const stopped = await call('estop', '--reason', 'fire', '--by', 'Ada', '--id', 'stop', '--now');
  expect(stopped.stdout).toMatch(/^the town is paused; \d rigs are held, and those that begin later: sessions/);
  expect(stopped.stdout).toMatch(/those at work in \d rigs are asked to hand over/);
  const holds = () => town.client.workflow.getHandle(polecat).query(holdsQuery);
  const ofRig = { by: 'Ada', why: 'fire', above: 'app/witness' };
  await until('who is at work is held', async () => (await holds()).length > 0);
  expect(await holds()).toEqual([ofRig]);
  expect(await town.client.workflow.getHandle(polecat).query(nudgesQuery)).toMatchObject([
    { text: 'fire', cycle: true },
  ]);
  expect((await call('pause', 'app/witness', '--reason', 'of its own', '--by', 'Bob')).code).toBe(0);
  const late = await town.startMission('late', { work: [{ id: 'one', rig: 'late', formula: 'ask' }] });
  await until('a rig that begins is held', () => isHeld('late/witness'));
  expect((await call('resume', 'late/witness')).stderr).toBe(
    'gt: the rig is held by deacon (Ada: fire): gt explain deacon says what lets it go on\n',
  );
  await ended('app/witness');
  killWorker();
  await ended(DEACON);
  // One that dies before it knows how the one before held the town.
  await town.client.workflow.start('deacon', { workflowId: DEACON, taskQueue: TOWN_QUEUE, args: [{}] });
  await ended(DEACON);
  await until('another deacon holds the town', () => isHeld(DEACON));
  await town.startMission('more', { work: [{ id: 'one', rig: 'app', formula: 'ask' }] });
  const more = town.client.workflow.getHandle('more');
  const fed = () => more.executeUpdate(missionMessages.feed.update, { args: [{}] });
  await until('it waits for a slot', async () => (await fed()) === 'it asks again for slots for one');
  await until('another witness holds its rig, and gives no slot', async () => {
    const { leases, queue } = await witness('app').query(slotsQuery);
    const isOfBob = (await boardOf('app/witness')).includes('**Paused** by Bob');
    return isOfBob && leases.length === 1 && queue.length === 1;
  });
  await until('the deacon shows it', async () =>
    (await call('status')).stdout.includes('The town is held: gt explain deacon says by whom and why'),
  );
  // One that begins in the midst of it is held, too; one that begins after it is not, though the one before was.
  await ended('late/witness');
  await until('the late one asks another witness', async () => {
    const asked = await late.executeUpdate(missionMessages.feed.update, { args: [{}] });
    return asked.startsWith('it asks again') && (await isHeld('late/witness'));
  });
  expect((await witness('late').query(slotsQuery)).leases).toEqual([]);
  await until('a rig that rests is held', () => isHeld('web/witness'));
  await ended('web/witness');
  expect((await call('estop')).stderr).toBe('gt: the town is paused already, by Ada: fire\n');
  expect((await call('thaw', '--by', 'Ada')).stdout).toBe('the town goes on\n');
  await until('the late one is at work', async () => (await held('late')).length === 1);
  const after = await town.startMission('after', { work: [{ id: 'one', rig: 'web', formula: 'ask' }] });
  await until('a rig whose witness did not hear of the thaw is at work', async () => (await held('web')).length === 1);
  expect(await boardOf('app/witness')).toContain('**Paused** by Bob');
  expect((await call('thaw')).stderr).toBe('gt: the town is not paused\n');
  expect((await call('resume', 'app/witness')).stdout).toBe('the rig goes on\n');
  await until('all are at work', async () => (await held('app')).length === 2 && (await holds()).length === 0);
  for (const one of [mission, late, more, after]) {
    await one.cancel();
    await one.result().catch(() => undefined);
  }
});

/** For how long the deacon means to rest after the patrol that it did last, in minutes of the town. */
async function restMinutes(): Promise<number> {
  const { atMs, nextByMs } = await town.client.workflow.getHandle(DEACON).query(heartbeatQuery);
  return nextByMs === null ? Infinity : Math.round((nextByMs - atMs - patrolEndsMs(PATIENCE)) / PATIENCE / 60_000);
}

/** A mission that waits for a person. */
const asking = (id: string) => town.startMission(id, { work: [{ id: 'one', rig: 'web', formula: 'ask' }] });

test('a night of patrols: ever more rarely while somebody sleeps over a question, and often again with the first news', async () => {
  const begunMs = Date.now();
  const night = await asking('night');
  // As long as the first patrol is under way, the beat is that of the last one before it.
  await until('a patrol is done', async () => {
    const { atMs, nextByMs } = await town.client.workflow.getHandle(DEACON).query(heartbeatQuery);
    return atMs > begunMs && nextByMs !== null;
  });
  const seen: number[] = [];
  await until('a quarter of an hour between patrols', async () => {
    seen.push(await restMinutes());
    return seen.at(-1) === 15;
  });
  for (const minutes of seen) expect([1, 2, 4, 8, 15, Infinity]).toContain(minutes);
  const news = await asking('news');
  await until('another patrol soon', async () => (await restMinutes()) < 15);
  for (const one of [night, news]) {
    await one.cancel();
    await one.result().catch(() => undefined);
  }
  await until('no patrol at all', async () => (await restMinutes()) === Infinity);
});
