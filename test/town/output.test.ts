/** A step's output against its schema: what fits passes, what does not is told by place. */
import * as fc from 'fast-check';
import { expect, test } from 'vitest';
import { OUTPUT_CHARS_MAX, outputProblem, schemaProblem } from '../../src/town/output.js';
import type { OutputSchema } from '../../src/town/output.js';

const SCHEMA: OutputSchema = {
  type: 'object',
  properties: {
    clean: { type: 'boolean' },
    grade: { type: 'string', enum: ['good', 'bad'] },
    count: { type: 'integer' },
    findings: {
      type: 'array',
      items: {
        type: 'object',
        properties: { file: { type: 'string' } },
        required: ['file'],
        additionalProperties: false,
      },
    },
    more: {},
  },
  required: ['clean', 'findings'],
  additionalProperties: false,
};

test('an output that fits has no problem', () => {
  const whole = { clean: true, grade: 'bad', count: 3, findings: [{ file: 'a.ts' }], more: [1, { a: null }] };
  expect(outputProblem(SCHEMA, whole)).toBeNull();
  expect(outputProblem(SCHEMA, { clean: false, findings: [] })).toBeNull();
});

test.each([
  [{ findings: [] }, 'output.clean is missing'],
  [{ clean: 'yes', findings: [] }, 'output.clean must be a boolean'],
  [{ clean: true, findings: {} }, 'output.findings must be an array'],
  [{ clean: true, findings: [{ file: 1 }] }, 'output.findings.0.file must be a string'],
  [{ clean: true, findings: [{}] }, 'output.findings.0.file is missing'],
  [{ clean: true, findings: [], grade: 'fair' }, 'output.grade must be "good" or "bad"'],
  [{ clean: true, findings: [], count: 1.5 }, 'output.count must be an integer'],
  [{ clean: true, findings: [], klean: 1 }, 'output has no "klean"'],
  ['clean', 'output must be an object'],
  [null, 'output must be an object'],
  [[], 'output must be an object'],
])('%j is refused: %s', (value, problem) => {
  expect(outputProblem(SCHEMA, value)).toBe(problem);
});

test('all problems are told at once, up to a limit', () => {
  expect(outputProblem(SCHEMA, { count: 1.5 })).toBe(
    'output.clean is missing; output.count must be an integer; output.findings is missing',
  );
  const many = { clean: true, findings: Array.from({ length: 20 }, () => ({})) };
  expect(outputProblem(SCHEMA, many)).toMatch(/; and 15 more$/);
});

test('a step with a schema must leave an output, and one without may leave anything or nothing', () => {
  expect(outputProblem(SCHEMA, undefined)).toContain('the step must leave an output: {"type":"object"');
  expect(outputProblem(null, undefined)).toBeNull();
  fc.assert(fc.property(fc.jsonValue({ maxDepth: 3 }), (value) => outputProblem(null, value) === null));
});

test('an output that is too large is refused, with or without a schema', () => {
  const long = 'x'.repeat(OUTPUT_CHARS_MAX);
  for (const schema of [null, { type: 'string' }]) {
    expect(outputProblem(schema, long)).toContain(`the most is ${OUTPUT_CHARS_MAX}`);
    expect(outputProblem(schema, long.slice(10))).toBeNull();
  }
});

test('a schema with a keyword that no value can be held against is told', () => {
  expect(schemaProblem(SCHEMA)).toBeNull();
  expect(schemaProblem({ if: { type: 'string' }, else: {} })).toContain('if/then/else');
  expect(schemaProblem({ $ref: 'https://example.com/schema.json' })).toContain('$ref');
});

const deep = (levels: number) => JSON.parse(`${'['.repeat(levels)}${']'.repeat(levels)}`) as unknown;

test('an output that nests too deep is told, however deep it nests', () => {
  expect(outputProblem(null, deep(100))).toBeNull();
  expect(outputProblem(null, deep(101))).toBe('the output nests more than 100 levels deep');
  expect(outputProblem(SCHEMA, deep(100_000))).toBe('the output nests more than 100 levels deep');
});
