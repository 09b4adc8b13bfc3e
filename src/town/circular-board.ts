/** The board of a mail to a group: whom it is for, who has it, who could not be reached. */
import { clip } from './board.js';
import type { Outcome } from './group.js';
import type { Mail } from './mail.js';
import { table } from './table.js';
import { short } from './wording.js';

/** `members`: how many; null until it is known whom it is for. `why` it ended before all have it; null when it has not. */
export function circularBoard(
  { from, subject }: Pick<Mail, 'from' | 'subject'>,
  members: number | null,
  { to, reached, missed }: Outcome,
  why: string | null,
): string {
  const head = `**${short(subject)}**, from ${short(from)} to ${short(to)}.`;
  const done = reached.length + missed.length;
  const stands =
    why !== null
      ? `It has ended: ${short(why)}.`
      : members === null
        ? 'It is looked up who that is.'
        : done < members
          ? `${done} of ${members} have been written to; the others are next.`
          : `${reached.length} of ${members} have it; nothing happens any more.`;
  const rows = missed.map((one) => [one.to, short(one.why)]);
  const lacking = rows.length === 0 ? [] : ['', ...table(['has it not', 'why'], rows)];
  return clip([`${head} ${stands}`, ...lacking].join('\n'));
}
