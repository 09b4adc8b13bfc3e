/** Hook and sling: accepted means begun, in its turn, once; whoever dies meanwhile. A person's hook, and steps that wait for a person. */
import { execFile } from 'node:child_process';
import { existsSync } from 'node:fs';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { crewHookQuery, tasksQuery } from '../../src/contract/crew.js';
import { inboxQuery } from '../../src/contract/inbox.js';
import { slotsQuery } from '../../src/contract/witness.js';
import { gt } from '../support/gt.js';
import { count, liveTown, until } from '../support/live-town.js';
import type { LiveTown } from '../support/live-town.js';
import { QUICK, SLOW } from '../support/test-formulas.js';

/** Two people at work beside each other, one of whom is named. */
const SHARED = `
formula = "shared"
[[steps]]
id = "look"
title = "Look at it"
type = "human"
assignee = "crew/ann"
[[steps]]
id = "weigh"
title = "Weigh it"
type = "human"
assignee = "{{who}}"
needs = ["look"]
[vars.who]
default = "server/crew/bob"
`;

let town: LiveTown;
beforeAll(async () => {
  town = await liveTown({
    rigs: { server: { bare: true, capacity: 1, names: ['Toast', 'Ash'] } },
    formulas: { quick: QUICK, slow: SLOW, shared: SHARED },
    patience: 0.05,
  });
});
afterAll(() => town.stop());

const run = (...args: string[]) => gt([...args, '--town', town.dir, '--by', 'Ada'], { TEMPORAL_ADDRESS: undefined });
const look = (...args: string[]) => gt([...args, '--town', town.dir], { TEMPORAL_ADDRESS: undefined });
const handle = (id: string) => town.client.workflow.getHandle(id);
const ann = () => handle('server/crew/ann');

/** Kills the worker, which its supervisor starts again. */
function killWorker(): void {
  const pid = town.raised.workerPid();
  if (pid !== null) process.kill(pid, 'SIGKILL');
}

async function landed(id: string): Promise<void> {
  await expect(handle(id).result()).resolves.toMatchObject({ landed: 1 });
}

/** Whether a slot was given to the mission. */
async function wasGranted(id: string) {
  const { events } = await handle(id).fetchHistory();
  return events?.some((event) => event.workflowExecutionSignaledEventAttributes?.signalName === 'granted');
}

async function slots() {
  return handle('server/witness').query(slotsQuery);
}

test('what is slung to a rig begins at once; twice under an id is once; what is wrong begins nothing', async () => {
  const wrong = await run('sling', 'quick', 'server/polecats/Tost', '--var', 'name=a', '--id', 'wrong');
  expect(wrong).toMatchObject({
    code: 1,
    stderr: expect.stringContaining('has no polecat "Tost"; did you mean "Toast"?'),
  });
  const first = await run('sling', 'quick', 'server', '--var', 'name=once', '--id', 'once');
  expect(first.stdout).toMatch(/^once: item "work" is on the hook of server\/polecats\/(Toast|Ash)\n$/);
  expect((await run('sling', 'quick', 'server', '--var', 'name=once', '--id', 'once')).code).toBe(0);
  expect((await run('sling', 'quick', 'server', '--var', 'name=twice', '--id', 'once')).stderr).toContain(
    'choose another',
  );
  await landed('once');
  expect((await run('sling', 'quick', 'server', '--var', 'name=once', '--id', 'once')).stdout).toContain('has ended');
  expect(count(await town.log('server'), 'Write once')).toBe(1);
});

