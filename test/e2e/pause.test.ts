/** Missions and molecules that people hold, and let go on. */
import { existsSync } from 'node:fs';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import type { Progress } from '../../src/contract/mission.js';
import { slotsQuery } from '../../src/contract/witness.js';
import type { Step } from '../../src/town/molecule-state.js';
import { gt } from '../support/gt.js';
import { liveTown, until } from '../support/live-town.js';
import { drawn, IS_LONG } from '../support/sample.js';
import type { LiveTown } from '../support/live-town.js';
import { ASK } from '../support/test-formulas.js';

/** The first step says that it has begun, and waits for leave to end. */
const TWO = `
formula = "two"
[vars]
name = ""
signs = ""
[[steps]]
id = "one"
title = "One of {{name}}"
run = "touch {{signs}}/{{name}}.begun && until [ -e {{signs}}/{{name}}.go ]; do sleep 0.1; done; echo 1 > {{name}}.txt"
[[steps]]
id = "two"
title = "Two of {{name}}"
needs = ["one"]
run = "echo 2 >> {{name}}.txt"
`;

let town: LiveTown;
beforeAll(async () => {
  town = await liveTown({ rigs: { server: {} }, formulas: { two: TWO, ask: ASK } });
});
afterAll(() => town.stop());

const call = (...args: string[]) =>
  gt([...args, '--town', town.dir], { TEMPORAL_ADDRESS: undefined, GT_AGENT: undefined });

async function startTwo(id: string) {
  const vars = { signs: town.dir };
  const mission = await town.startMission(id, {
    title: 'Two',
    work: [
      { id: 'a', rig: 'server', formula: 'two', vars: { ...vars, name: `${id}-a` } },
      { id: 'b', rig: 'server', formula: 'two', vars: { ...vars, name: `${id}-b` }, needs: ['a'] },
    ],
  });
  const begun = async (item: string) =>
    until(`${item} has begun`, async () => existsSync(join(town.dir, `${id}-${item}.begun`)));
  const go = (item: string) => writeFile(join(town.dir, `${id}-${item}.go`), '');
  const molecule = async (item: string) => {
    const { items } = await mission.query<Progress>('progress');
    const state = items.find((one) => one.id === item)?.state;
    return town.client.workflow.getHandle(state?.kind === 'working' ? state.molecule : 'none');
  };
  return { mission, begun, go, molecule };
}

test('a paused mission begins nothing new, is found as such, and goes on where it stood', async () => {
  const { mission, begun, go, molecule } = await startTwo('hq-cv-held');
  await begun('a');
  const paused = await call('pause', 'hq-cv-held', '--reason', 'freeze', '--by', 'Ada', '--id', 'p1');
  expect(paused).toMatchObject({
    code: 0,
    stdout: expect.stringContaining('the mission is paused; sessions under way') as string,
  });
  expect(await call('pause', 'hq-cv-held', '--reason', 'freeze', '--by', 'Ada', '--id', 'p1')).toEqual(paused);
  expect(await call('pause', 'hq-cv-held', '--reason', 'again')).toMatchObject({
    code: 1,
    stderr: 'gt: the mission is paused already, by Ada: freeze\n',
  });
  const mol = await molecule('a');
  await until('its molecule is held', async () =>
    (await call('explain', mol.workflowId)).stdout.includes('**Paused** by Ada'),
  );
  await go('a');
  const stateOf = async (id: string) =>
    (await mol.query<readonly Step[]>('steps')).find((step) => step.id === id)?.state.kind;
  await until('the session under way ends, and counts', async () => (await stateOf('one')) === 'closed');
  expect(await stateOf('two')).toBe('ready');
  await until('all that is held is found', async () => {
    const { output } = await town.temporal('workflow', 'list', '--query', 'GtPhase="paused"', '--output', 'json');
    const found = (JSON.parse(output) as readonly { execution: { workflowId: string } }[]).map(
      (one) => one.execution.workflowId,
    );
    return found.includes('hq-cv-held') && found.includes(mol.workflowId);
  });
  expect((await call('explain', 'hq-cv-held')).stdout).toContain('| `b` | b | waits for a |');
  expect(await stateOf('two')).toBe('ready');
  expect((await call('resume', 'hq-cv-held')).stdout).toBe('the mission goes on\n');
  await go('b');
  expect(await mission.result()).toMatchObject({ landed: 2 });
  expect(await call('resume', 'hq-cv-held')).toMatchObject({ code: 1 });
});

