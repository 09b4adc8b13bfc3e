/** Dogs on boards: the deacon's, which says who is out and which chore is due when, and that of a dog itself. */
import { dogAt } from './address.js';
import type { Part } from './dog-report.js';
import { aboutOf, type Dogs } from './dogs.js';
import { short, timeAt } from './wording.js';
import { table } from './table.js';

export function dogsLines({ out, waiting }: Dogs): readonly string[] {
  const rows = [
    ...out.map((one) => [dogAt(one.dog), aboutOf(one), one.by, `is out, home by ${timeAt(one.endsByMs)}`]),
    ...waiting.map((one) => [
      '',
      aboutOf(one),
      one.by,
      one.notBeforeMs === null ? 'waits for a dog' : `goes again at ${timeAt(one.notBeforeMs)}`,
    ]),
  ];
  return rows.length === 0 ? [] : ['', ...table(['dog', 'errand', 'sent by', ''], rows)];
}

export function dogBoard(about: string, parts: readonly Part[], end: string | null): string {
  const marks = { waits: ' ', 'at work': '~', done: 'x' } as const;
  const lines = parts.flatMap(({ what, state, did, wrong }) => [
    `- [${marks[state]}] ${what}${state === 'at work' ? ', at work' : ''}`,
    ...did.map((line) => `  - ${short(line)}`),
    ...wrong.map((line) => `  - **${short(line)}**`),
  ]);
  const head = end ?? (parts.length === 0 ? 'It asks whom the errand is about.' : '');
  return [`**${about}**${head === '' ? '' : ` ${head}`}`, '', ...lines].join('\n').trim();
}
