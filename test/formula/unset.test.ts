/** Variables of expansions and aspects that are declared and have no value. */
import { expect, test } from 'vitest';
import { readFormula } from '../../src/formula/cook.js';
import { printProblem } from '../../src/formula/problem.js';
import { cookedAmong, problemsAmong, problemsOf, step } from '../support/formula.js';

const template = (id: string, more = '') => step(id, more, 'template');
const expansion = (more: string, variable = '') => `type = "expansion"\n[vars.who]\n${variable}\n${more}`;
const aspect = (more: string) =>
  `type = "aspect"\n[vars.who]\n[[advice]]\ntarget = "*"\n[advice.before]\nid = "pre-{step.id}"\n${more}`;
const conditions = ({ steps }: ReturnType<typeof cookedAmong>) => steps.map(({ condition }) => condition?.value);

test.each(['{who}', '{{who}}'])('a text of a template that asks for %s is refused where nobody gives it', (who) => {
  const use = expansion(template('{target}.a', `description = "Ask ${who}"`));
  const needed = '"use" needs a value for its variable "who"';
  expect(problemsAmong({ x: step('s', 'expand = "use"'), use })).toEqual([`x.toml:5:1 · step "s": ${needed}`]);
  const fan = `[steps.on_complete]\nfor_each = "output.l"\nbond = "use"\n`;
  expect(problemsAmong({ x: step('s') + fan, use })).toEqual([`x.toml:8:1 · step "s": ${needed}`]);
});

test.each(['{who}', '{{who}}'])('so is one of an advice, %s', (who) => {
  const use = aspect(`title = "Ask ${who}"\n`);
  const compose = '[compose]\naspects = ["use"]\n';
  expect(problemsAmong({ x: step('s') + compose, use })).toEqual([
    'x.toml:7:12 · "use" needs a value for its variable "who"',
  ]);
  expect(problemsAmong({ x: `[vars.who]\n${step('s')}${compose}`, use })).toEqual([
    'x.toml:2:1 · the variable "who" has no value and no default',
  ]);
});

test('a condition finds it empty', () => {
  const use = expansion(
    template('{target}.a', 'condition = "{who}"') + template('{target}.b', 'condition = "!{{who}}"'),
  );
  expect(conditions(cookedAmong({ x: step('s', 'expand = "use"'), use }))).toEqual(['', '']);
  const advice = aspect('condition = "{who}"\n');
  const x = `${step('s')}[compose]\naspects = ["use"]\n`;
  expect(conditions(cookedAmong({ x, use: advice }))).toEqual(['', undefined]);
  expect(conditions(cookedAmong({ x: `[vars.who]\n${x}`, use: advice }))).toEqual(['', undefined]);
});

test('as long as nobody has given values, a condition of an expansion may ask for one that must be given', () => {
  const text = `formula = "x"\n${expansion(template('{target}.a', 'condition = "{who} == bob"'), 'required = true')}`;
  const read = readFormula('x', { file: 'x.toml', text }, ['x', 'rework']);
  expect(read.ok ? [] : read.problems.map(printProblem)).toEqual([]);
  const body = text.slice('formula = "x"\n'.length);
  expect(problemsOf(body)).toEqual(['x.toml:3:1 · the variable "who" has no value and no default']);
});
