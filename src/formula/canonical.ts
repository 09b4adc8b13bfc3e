/** One text for one value, whatever the order of its keys: what hashes are taken over. */
import { createHash } from 'node:crypto';

/** JSON without spaces, keys sorted by UTF-16 code units, keys with no value left out. Takes plain JSON data only. */
export function canonicalJson(value: unknown): string {
  if (typeof value === 'string') return quoted(value);
  if (typeof value !== 'object' || value === null) return JSON.stringify(value);
  if (Array.isArray(value)) {
    let list = '';
    for (const item of value) list += `${list === '' ? '' : ','}${canonicalJson(item ?? null)}`;
    return `[${list}]`;
  }
  let pairs = '';
  for (const key of Object.keys(value).toSorted()) {
    const item = Reflect.get(value, key) as unknown;
    if (item !== undefined) pairs += `${pairs === '' ? '' : ','}${quoted(key)}:${canonicalJson(item)}`;
  }
  return `{${pairs}}`;
}

/** Of ASCII without quote, backslash and control characters, as most texts are: they are their own JSON. */
const PLAIN = /^[ !#-[\]-~]*$/;

function quoted(text: string): string {
  return PLAIN.test(text) ? `"${text}"` : JSON.stringify(text);
}

/** SHA-256, 64 hex digits, over the canonical JSON in UTF-8. */
export function canonicalHash(value: unknown): string {
  return createHash('sha256').update(canonicalJson(value), 'utf8').digest('hex');
}
