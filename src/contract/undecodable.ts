/** What takes the place of a payload that is not JSON, so that reading it is a refused input and not a task retried for ever. */
const KEY = '$undecodable';

type Undecodable = { readonly [KEY]: string };

export function undecodable(reason: string): Undecodable {
  return { [KEY]: reason };
}

/** Why a value could not be decoded, null for every decoded value. */
export function undecodableReason(value: unknown): string | null {
  if (typeof value !== 'object' || value === null || !(KEY in value)) return null;
  return String(value[KEY]);
}
