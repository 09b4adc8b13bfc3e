/** Conditions of steps on what stands around them: the variable of a loop, of a template, of an advice. */
import { expect, test } from 'vitest';
import { fanOutSteps } from '../../src/town/molecule-fan-out.js';
import { cooked, cookedAmong, problemsOf, step } from '../support/formula.js';

const body = (condition: string) => step('c', `condition = "${condition}"`, 'steps.loop.body');
const loop = (how: string, condition: string, more = '') =>
  `${step('l', more)}[steps.loop]\nvar = "i"\n${how}\n${body(condition)}`;
const asked = (text: string) =>
  cooked(text).steps.map(({ condition }) => [condition?.value, condition?.op, condition?.against]);

test('the variable of a loop that is unrolled is known in a condition', () => {
  expect(asked(loop('count = 2', '{i} == 1'))).toEqual([
    ['1', 'is', '1'],
    ['2', 'is', '1'],
  ]);
  expect(asked(loop('range = "0..1"', '{i}'))).toEqual([
    ['0', 'truthy', ''],
    ['1', 'truthy', ''],
  ]);
  expect(asked(loop('for_each = ["a", ""]', '!{i}'))).toEqual([
    ['a', 'falsy', ''],
    ['', 'falsy', ''],
  ]);
});

test('an entry of an output is known when the step is added', () => {
  const text = step('s') + loop('for_each = "s.output.l"', '{i.kind} != doc');
  const [survey] = cooked(text).steps;
  if (survey?.fanOut === undefined) throw new Error('the step does not fan out');
  const output = { l: [{ kind: 'doc' }, { kind: 'code' }] };
  expect(fanOutSteps(survey, survey.fanOut, output, { rules: '0.6' }).map(({ condition }) => condition?.value)).toEqual(
    ['doc', 'code'],
  );
});

test('so are the variables of a template and of an advice', () => {
  const ex = `type = "expansion"\n[vars]\nv = ""\n${step('{target}.a', 'condition = "{v} == Q"', 'template')}`;
  const x = step('s', 'expand = "ex"\nexpand_vars = { v = "Q" }');
  expect(cookedAmong({ x, ex }).steps[0]?.condition).toMatchObject({ value: 'Q', op: 'is', against: 'Q' });
  const advice = `[[advice]]\ntarget = "*"\nbefore = { id = "{step.id}-b", condition = "{step.id} == s" }\n`;
  expect(asked(step('s') + advice)[0]).toEqual(['s', 'is', 's']);
});

test('of a condition on the loop and one in it the one that is known is decided', () => {
  const text = loop('count = 2', '{i} == 1', 'condition = "{{steps.s.output.ok}}"\nneeds = ["s"]');
  expect(asked(step('s') + text)).toEqual([
    [undefined, undefined, undefined],
    ['{{steps.s.output.ok}}', 'truthy', ''],
    ['2', 'is', '1'],
  ]);
  const entries = loop('for_each = "s.output.l"', '{i} == 1', 'condition = "{i.ok} == true"');
  expect(problemsOf(step('s') + entries)).toEqual([expect.stringContaining('neither is known before it runs')]);
});

test.each([
  ['', '{j} == 1', 'the condition asks for {j}, and there is no j around the step (around it there is i)'],
  ['', '{{i}} == 1', 'asks for {{i}}, and i is no variable of the formula (write {i} for the one around the step)'],
  ['[vars]\nq = ""\n', '{{i}} == 1', 'asks for {{i}}, and i is no variable of the formula (write {i} for the one'],
  ['[vars]\nq = ""\n', '{q} == 1', 'there is no q around the step (write {{q}} for the variable of the formula)'],
])('%j: the condition %j in a loop is refused', (vars, condition, message) => {
  expect(problemsOf(vars + loop('count = 2', condition))).toEqual([expect.stringContaining(message)]);
});

test('outside of a loop there is nothing in single braces', () => {
  expect(problemsOf(step('a', 'condition = "{i} == 1"'))).toEqual([
    'x.toml:5:1 · step "a": the condition asks for {i}, and there is no i around the step (nothing around the step has a variable)',
  ]);
});

test('a loop that ends at run time has no variable: it would be 1 each time', () => {
  expect(problemsOf(loop('until = "output.ok == true"\nmax = 3', '{i} == 1'))).toEqual([
    expect.stringMatching(/^x\.toml:7:1 · step "l": a loop with until has no var: its texts are the same each time/),
  ]);
});
