/** Comparisons with a part of a declared output that come out the same whatever the step leaves. */
import { compared, type Operator } from '../town/condition.js';
import type { JsonSchema } from './output-shape.js';
import { didYouMean, quote } from './problem.js';

export type Comparison = {
  readonly op: Operator;
  readonly right: string;
  /** `right` before its variables were filled in. */
  readonly written: string;
  /** As texts, as in the condition of a step: 1 is not 1.0. */
  readonly exact: boolean;
};

/** What the part can never be, and what it is instead. Null when the comparison may hold or not, or the schema leaves that open. */
export function comparisonProblem(
  schema: JsonSchema,
  comparison: Comparison,
): { readonly never: string; readonly hint: string } | null {
  const { op, right } = comparison;
  // What is not there, as of a step that is skipped, is empty.
  if (right === '' || mayBe(schema, comparison)) return null;
  const never = isEquality(op) ? quote(right) : `${op} ${quote(right)}`;
  const choices = choicesOf(schema)?.map(String);
  return { never, hint: choices === undefined ? `it is ${kindOf(schema)}` : oneOf(right, choices) };
}

function oneOf(right: string, choices: readonly string[]): string {
  return didYouMean(right, choices) ?? `it is ${choices.join(' or ')}`;
}

function mayBe(schema: JsonSchema, comparison: Comparison): boolean {
  const { op, right } = comparison;
  const choices = choicesOf(schema);
  if (choices !== null) return choices.some((choice) => fits(choice, comparison));
  const { type } = schema;
  if (type === 'number' || type === 'integer') return mayBeNumber(type, comparison);
  if (type === 'array' || type === 'object') return isEquality(op) && right.startsWith(type === 'array' ? '[' : '{');
  return true;
}

function mayBeNumber(type: 'number' | 'integer', { op, right, exact }: Comparison): boolean {
  const number = Number(right);
  if (right.trim() === '' || !Number.isFinite(number)) return false;
  const isWritten = !exact || String(number) === right;
  return isWritten && (type === 'number' || !isEquality(op) || Number.isInteger(number));
}

type Choice = string | number | boolean;

/** All values there are, null when they cannot be counted. */
function choicesOf(schema: JsonSchema): readonly Choice[] | null {
  if (schema['type'] === 'boolean') return [true, false];
  const { enum: choices } = schema;
  // `readShape` has put nothing else there.
  return Array.isArray(choices) ? (choices as readonly Choice[]) : null;
}

/** Whether the value may be what it is compared with; of `!=`, too, which else would always hold. */
function fits(value: Choice, { op, right, exact }: Comparison): boolean {
  if (exact) return String(value) === right;
  return compared(value, isEquality(op) ? '==' : op, right);
}

function isEquality(op: Operator): boolean {
  return op === '==' || op === '!=';
}

const KINDS: Readonly<Record<string, string>> = {
  number: 'a number',
  integer: 'a whole number',
  array: 'a list',
  object: 'a table',
};

function kindOf({ type }: JsonSchema): string {
  return KINDS[typeof type === 'string' ? type : ''] ?? 'something else';
}