const it = drawn('ways to be held and let go', 6, 2);

it('a molecule alone is held by a signal, and told when it is not', async () => {
  const { mission, begun, go, molecule } = await startTwo('hq-cv-signal');
  await begun('a');
  const mol = await molecule('a');
  expect(await call('resume', mol.workflowId)).toMatchObject({ code: 1, stderr: 'gt: the molecule is not paused\n' });
  const { code } = await town.temporal(
    'workflow',
    'signal',
    '-w',
    mol.workflowId,
    '--name',
    'pause',
    '--input',
    '{"by":"Ada"}',
  );
  expect(code).toBe(0);
  await until('it is held', async () => (await mol.query<string>('explain')).includes('**Paused** by Ada'));
  await until('its mission knows', async () => {
    const { items } = await mission.query<Progress>('progress');
    return JSON.stringify(items).includes('"for":"operator: resume"');
  });
  await go('a');
  await go('b');
  expect((await call('resume', mol.workflowId)).stdout).toBe('the molecule goes on\n');
  expect(await mission.result()).toMatchObject({ landed: 2 });
});

it('a paused rig holds who is at work there and gives no slot', async () => {
  const { mission, begun, go, molecule } = await startTwo('hq-cv-rig');
  await begun('a');
  const paused = await call('pause', 'server/witness', '--reason', 'the remote moves', '--by', 'Ada');
  expect(paused.stdout).toContain('the rig is paused; sessions under way end first');
  const mol = await molecule('a');
  await until('its molecule is held', async () =>
    (await call('explain', mol.workflowId)).stdout.includes('**Paused** by Ada'),
  );
  const late = await startTwo('hq-cv-late');
  await until('the late mission waits for a slot', async () =>
    (await call('explain', 'hq-cv-late')).stdout.includes('waits for a slot of server'),
  );
  await go('a');
  const stateOf = async (id: string) =>
    (await mol.query<readonly Step[]>('steps')).find((step) => step.id === id)?.state.kind;
  await until('the session under way ends, and counts', async () => (await stateOf('one')) === 'closed');
  expect(await stateOf('two')).toBe('ready');
  const listed = await until('the rig is found as paused', async () => {
    for await (const one of town.client.workflow.list({ query: 'GtRole="witness" AND GtPhase="paused"' })) return one;
    return null;
  });
  expect(listed.workflowId).toBe('server/witness');
  expect(existsSync(join(town.dir, 'hq-cv-late-a.begun'))).toBe(false);
  expect((await call('resume', 'server/witness', '--by', 'Ada')).stdout).toContain('the rig goes on');
  await late.begun('a');
  for (const one of [late, { mission, begun, go }]) {
    await one.go('a');
    await one.begun('b');
    await one.go('b');
    expect(await one.mission.result()).toMatchObject({ landed: 2 });
  }
});

/** As the board of its molecule names it while that is held. */
const polecatOf = async (molecule: string) =>
  /-w (server\/polecats\/\w+) --type explain/.exec((await call('explain', molecule)).stdout)?.[1] ?? '';

/** A mission of two items, each of which waits for a person. */
async function startAsking(id: string) {
  const work = ['a', 'b'].map((item) => ({ id: item, rig: 'server', formula: 'ask' }));
  const mission = await town.startMission(id, { title: 'Ask', work });
  const molecules = await until('two persons are waited for', async () => {
    const found: string[] = [];
    const query = `GtMission="${id}" AND GtRole="molecule" AND GtPhase="waiting"`;
    for await (const { workflowId } of town.client.workflow.list({ query })) found.push(workflowId);
    return found.length === 2 ? found.toSorted() : null;
  });
  const isHeld = async (which: string) =>
    (await town.client.workflow.getHandle(which).query<string>('explain')).includes('**Paused**');
  const heldOf = async () => Promise.all(molecules.map(isHeld));
  const end = async () => {
    for (const one of molecules) await town.client.workflow.getHandle(one).signal('close', { step: 'think' });
    return mission.result();
  };
  return { mission, molecules, heldOf, end };
}

