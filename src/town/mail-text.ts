/**
 * Mail as people write it by hand: indented, with the ends of lines of any system, or all of it as one text. The town reads it as if it had
 * written it itself.
 *
 *     Subject: TYPE: brief
 *     Body:
 *       Key: Value
 *
 *       ## freeform Markdown
 */
import { townsWord, type Mail } from './mail.js';

/** A mail of the town, with its keys where a line begins. Free mail is its reader's alone, and stays as it is. */
export function plain(mail: Mail): Mail {
  return townsWord(mail.subject) === null ? mail : { ...mail, body: plainBody(mail.body) };
}

/** With keys at the beginnings of lines, and the text behind them as far in as it was meant. What the town has written stays as it is. */
export function plainBody(body: string): string {
  const rows = rowsOf(body);
  const first = rows.findIndex(isWritten);
  if (first === -1) return body;
  const gap = rows.findIndex((row, at) => at > first && !isWritten(row));
  const end = gap === -1 ? rows.length : gap;
  const head = rows
    .slice(first, end)
    .map((row) => row.trimStart())
    .join('\n');
  if (gap === -1 ? body === head : body.startsWith(`${head}\n\n`)) return body;
  const text = outdented(rows.slice(end), indentOf(rows[first])).join('\n');
  return text === '' ? head : `${head}\n${text}`;
}

type Reading =
  | { readonly ok: true; readonly subject: string; readonly body: string }
  | { readonly ok: false; readonly problem: string };

const FORM = '"Subject: …", then "Body:" or an empty line, and the body';

/** All of a mail in one text. */
export function readMailText(text: string): Reading {
  const rows = rowsOf(text.replace(/^\uFEFF/, ''));
  const first = rows.findIndex(isWritten);
  const [, subject] = /^\s*Subject:\s*(\S.*)$/.exec(rows[first] ?? '') ?? [];
  if (subject === undefined) return { ok: false, problem: `a mail in one text begins otherwise: ${FORM}` };
  const [next = '', ...rest] = rows.slice(first + 1);
  const [, beside] = /^\s*Body:\s*(.*)$/.exec(next) ?? [];
  if (beside === undefined && isWritten(next))
    return { ok: false, problem: `behind its subject stands "${next.slice(0, 100)}"; expected is ${FORM}` };
  const body = outdented(rest, indentOf(rest.find(isWritten)));
  const all = beside === undefined || beside === '' ? body : [beside, ...body];
  return { ok: true, subject: subject.trimEnd(), body: all.join('\n').trimEnd() };
}

const rowsOf = (text: string): readonly string[] => text.split(/\r?\n/);
const isWritten = (row: string): boolean => row.trim() !== '';
const indentOf = (row = ''): string => row.slice(0, row.length - row.trimStart().length);

function outdented(rows: readonly string[], indent: string): readonly string[] {
  return rows.map((row) => (isWritten(row) ? (row.startsWith(indent) ? row.slice(indent.length) : row) : ''));
}
