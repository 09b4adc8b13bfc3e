/** Reads one table of a document with a zod schema, key by key: what is wrong is reported, what is right is kept. */
import { TomlDate } from 'smol-toml';
import type { z } from 'zod';
import type { Path, Report } from './problem.js';

export type Table = Readonly<Record<string, unknown>>;

/** The values of all keys that fit the schema. Keys that the schema does not have are the caller's to judge. */
export function readTable<Shape extends z.ZodRawShape>(
  table: Table,
  schema: z.ZodObject<Shape>,
  path: Path,
  report: Report,
) {
  const read = schema.partial().safeParse(table);
  const whole = schema.safeParse(table);
  if (whole.success && read.success) return read.data;
  const issues = whole.error?.issues ?? [];
  reportIssues(issues, table, path, report);
  const wrong = new Set(issues.map((issue) => issue.path[0]));
  const right = Object.fromEntries(Object.entries(table).filter(([key]) => !wrong.has(key)));
  return schema.partial().safeParse(right).data;
}

/** What zod found wrong with a table, in words of TOML; keys too many are not among it (see `keys.ts`). */
export function reportIssues(issues: readonly z.core.$ZodIssue[], table: Table, path: Path, report: Report): void {
  for (const issue of issues) {
    if (issue.code === 'unrecognized_keys') continue;
    const at = issue.path.filter((part) => typeof part !== 'symbol');
    const value = valueAt(table, at);
    const listed = issue.code === 'invalid_type' && issue.expected === 'array' && typeof value === 'string';
    const hint = listed ? `write ${nameOf(at)} = [${JSON.stringify(value)}]` : null;
    report([...path, ...at], `${nameOf(at)} ${explain(issue, value)}`, { hint });
  }
}

export function isTable(value: unknown): value is Table {
  return typeof value === 'object' && value !== null && !Array.isArray(value) && !(value instanceof TomlDate);
}

/** The TOML word for what a value is. */
export function kindOf(value: unknown): string {
  if (typeof value === 'string') return 'text';
  if (typeof value === 'number' || typeof value === 'bigint') return 'a number';
  if (typeof value === 'boolean') return 'true or false';
  if (Array.isArray(value)) return 'a list';
  return value instanceof TomlDate ? 'a date' : 'a table';
}

const WANTED: Readonly<Record<string, string>> = {
  string: 'text',
  number: 'a number',
  int: 'a whole number',
  boolean: 'true or false',
  array: 'a list',
  object: 'a table',
  record: 'a table',
};

function explain(issue: z.core.$ZodIssue, value: unknown): string {
  if (value === undefined) return 'is missing';
  if (issue.code === 'invalid_type') return `must be ${WANTED[issue.expected] ?? issue.expected}, not ${kindOf(value)}`;
  if (issue.code !== 'too_small') return issue.message;
  if (issue.origin !== 'number') return 'must not be empty';
  return issue.inclusive === true ? `must be at least ${issue.minimum}` : `must be more than ${issue.minimum}`;
}

/** `needs[1]`, `acceptance.command` */
function nameOf(path: Path): string {
  return path.map((part, index) => (typeof part === 'number' ? `[${part}]` : index === 0 ? part : `.${part}`)).join('');
}

function valueAt(table: Table, path: Path): unknown {
  let value: unknown = table;
  for (const part of path) {
    if (typeof value !== 'object' || value === null) return undefined;
    value = Object.entries(value).find(([key]) => key === String(part))?.[1];
  }
  return value;
}
