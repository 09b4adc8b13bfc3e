/** Values of town.toml, each with what is expected where another stands. */
import * as z from 'zod';
import { withoutCredentials } from './town/credentials.js';

export const whole = (min: number, example: number) => {
  const expected = `a whole number of ${min} or more is expected, for example ${example}`;
  return z.int(expected).min(min, expected);
};
export const amount = (example: number) => {
  const expected = `a number above 0 is expected, for example ${example}`;
  return z.number(expected).positive(expected);
};
export const dollars = (example: number) => {
  const expected = `dollars for a million tokens are expected, a number of 0 or more, for example ${example}`;
  return z.number(expected).nonnegative(expected);
};
export const text = (example: string) => {
  const expected = `a text is expected, for example "${example}"`;
  return z.string(expected).trim().min(1, expected);
};
export const form = (pattern: RegExp, expected: string) => z.string(expected).regex(pattern, expected);
export const table = <S extends z.ZodRawShape>(shape: S) => z.strictObject(shape, 'a table is expected');

/** As people read it: of a list the first entry is 1. */
export function nameOfPath(path: readonly (string | number)[]): string {
  return path.map((part) => (typeof part === 'number' ? part + 1 : part)).join('.');
}

export function valueAt(value: unknown, path: readonly (string | number)[]): unknown {
  return path.reduce<unknown>(
    (at, part) => (typeof at === 'object' && at !== null ? Reflect.get(at, part) : undefined),
    value,
  );
}

const SHOWN_CHARS_MAX = 60;

/** A value as a problem names it. */
export function show(value: unknown): string {
  if (value instanceof Date) return value.toISOString();
  if (typeof value === 'number' && !Number.isFinite(value)) return Number.isNaN(value) ? 'nan' : 'inf';
  const shown = withoutCredentials(JSON.stringify(value));
  return shown.length > SHOWN_CHARS_MAX ? `${shown.slice(0, SHOWN_CHARS_MAX)}…` : shown;
}
