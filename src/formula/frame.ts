/**
 * A problem with the lines of source around it, as a good compiler shows it: where it is, the text with a mark under it, and
 * what to do.
 */
import { quote, type Problem } from './problem.js';

type Style = 'bold' | 'red' | 'yellow' | 'blue' | 'green';
/** Gives a piece of the frame its colour; the identity where colours are not wanted. */
export type Paint = (style: Style, text: string) => string;

export type FrameOptions = {
  readonly severity: 'error' | 'warning';
  /** The text of the problem's file, null when it cannot be had. */
  readonly source: string | null;
  readonly paint?: Paint;
};

/** A line of source longer than this is shown as a window around the mark. */
const LINE_CHARS_MAX = 120;
const LINES_BEFORE = 1;

export function printFrame(problem: Problem, { severity, source, paint = (_, text) => text }: FrameOptions): string {
  const tone = severity === 'error' ? 'red' : 'yellow';
  const step = problem.step === null ? '' : ` · step ${quote(problem.step)}`;
  const title = `${paint(tone, severity)}${paint('bold', `: ${problem.message}`)}`;
  const place = problem.line === 0 ? problem.file : `${problem.file}:${problem.line}:${problem.column}`;
  const lines = source === null || problem.line === 0 ? [] : linesAround(source, problem.line);
  const width = String(problem.line).length;
  const bar = (number: string) => paint('blue', `${number.padStart(width)} |`);
  const hint = problem.hint === null ? [] : [`${' '.repeat(width)} ${paint('blue', '=')} ${help(problem.hint, paint)}`];
  const shown = lines.flatMap(({ number, text }) => {
    const view = window(text, number === problem.line ? problem.column : 1);
    const line = `${bar(String(number))} ${view.text}`.trimEnd();
    return number === problem.line ? [line, `${bar('')} ${paint(tone, mark(view))}`] : [line];
  });
  const arrow = `${' '.repeat(width)}${paint('blue', '-->')} ${place}${step}`;
  return [title, arrow, ...(shown.length === 0 ? [] : [bar(''), ...shown]), ...hint].join('\n');
}

/** Each in a frame of its own, an empty line between. `sourceOf` gives the text of a file. */
export function printFrames(
  problems: readonly Problem[],
  options: Omit<FrameOptions, 'source'> & { readonly sourceOf: (file: string) => string | null },
): string {
  return problems.map((one) => printFrame(one, { ...options, source: options.sourceOf(one.file) })).join('\n\n');
}

function help(hint: string, paint: Paint): string {
  return `${paint('green', 'help')}: ${hint}`;
}

function linesAround(source: string, line: number): readonly { readonly number: number; readonly text: string }[] {
  const lines = source.replace(/^\uFEFF/, '').split(/\r?\n/);
  const first = Math.max(1, line - LINES_BEFORE);
  return lines
    .slice(first - 1, line)
    .map((text, index) => ({ number: first + index, text }))
    .filter(({ number, text }) => number === line || text.trim() !== '');
}

type View = { readonly text: string; readonly at: number; readonly length: number };

/** The line, or as much of it around the column as can be read, with control characters made visible. */
function window(line: string, column: number): View {
  const at = Math.min(column - 1, line.length);
  const length = spanAt(line, at);
  if (line.length <= LINE_CHARS_MAX) return { text: visible(line), at, length };
  const from = Math.max(0, Math.min(at - 40, line.length - LINE_CHARS_MAX));
  const before = from === 0 ? '' : '… ';
  const cut = line.slice(from, from + LINE_CHARS_MAX);
  const text = `${before}${cut}${from + LINE_CHARS_MAX < line.length ? ' …' : ''}`;
  return { text: visible(text), at: before.length + at - from, length: Math.min(length, cut.length - (at - from)) };
}

/** How much of the line the word at this place takes: a text in quotes, a placeholder, a header, a bare word. */
function spanAt(line: string, at: number): number {
  const rest = line.slice(at);
  const word =
    /^"""/.exec(rest) ??
    /^(?:"(?:\\.|[^"\\])*"?|'[^']*'?|\{\{[^}]*\}\}|\[\[?[^\]]*\]\]?|[\w.-]+|\{[^}]*\}?)/.exec(rest) ??
    /^\S/.exec(rest);
  return Math.max(1, word?.[0].length ?? 1);
}

/** Under what stands there: a tab stays a tab, and a wide character takes two columns. */
function mark({ text, at, length }: View): string {
  const before = Array.from(text.slice(0, at), (char) => (char === '\t' ? '\t' : ' '.repeat(columnsOf(char))));
  const under = Array.from(text.slice(at, at + length)).reduce((sum, char) => sum + columnsOf(char), 0);
  return `${before.join('')}${'^'.repeat(Math.max(1, under))}`;
}

function columnsOf(char: string): number {
  return /[\u1100-\u115f\u2e80-\ua4cf\uac00-\ud7a3\uf900-\ufaff\ufe30-\ufe4f\uff00-\uff60\u{1f300}-\u{1faff}]/u.test(
    char,
  )
    ? 2
    : 1;
}

/** Control characters of a torn file must not reach the terminal. */
function visible(text: string): string {
  return Array.from(text, (char) => (char !== '\t' && /\p{Cc}/u.test(char) ? '\uFFFD' : char)).join('');
}
