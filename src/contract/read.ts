/** Reads what comes from outside: the value, or every problem in words with the field it is about. */
import type { z } from 'zod';
import { listed } from '../town/listed.js';
import { undecodableReason } from './undecodable.js';

export type Read<T> =
  | { readonly ok: true; readonly value: T }
  | { readonly ok: false; readonly problems: readonly string[] };

export function read<Schema extends z.ZodType>(schema: Schema, raw: unknown): Read<z.infer<Schema>> {
  const reason = undecodableReason(raw);
  if (reason !== null) return { ok: false, problems: [`the payload cannot be decoded: ${reason}`] };
  if (hasPrototypeKey(raw)) return { ok: false, problems: ['"__proto__" can be the name of nothing'] };
  const result = schema.safeParse(raw, { reportInput: true });
  if (result.success) return { ok: true, value: result.data };
  return { ok: false, problems: result.error.issues.flatMap((issue) => problemsOf(issue, [])) };
}

/** Of a union of objects: what is wrong with the one that was most likely meant. */
function problemsOf(issue: z.core.$ZodIssue, outer: readonly PropertyKey[]): readonly string[] {
  const path = [...outer, ...issue.path];
  const branches = issue.code === 'invalid_union' ? issue.errors : [];
  const [first, ...others] = branches;
  if (first === undefined || branches.every(isOfKind)) return [`${pathOf(path)}${inOurWords(issue)}`];
  const nearest = others.reduce((best, one) => (one.length < best.length ? one : best), first);
  return nearest.flatMap((one) => problemsOf(one, path));
}

/** The value as a whole is of another kind. */
function isOfKind(issues: readonly z.core.$ZodIssue[]): boolean {
  return issues.every(({ code, path }) => code === 'invalid_type' && path.length === 0);
}

/** A schema's own message stays; what the library says of itself is said as the rest of the program speaks. */
function inOurWords(issue: z.core.$ZodIssue): string {
  if (issue.code === 'invalid_type' && issue.message.startsWith('Invalid input')) {
    if (issue.input === undefined) return `it is missing; ${kindOf(issue.expected)} is expected`;
    return `${kindOf(issue.expected)} is expected, and this is ${shown(issue.input)}`;
  }
  if (issue.code === 'invalid_union' && issue.message === 'Invalid input' && issue.errors.length > 0) {
    const kinds = issue.errors.flatMap((branch) =>
      branch.map((one) => (one.code === 'invalid_type' ? one.expected : '')),
    );
    return `${listed([...new Set(kinds.map(kindOf))])} is expected, and this is ${shown(issue.input)}`;
  }
  if ((issue.code === 'too_small' || issue.code === 'too_big') && issue.message.startsWith('Too ')) {
    const limit = Number(issue.code === 'too_small' ? issue.minimum : issue.maximum);
    const [one, many] = UNITS[issue.origin] ?? ['is', 'is'];
    const [most, least] = issue.inclusive === false ? ['less than', 'more than'] : ['at most', 'at least'];
    return `${issue.code === 'too_small' ? least : most} ${limit} ${limit === 1 ? one : many} expected`;
  }
  if (issue.code === 'unrecognized_keys') {
    const keys = issue.keys.slice(0, KEYS_MAX).map(shown).join(', ');
    const more = issue.keys.length > KEYS_MAX ? ` and ${issue.keys.length - KEYS_MAX} more` : '';
    return `${keys}${more} ${issue.keys.length === 1 ? 'is no key' : 'are no keys'} here`;
  }
  return issue.message;
}

const KEYS_MAX = 10;

const UNITS: Readonly<Record<string, readonly [one: string, many: string]>> = {
  array: ['entry is', 'entries are'],
  string: ['character is', 'characters are'],
};

function kindOf(type: string): string {
  const names: Readonly<Record<string, string>> = {
    string: 'a text',
    number: 'a number',
    int: 'a whole number',
    boolean: 'true or false',
    array: 'a list',
    tuple: 'a list',
    object: 'an object',
    record: 'an object',
  };
  return names[type] ?? type;
}

function shown(value: unknown): string {
  const text = JSON.stringify(value) ?? String(value);
  return text.length > 60 ? `${text.slice(0, 60)}…` : text;
}

/** A schema drops this key without a word. */
function hasPrototypeKey(raw: unknown): boolean {
  const open = [raw];
  while (open.length > 0) {
    const value = open.pop();
    if (typeof value !== 'object' || value === null) continue;
    if (Object.hasOwn(value, '__proto__')) return true;
    for (const each of Object.values(value)) open.push(each);
  }
  return false;
}

function pathOf(path: readonly PropertyKey[]): string {
  if (path.length === 0) return '';
  const text = path.map((key) => (typeof key === 'number' ? `[${key}]` : `.${String(key)}`)).join('');
  return `${text.replace(/^\./, '')}: `;
}
