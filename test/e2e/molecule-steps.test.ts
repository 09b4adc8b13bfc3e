/**
 * Steps that cannot go on at once, on one live town: what opens each kind of gate and who is asked when nothing does; failures that may pass, a check that
 * says no, outputs that do not fit; and what a scope sets up is taken down, whatever becomes of its members.
 */
import { existsSync } from 'node:fs';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { explainQuery } from '../../src/contract/messages.js';
import { TOWN_QUEUE } from '../../src/contract/task-queues.js';
import type { StepGate } from '../../src/town/protomolecule.js';
import { liveMolecule } from '../support/live-molecule.js';
import { liveTown, until } from '../support/live-town.js';
import type { LiveTown } from '../support/live-town.js';
import { proto, step } from '../support/molecules.js';
import { QUICK } from '../support/test-formulas.js';

let town: LiveTown;
let outside: string;
beforeAll(async () => {
  outside = await mkdtemp(join(tmpdir(), 'gt-scope-'));
  town = await liveTown({ rigs: { server: { bare: true } }, formulas: { quick: QUICK } });
});
afterAll(async () => {
  await town.stop();
  await rm(outside, { recursive: true, force: true });
});

const gate = (type: StepGate['type'], awaited: string, timeoutMs: number | null = null): StepGate => ({
  type,
  await: awaited,
  timeoutMs,
});
const behind = (id: string, ...gates: StepGate[]) =>
  step(id, { gates, script: [{ write: `${id}.txt`, text: `${id}\n` }, { close: `${id} is done` }] });
const mail = (subject: string) => ({ id: subject, from: 'ops', to: 'te', subject, body: '' });
const send = (id: string, name: string, input: unknown) =>
  town.temporal('workflow', 'signal', '-w', id, '--name', name, '--input', JSON.stringify(input));

test('steps wait side by side, each for its own: time, a person, a mail, a workflow, a file', async () => {
  await town.client.workflow.start('molecule', {
    taskQueue: TOWN_QUEUE,
    workflowId: 'awaited',
    args: [{ formula: 'quick', vars: { name: 'x' } }],
  });
  const molecule = await liveMolecule(town, 'server', {
    ...proto([
      behind('timed', gate('timer', '', 2_000)),
      behind('approved', gate('human', 'Ada')),
      behind('mailed', gate('mail', 'deployed', 600_000)),
      behind('followed', gate('bead', 'awaited')),
      behind('filed', gate('condition', "file.exists('approved.txt')")),
    ]),
    formula: 'gates',
  });
  await molecule.reach('timed', 'done');
  const metadata = await town.temporal('workflow', 'metadata', '-w', molecule.id, '-o', 'json');
  expect(metadata.output).toContain('the approval of Ada');
  expect(metadata.output).toContain('workflow awaited to complete');
  await until('it shows as waiting', async () => {
    const { output } = await town.temporal('workflow', 'list', '-q', 'GtPhase="waiting" AND GtRole="molecule"');
    return output.includes(molecule.id);
  });
  expect(await molecule.update('close', { step: 'approved' })).toContain('approve opens it, or skip or fail the step');
  expect(await molecule.update('approve', { step: 'approved', by: 'Ada', note: 'go' })).toContain('are open');
  await molecule.reach('filed', 'done');
  await send(molecule.id, 'mail', mail('Deployed to staging'));
  await molecule.reach('mailed', 'done');
  await send('awaited', 'close', { step: 'work' });
  await molecule.reach('followed', 'done');
  await expect(molecule.result()).resolves.toMatchObject({ formula: 'gates' });
  await molecule.polecat.result();
  expect((await town.git('server', 'ls-tree', '--name-only', 'main')).split('\n')).toEqual(
    expect.arrayContaining(['approved.txt', 'filed.txt', 'followed.txt', 'mailed.txt', 'timed.txt']),
  );
});

