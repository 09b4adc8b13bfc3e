/**
 * What an agent's program writes, as it writes it: for people, line by line, and for the town what it tells of its tokens and cost. Nothing is
 * read from what is kept of the output, which may be cut.
 */
import type { Stream } from '../process/run.js';
import type { Agent } from '../town/agents.js';
import { linesOf } from './said-lines.js';
import { cleaned } from './secrets.js';
import { valuesIn } from './values-in.js';

/** What is longer is no line of such a program, and is let go. */
const LINE_CHARS_MAX = 4 * 1024 * 1024;
/** Nor is what has more of them: whoever writes such lines would stop all sessions of the worker while it reads them. */
const VALUES_MAX = 20_000;
const UNREAD = '(a line that is too large to be read)\n';
/** Of what is written over several lines. */
const WHOLE_CHARS_MAX = 4 * 1024 * 1024;

export class ProgramOutput {
  readonly #format: Agent['usage'];
  readonly #show: (text: string) => void;
  readonly #hear: (event: unknown) => void;
  #line = '';
  /** Not shown yet. */
  #told = '';
  /** The line has been let go as far as it has come. */
  #isTooLong = false;
  /** What was no event by itself may be one in all. */
  #whole = '';

  constructor(format: Agent['usage'], show: (text: string) => void, hear: (event: unknown) => void) {
    this.#format = format;
    this.#show = show;
    this.#hear = hear;
  }

  add(piece: string, from: Stream): void {
    if (this.#format === 'none' || from === 'stderr') return this.#show(piece);
    const [first = '', ...more] = piece.split('\n');
    this.#grow(first);
    for (const next of more) {
      this.#take('\n');
      this.#grow(next);
    }
    this.#tell();
  }

  end(): void {
    this.#take('');
    this.#tell();
    for (const event of isLarge(this.#whole) ? [] : eventsIn(this.#whole)) this.#hear(event);
    this.#whole = '';
  }

  /** All that a piece has told at once: a write for each of its lines would take longer than to read them. */
  #tell(): void {
    if (this.#told !== '') this.#show(this.#told);
    this.#told = '';
  }

  #grow(piece: string): void {
    if (this.#isTooLong) return;
    this.#line += piece;
    if (this.#line.length <= LINE_CHARS_MAX) return;
    this.#isTooLong = true;
    this.#line = '';
  }

  #take(end: string): void {
    const line = `${this.#line}${end}`;
    this.#line = '';
    const isUnread = this.#isTooLong || isLarge(line);
    this.#isTooLong = false;
    if (isUnread) this.#told += UNREAD;
    else if (line !== '') this.#read(line);
  }

  #read(line: string): void {
    const events = eventsIn(line);
    if (events.length === 0 && this.#whole.length + line.length <= WHOLE_CHARS_MAX) this.#whole += line;
    const alone = events.length === 1;
    const lines = events.flatMap(
      (event) => linesOf(this.#format, event) ?? [alone ? line.trimEnd() : JSON.stringify(cleaned(event))],
    );
    this.#told += events.length === 0 ? line : lines.map((one) => `${one}\n`).join('');
    for (const event of events) this.#hear(event);
  }
}

function isLarge(text: string): boolean {
  return /^\s*[{[]/.test(text) && text.length > VALUES_MAX && valuesIn(Buffer.from(text)) > VALUES_MAX;
}

function eventsIn(text: string): readonly unknown[] {
  if (!/^\s*[{[]/.test(text)) return [];
  try {
    return [JSON.parse(text)].flat() as readonly unknown[];
  } catch {
    return [];
  }
}
