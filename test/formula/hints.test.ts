/** What was probably meant by the name of a step, a number or a range. */
import { expect, test } from 'vitest';
import { cooked, problemsAmong, problemsOf, step } from '../support/formula.js';

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

test.each([
  [
    `${step('a', 'condition = "{{steps.b.output.ok}}"')}${step('b', 'needs = ["a"]')}`,
    'which need not be over before, since it comes after this step',
  ],
  [step('a', 'gate = { type = "timer", timeout = 30 }'), '(write timeout = "30s", or m, h, d)'],
  [
    `${step('l')}[steps.loop]\nrange = "1..9007199254740993-9007199254740990"\n${step('x', '', 'steps.loop.body')}`,
    'has 9007199254740993 in it, which is too large to count with',
  ],
])('what is wrong is said, and no way that leads nowhere: %s', (text, said) => {
  expect(problemsOf(text)[0]).toContain(said);
  expect(problemsOf(text)[0]).not.toContain('write needs');
});

test('a target that has given way is told with what stands there', () => {
  const x = `${step('lp')}[steps.loop]\ncount = 2\n${step('x', '', 'steps.loop.body')}[[compose.expand]]\ntarget = "lp"\nwith = "ex"\n`;
  const ex = `type = "expansion"\n${step('{target}.a', '', 'template')}`;
  expect(problemsAmong({ x, ex })).toEqual([
    expect.stringContaining('there is no step "lp" (it has given way to others, which end with lp.iter2.x'),
  ]);
  const own = `type = "expansion"\n${step('{target}.a', 'notes = "{{target}}"', 'template')}`;
  expect(problemsAmong({ x: step('s', 'expand = "own"'), own })).toEqual([
    expect.stringContaining('(write {target} for what is around the step)'),
  ]);
});

test('an aspect that stands twice is told once', () => {
  const asp = `type = "aspect"\n[[advice]]\ntarget = "a"\nafter = { id = "{step.id}.scan" }\n`;
  expect(problemsAmong({ x: `${step('a')}[compose]\naspects = ["asp", "asp"]\n`, asp })).toEqual([
    expect.stringContaining('the aspect "asp" stands twice'),
  ]);
});

test('a list to go round over may have numbers in it', () => {
  const x = `${step('l')}[steps.loop]\nfor_each = [1, "b", true]\nvar = "v"\n${step('x{v}', '', 'steps.loop.body')}`;
  expect(cooked(x).steps.map(({ id }) => id)).toEqual(['l.iter1.x1', 'l.iter2.xb', 'l.iter3.xtrue']);
});
