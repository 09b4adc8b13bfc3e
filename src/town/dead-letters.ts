/** Dead letters: mail of the town that could not be brought to whoever it was for. Kept to be looked at, the newest of them; all are in the ledger. */
import type { KeptMail } from './inbox.js';
import { table } from './table.js';
import { short, timeAt } from './wording.js';

const LETTERS_MAX = 100;
const SHOWN_MAX = 10;
/** They go from run to run. */
const BODY_CHARS_MAX = 500;

export type DeadLetter = KeptMail & { readonly why: string };

/** Of a long one its beginning is kept. */
export function withDead(letters: readonly DeadLetter[], letter: DeadLetter): readonly DeadLetter[] {
  const kept = { ...letter, body: letter.body.slice(0, BODY_CHARS_MAX) };
  return [...letters.filter(({ id }) => id !== letter.id), kept].slice(-LETTERS_MAX);
}

/** For a board; nothing when there are none. */
export function deadLines(letters: readonly DeadLetter[]): readonly string[] {
  if (letters.length === 0) return [];
  const rows = letters
    .slice(-SHOWN_MAX)
    .toReversed()
    .map(({ to, subject, why, atMs = 0 }) => [short(to), short(subject), short(why), timeAt(atMs)]);
  const heads = ['dead letter to', 'about', 'why', 'since'];
  const more = letters.length > SHOWN_MAX ? [`\n${letters.length - SHOWN_MAX} more: the query \`dead-letters\`.`] : [];
  return ['', ...table(heads, rows), ...more];
}