test('who is busy has a queue: by priority, then age, and for one slot alone; taken off, it is withdrawn or ends in order', async () => {
  const busy = await run('sling', 'slow', 'server/polecats/Ash', '--var', 'name=busy', '--id', 'busy');
  expect(busy.stdout).toBe('busy: item "work" is on the hook of server/polecats/Ash\n');
  expect(await look('hook', '--as', 'server/polecats/Ash')).toMatchObject({
    stdout: expect.stringContaining('`work` of busy'),
  });
  const orders = [
    ['later', 'server', '3'],
    ['pinned', 'server/polecats/Ash', '2'],
    ['never', 'server', '0'],
  ] as const;
  for (const [id, target, priority] of orders)
    await town.startMission(id, {
      work: [
        {
          id: 'work',
          rig: 'server',
          formula: 'quick',
          vars: { name: id },
          priority: Number(priority),
          ...(target === 'server' ? {} : { agent: 'Ash' }),
        },
      ],
    });
  await until('all wait', async () => (await slots()).queue.length === 3);
  const queue = await look('agents', '--rig', 'server');
  expect(queue.stdout).toMatch(/1 +never[\s\S]*2 +pinned[^\n]*Ash[\s\S]*3 +later/);
  const asked = await run('sling', 'quick', 'server', '--var', 'name=off', '--id', 'off', '--priority', '4');
  expect(asked.stdout).toContain('off is accepted, and begins when a slot is free: 4 of 4 that wait');
  expect((await run('unsling', 'off')).stdout).toContain('off is off the hook: ');
  expect((await run('unsling', 'never')).stderr).toContain('never was not slung');
  await handle('never').cancel();
  const off = await run('unsling', 'server/polecats/Ash');
  expect(off.stdout).toMatch(/^busy is off the hook: .*its work is on branch polecat\/Ash\//);
  await Promise.all([landed('pinned'), landed('later')]);
  expect(await town.git('server', 'log', '--reverse', '--format=%an', 'main')).toContain('server/polecats/Ash');
  expect((await town.log('server')).map((line) => line.replace(/^\S+ \S+ /, '')).slice(-2)).toEqual([
    'Write pinned',
    'Write later',
  ]);
});

test('one death over a slot that was granted and not used, work that is accepted while nobody works, and a task that is done: each is once', async () => {
  expect((await look('crew', 'add', 'server/ann')).code).toBe(0);
  for (const id of ['hinge', 'lock']) await ann().executeUpdate('sling', { args: [{ id, title: `Do ${id}` }] });
  const work = { id: 'work', rig: 'server', formula: 'quick', vars: { name: 'dead' } };
  await town.startMission('dead', { work: [work] });
  await until('its slot is granted', () => wasGranted('dead'));
  killWorker();
  const [accepted, done] = await Promise.all([
    run('sling', 'quick', 'server', '--var', 'name=next', '--id', 'next'),
    ann().executeUpdate('done', { args: [{ id: 'swept', note: 'oiled' }] }),
  ]);
  expect(accepted).toMatchObject({ code: 0, stdout: expect.stringMatching(/^next(:| is accepted)/), stderr: '' });
  expect(done).toContain('"Do hinge" (hinge) is done; next:\n\n**Do lock** (lock)');
  expect(await ann().executeUpdate('done', { args: [{ id: 'swept', note: 'oiled' }] })).toBe(done);
  expect(await ann().query(crewHookQuery)).toMatchObject({ hook: { id: 'lock' }, queue: [] });
  await ann().executeUpdate('done', { args: [{}] });
  await Promise.all([landed('dead'), landed('next')]);
  const log = await town.log('server');
  expect(['dead', 'next'].map((id) => count(log, `Write ${id}`))).toEqual([1, 1]);
  const polecats = await town.client.workflow.count('GtMission IN ("dead", "next") AND GtRole="polecat"');
  expect(polecats.count).toBe(2);
});

test('a person’s hook: the first hangs at once, the others wait, the more urgent in front; done or taken off, the next hangs', async () => {
  const wrong = await run('sling', 'nothing', 'server/crew/ann');
  expect(wrong).toMatchObject({ code: 2, stdout: '' });
  const first = await run(
    'sling',
    'server/crew/ann',
    '--title',
    'Mend the door',
    '--text',
    'It creaks.',
    '--id',
    'door',
  );
  expect(first.stdout).toBe('door is on the hook of server/crew/ann\n');
  const door = ['--title', 'Mend the door', '--text', 'It creaks.', '--id', 'door'];
  expect((await run('sling', 'server/crew/ann', ...door)).stdout).toBe(first.stdout);
  const other = await run('sling', 'server/crew/ann', '--title', 'Mend the door', '--id', 'door');
  expect(other).toMatchObject({ code: 1, stdout: '' });
  expect(other.stderr).toContain('the id "door" is of another sling, which was taken before; nothing of this one is');
  await run('sling', 'server/crew/ann', '--title', 'Sweep', '--id', 'sweep', '--priority', '3');
  const formula = await run('sling', 'shared', 'server/crew/ann', '--id', 'shared-1');
  expect(formula.stdout).toContain('shared-1 waits for the hook of server/crew/ann, 1 of 2: Mend the door hangs there');
  const update = ['workflow', 'update', 'execute', '-w', 'server/crew/ann', '--name'];
  const urgent = { title: 'Burst pipe', priority: 0, id: 'pipe' };
  expect((await town.temporal(...update, 'sling', '--input', JSON.stringify(urgent))).output).toContain('1 of 3');
  const done = await run('crew', 'done', 'server/ann', '--note', 'oiled', '--id', 'oiled');
  expect(done.stdout).toContain('"Mend the door" (door) is done; next:\n\n**Burst pipe** (pipe)');
  expect((await run('crew', 'done', 'server/ann', '--note', 'oiled', '--id', 'oiled')).stdout).toBe(done.stdout);
  expect((await run('unsling', 'server/crew/ann')).stdout).toContain(
    '**shared** (shared-1, by shared)\n\n- [ ] Look at it',
  );
  const again = await run('sling', 'server/crew/ann', ...door);
  expect(again.stdout).toContain('door was on the hook of server/crew/ann before, and is done: ');
  expect((await run('unsling', 'server/crew/ann', 'none')).stderr).toContain('there is shared-1 and sweep');
  expect((await look('hook', '--as', 'server/crew/ann')).stdout).toMatch(/shared[\s\S]*1 +sweep/);
  const { hook, queue } = await ann().query(crewHookQuery);
  expect([hook?.id, ...queue.map(({ id }) => id)]).toEqual(['shared-1', 'sweep']);
});

const mail = (from: string, body: string) =>
  look('mail', 'send', 'server/crew/ann', '--as', from, '--subject', 'Look', '--body', body, '--id', 'dup');
const wish = (words: string) => run('sling', words, 'mayor', '--id', 'faq');

test('another mail, or another wish, under an id that is taken is refused, and the first one again is not', async () => {
  expect((await mail('x1', 'here')).code).toBe(0);
  expect((await mail('x1', 'here')).code).toBe(0);
  for (const other of [await mail('x2', 'here'), await mail('x1', 'there')])
    expect(other).toMatchObject({ code: 1, stderr: expect.stringContaining('the id "dup" is of another mail') });
  expect(await ann().query(inboxQuery)).toMatchObject([{ id: 'dup', from: 'x1', body: 'here' }]);
  expect((await wish('Write a FAQ')).code).toBe(0);
  expect((await wish('Write a guide')).stderr).toContain('the id "faq" is of another sling');
  expect((await wish('Write a FAQ')).stdout).toContain('the wish faq is taken');
});

test('a member whose name no command would take is refused at the start', async () => {
  const start = ['workflow', 'execute', '--task-queue', 'gastown', '--type', 'crew', '--input', '{}'];
  const { code, output } = await town.temporal(...start, '--workflow-id', 'server/crew/bad name');
  expect(code).not.toBe(0);
  expect(output.replaceAll(/\s+/g, ' ')).toContain('"bad name" is no name of a member of a crew: it begins with');
});

test('a step that waits for a person is on that person’s desk, once; for who is no member yet it waits, and is there when they join', async () => {
  await town.startMission('both', { work: [{ id: 'a', rig: 'server', formula: 'shared' }] });
  const [task] = await until('ann has it', async () => {
    const all = await ann().query(tasksQuery);
    return all.length > 0 ? all : null;
  });
  expect(task).toMatchObject({ steps: [{ step: 'look', title: 'Look at it' }], more: 0 });
  const molecule = task?.molecule ?? '';
  const shown = await look('crew', 'show', 'server/ann');
  const [, close = ''] = /^ {2}gt (close look --mol .*)$/m.exec(shown.stdout) ?? [];
  expect((await run(...close.split(' '))).stdout).toContain('Next: "weigh"');
  await until('ann has nothing more', async () => (await ann().query(tasksQuery)).length === 0);
  expect((await look('crew', 'add', 'server/bob')).code).toBe(0);
  const bob = handle('server/crew/bob');
  const tasks = await until('bob has it', async () => {
    const all = await bob.query(tasksQuery);
    return all.length > 0 ? all : null;
  });
  expect(tasks).toMatchObject([{ molecule, steps: [{ step: 'weigh' }] }]);
  const found = await town.temporal('workflow', 'list', '-q', 'GtRole="molecule" AND GtAgent="server/crew/bob"');
  expect(found.output).toContain(molecule);
  await handle('both').cancel();
  await until('bob has nothing more', async () => (await bob.query(tasksQuery)).length === 0);
});

const signing = (assignee: string, id = 'sign') => ({ id, title: 'Sign it', rig: 'server', assignee });
/** The item of the mission that is on ann's desk. */
const itemFor = async () => (await ann().query(tasksQuery)).find((one) => one.molecule === 'signed')?.steps[0]?.step;

test('an item of a mission for a person is on that person’s desk, without a slot; closed there it counts, failed it waits for an answer, cancelled it is gone', async () => {
  const order = { work: [signing('crew/ann'), { ...signing('server/crew/ann', 'seal'), needs: ['sign'] }] };
  const wrong = await town.startMission('wrong-person', { work: [signing('crew/anne')] });
  await expect(wrong.result()).rejects.toMatchObject({
    cause: {
      message: expect.stringContaining('assignee: there is no server/crew/anne; did you mean "server/crew/ann"?'),
    },
  });
  const signed = await town.startMission('signed', order);
  await until('ann has it', async () => (await itemFor()) === 'sign');
  expect((await look('crew', 'show', 'server/ann')).stdout).toContain('gt crew done server/ann signed/sign');
  await until('it can be found', async () => {
    const query = 'GtRole="mission" AND GtAgent="server/crew/ann" AND GtWaitingFor="person: server/crew/ann of sign"';
    return (await town.client.workflow.count(query)).count === 1;
  });
  expect((await look('explain', 'signed')).stdout).toContain('waits for server/crew/ann');
  const failed = await run('crew', 'done', 'server/ann', 'signed/sign', '--failed', '--note', 'no ink', '--id', 'no');
  expect(failed.stdout).toContain('item "sign" has failed: it waits for retry or skip');
  await until('it has left the desk', async () => (await itemFor()) === undefined);
  await signed.executeUpdate('retry', { args: [{ item: 'sign' }] });
  await until('it is there again', async () => (await itemFor()) === 'sign');
  await expect(signed.executeUpdate('close', { args: [{ item: 'sign', attempt: 1 }] })).rejects.toMatchObject({
    cause: { message: expect.stringContaining('this is attempt 2 at item "sign", and not 1') },
  });
  expect((await run('crew', 'done', 'server/ann', 'signed/sign', '--note', 'inked')).stdout).toContain('is done');
  await until('the next one is there', async () => (await itemFor()) === 'seal');
  expect((await run('crew', 'done', 'server/ann', 'signed/seal')).code).toBe(0);
  await expect(signed.result()).resolves.toMatchObject({
    landed: 2,
    total: 2,
    items: [{ state: { note: 'inked (Ada)' } }, {}],
  });
  const over = await town.startMission('over', { work: [signing('crew/ann')] });
  await until('ann has the other', async () =>
    (await ann().query(tasksQuery)).some(({ molecule }) => molecule === 'over'),
  );
  await over.cancel();
  await until('ann has nothing more', async () => (await ann().query(tasksQuery)).length === 0);
  expect((await town.client.workflow.count('GtMission IN ("signed", "over") AND GtRole="polecat"')).count).toBe(0);
});

test('a member has a worktree when it is asked for; with work that is nowhere else they leave only once it is saved', async () => {
  const at = await look('crew', 'at', 'server/bob');
  const path = at.stdout.trim();
  const git = async (...args: string[]) => (await promisify(execFile)('git', ['-C', path, ...args])).stdout.trim();
  expect(await git('branch', '--show-current')).toBe('crew/bob');
  await writeFile(join(path, 'half.txt'), 'half\n');
  const refused = await look('crew', 'remove', 'server/bob');
  expect(refused).toMatchObject({
    code: 1,
    stderr: expect.stringContaining('1 file not committed, as half.txt'),
  });
  await git('switch', '-c', 'mine');
  expect((await look('crew', 'at', 'server/bob')).stdout.trim()).toBe(path);
  expect(await git('branch', '--show-current')).toBe('mine');
  await git('switch', 'crew/bob');
  const removed = await look('crew', 'remove', 'server/bob', '--force');
  expect(removed.stdout).toContain('what was in it is on branch crew/bob');
  expect(await town.git('server', 'show', 'crew/bob:half.txt')).toBe('half');
  expect(existsSync(path)).toBe(false);
});
