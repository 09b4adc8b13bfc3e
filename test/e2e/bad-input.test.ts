/** Bad input fails at once, in words, before anything was created. */
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { until, liveTown } from '../support/live-town.js';
import type { LiveTown } from '../support/live-town.js';
import { some } from '../support/sample.js';
import { QUICK } from '../support/test-formulas.js';

let town: LiveTown;
beforeAll(async () => {
  town = await liveTown({
    rigs: { server: { bare: true } },
    formulas: { quick: QUICK, garbled: 'this is = = not TOML' },
  });
});
afterAll(() => town.stop());

let count = 0;
async function failureOf(input: unknown, type = 'mission', more: readonly string[] = []): Promise<string> {
  count += 1;
  const id = `bad-${count}`;
  const args = ['--task-queue', 'gastown', '--type', type, '--workflow-id', id, '--input', JSON.stringify(input)];
  const { code, output } = await town.temporal('workflow', 'execute', ...args, ...more);
  expect(code, output).not.toBe(0);
  expect((await town.client.workflow.getHandle(id).describe()).status.name).toBe('FAILED');
  return output.replaceAll(/\s+/g, ' ');
}
const item = (more: object) => ({ id: 'a', rig: 'server', formula: 'quick', vars: { name: 'x' }, ...more });

test.each([
  ['an unknown formula offers the nearest name', { work: [item({ formula: 'quik' })] }, 'did you mean "quick"?'],
  [
    'a missing variable',
    { work: [item({ vars: {} })] },
    'work[0] (a).vars: the variable "name" has no value and no default (it is: name of the file)',
  ],
  [
    'an unknown variable',
    { work: [item({ vars: { name: 'x', nmae: 'y' } })] },
    'work[0] (a).vars: the formula has no variable "nmae" (did you mean "name"?)',
  ],
  [
    'an unknown rig offers the nearest',
    { work: [item({ rig: 'sever' })] },
    'there is no rig "sever"; did you mean "server"?',
  ],
  [
    'a cycle between items',
    { work: [item({ needs: ['b'] }), item({ id: 'b', needs: ['a'] })] },
    'these items need each other: a → b → a',
  ],
  ['empty work', { work: [] }, 'work: at least 1 entry is expected'],
  ['no work', { title: 'x' }, 'work: it is missing; a list is expected'],
  ['a formula file that is not TOML', { work: [item({ formula: 'garbled' })] }, 'not TOML'],
  ['two items of one id', { work: [item({}), item({})] }, '"a" is taken by work[0]'],
  ['an unknown need', { work: [item({ needs: ['c'] })] }, 'there is no item "c"'],
  [
    'a list for the value of a variable',
    { work: [item({ vars: { name: ['x'] } })] },
    'work[0].vars.name: a text, a number or true or false is expected, and this is ["x"]',
  ],
  [
    'a rig by a name that is too long to search by',
    { work: [item({ rig: 'r'.repeat(3_000) })] },
    'there is no rig "rrr',
  ],
  ['an unknown key', { work: [item({ prioritty: 1 })] }, 'work[0]: "prioritty" is no key here'],
])('%s', async (_, input, message) => {
  expect(await failureOf(input)).toContain(message);
});

test('every problem of a mission is told at once', async () => {
  const message = await failureOf({ work: [item({ rig: 'sever', formula: 'quik' }), item({ id: 'b', needs: ['c'] })] });
  expect(message).toContain('there is no rig "sever"');
  expect(message).toContain('did you mean "quick"');
  expect(message).toContain('there is no item "c"');
});

test('a molecule of nothing', async () => {
  expect(await failureOf({}, 'molecule')).toContain('formula: it is missing; a text is expected');
});

test('a molecule of a formula whose name is too long to search by', async () => {
  expect(await failureOf({ formula: 'f'.repeat(3_000) }, 'molecule')).toContain('no formula can have this name');
});

test('a formula type that does not exist', async () => {
  expect(await failureOf({ rig: 'server', name: 'x' }, 'quikc')).toContain('quick');
});

test.each(some('names that every object has', Object.getOwnPropertyNames(Object.prototype), 3))(
  'a type by the name of %s is no formula either',
  async (type) => {
    expect(await failureOf({ rig: 'server', name: 'x' }, type)).toMatch(/formula/);
  },
);

