/** What a formula says of itself: Gas City's contract, requires and catalog. */
import { expect, test } from 'vitest';
import { cooked, problemsOf, step, warningsOf } from '../support/formula.js';

const declaring = (lines: string) => `${lines}\n${step('a')}`;

test.each([
  'contract = "graph.v2"',
  'requires = { formula_compiler = ">=2.0.0" }',
  'requires = { formula_compiler = ">= 1.2, <3" }',
  'requires = { formula_compiler = "^2" }',
  'requires = {}',
  'catalog = { name = "x", description = "When it burns." }\ninternal = true\nmetadata = { a = { b = [1] } }',
])('%s is accepted, and changes nothing in what is cooked', (lines) => {
  expect(cooked(declaring(lines)).hash).toBe(cooked(step('a')).hash);
  expect(warningsOf(declaring(lines))).toEqual([]);
});

test.each([
  ['contract = "graph.v3"', /:2:1 · there is no contract "graph\.v3" \(it is graph\.v2\)/],
  [
    'requires = { formula_compiler = ">=3.0.0" }',
    /the formula asks for a compiler >=3\.0\.0, and this one has the version 2\.0\.0/,
  ],
  ['requires = { formula_compiler = "<2" }', /asks for a compiler <2/],
  [
    'requires = { formula_compiler = "new" }',
    /"new" compares with no version \(write formula_compiler = ">=2\.0\.0"\)/,
  ],
  ['requires = { formula_compiler = " " }', /" " compares with no version/],
  ['requires = { formula_compiler = 2 }', /formula_compiler must be text, not a number/],
  ['requires = { tools = "git" }', /:2:14 · unknown key "tools"/],
  ['catalog = { title = "X" }', /unknown key "title"/],
  ['internal = "yes"', /internal must be true or false, not text/],
  ['max_parallelism = 3', /nothing executes the key "max_parallelism" \(how many polecats work at once/],
])('%s is refused', (lines, message) => {
  expect(problemsOf(declaring(lines)).join('\n')).toMatch(message);
});

test('a variable stands under vars or under inputs', () => {
  expect(problemsOf(declaring('[vars.pr]\npattern = "^[0-9]+$"\n[inputs.pr]\ndefault = "abc"'))).toEqual([
    'x.toml:4:1 · the variable "pr" is declared under [vars], too (inputs are variables: put all that is said of it into one)',
  ]);
});
