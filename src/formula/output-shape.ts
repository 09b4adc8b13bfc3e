/**
 * The shape of a step's output, in a shorthand: `"string"`, `"number"`, `"integer"`, `"boolean"`, `"any"`, with "?" behind it what may be
 * left out, `[shape]` a list, a table an object, `{ enum = [...] }` one of these values. It becomes a JSON Schema.
 */
import type { Json } from '../town/act.js';
import { NESTING_MAX } from './limits.js';
import { didYouMean, quote, type Path, type Report } from './problem.js';
import { isTable, kindOf } from './shape.js';

const TYPES = ['string', 'number', 'integer', 'boolean', 'any', 'object', 'list'] as const;
const FORMS = `a shape is "string", "number", "integer", "boolean", "any", [shape], a table of shapes or { enum = [...] }`;

export type JsonSchema = Readonly<Record<string, Json>>;

/** Null when there is something wrong with it, which is reported. */
export function readOutput(raw: unknown, path: Path, report: Report): JsonSchema | null {
  return readShape(raw, path, report, 0)?.schema ?? null;
}

type Shape = { readonly schema: JsonSchema; readonly optional: boolean };

function readShape(raw: unknown, path: Path, report: Report, depth: number): Shape | null {
  if (depth > NESTING_MAX) {
    report(path, `the output is more than ${NESTING_MAX} shapes deep`);
    return null;
  }
  if (typeof raw === 'string') return readWord(raw, path, report);
  if (Array.isArray(raw)) {
    if (raw.length !== 1) return wrong(path, report, `a list has one shape for all of its entries, not ${raw.length}`);
    const items = readShape(raw[0], [...path, 0], report, depth + 1);
    return items === null ? null : { schema: { type: 'array', items: items.schema }, optional: false };
  }
  if (!isTable(raw)) return wrong(path, report, `the shape of an output cannot be ${kindOf(raw)}`);
  const { enum: choices } = raw;
  if (Array.isArray(choices) && Object.keys(raw).length === 1) return readChoices(choices, path, report);
  return readTable(raw, path, report, depth);
}

function readTable(raw: Readonly<Record<string, unknown>>, path: Path, report: Report, depth: number): Shape | null {
  const properties: Record<string, Json> = {};
  const required: string[] = [];
  for (const [key, value] of Object.entries(raw)) {
    const optional = key.endsWith('?');
    const name = optional ? key.slice(0, -1) : key;
    const shape = readShape(value, [...path, key], report, depth + 1);
    if (shape === null) continue;
    properties[name] = shape.schema;
    if (!optional && !shape.optional) required.push(name);
  }
  return { schema: { type: 'object', properties, required: required.toSorted() }, optional: false };
}

function readWord(word: string, path: Path, report: Report): Shape | null {
  const optional = word.endsWith('?');
  const name = optional ? word.slice(0, -1) : word;
  const type = TYPES.find((one) => one === name);
  if (type === undefined) {
    report(path, `unknown shape ${quote(word)} of an output`, { hint: didYouMean(name, TYPES) ?? FORMS });
    return null;
  }
  if (type === 'any') return { schema: {}, optional };
  return { schema: { type: type === 'list' ? 'array' : type }, optional };
}

function readChoices(choices: readonly unknown[], path: Path, report: Report): Shape | null {
  const fit = choices.filter((one) => typeof one === 'string' || typeof one === 'number' || typeof one === 'boolean');
  if (fit.length !== choices.length || fit.length === 0)
    return wrong([...path, 'enum'], report, 'enum is a list of texts, numbers, true and false, one at least');
  return { schema: { enum: fit }, optional: false };
}

function wrong(path: Path, report: Report, message: string): null {
  report(path, message, { hint: FORMS });
  return null;
}

/** What a schema says of the part at a path: nothing, `{}`, where it leaves that open; null where there is no such part. */
export function shapeAt(schema: JsonSchema, path: readonly string[]): JsonSchema | null {
  const [key, ...rest] = path;
  if (key === undefined || isAny(schema)) return schema;
  const inner = partsOf(schema, key);
  return inner === null ? null : shapeAt(inner, rest);
}

function partsOf({ type, properties, items }: JsonSchema, key: string): JsonSchema | null {
  if (type === 'array') return /^\d+$/.test(key) ? asSchema(items) : null;
  if (type !== 'object') return null;
  if (!isTable(properties)) return {};
  return Object.hasOwn(properties, key) ? asSchema(properties[key]) : null;
}

export function mayBeList(schema: JsonSchema): boolean {
  return isAny(schema) || schema['type'] === 'array';
}

/** All parts that a reference may name, as `output.a.b`, each before those in it. */
export function partsIn(schema: JsonSchema, name = 'output'): readonly { name: string; schema: JsonSchema }[] {
  const { properties } = schema;
  const inner = isTable(properties) ? Object.entries(properties) : [];
  return [{ name, schema }, ...inner.flatMap(([key, value]) => partsIn(asSchema(value), `${name}.${key}`))];
}

function isAny(schema: JsonSchema): boolean {
  return Object.keys(schema).length === 0;
}

function asSchema(value: unknown): JsonSchema {
  // `readShape` has put schemas there.
  return isTable(value) ? (value as JsonSchema) : {};
}
