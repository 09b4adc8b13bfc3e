/** Whether what a step left fits the JSON Schema that it declares, and if not, why, in words for whoever sent it. */
import * as z from 'zod';
import type { Json } from './act.js';
import { isDeeper } from './levels.js';

/** An output travels in histories and in the texts of later steps; what is larger belongs into a file of the branch. */
export const OUTPUT_CHARS_MAX = 50_000;
const OUTPUT_LEVELS_MAX = 100;
const PROBLEMS_MAX = 5;

export type OutputSchema = Readonly<Record<string, Json>>;

/**
 * Null when the value, which is JSON, fits. `schema` is null where a step declares none: then anything may be left, and nothing need be;
 * `value` is undefined where nothing was sent.
 */
export function outputProblem(schema: OutputSchema | null, value: unknown): string | null {
  if (value === undefined) return schema === null ? null : `the step must leave an output: ${JSON.stringify(schema)}`;
  if (isDeeper(value, OUTPUT_LEVELS_MAX)) return `the output nests more than ${OUTPUT_LEVELS_MAX} levels deep`;
  const chars = (JSON.stringify(value) ?? '').length;
  if (chars > OUTPUT_CHARS_MAX) {
    return `the output has ${chars} characters of JSON, the most is ${OUTPUT_CHARS_MAX}: put the rest into a file and name it`;
  }
  if (schema === null) return null;
  const read = validatorOf(schema).safeParse(value, { reportInput: true });
  if (read.success) return null;
  const problems = read.error.issues.flatMap(problemsOf);
  const more = problems.length > PROBLEMS_MAX ? [`and ${problems.length - PROBLEMS_MAX} more`] : [];
  return [...problems.slice(0, PROBLEMS_MAX), ...more].join('; ');
}

/** What is wrong with a schema itself, null when values can be held against it. */
export function schemaProblem(schema: OutputSchema): string | null {
  try {
    validatorOf(schema);
    return null;
  } catch (error) {
    return error instanceof Error ? error.message : String(error);
  }
}

function validatorOf(schema: OutputSchema): z.ZodType {
  return z.fromJSONSchema(schema);
}

function problemsOf(issue: z.core.$ZodIssue): readonly string[] {
  const at = ['output', ...issue.path].join('.');
  if (issue.code === 'invalid_type') {
    return [issue.input === undefined ? `${at} is missing` : `${at} must be ${withArticle(issue.expected)}`];
  }
  if (issue.code === 'invalid_value') {
    return [`${at} must be ${issue.values.map((value) => JSON.stringify(value)).join(' or ')}`];
  }
  if (issue.code === 'unrecognized_keys') {
    return [`${at} has no ${issue.keys.map((key) => JSON.stringify(key)).join(', ')}`];
  }
  return [`${at}: ${issue.message}`];
}

function withArticle(type: string): string {
  const name = type === 'int' ? 'integer' : type === 'record' ? 'object' : type;
  return `${/^[aeiou]/.test(name) ? 'an' : 'a'} ${name}`;
}
