/** What people are written of steps and items that wait for them: what each is, and by which command they are seen and answered. */
import { OVERSEER } from './address.js';
import type { AssignedStep } from './assigned.js';
import { SUBJECT_CHARS_MAX, type Mail } from './mail.js';
import { shellWord } from './shell-text.js';
import { asLine, code, short, timeAt } from './wording.js';

/** A mail names so many. */
const NAMED_MAX = 20;

/** Of this wait of it. */
export const waitKey = ({ step, token, sinceMs }: AssignedStep): string => `${step}@${token ?? sinceMs}`;

/** `steps`: of the workflow `id`, at least one. */
export function assignedMail(id: string, to: string, steps: readonly AssignedStep[]): Mail {
  const [first] = steps;
  const what = first !== undefined && steps.length === 1 ? short(first.title) : `${steps.length} steps`;
  const rows = steps.slice(0, NAMED_MAX).map((one) => {
    const kind = one.isItem === true ? 'item' : 'step';
    return `- ${asLine(one.title)} (${kind} ${code(one.step)}), since ${timeAt(one.sinceMs)} UTC`;
  });
  const more = steps.length - NAMED_MAX;
  const shown = to === OVERSEER ? 'gt inbox' : `gt inbox --for ${shellWord(to.replace('/crew/', '/'))}`;
  const isItems = steps.every(({ isItem }) => isItem === true);
  const commands = [`    ${shown}`, ...(isItems ? [] : [`    gt mol current ${shellWord(id)}`])].join('\n');
  return {
    id: `waits:${id}:${first === undefined ? '' : waitKey(first)}:${steps.length}:${to}`.slice(0, 2_000),
    from: id,
    to,
    subject: asLine(`Waits for you: ${what} (${id})`).slice(0, SUBJECT_CHARS_MAX),
    body: [
      `This waits for you in ${id}:`,
      [...rows, ...(more > 0 ? [`- and ${more} more`] : [])].join('\n'),
      `What it is about, and the command that answers it:\n\n${commands}`,
    ].join('\n\n'),
  };
}
