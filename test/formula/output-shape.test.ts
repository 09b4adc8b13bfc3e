import { expect, test } from 'vitest';
import { cooked, problemsAmong, problemsOf, step, warningsOf } from '../support/formula.js';

const hashOf = (output: string) => cooked(step('a', output)).hash;

const outputOf = (output: string) => cooked(step('a', output)).steps[0]?.output;

test('the shorthand of an output becomes a JSON Schema', () => {
  expect(
    outputOf(
      'output = { n = "number", why = "string?", tags = ["string"], at = { line = "integer" }, how = { enum = ["a", "b"] }, rest = "any" }',
    ),
  ).toEqual({
    type: 'object',
    properties: {
      n: { type: 'number' },
      why: { type: 'string' },
      tags: { type: 'array', items: { type: 'string' } },
      at: { type: 'object', properties: { line: { type: 'integer' } }, required: ['line'] },
      how: { enum: ['a', 'b'] },
      rest: {},
    },
    required: ['at', 'how', 'n', 'rest', 'tags'],
  });
  expect(outputOf('output = ["string"]')).toEqual({ type: 'array', items: { type: 'string' } });
  expect(outputOf('output = { "list?" = ["any"] }')).toMatchObject({ required: [] });
});

test('the order of keys does not matter', () => {
  expect(hashOf('output = { b = "string", a = { d = "any", c = "any" } }')).toBe(
    hashOf('output = { a = { c = "any", d = "any" }, b = "string" }'),
  );
});

test.each([
  ['output = "strnig"', /:5:1 · step "a": unknown shape "strnig" of an output \(did you mean "string"\?\)/],
  ['output = { a = 1 }', /:5:12 · step "a": the shape of an output cannot be a number/],
  ['output = { a = [] }', /a list has one shape for all of its entries, not 0/],
  ['output = { a = { enum = [] } }', /enum is a list of texts, numbers, true and false, one at least/],
])('%j is refused', (output, message) => {
  expect(problemsOf(step('a', output))).toEqual([expect.stringMatching(message)]);
});

const SURVEY = step('s', 'output = { list = ["string"], at = { line = "integer" }, rest = "any", n = "number" }');
const over = (path: string) =>
  problemsOf(`${SURVEY}${step('lp')}[steps.loop]\nfor_each = "s.${path}"\n${step('x', '', 'steps.loop.body')}`);
const bonded = (output: string) =>
  problemsAmong({ x: step('a', `${output}\non_complete = { for_each = "output.items", bond = "e" }`), e: step('e') });
const reading = (text: string) => problemsOf(SURVEY + step('b', `needs = ["s"]\nnotes = "${text}"`));

test('what a fan-out goes over must be a list of the output, where one is declared', () => {
  expect(over('output.lst')).toEqual([
    'x.toml:11:1 · step "lp": the step "s" declares no output.lst (did you mean "output.list"?)',
  ]);
  expect(over('output.n')).toEqual([
    'x.toml:11:1 · step "lp": the step "s" declares output.n as no list (its lists are output.list, output.rest)',
  ]);
  for (const path of ['output.list', 'output.rest', 'output.rest.deep']) expect(over(path)).toEqual([]);
  expect(bonded('output = { size = "number" }')).toEqual([
    'x.toml:6:17 · step "a": the step "a" declares no output.items (it declares no list)',
  ]);
  expect(bonded('')).toEqual([]);
});

test('what is read of a declared output must be in it', () => {
  expect(reading('{{steps.s.output.lst}} {{steps.s.output.at.lin}} {{steps.s.output.n.x}}')).toEqual([
    'x.toml:10:10 · step "b": the step "s" declares no output.lst (did you mean "output.list"?)',
    'x.toml:10:33 · step "b": the step "s" declares no output.at.lin (did you mean "output.at.line"?)',
    expect.stringContaining('declares no output.n.x'),
  ]);
  expect(
    reading('{{steps.s.output}} {{steps.s.output.at}} {{steps.s.output.list.0}} {{steps.s.output.rest.x}}'),
  ).toEqual([]);
  const until = `${step('lp')}[steps.loop]\nuntil = "output.cleen == true"\nmax = 2\n${step('x', 'output = { clean = "boolean" }', 'steps.loop.body')}`;
  expect(problemsOf(until)).toEqual([
    'x.toml:7:10 · step "lp": the step "lp.iter1.x" declares no output.cleen (did you mean "output.clean"?)',
  ]);
});