test('a gate that stays shut escalates as gate_timeout, retry waits anew, approve opens it; an awaited failure asks at once', async () => {
  await town.client.workflow.start('molecule', {
    taskQueue: TOWN_QUEUE,
    workflowId: 'doomed',
    args: [{ formula: 'quick', vars: { name: 'x' } }],
  });
  await send('doomed', 'fail', { step: 'work', reason: 'no use' });
  const molecule = await liveMolecule(town, 'server', {
    ...proto([behind('mailed', gate('mail', 'deployed', 1_500)), behind('followed', gate('bead', 'doomed'))]),
    formula: 'shut',
  });
  const late = await molecule.reach('mailed', 'escalation');
  expect(late.state).toMatchObject({ why: expect.stringMatching(/^gate_timeout: .*deployed/) });
  const failed = await molecule.reach('followed', 'escalation');
  expect(failed.state).toMatchObject({ why: expect.stringContaining('no use') });
  const { output } = await town.temporal('workflow', 'list', '-q', 'GtPhase="escalated"');
  expect(output).toContain(molecule.id);
  await molecule.update('retry', { step: 'mailed' });
  await molecule.reach('mailed', 'gate');
  await molecule.reach('mailed', 'escalation');
  await molecule.update('approve', { step: 'mailed', by: 'Ada' });
  await molecule.update('skip', { step: 'followed' });
  const { steps } = await molecule.result();
  expect(steps.map((one) => [one.id, one.outcome])).toEqual([
    ['mailed', 'done'],
    ['followed', 'skipped'],
  ]);
});

test('what GitHub should open and nobody here can ask about escalates with a sentence that says so', async () => {
  const molecule = await liveMolecule(town, 'server', {
    ...proto([behind('run', gate('gh:run', '42')), behind('pr', gate('gh:pr', '7'))]),
    formula: 'github',
  });
  const run = await molecule.reach('run', 'escalation');
  expect(JSON.stringify(run.state)).toMatch(/the GitHub run 42: .*(gh|GitHub)/);
  await molecule.reach('pr', 'escalation');
  for (const id of ['run', 'pr']) await molecule.update('approve', { step: id, by: 'Ada' });
  await expect(molecule.result()).resolves.toMatchObject({ steps: [{ outcome: 'done' }, { outcome: 'done' }] });
});

test('a failure that may pass is tried again and in the end given up softly: the steps behind it go on', async () => {
  const molecule = await liveMolecule(town, 'server', {
    ...proto([
      step('shaky', {
        retry: { max: 3, exhausted: 'soft' },
        script: [{ run: 'echo try >> tries.txt' }, { fail: 'the network is away', transient: true }],
      }),
      step('on', {
        needs: ['shaky'],
        script: [{ write: 'on.txt', text: '{{steps.shaky.summary}}\n' }, { close: 'went on' }],
      }),
    ]),
    formula: 'shaky',
  });
  const { steps, sessions } = await molecule.result();
  expect(steps).toMatchObject([
    { id: 'shaky', outcome: 'soft-failed', summary: 'failed 3 times; the last time: the network is away' },
    { id: 'on', outcome: 'done' },
  ]);
  expect(sessions).toBe(4);
});

test('a failure that will not pass asks at once, and so does the last of hard retries', async () => {
  const molecule = await liveMolecule(town, 'server', {
    ...proto([
      step('hard', { retry: { max: 2, exhausted: 'hard' }, script: [{ fail: 'away', transient: true }] }),
      step('wrong', { needs: ['hard'], retry: { max: 9, exhausted: 'soft' }, script: [{ fail: 'impossible' }] }),
    ]),
    formula: 'hard',
  });
  const hard = await molecule.reach('hard', 'escalation');
  expect(hard).toMatchObject({ sessions: 2, state: { why: 'failed 2 times; the last time: away' } });
  await molecule.update('skip', { step: 'hard' });
  const wrong = await molecule.reach('wrong', 'escalation');
  expect(wrong).toMatchObject({ sessions: 1, state: { why: 'impossible' } });
  await molecule.update('skip', { step: 'wrong' });
  await molecule.result();
});

const check = (least: number, max: number) => ({
  command: `test $(grep -c try checked.txt) -ge ${least} || { echo too few; exit 1; }`,
  timeoutMs: 20_000,
  max,
});

test('a check that says no has the step worked again before anything is pushed, bounded', async () => {
  const tries = [{ run: 'echo try >> checked.txt' }, { close: 'tried' }];
  const molecule = await liveMolecule(town, 'server', {
    ...proto([
      step('passes', { check: check(3, 4), script: tries }),
      step('never', { check: check(99, 2), script: tries, needs: ['passes'] }),
    ]),
    formula: 'checked',
  });
  const never = await molecule.reach('never', 'escalation');
  expect(never).toMatchObject({ sessions: 2, state: { why: expect.stringContaining('too few') } });
  expect(await molecule.reach('passes', 'done')).toMatchObject({ sessions: 3 });
  expect(await molecule.update('close', { step: 'never' })).toContain('too few');
  await molecule.update('skip', { step: 'never' });
  await molecule.result();
});

