/** Reads what comes from outside: the value, or every problem in words with the field it is about. */
import type { z } from 'zod';
import { undecodableReason } from './undecodable.js';

export type Read<T> =
  | { readonly ok: true; readonly value: T }
  | { readonly ok: false; readonly problems: readonly string[] };

export function read<Schema extends z.ZodType>(schema: Schema, raw: unknown): Read<z.infer<Schema>> {
  const reason = undecodableReason(raw);
  if (reason !== null) return { ok: false, problems: [`the payload cannot be decoded: ${reason}`] };
  if (hasPrototypeKey(raw)) return { ok: false, problems: ['"__proto__" can be the name of nothing'] };
  const result = schema.safeParse(raw);
  if (result.success) return { ok: true, value: result.data };
  return { ok: false, problems: result.error.issues.map((issue) => `${pathOf(issue.path)}${issue.message}`) };
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
