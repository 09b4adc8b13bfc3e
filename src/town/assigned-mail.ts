/** What people are written of steps and items that wait for them: what each is, and by which command they are seen and answered. */
import { OVERSEER } from './address.js';
import type { AssignedStep, Telling } from './assigned.js';
import { SUBJECT_CHARS_MAX, type Mail } from './mail.js';
import { shellWord } from './shell-text.js';
import { asLine, code, short, timeAt } from './wording.js';

/** A mail names so many. */
const NAMED_MAX = 20;

/** Of this wait of it: an attempt at an item has the number of one of an earlier mission of the id. */
export const waitKey = ({ step, sinceMs }: AssignedStep): string => `${step}@${sinceMs}`;

/** Of what waits in the workflow `id` for a person, one at least. `to`: that person, or the overseer where there is no such inbox. */
export function assignedMail(id: string, meant: string, { steps, more }: Telling, to = meant): Mail {
  const [first] = steps;
  const count = steps.length + more;
  const what = first !== undefined && count === 1 ? short(first.title) : `${count} steps`;
  const rows = steps.slice(0, NAMED_MAX).map((one) => {
    const kind = one.isItem === true ? 'item' : 'step';
    return `- ${asLine(one.title)} (${kind} ${code(one.step)}), since ${timeAt(one.sinceMs)} UTC`;
  });
  const others = count - Math.min(NAMED_MAX, steps.length);
  const isItems = steps.every(({ isItem }) => isItem === true);
  const person = shellWord(meant.replace('/crew/', '/'));
  const list = meant === OVERSEER ? 'gt inbox' : `gt inbox --for ${person}`;
  const answers = isItems ? `gt crew show ${person}` : list;
  const commands =
    to === meant
      ? [answers, ...(isItems ? [] : [`gt mol current ${shellWord(id)}`])]
      : [isItems ? `gt explain ${shellWord(id)}` : `gt mol current ${shellWord(id)}`];
  const whom = to === meant ? 'you' : `${meant}, who has no inbox`;
  return {
    id: `waits:${id}:${first === undefined ? '' : waitKey(first)}:${count}:${to}`.slice(0, 2_000),
    from: id,
    to,
    subject: asLine(`Waits for ${whom}: ${what} (${id})`).slice(0, SUBJECT_CHARS_MAX),
    body: [
      `This waits for ${whom} in ${id}:`,
      [...rows, ...(others > 0 ? [`- and ${others} more`] : [])].join('\n'),
      `What it is about, and the command that answers it:\n\n${commands.map((one) => `    ${one}`).join('\n')}`,
    ].join('\n\n'),
  };
}
