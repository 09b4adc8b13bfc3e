/** Each kind of gate on a live town: what opens it, and who is asked when nothing does. */
import { afterAll, beforeAll, expect, test } from 'vitest';
import { TOWN_QUEUE } from '../../src/contract/task-queues.js';
import type { StepGate } from '../../src/town/protomolecule.js';
import { liveMolecule } from '../support/live-molecule.js';
import { liveTown, until } from '../support/live-town.js';
import type { LiveTown } from '../support/live-town.js';
import { proto, step } from '../support/molecules.js';
import { QUICK } from '../support/test-formulas.js';

let town: LiveTown;
beforeAll(async () => {
  town = await liveTown({ rigs: { server: { bare: true } }, formulas: { quick: QUICK } });
});
afterAll(() => town.stop());

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
