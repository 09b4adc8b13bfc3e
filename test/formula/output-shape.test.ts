import { expect, test } from 'vitest';
import { cooked, problemsOf, step } from '../support/formula.js';

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
    required: ['n', 'tags', 'at', 'how', 'rest'],
  });
  expect(outputOf('output = ["string"]')).toEqual({ type: 'array', items: { type: 'string' } });
  expect(outputOf('output = { "list?" = ["any"] }')).toMatchObject({ required: [] });
});

test.each([
  ['output = "strnig"', /:5:1 · step "a": unknown shape "strnig" of an output \(did you mean "string"\?\)/],
  ['output = { a = 1 }', /:5:12 · step "a": the shape of an output cannot be a number/],
  ['output = { a = [] }', /a list has one shape for all of its entries, not 0/],
  ['output = { a = { enum = [] } }', /enum is a list of texts, numbers, true and false, one at least/],
])('%j is refused', (output, message) => {
  expect(problemsOf(step('a', output))).toEqual([expect.stringMatching(message)]);
});
