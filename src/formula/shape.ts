/** Reads one table of a document with a zod schema, key by key: what is wrong is reported, what is right is kept. */
import { TomlDate } from 'smol-toml';
import * as z from 'zod';
import type { Json } from '../town/act.js';
import type { Path, Report } from './problem.js';
import type { LazyTable } from './schemas.js';

export type Table = Readonly<Record<string, unknown>>;

/** The values of all keys that fit the schema. Keys that the schema does not have are the caller's to judge. */
export function readTable<Shape extends z.ZodRawShape>(
  table: Table,
  schemaOf: LazyTable<Shape>,
  path: Path,
  report: Report,
) {
  const schema = schemaOf();
  const { shape } = schema;
  const right: Record<string, unknown> = {};
  const issues: z.core.$ZodIssue[] = [];
  for (const key of Object.keys(shape)) {
    const field = shape[key] as z.ZodType;
    // Of the keys that there can be few tables have more than some.
    if (!Object.hasOwn(table, key) && field instanceof z.ZodOptional) continue;
    const read = field.safeParse(table[key]);
    if (read.success) right[key] = read.data;
    else issues.push(...read.error.issues.map((issue) => ({ ...issue, path: [key, ...issue.path] })));
  }
  if (issues.length > 0) reportIssues(issues, table, path, report, schema);
  return right as Partial<z.infer<typeof schema>>;
}

export type ReadTable<Schema extends LazyTable> = ReturnType<typeof readTable<ReturnType<Schema>['shape']>>;

/** What zod found wrong with a table, in words of TOML; keys too many are not among it (see `keys.ts`). */
export function reportIssues(
  issues: readonly z.core.$ZodIssue[],
  table: Table,
  path: Path,
  report: Report,
  schema: z.ZodObject | null = null,
): void {
  for (const issue of issues) {
    if (issue.code === 'unrecognized_keys') continue;
    const at = issue.path.filter((part) => typeof part !== 'symbol');
    const value = valueAt(table, at);
    const header = [...path, ...at].filter((part) => typeof part === 'string').join('.');
    const ofTables = schema !== null && isListOfTables(schema, at);
    const hint = issue.code === 'invalid_type' ? howToWrite(issue.expected, value, { at, header, ofTables }) : null;
    report([...path, ...at], `${nameOf(at)} ${explain(issue, value)}`, { hint });
  }
}

type Written = {
  readonly at: Path;
  /** As it stands in the header of a table. */
  readonly header: string;
  readonly ofTables: boolean;
};

/** How a value of another kind was probably meant, null when that cannot be told. */
function howToWrite(expected: string, value: unknown, { at, header, ofTables }: Written): string | null {
  const key = typeof at.at(-1) === 'number' ? '' : `${nameOf(at)} = `;
  if (expected === 'string') return howToWriteText(key, value);
  if ((expected === 'number' || expected === 'int') && typeof value === 'string') return howToWriteNumber(key, value);
  if (expected === 'array' && isTable(value)) return ofTables ? `write [[${header}]], in double brackets` : null;
  if (expected === 'array' && typeof value === 'string')
    return ofTables ? `write a list of tables: ${key}[{ … }]` : `write ${key}[${JSON.stringify(value)}]`;
  if (expected === 'object' && Array.isArray(value) && value.length === 1 && value.every(isTable))
    return `write [${header}], in single brackets`;
  return null;
}

function howToWriteText(key: string, value: unknown): string {
  const [only] = Array.isArray(value) && value.length === 1 ? (value as readonly unknown[]) : [value];
  if (typeof only === 'number' && key === 'timeout = ') return `write ${key}"${only}s", or m, h, d`;
  const isWord = typeof only === 'string' || typeof only === 'number' || typeof only === 'boolean';
  return isWord ? `write ${key}${JSON.stringify(String(only))}` : 'write one text, in quotes';
}

function howToWriteNumber(key: string, value: string): string | null {
  if (/^\s*-?\d+\s*$/.test(value)) return `write ${key}${value.trim()}, without quotes`;
  return key === 'count = ' && value.includes('{') && !value.includes('{{steps.')
    ? `write range = ${JSON.stringify(`1..${value}`)}`
    : null;
}

/** The schema of a table leaves what stands in a list of tables to others. */
function isListOfTables({ shape }: z.ZodObject, [key, ...more]: Path): boolean {
  const field: unknown = key === undefined || more.length > 0 ? null : shape[key];
  const list = field instanceof z.ZodOptional ? field.unwrap() : field;
  return list instanceof z.ZodArray && list.element instanceof z.ZodUnknown;
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
  if (issue.code === 'invalid_type') {
    const found = issue.expected === 'int' && typeof value === 'number' ? String(value) : kindOf(value);
    return `must be ${WANTED[issue.expected] ?? issue.expected}, not ${found}`;
  }
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

export function valueAt(table: Table, path: Path): unknown {
  let value: unknown = table;
  for (const part of path) {
    if (typeof value !== 'object' || value === null) return undefined;
    value = Object.hasOwn(value, part) ? (Reflect.get(value, part) as unknown) : undefined;
  }
  return value;
}

/** TOML data as JSON: whole numbers of any size as numbers, dates as the text they are written as. What JSON cannot say is reported. */
export function asJson(table: Table, path: Path, report: Report): Readonly<Record<string, Json>> {
  return Object.fromEntries(Object.entries(table).map(([key, value]) => [key, jsonOf(value, [...path, key], report)]));
}

function jsonOf(value: unknown, path: Path, report: Report): Json {
  if (typeof value === 'string' || typeof value === 'boolean' || value === null) return value;
  if (typeof value === 'number' && !Number.isFinite(value))
    report(path, 'nan, inf and what is larger than any number cannot be kept: JSON has no such number', {
      hint: 'write it as text',
    });
  if (typeof value === 'number' || typeof value === 'bigint') return Number(value);
  if (Array.isArray(value)) return value.map((entry, index) => jsonOf(entry, [...path, index], report));
  if (value instanceof TomlDate) return value.toISOString();
  return isTable(value) ? { ...asJson(value, path, report) } : null;
}
