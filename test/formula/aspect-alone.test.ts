/** An aspect that no formula uses yet: what is wrong with its advice is told all the same. */
import { expect, test } from 'vitest';
import { lintFormula } from '../../src/formula/lint.js';
import { printProblem } from '../../src/formula/problem.js';
import { problemsAmong, step } from '../support/formula.js';

const aspect = (more: string, target = '*') =>
  `type = "aspect"\n[vars]\nlevel = "high"\n[[advice]]\ntarget = "${target}"\n[[advice.before]]\nid = "{step.id}-look"\n${more}\n`;

const lint = (body: string) => {
  const file = { file: 'x.toml', text: `formula = "x"\n${body}` };
  const { ok, problems, warnings } = lintFormula({
    name: 'x',
    names: ['x'],
    load: (name) => (name === 'x' ? file : null),
  });
  return { ok, told: [...problems, ...warnings].map(printProblem) };
};

test.each([
  ['condition = "what"', /^x\.toml:9:1 · step "\{step\.id\}-look": "what" is no condition/],
  ['gate = { type = "timer", timeout = "soon" }', /^x\.toml:9:26 · .* the timeout "soon" is no duration/],
  ['gate = { type = "condition", await = "b.status == doone" }', /^x\.toml:9:1 · .* unknown status doone/],
  ['needs = ["{step.id}"]', /^x\.toml:7:1 · .* the needs go in a circle: /],
  ['notes = "{{steps.{step.id}.output}}"', /^x\.toml:9:1 · .* which need not be over before/],
  ['expand = "nobody"', /^x\.toml:9:1 · .* there is no formula "nobody"/],
  [
    'loop = { range = "1..{m}", body = [{ id = "b", title = "B" }] }',
    /^x\.toml:9:10 · .* the range "1\.\.\{m\}" has \{m\}/,
  ],
])('%j in advice is refused, with its place', (more, message) => {
  for (const target of ['*', 'build'])
    expect(lint(aspect(more, target))).toEqual({ ok: false, told: [expect.stringMatching(message)] });
  const x = `${step('build')}[compose]\naspects = ["y"]\n`;
  expect(problemsAmong({ x, y: aspect(more) })).toHaveLength(1);
});

test('what the advice names of a formula that is not there is not judged', () => {
  const outside = [
    'needs = ["build"]',
    'title = "{{env}} {{level}} {level}"',
    'condition = "{{env}} == prod"',
    'notes = "{{steps.build.output.version}}"',
    'metadata = { gc.scope_ref = "work" }',
    'gate = { type = "condition", await = "children(build).all(status == complete)" }',
  ];
  expect(lint(aspect(outside.join('\n')))).toEqual({ ok: true, told: [] });
  const after = (more: string) => aspect(more).replace('advice.before', 'advice.after');
  const children = 'gate = { type = "condition", await = "children({step.id}).any(status == complete)" }';
  expect(lint(after(`${children}\nwaits_for = "children-of({step.id})"`))).toEqual({ ok: true, told: [] });
  expect(lint(after('gate = { type = "condition", await = "steps.complete >= 5" }'))).toEqual({ ok: true, told: [] });
});

test('advice without a target needs a pointcut', () => {
  const nowhere = aspect('').replace('target = "*"\n', '');
  expect(lint(nowhere)).toEqual({ ok: false, told: [expect.stringContaining('the advice has no target')] });
  expect(lint(`${nowhere}[[pointcuts]]\nlabel = "risky"\n`)).toEqual({ ok: true, told: [] });
});
