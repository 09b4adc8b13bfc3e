/** Missions and molecules that people hold, and let go on. */
import { existsSync } from 'node:fs';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import type { Progress } from '../../src/contract/mission.js';
import type { Step } from '../../src/town/molecule-state.js';
import { gt } from '../support/gt.js';
import { liveTown, until } from '../support/live-town.js';
import type { LiveTown } from '../support/live-town.js';

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
  town = await liveTown({ rigs: { server: {} }, formulas: { two: TWO } });
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
  expect((await call('explain', 'hq-cv-held')).stdout).toContain('`b` b · waits for a');
  expect(await stateOf('two')).toBe('ready');
  expect((await call('resume', 'hq-cv-held')).stdout).toBe('the mission goes on\n');
  await go('b');
  expect(await mission.result()).toMatchObject({ landed: 2 });
  expect(await call('resume', 'hq-cv-held')).toMatchObject({ code: 1 });
});

test('a molecule alone is held by a signal, and told when it is not', async () => {
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

test('a paused rig holds who is at work there and gives no slot', async () => {
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
