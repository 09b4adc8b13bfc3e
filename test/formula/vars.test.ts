import { expect, test } from 'vitest';
import { cooked, problemsAmong, problemsOf, step, warningsOf } from '../support/formula.js';

const STEP = '[[steps]]\nid = "a"\ntitle = "T {{v}}"\n';
const declared = (rest: string) => `[vars.v]\n${rest}\n${STEP}`;

test('a given value wins over a default, and numbers and switches become text', () => {
  expect(cooked(`[vars]\nv = "D"\n${STEP}`).vars).toEqual({ v: 'D' });
  expect(cooked(`[vars]\nv = "D"\n${STEP}`, { v: '' }).vars).toEqual({ v: '' });
  expect(cooked(declared(''), { v: 3 }).steps[0]?.title).toBe('T 3');
  expect(cooked(declared(''), { v: true }).vars).toEqual({ v: 'true' });
});

test('a variable without a value is refused when it is required or used, and its description helps', () => {
  const message = 'x.toml:2:1 · the variable "v" has no value and no default';
  expect(problemsOf(declared('description = "what to build"'))).toEqual([`${message} (it is: what to build)`]);
  expect(problemsOf(`[vars.v]\nrequired = true\n[[steps]]\nid = "a"\ntitle = "A"\n`)).toEqual([message]);
});

test('a variable that is neither required nor used may stay without a value, with a warning', () => {
  const body = `[vars.v]\ndescription = "d"\n[[steps]]\nid = "a"\ntitle = "A"\n`;
  expect(cooked(body).vars).toEqual({});
  expect(warningsOf(body)).toEqual(['x.toml:2:1 · the variable "v" is never used']);
});

test('required beside a default changes nothing, and that is said', () => {
  const body = declared('default = "D"\nrequired = true');
  expect(cooked(body).vars).toEqual({ v: 'D' });
  expect(warningsOf(body)).toEqual(['x.toml:4:1 · the variable "v" has a default, so required changes nothing']);
});

const either = (one: string, other: string) =>
  `[vars.${one}]\nrequired_unless = ["${other}"]\n[vars.${other}]\nrequired_unless = ["${one}"]\n[[steps]]\nid = "a"\ntitle = "A"\n`;

test('a variable that is required unless another has a value is held to that', () => {
  expect(cooked(either('pr', 'branch'), { pr: '1' }).vars).toEqual({ pr: '1' });
  expect(problemsOf(either('pr', 'branch'))).toEqual([
    expect.stringContaining('"pr"'),
    expect.stringContaining('"branch"'),
  ]);
});

test('a value nobody asked for is refused, with the variable that was meant', () => {
  expect(problemsOf(`[vars]\nv = ""\n${STEP}`, { vv: '1', title: '2', w: '3' })).toEqual([
    'x.toml:2:1 · the formula has no variable "title" (it declares v)',
    'x.toml:2:1 · the formula has no variable "vv" (it declares v)',
    'x.toml:2:1 · the formula has no variable "w" (it declares v)',
  ]);
  expect(problemsOf('[vars]\nfeature = ""\n[[steps]]\nid = "a"\ntitle = "T{{feature}}"\n', { featrue: '1' })).toEqual([
    'x.toml:2:1 · the formula has no variable "featrue" (did you mean "feature"?)',
  ]);
});

test.each([
  ['enum = ["dev", "prod"]', 'prod', 'stage', '"stage" is none of "dev", "prod"'],
  ["pattern = '^\\d+\\.\\d+$'", '1.2', 'v1', '"v1" does not match the pattern ^\\d+\\.\\d+$'],
  ['type = "int"', '-12', '1.5', '"1.5" is not a whole number'],
  ['type = "int"', '1', '1.0', '"1.0" is not a whole number'],
  ['type = "bool"', 'false', 'no', '"no" is neither true nor false'],
])('%s takes %s and refuses %s, given or as a default', (rule, good, bad, message) => {
  expect(cooked(declared(rule), { v: good }).vars).toEqual({ v: good });
  expect(problemsOf(declared(rule), { v: bad })).toEqual([`x.toml:2:1 · the variable "v": ${message}`]);
  expect(problemsOf(declared(`${rule}\ndefault = "${bad}"`))).toEqual([`x.toml:4:1 · the default ${message}`]);
  expect(cooked(declared(`${rule}\ndefault = ""`)).vars).toEqual({ v: '' });
  expect(problemsOf(declared(rule), { v: '' })).toHaveLength(1);
});

