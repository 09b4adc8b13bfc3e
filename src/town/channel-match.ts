/**
 * Which messages of a channel a subscriber gets: patterns for who sent it, its subject and its keys, all of which must fit. In a pattern `*`
 * stands for any text, also for none, and every other character for itself.
 */
import * as z from 'zod';
import { headOf } from './mail.js';
import { own } from './own.js';
import { fits } from './wildcard.js';
import { asLine } from './wording.js';

const PATTERN_CHARS_MAX = 200;
const KEYS_MAX = 50;
const VALUE_CHARS_MAX = 1_000;
const KEY = /^[A-Za-z][A-Za-z0-9-]{0,63}$/;

const pattern = z.string().min(1).max(PATTERN_CHARS_MAX);

/** By the names of keys, as they stand in a mail: `Commit: 4f1c`. */
function keyed<Value extends z.ZodType<string, string>>(value: Value) {
  return z.record(z.string(), value).superRefine((keys, context) => {
    const names = Object.keys(keys);
    if (names.length > KEYS_MAX)
      context.addIssue({ code: 'custom', message: `${names.length} keys, the most is ${KEYS_MAX}` });
    for (const name of names.filter((one) => !KEY.test(one)).slice(0, 1))
      context.addIssue({
        code: 'custom',
        message: `"${name.slice(0, 100)}" is no key: a letter, then letters, digits and "-", at most 64`,
      });
  });
}

export const Keys = keyed(z.string().min(1).max(VALUE_CHARS_MAX).overwrite(asLine));
export type Keys = z.infer<typeof Keys>;

export const Match = z.strictObject({
  from: pattern.optional().describe('pattern of who sent it'),
  subject: pattern.optional(),
  keys: keyed(pattern).optional().describe('by name of a key that it must have, pattern of the value'),
});
export type Match = z.infer<typeof Match>;

type Matched = { readonly from: string; readonly subject: string; readonly keys: Keys };

/** Without a pattern every message is a match. A channel asks this of thousands at once. */
export function matches({ from, subject, keys }: Match, message: Matched): boolean {
  if (from !== undefined && !fits(from, message.from)) return false;
  if (subject !== undefined && !fits(subject, message.subject)) return false;
  return keys === undefined || hasKeys(keys, message.keys);
}

function hasKeys(wanted: Keys, keys: Keys): boolean {
  return Object.entries(wanted).every(([name, one]) => {
    const value = own(keys, name);
    return value !== undefined && fits(one, value);
  });
}

export function matchText({ from, subject, keys = {} }: Match): string {
  const parts = [
    ...(from === undefined ? [] : [`from "${from}"`]),
    ...(subject === undefined ? [] : [`about "${subject}"`]),
    ...Object.entries(keys).map(([name, wanted]) => `with ${name} "${wanted}"`),
  ];
  return parts.length === 0 ? 'every message' : parts.join(', ');
}

/** The lines `Key: Value` at the head of a mail that has nothing else there, and the text behind them. */
export function keysIn(body: string): { readonly keys: Keys; readonly text: string } {
  const { head, text } = headOf(body);
  const pairs = head.split('\n').map((line) => {
    const colon = line.indexOf(': ');
    return [line.slice(0, Math.max(0, colon)), line.slice(colon + 2)] as const;
  });
  const read = Keys.safeParse(Object.fromEntries(pairs));
  // A name that comes twice is no key either: one of the two would be lost.
  if (!read.success || Object.keys(read.data).length < pairs.length) return { keys: {}, text: body };
  return { keys: read.data, text };
}