const SHAPES = step(
  's',
  'output = { ok = "boolean", size = { enum = ["low", "high"] }, n = "integer", x = "number", list = ["any"], text = "string" }',
);
const whenStep = (comparison: string) =>
  problemsOf(`${SHAPES}${step('b', `needs = ["s"]\ncondition = "{{steps.s.output.${comparison}"`)}`);
const whenGate = (comparison: string) =>
  problemsOf(`${SHAPES}${step('b', `gate = { type = "condition", condition = "s.output.${comparison}" }`)}`);

test('a declared output cannot be compared with what it can never be', () => {
  expect(whenStep('ok}} == yes')).toEqual([
    'x.toml:10:1 · step "b": output.ok of the step "s" cannot be "yes" (it is true or false)',
  ]);
  expect(whenStep('size}} != hihg')).toEqual([
    expect.stringContaining('output.size of the step "s" cannot be "hihg" (did you mean "high"?)'),
  ]);
  expect(whenGate('size == medium')).toEqual([
    expect.stringContaining('output.size of the step "s" cannot be "medium" (it is low or high)'),
  ]);
  expect(whenGate('ok < 3')).toEqual([expect.stringContaining('cannot be < "3" (it is true or false)')]);
  for (const wrong of ['n == 1.5', 'n == many', 'list >= 3']) expect(whenGate(wrong)).toHaveLength(1);
  for (const wrong of ['x}} == 1.0', 'n}} == 01']) expect(whenStep(wrong)).toHaveLength(1);
});

test('what is compared with what it may be is taken', () => {
  for (const right of ['ok == true', 'size != low', 'n == 1.0', 'n < 1.5', 'x >= 2', 'list == []', 'text == yes'])
    expect(whenGate(right)).toEqual([]);
  for (const right of ['ok}} == false', "ok}} == ''", 'n}} == 3', 'size}} == high', 'list}} != []', 'text}} == 1'])
    expect(whenStep(right)).toEqual([]);
  const given = `[vars.v]\nrequired = true\n${SHAPES}${step('b', 'needs = ["s"]\ncondition = "{{steps.s.output.ok}} == {{v}}"')}`;
  expect(problemsOf(given, { v: 'true' })).toEqual([]);
});

test('a variable may bring what the output can never be, with a warning', () => {
  const vars = '[vars]\nmin = "none"\n';
  const inStep = `${vars}${SHAPES}${step('b', 'needs = ["s"]\ncondition = "{{steps.s.output.size}} != {{min}}"')}`;
  const inGate = `${vars}${SHAPES}${step('b', 'gate = { type = "condition", condition = "s.output.size != {{min}}" }')}`;
  for (const text of [inStep, inGate])
    expect(warningsOf(text)).toEqual([
      expect.stringContaining(
        'output.size of the step "s" cannot be "none", which {{min}} is here (it is low or high)',
      ),
    ]);
});

const looped = (more: string) =>
  problemsOf(`${step('l')}[steps.loop]\ncount = 20000\nvar = "i"\n${step('b{i}', more, 'steps.loop.body')}`);

test('shapes and metadata count among the texts that all steps together may have', () => {
  const keys = Array.from({ length: 20 }, (_, index) => `${'a_key_of_some_length_'.repeat(70)}${index} = 1`).join(', ');
  expect(looped(`metadata = { ${keys} }`)[0]).toContain('all texts together have more than');
  expect(looped(`output = { ${keys.replaceAll('= 1', '= "any"')} }`)[0]).toContain('all texts together have more than');
});