test('an output that does not fit is refused with the reason, whoever sends it', async () => {
  const output = { type: 'object', properties: { count: { type: 'integer' } }, required: ['count'] };
  const molecule = await liveMolecule(town, 'server', {
    ...proto([step('count', { output, script: [{ close: 'counted', output: { count: 'many' } }] })]),
    formula: 'typed',
  });
  const asked = await molecule.reach('count', 'escalation');
  expect(asked.state).toMatchObject({ why: expect.stringContaining('output.count must be') });
  expect(await molecule.update('close', { step: 'count', output: { count: 1.5 } })).toContain('cannot be closed so');
  expect(await molecule.update('close', { step: 'count', output: { count: 3 } })).toContain('that was the last step');
  await expect(molecule.result()).resolves.toMatchObject({ steps: [{ output: { count: 3 } }] });
});

const member = { of: 'scope', role: 'member' } as const;
const run = (id: string, command: string) => step(id, { kind: 'run', script: null, run: command });

test('a member fails: the other members are skipped, the teardown runs, and the molecule fails for the first reason', async () => {
  const down = join(outside, 'down-failed');
  const molecule = await liveMolecule(town, 'server', {
    ...proto([
      { ...run('up', 'echo up > up.txt'), scope: member },
      step('decide', { kind: 'human', script: null, needs: ['up'], scope: member }),
      { ...run('use', 'echo use > use.txt'), needs: ['decide'], scope: member },
      { ...run('down', `touch ${down}`), needs: ['use'], scope: { of: 'scope', role: 'teardown' } },
      { ...run('after', 'echo after > after.txt'), needs: ['down'] },
    ]),
    formula: 'scoped',
  });
  await molecule.reach('decide', 'human');
  expect(existsSync(down)).toBe(false);
  await molecule.update('fail', { step: 'decide', reason: 'not like this', by: 'Ada' });
  const why = await molecule.result().catch((error: unknown) => JSON.stringify(error, ['cause', 'message', 'details']));
  expect(why).toContain('step \\"decide\\" failed: not like this');
  expect(existsSync(down)).toBe(true);
  const { output } = await town.temporal('workflow', 'query', '-w', molecule.id, '--type', 'explain');
  expect(output).toContain('skipped by the molecule');
});

test('the molecule is cancelled in the middle: what was begun is taken down before it ends', async () => {
  const down = join(outside, 'down-cancelled');
  const up = join(outside, 'up-cancelled');
  const molecule = await liveMolecule(town, 'server', {
    ...proto([
      { ...run('up', `touch ${up}`), scope: member },
      { ...run('use', 'sleep 300'), needs: ['up'], scope: member },
      { ...run('down', `rm ${up} && touch ${down}`), needs: ['use'], scope: { of: 'scope', role: 'teardown' } },
    ]),
    formula: 'cut',
  });
  await molecule.reach('use', 'active');
  expect(existsSync(up)).toBe(true);
  await molecule.polecat.cancel();
  await until('the molecule is cancelled', async () => (await molecule.handle.describe()).status.name === 'CANCELLED');
  expect([existsSync(up), existsSync(down)]).toEqual([false, true]);
  await molecule.polecat.result().catch(() => undefined);
});

test('while a cancelled molecule takes down what was set up it asks nobody, and takes nothing', async () => {
  const may = join(outside, 'may-end');
  const molecule = await liveMolecule(town, 'server', {
    ...proto([
      { ...run('up', 'true'), scope: member },
      step('decide', { kind: 'human', script: null, needs: ['up'], scope: member }),
      { ...run('down', `until test -e ${may}; do sleep 0.1; done`), scope: { of: 'scope', role: 'teardown' } },
    ]),
    formula: 'taken-down',
  });
  await molecule.reach('decide', 'human');
  await molecule.handle.cancel();
  await molecule.reach('down', 'active');
  for (const [name, content] of [
    ['close', { step: 'decide' }],
    ['pause', {}],
  ] as const)
    await expect(molecule.handle.executeUpdate(name, { args: [content] })).rejects.toMatchObject({
      cause: { message: expect.stringContaining('the molecule was cancelled') },
    });
  const board = await molecule.handle.query(explainQuery);
  expect(board).toContain(
    'It was cancelled, and what was set up is taken down before it ends. Session 1 works on `down`',
  );
  expect(board).not.toContain('--name close');
  await writeFile(may, '');
  await until('the molecule is cancelled', async () => (await molecule.handle.describe()).status.name === 'CANCELLED');
  await molecule.polecat.result().catch(() => undefined);
});