test.each([
  ['enum = ["q", ""]', '"zz" is none of "q"'],
  ['enum = [""]', '"zz" is not empty, as it must be'],
])('of %s the empty choice is not offered as a word', (rule, message) => {
  expect(cooked(declared(rule), { v: '' }).vars).toEqual({ v: '' });
  expect(problemsOf(declared(rule), { v: 'zz' })).toEqual([`x.toml:2:1 · the variable "v": ${message}`]);
});

test.each([
  ['pattern = "("', /:3:1 · the pattern cannot be used: it is no pattern: missing closing \): `\(`/],
  [
    'pattern = "(a)\\\\1"',
    /:3:1 · the pattern cannot be used: it is no pattern: invalid escape sequence: .*back-references could run away/,
  ],
  ['default = 3', /:3:1 · default must be text, not a number/],
  ['required = "yes"', /:3:1 · required must be true or false, not text/],
  ['enum = []', /:3:1 · enum must not be empty/],
  ['enum = [1]', /:3:9 · enum\[0\] must be text, not a number/],
  ['type = "strnig"', /:3:1 · unknown type "strnig" of a variable \(did you mean "string"\?\)/],
  ['defualt = "x"', /:3:1 · unknown key "defualt" \(did you mean "default"\?\)/],
])('the declaration %j is refused', (rest, message) => {
  expect(problemsOf(declared(rest), { v: '1' })).toEqual([expect.stringMatching(message)]);
});

test.each(['größe', 'two words', 'a-b', '1st'])('a variable cannot be called %j', (name) => {
  expect(problemsOf(`[vars]\n"${name}" = ""\n[[steps]]\nid = "a"\ntitle = "A"\n`)).toEqual([
    expect.stringMatching(/^x\.toml:3:1 · the variable ".*" cannot be used in a text/),
  ]);
});

test('names that every object has are no variables', () => {
  expect(problemsOf('[[steps]]\nid = "a"\ntitle = "{{constructor}} {{__proto__}}"\n')).toHaveLength(2);
  expect(problemsOf(declared('default = ""'), JSON.parse('{"__proto__": "x", "toString": "y"}'))).toHaveLength(2);
});

test.each([
  ['[vars.v]\ndefault = 3\ntype = "int"\n', 'x.toml:3:1 · default must be text, not a number'],
  ['[vars.v]\ndefault = ["a"]\ntype = "int"\n', 'x.toml:3:1 · default must be text, not a list'],
  ['[vars]\nv = 3\n', 'x.toml:3:1 · the variable "v" must be text or a table, not a number'],
])('of a default that is no text only that is said: %j', (vars, message) => {
  expect(problemsOf(vars + STEP)).toEqual([expect.stringContaining(message)]);
});

test('a value that a step will leave is not held against the limits of a variable', () => {
  const why = `[vars.why]\npattern = '^[a-z]+$'\ndefault = "{{steps.a.output.why}}"\n`;
  const text = `${why}${step('a')}${step('b', 'needs = ["a"]\nnotes = "{{why}}"')}`;
  expect(problemsOf(text)).toEqual([]);
  expect(problemsOf(text, { why: '{{steps.a.summary}}' })).toEqual([]);
  expect(problemsOf(text, { why: '{{steps.a}}' })).toHaveLength(1);
  const e = `type = "expansion"\n[vars.n]\ntype = "int"\n${step('{target}.x', 'notes = "{{n}}"', 'template')}`;
  const x = `${step('a')}${step('b', 'needs = ["a"]\nexpand = "e"\nexpand_vars = { n = "{{steps.a.output.n}}" }')}`;
  expect(problemsAmong({ x, e })).toEqual([]);
});