test('whoever starts a formula by its name is answered in terms of what was written', async () => {
  const missing = await failureOf({ rig: 'server', nmae: 'x' }, 'quick');
  expect(missing).toContain('the variable "name" has no value and no default');
  expect(missing).toContain('did you mean "name"?');
  expect(missing + (await failureOf({ rig: 'sever', name: 'x' }, 'quick'))).not.toMatch(/work\[|formula\.toml/);
});

test('a refused mission is found like any that failed', async () => {
  await failureOf({ work: [] });
  const listed = await until('it is listed', async () => {
    for await (const one of town.client.workflow.list({ query: 'GtRole="mission" AND GtPhase="failed"' })) return one;
    return null;
  });
  expect(listed.type).toBe('mission');
});

test.each([
  ['molecule', {}, 'formula: it is missing', ''],
  ['molecule', { formula: 'quik' }, 'did you mean "quick"', ' AND GtFormula="quik"'],
  ['polecat', {}, 'start a mission instead', ''],
  ['witness', {}, 'rig: it is missing', ''],
  ['refinery', {}, 'rig: it is missing', ''],
  ['mission', { work: [] }, 'work: at least 1 entry is expected', ' AND GtMission="{id}"'],
])('a refused %s of %j is found like any that failed, and explains itself', async (type, input, why, more) => {
  await failureOf(input, type);
  const id = `bad-${count}`;
  const query = `WorkflowId="${id}" AND GtRole="${type}" AND GtPhase="failed"${more.replace('{id}', id)}`;
  await until('it is listed', async () => {
    for await (const one of town.client.workflow.list({ query })) return one;
    return null;
  });
  const told = await town.client.workflow.getHandle(id).query<string>('explain');
  expect(told).toMatch(/^It was refused, and did nothing: /);
  expect(told).toContain(why);
});

test('a mission may not take the address of a role', async () => {
  const args = [
    '--task-queue',
    'gastown',
    '--type',
    'mission',
    '--workflow-id',
    // Of no rig here: a role that is there already would be waited for.
    'elsewhere/refinery',
    '--input',
    JSON.stringify({ work: [item({})] }),
  ];
  const { output } = await town.temporal('workflow', 'execute', ...args);
  expect(output.replaceAll(/\s+/g, ' ')).toContain('is the address of a role');
});

test('a molecule may not take it either', async () => {
  const args = ['--task-queue', 'gastown', '--type', 'molecule', '--workflow-id', 'elsewhere/witness', '--input'];
  const { output } = await town.temporal('workflow', 'execute', ...args, '{"formula": "quick", "vars": {"name": "x"}}');
  expect(output.replaceAll(/\s+/g, ' ')).toContain('is the address of a role');
});

test.each([
  ['mission', { work: [item({})] }],
  ['quick', { rig: 'server', name: 'x' }],
  ['molecule', { formula: 'quick', vars: { name: 'x' } }],
  ['witness', {}],
  ['refinery', {}],
])('a second input of a %s is refused, whatever it holds', async (type, input) => {
  expect(await failureOf(input, type, ['--input', '{}'])).toContain('a second one was given');
  expect(await failureOf(input, type, ['--input', 'null'])).toContain('a second one was given');
});

test('malformed JSON is refused by the Temporal CLI itself', async () => {
  const { code, output } = await town.temporal(
    'workflow',
    'start',
    '--task-queue',
    'gastown',
    '--type',
    'mission',
    '--input',
    '{"work": [',
  );
  expect(code).not.toBe(0);
  expect(output).toContain('JSON');
});

test.each(['mission', 'molecule', 'quick', 'polecat'])(
  'a payload of %s that is not JSON fails the workflow and not its task for ever',
  async (name) => {
    const { connection } = town.client;
    const garbled = { metadata: { encoding: Buffer.from('json/plain') }, data: Buffer.from('{"work": [') };
    const workflowId = `raw-${name}`;
    await connection.workflowService.startWorkflowExecution({
      namespace: 'default',
      workflowId,
      requestId: workflowId,
      workflowType: { name },
      taskQueue: { name: 'gastown' },
      input: { payloads: [garbled] },
    });
    const handle = town.client.workflow.getHandle(workflowId);
    await until('it has failed', async () => (await handle.describe()).status.name === 'FAILED', 20);
    const error = await handle.result().catch((failure: Error) => failure.cause);
    expect(String(error)).toContain('the payload cannot be decoded');
  },
);

test('an undecodable signal is refused, not fatal', async () => {
  const handle = await town.startMission('deaf', { work: [item({ vars: { name: 'deaf' } })] });
  await town.client.connection.workflowService.signalWorkflowExecution({
    namespace: 'default',
    workflowExecution: { workflowId: 'deaf' },
    signalName: 'skip',
    requestId: 'deaf',
    input: { payloads: [{ metadata: { encoding: Buffer.from('who/knows') }, data: Buffer.from([1, 2, 3]) }] },
  });
  await expect(handle.result()).resolves.toMatchObject({ landed: 1 });
});

test('a town.toml that no longer reads fails new missions in words', async () => {
  await writeFile(join(town.dir, 'town.toml'), '[rigs.server]\nurl = 3\n');
  expect(await failureOf({ work: [item({})] })).toContain('town.toml:2');
});

test('nothing was created by any of them', async () => {
  const ids: string[] = [];
  for await (const one of town.client.workflow.list()) ids.push(one.workflowId);
  // Who looks after the town comes by itself.
  const made = ids.filter((id) => !/^(bad-\d+|raw-.*|deaf|elsewhere\/.*|boot-.*|deacon)$/.test(id));
  // One mission was right: it had one polecat with one molecule, and the two roles of its rig.
  expect([...new Set(made)].filter((id) => !id.startsWith('se-')).toSorted()).toEqual([
    'server/polecats/Toast',
    'server/refinery',
    'server/witness',
  ]);
  expect(made.filter((id) => id.startsWith('se-'))).toHaveLength(1);
  expect((await town.git('server', 'branch', '--format=%(refname:short)')).split('\n')).toEqual(['main']);
  expect(await town.log('server')).toHaveLength(2); // the first commit, and the one mission that was right
});
