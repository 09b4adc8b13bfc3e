/**
 * A loop until a person is content, whose word is a typed output; conditions and a fan-out over outputs. Histories are made to end early,
 * so that all of it is carried from run to run.
 */
import { afterAll, beforeAll, expect, test } from 'vitest';
import type { ProtoStep } from '../../src/town/protomolecule.js';
import { liveMolecule } from '../support/live-molecule.js';
import { count, liveTown } from '../support/live-town.js';
import type { LiveTown } from '../support/live-town.js';
import { loop, proto, step } from '../support/molecules.js';

let town: LiveTown;
beforeAll(async () => {
  town = await liveTown({
    rigs: { server: { bare: true } },
    dynamicConfig: ['limit.historyCount.suggestContinueAsNew=15'],
  });
});
afterAll(() => town.stop());

const clean = { type: 'object', properties: { clean: { type: 'boolean' } }, required: ['clean'] };
const when = (against: string): ProtoStep['condition'] => ({
  text: `clean is ${against}`,
  value: '{{steps.lp.iter1.look.output.clean}}',
  op: 'is',
  against,
});
const file = (path: string, text: string): ProtoStep['script'] => [{ write: path, text }, { close: `wrote ${path}` }];

const STEPS = [
  step('lp.iter1.write', { script: [{ run: 'echo line >> log.txt' }, { close: 'wrote a line' }] }),
  step('lp.iter1.look', { kind: 'human', script: null, needs: ['lp.iter1.write'], output: clean }),
  step('survey', {
    needs: ['lp.iter1.look'],
    script: [{ close: 'found two', output: { bugs: [{ name: 'a' }, { name: "it's $HOME" }] } }],
    acceptance: { command: 'true' },
    fanOut: {
      bond: 'mend',
      forEach: 'output.bugs',
      sequential: false,
      checks: [],
      steps: [
        step('survey.item.{n}', {
          kind: 'run',
          script: null,
          title: 'Mend {n}',
          run: 'echo {item.name} > bug-{n}.txt',
        }),
      ],
    },
  }),
  step('praise', {
    needs: ['survey'],
    condition: when('true'),
    script: file('praise.txt', 'clean: {{steps.lp.iter1.look.output.clean}}\n'),
  }),
  step('blame', { needs: ['survey'], condition: when('false'), script: file('blame.txt', 'no\n') }),
];

test('the loop goes round until the output says so, and what comes after it reads the last iteration', async () => {
  const loops = [loop('lp', ['lp.iter1.write', 'lp.iter1.look'], { max: 5, until: 'look.output.clean == true' })];
  const molecule = await liveMolecule(town, 'server', { ...proto(STEPS, loops), formula: 'rounds' });
  await molecule.reach('lp.iter1.look', 'human');
  const wrong = await molecule.update('close', { step: 'lp.iter1.look', output: { clean: 'almost' } });
  expect(wrong).toContain('step "lp.iter1.look" cannot be closed so: output.clean must be a boolean');
  expect(wrong).toContain('; waiting for an answer: lp.iter1.look');
  expect(await molecule.update('close', { step: 'lp.iter1.look' })).toContain('must leave an output');
  await molecule.update('close', { step: 'lp.iter1.look', output: { clean: false } });
  await molecule.reach('lp.iter2.look', 'human');
  const { output: board } = await town.temporal('workflow', 'query', '-w', molecule.id, '--type', 'explain');
  expect(board).toContain('iteration 2 of 5');
  await molecule.update('close', { step: 'lp.iter2.look', output: { clean: true } });
  const { steps } = await molecule.result();
  expect(Object.fromEntries(steps.map((one) => [one.id, one.outcome]))).toMatchObject({
    lp: 'done',
    'survey.item.1': 'done',
    'survey.item.2': 'done',
    praise: 'done',
    blame: 'skipped',
  });
  await expect(molecule.polecat.result()).resolves.toMatchObject({ outcome: 'landed' });
  expect(await town.git('server', 'show', 'main:log.txt')).toBe('line\nline');
  expect(await town.git('server', 'show', 'main:bug-2.txt')).toBe("it's $HOME");
  expect(await town.git('server', 'show', 'main:praise.txt')).toBe('clean: true');
  expect(count(await town.log('server'), 'Mend 1')).toBe(1);
});

test('a check repeats its group until the script passes, then asks, and one more round may be given', async () => {
  const steps = [
    step('fix', { kind: 'group', script: null }),
    step('fix.try', { parent: 'fix', script: [{ run: 'echo try >> tries.txt' }, { close: 'tried' }] }),
  ];
  const check = { command: 'test $(grep -c try tries.txt) -ge 3', timeoutMs: 20_000 };
  const loops = [loop('fix', ['fix.try'], { max: 2, check })];
  const molecule = await liveMolecule(town, 'server', { ...proto(steps, loops), formula: 'ralph' });
  const asked = await molecule.reach('fix', 'escalation');
  expect(asked.state).toMatchObject({ why: expect.stringContaining('not done after 2 iterations') });
  expect(await molecule.update('retry', { step: 'fix', by: 'Ada', note: 'once more' })).toContain('new');
  const { steps: ended } = await molecule.result();
  expect(ended.find((one) => one.id === 'fix')).toMatchObject({
    outcome: 'done',
    summary: 'done 3 times: its check passes',
  });
});
