/** Dead letters: mail of the town that could not be brought to whoever it was for. Kept to be looked at, the newest of them; all are in the ledger. */
import type { KeptMail } from './inbox.js';
import { table } from './table.js';
import { short, timeAt } from './wording.js';

const LETTERS_MAX = 100;
const SHOWN_MAX = 10;

export type DeadLetter = KeptMail & { readonly why: string };

export function withDead(letters: readonly DeadLetter[], letter: DeadLetter): readonly DeadLetter[] {
  return [...letters.filter(({ id }) => id !== letter.id), letter].slice(-LETTERS_MAX);
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
