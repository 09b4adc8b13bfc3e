/** What was probably meant by the name of a step, a number or a range. */
import { expect, test } from 'vitest';
import { problemsAmong, problemsOf, step } from '../support/formula.js';

const body = (id: string, more = '') => step(id, more, 'steps.loop.body');
const loop = (how: string, inside: string) => `${step('lp')}[steps.loop]\n${how}\n${inside}`;
const asks = (steps: string, more: string) => problemsOf(steps + step('z', more));

test.each(['t', 'lp.t', 'lp.iter4.t'])('the step of a loop that %s means is named as it is called', (name) => {
  const steps = loop('count = 2', body('t'));
  const meant = expect.stringContaining('(did you mean "lp.iter2.t"?)') as string;
  expect(asks(steps, `needs = ["${name}"]`)).toEqual([meant]);
  expect(asks(steps, `description = "{{steps.${name}.output}}"`)).toEqual([meant]);
  expect(asks(steps, `gate = { type = "condition", condition = "${name}.status == complete" }`)).toEqual([meant]);
});

test('a step of the same template is named with its target', () => {
  const use = `type = "expansion"\n${step('{target}.a', '', 'template')}${step('{target}.b', 'needs = ["a"]', 'template')}`;
  const refused = expect.stringMatching(/needs unknown step "a" \(did you mean "\{target\}\.a"\?\)$/) as string;
  expect(problemsAmong({ x: step('s', 'expand = "use"'), use })).toEqual([refused]);
});

test.each(['go', 'lp.item.1.go', 'lp.item.{n}.go'])('%s is added later, and the loop is what can be named', (name) => {
  const steps = step('s') + loop('for_each = "s.output"', body('go'));
  expect(asks(steps, `needs = ["${name}"]`)).toEqual([
    expect.stringMatching(/unknown step .* nothing outside of the loop can name it: name the loop, "lp"\)$/),
  ]);
});

test('the id of what is added cannot hold its entry', () => {
  expect(problemsOf(step('s') + loop('for_each = "s.output"\nvar = "f"', body('go-{f}')))).toEqual([
    'x.toml:14:1 · step "lp.item.{n}.go-{item}": the id "lp.item.{n}.go-{item}" has {item} in it, which is known as the molecule runs ' +
      '(leave it out: the ids of what is added for an entry begin with its number)',
  ]);
});

test.each([
  ['count = "3"', 'count must be a number, not text (write count = 3, without quotes)'],
  ['count = "{{n}}"', 'count must be a number, not text (write range = "1..{{n}}")'],
  ['range = "1..n"', 'the range "1..n" has n in it: a variable is written {{n}}'],
  ['range = "1..{{steps.s.output.n}}"', '(go round over a list of the output, with for_each, or use until)'],
])('%s', (how, message) => {
  expect(
    problemsOf(`[vars]\nn = "3"\n${step('s')}${loop(how, body('t', 'title = "{{n}}"').replace('title = "T"\n', ''))}`),
  ).toEqual([expect.stringContaining(message)]);
});
