/** Steps that do not succeed at once: failures that may pass, a check that says no, outputs that do not fit. */
import { afterAll, beforeAll, expect, test } from 'vitest';
import { liveMolecule } from '../support/live-molecule.js';
import { liveTown } from '../support/live-town.js';
import type { LiveTown } from '../support/live-town.js';
import { proto, step } from '../support/molecules.js';

let town: LiveTown;
beforeAll(async () => {
  town = await liveTown({ rigs: { server: { bare: true } } });
});
afterAll(() => town.stop());

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
