/** Reads one table of a document with a zod schema, key by key: what is wrong is reported, what is right is kept. */
import { TomlDate } from 'smol-toml';
import type { z } from 'zod';
import type { Json } from '../town/protomolecule.js';
import type { Path, Report } from './problem.js';

export type Table = Readonly<Record<string, unknown>>;

/** The values of all keys that fit the schema. Keys that the schema does not have are the caller's to judge. */
export function readTable<Shape extends z.ZodRawShape>(
  table: Table,
  schema: z.ZodObject<Shape>,
  path: Path,
  report: Report,
) {
  const whole = schema.safeParse(table);
  // What fits the schema fits it with every key optional: the second reading only gives it that type.
  if (whole.success) return whole.data as Partial<typeof whole.data>;
  const { issues } = whole.error;
  reportIssues(issues, table, path, report);
  const wrong = new Set(issues.map((issue) => issue.path[0]));
  const right = Object.fromEntries(Object.entries(table).filter(([key]) => !wrong.has(key)));
  return (schema.partial().safeParse(right).data ?? {}) as Partial<z.infer<typeof schema>>;
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

export function isBlank(text: string): boolean {
  return text.trim() === '';
}

/** The TOML word for what a value is. */
export function kindOf(value: unknown): string {
  if (typeof value === 'string') return 'text';
  if (typeof value === 'number' || typeof value === 'bigint') return 'a number';
  if (typeof value === 'boolean') return 'true or false';
  if (Array.isArray(value)) return 'a list';
  if (value === null) return 'null';
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
  if (issue.code === 'too_big') return `must be at most ${issue.maximum}`;
  if (issue.code === 'invalid_union') return `cannot be ${kindOf(value)}`;
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
    value = Object.hasOwn(value, part) ? (Reflect.get(value, part) as unknown) : undefined;
  }
  return value;
}

/** TOML data as JSON: whole numbers of any size as numbers, dates as the text they are written as. */
export function asJson(table: Table): Readonly<Record<string, Json>> {
  return Object.fromEntries(Object.entries(table).map(([key, value]) => [key, jsonOf(value)]));
}

function jsonOf(value: unknown): Json {
  if (typeof value === 'string' || typeof value === 'boolean' || value === null) return value;
  if (typeof value === 'number') return Number.isFinite(value) ? value : String(value);
  if (typeof value === 'bigint') return Number(value);
  if (Array.isArray(value)) return value.map(jsonOf);
  if (value instanceof TomlDate) return value.toISOString();
  return isTable(value) ? { ...asJson(value) } : null;
}