const phasesOf = async (mission: string, phase: string) => {
  const found: string[] = [];
  const query = `GtMission="${mission}" AND GtPhase="${phase}" AND ExecutionStatus="Running"`;
  for await (const { workflowId } of town.client.workflow.list({ query })) found.push(workflowId);
  return found;
};

it('what is held from several sides goes on when all have let go, and each can let go of its own hold only', async () => {
  const { molecules, heldOf, end } = await startAsking('hq-cv-sides');
  const [first = '', second = ''] = molecules;
  await call('pause', first, '--reason', 'do not touch', '--by', 'Ann');
  await call('pause', 'hq-cv-sides', '--reason', 'lunch', '--by', 'Bob');
  await until('both are held', async () => (await heldOf()).every(Boolean));
  expect((await call('resume', second)).stderr).toMatch(
    /^gt: the molecule is held by (server\/polecats\/\w+) \(Bob: lunch\): gt explain \1 says what lets it go on\n$/,
  );
  // Each board names the next one above, up to who was asked.
  const board = async (id: string) => (await call('explain', id)).stdout;
  const above = /`temporal workflow query -w (\S+) --type explain` says what lets it go on/;
  const polecat = above.exec(await board(second))?.[1] ?? '';
  expect(polecat).toMatch(/^server\/polecats\//);
  expect(above.exec(await board(polecat))?.[1]).toBe('hq-cv-sides');
  expect(await board('hq-cv-sides')).toContain('`temporal workflow signal -w hq-cv-sides --name resume');
  expect((await call('resume', 'hq-cv-sides')).code).toBe(0);
  await until('the second goes on', async () => !(await heldOf())[1]);
  expect(await town.client.workflow.getHandle(first).query<string>('explain')).toContain('**Paused** by Ann');
  await call('pause', 'server/witness', '--reason', 'the remote moves', '--by', 'Cleo');
  await call('pause', 'hq-cv-sides', '--reason', 'night', '--by', 'Bob');
  expect((await call('resume', first)).stdout).toMatch(/^the molecule is still held, by server\/polecats/);
  await until('all that work there are found', async () => (await phasesOf('hq-cv-sides', 'paused')).length === 5);
  expect((await call('resume', 'server/witness')).code).toBe(0);
  await until('the mission alone holds it now', async () =>
    (await town.client.workflow.getHandle(second).query<string>('explain')).includes('**Paused** by Bob'),
  );
  expect(await heldOf()).toEqual([true, true]);
  expect((await call('resume', 'hq-cv-sides')).code).toBe(0);
  await until('all go on', async () => (await heldOf()).every((held) => !held));
  expect(await end()).toMatchObject({ landed: 2 });
});

it('what a mission held that was terminated since goes on when its polecat is resumed, and not before', async () => {
  const { mission, molecules, heldOf } = await startAsking('hq-cv-left');
  const [first = '', second = ''] = molecules;
  await call('pause', 'hq-cv-left', '--reason', 'freeze', '--by', 'Bob');
  await until('both are held', async () => (await heldOf()).every(Boolean));
  const [one, other] = [await polecatOf(first), await polecatOf(second)];
  const refused = {
    code: 1,
    stderr: expect.stringContaining('the polecat is held by hq-cv-left (Bob: freeze)') as string,
  };
  expect(await call('resume', one)).toMatchObject(refused);
  await call('pause', other, '--reason', 'lunch', '--by', 'Ann');
  await mission.terminate('a test');
  // One that is started under the same id is another, and holds nothing of it.
  const next = await startAsking('hq-cv-left');
  expect((await call('resume', one)).stdout).toBe(
    'the polecat goes on; hq-cv-left held it (Bob: freeze) and is gone\n',
  );
  await until('the first goes on', async () => !(await heldOf())[0]);
  expect(await heldOf()).toEqual([false, true]);
  expect(await call('resume', one)).toMatchObject({ code: 1, stderr: 'gt: the polecat is not paused\n' });
  // What somebody holds himself is let go by the same word.
  expect((await call('resume', other)).stdout).toContain('the polecat goes on; hq-cv-left held it');
  await until('all go on', async () => (await heldOf()).every((held) => !held));
  for (const molecule of molecules) await town.client.workflow.getHandle(molecule).signal('close', { step: 'think' });
  for (const polecat of [one, other])
    expect(await town.client.workflow.getHandle(polecat).result()).toMatchObject({ outcome: 'landed' });
  expect(await next.end()).toMatchObject({ landed: 2 });
});

it('a witness that begins anew goes on holding its rig, by whom and why those at work there tell', async () => {
  const { molecules, heldOf, end } = await startAsking('hq-cv-renewed');
  await call('pause', 'server/witness', '--reason', 'the remote moves', '--by', 'Cleo');
  await until('all are held', async () => (await heldOf()).every(Boolean));
  const witness = town.client.workflow.getHandle('server/witness');
  await witness.terminate('a test');
  const late = await startTwo('hq-cv-renewed-late');
  await until('who is at work keeps the slot, and the late one waits', async () => {
    const { leases, queue } = await witness.query(slotsQuery);
    return leases.length === 2 && queue.some(({ mission }) => mission === 'hq-cv-renewed-late');
  });
  const board = await witness.query<string>('explain');
  expect(board).toContain('**Paused** by Cleo');
  expect(board).toContain('the remote moves');
  expect(await call('resume', await polecatOf(molecules[0] ?? ''))).toMatchObject({
    code: 1,
    stderr: expect.stringContaining('the polecat is held by server/witness (Cleo: the remote moves)') as string,
  });
  expect((await call('resume', 'server/witness')).stdout).toBe('the rig goes on\n');
  await until('all go on', async () => (await heldOf()).every((held) => !held));
  for (const item of ['a', 'b']) {
    await late.begun(item);
    await late.go(item);
  }
  expect(await late.mission.result()).toMatchObject({ landed: 2 });
  expect(await end()).toMatchObject({ landed: 2 });
});

test('all rigs are held and let go by one command, which tells of those that are so already', async () => {
  expect((await call('resume', '--all')).stderr).toBe('gt: server/witness: the rig is not paused\n');
  expect(await call('pause', '--all', 'server/witness', '--reason', 'x')).toMatchObject({ code: 2 });
  const paused = await call('pause', '--all', '--reason', 'night', '--by', 'Ada');
  expect(paused.stdout).toContain('server/witness: the rig is paused; sessions under way end first');
  expect(await call('pause', '--all', '--reason', 'night')).toMatchObject({
    code: 1,
    stderr: 'gt: server/witness: the rig is paused already, by Ada: night\n',
  });
  expect((await call('resume', '--all')).stdout).toBe('server/witness: the rig goes on\n');
});

it('of a storm of pauses and resumes the last word counts for all below, and all show on whom they wait', async () => {
  const { mission, heldOf, end } = await startAsking('hq-cv-storm');
  const pid = town.raised.workerPid() ?? 0;
  process.kill(pid, 'SIGSTOP');
  const verbs = Array.from({ length: IS_LONG ? 1_200 : 400 }, (_, n) => (n % 2 === 0 ? 'pause' : 'resume'));
  // Many at once, in whatever order they come, and were each passed on to both, more than the server lets one workflow send.
  while (verbs.length > 0) await Promise.all(verbs.splice(0, 50).map((verb) => mission.signal(verb, { by: 'Ada' })));
  process.kill(pid, 'SIGCONT');
  await mission.signal('pause', { by: 'Bob' });
  await until('all are held', async () => (await heldOf()).every(Boolean));
  for (const verb of ['resume', 'pause', 'resume', 'pause', 'resume']) await mission.signal(verb, { by: 'Cleo' });
  await until('all go on', async () => (await heldOf()).every((held) => !held));
  await until('all wait for their persons', async () => (await phasesOf('hq-cv-storm', 'waiting')).length === 5);
  await until('the mission knows for whom', async () => {
    const { items } = await mission.query<Progress>('progress');
    return JSON.stringify(items).split('"for":"person: think"').length === 3;
  });
  expect(await end()).toMatchObject({ landed: 2 });
});
