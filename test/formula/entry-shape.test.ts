/** What texts of a fan-out ask of an entry must be in the shape that is declared for it. */
import { expect, test } from 'vitest';
import { problemsAmong, problemsOf, step } from '../support/formula.js';

const survey = (shape: string) => step('s', `output = { items = ${shape} }`);
const each = (more: string) =>
  `${step('each')}[steps.loop]\nfor_each = "s.output.items"\nvar = "w"\n${step('go', more, 'steps.loop.body')}`;
const NAMED = '[{ name = "string", ok = "boolean", more = { deep = "any" } }]';

const inner = (name: string) =>
  survey('["string"]') +
  each(
    `[steps.loop.body.loop]\nfor_each = ["a"]\nvar = "${name}"\n${step('in', 'description = "{w.x}"', 'steps.loop.body.loop.body')}`,
  );
const fan = (value: string) =>
  `[steps.on_complete]\nfor_each = "output.items"\nbond = "use"\nvars = { who = "${value}" }\n`;

test('a part of an entry that is not declared is refused in every text of the body', () => {
  const more = 'description = "{w.nmae} {w.name}"\nrun = "{w.more.deep.er} {w}"\ncondition = "{w.okay}"';
  const gate = 'gate = { type = "mail", await = "{w.name.first}" }';
  expect(problemsOf(survey(NAMED) + each(`${more}\n${gate}`))).toEqual([
    'x.toml:16:16 · step "go": an entry of output.items declares no nmae: {w.nmae} (did you mean "w.name"?)',
    'x.toml:18:14 · step "go": an entry of output.items declares no okay: {w.okay} (did you mean "w.ok"?)',
    expect.stringMatching(/^x\.toml:19:\d+ · step "go": an entry of output\.items declares no name\.first/),
  ]);
});

test('so it is in a loop within the body, but where that has a variable of the name', () => {
  expect(problemsOf(inner('k'))).toEqual([expect.stringContaining('declares no x: {w.x} (there is {w})')]);
  expect(problemsOf(inner('w'))).toEqual([]);
});

test('and in the values for a formula that is bonded', () => {
  const use = `type = "expansion"\n[vars.who]\n${step('{target}.a', 'description = "{who}"', 'template')}`;
  expect(problemsAmong({ x: survey(NAMED) + fan('{item.nmae}'), use })).toEqual([
    'x.toml:9:17 · step "s": an entry of output.items declares no nmae: {item.nmae} (did you mean "item.name"?)',
  ]);
  expect(problemsAmong({ x: survey(NAMED) + fan('{item.more.deep.er} {index}'), use })).toEqual([]);
});

test.each([
  ['{w.ok} == maybe', 'ok of an entry of output.items cannot be "maybe" (it is true or false)'],
  ['{w.ok} != "yes"', 'ok of an entry of output.items cannot be "yes" (it is true or false)'],
  ['{w.more} == x', 'more of an entry of output.items cannot be "x" (it is a table)'],
  ['{w} == x', 'an entry of output.items cannot be "x" (it is a table)'],
])('what a part of an entry is compared with must be possible for it: %s', (condition, problem) => {
  expect(problemsOf(survey(NAMED) + each(`condition = '${condition}'`))).toEqual([expect.stringContaining(problem)]);
});

test.each(['{w.ok} == true', '{w.ok} == {{v}}', '{w.more.deep} == x', '{w.name} != a', '!{w.ok}', '{w.ok} == ""'])(
  'nothing is said of %s',
  (condition) => {
    const x = `[vars]\nv = "maybe"\n${survey(NAMED)}${each(`condition = '${condition}'`)}`;
    expect(problemsOf(x)).toEqual([]);
  },
);

test('nothing is said where no shape is declared', () => {
  expect(problemsOf(step('s') + each('description = "{w.x}"'))).toEqual([]);
  expect(problemsOf(survey('["any"]') + each('description = "{w.x}"'))).toEqual([]);
});
