/** What a variable asks of its values. A value is measured here alone, whether it is known when a formula is cooked or only at run time. */
import { compilePattern } from './pattern.js';

export const VALUE_TYPES = ['string', 'int', 'bool', 'number'] as const;
export type ValueType = (typeof VALUE_TYPES)[number];

export type ValueRule = {
  readonly type: ValueType;
  readonly enum: readonly string[] | null;
  /** One that cannot be used was told where it was declared, and asks nothing. */
  readonly pattern: string | null;
};

/** Numbers as JSON has them: no `+` before them. */
const WHOLE = /^-?\d+$/;
const NUMBER = /^-?\d+(\.\d+)?$/;

/** What is wrong with a value, null when it fits. */
export function misfit({ type, enum: choices, pattern }: ValueRule, value: string): string | null {
  const shown = shownOf(value);
  if (choices !== null && !choices.includes(value)) return `${shown} ${strayOf(choices)}`;
  const compiled = pattern === null ? null : compilePattern(pattern);
  if (compiled?.ok === true && !compiled.test(value)) return `${shown} does not match the pattern ${pattern}`;
  if (type === 'int' && !WHOLE.test(value)) return `${shown} is not a whole number`;
  if (type === 'number' && !NUMBER.test(value)) return `${shown} is not a number`;
  if (type === 'bool' && value !== 'true' && value !== 'false') return `${shown} is neither true nor false`;
  return null;
}

/** The empty choice stands for none, and is no word that could have been meant. */
function strayOf(choices: readonly string[]): string {
  const named = choices.filter((choice) => choice !== '');
  return named.length === 0 ? 'is not empty, as it must be' : `is none of ${named.map(shownOf).join(', ')}`;
}

/** A value may be a whole text; of one that does not fit its beginning is enough. */
const SHOWN_CHARS_MAX = 80;

function shownOf(value: string): string {
  return JSON.stringify(value.length > SHOWN_CHARS_MAX ? `${value.slice(0, SHOWN_CHARS_MAX)}…` : value);
}
