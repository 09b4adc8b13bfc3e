/**
 * What an agent's program writes, as it writes it: for people, line by line, and for the town what it tells of its tokens and cost. Nothing is
 * read from what is kept of the output, which may be cut.
 */
import type { Stream } from '../process/run.js';
import type { Agent } from '../town/agents.js';
import { linesOf } from './said-lines.js';

/** What is longer is no line of such a program, and is let go. */
const LINE_CHARS_MAX = 32 * 1024 * 1024;
/** Of what is written over several lines. */
const WHOLE_CHARS_MAX = 4 * 1024 * 1024;

export class ProgramOutput {
  readonly #format: Agent['usage'];
  readonly #show: (text: string) => void;
  readonly #hear: (event: unknown) => void;
  #line = '';
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
    this.#line += first;
    for (const next of more) {
      this.#take(`${this.#line}\n`);
      this.#line = next;
    }
    if (this.#line.length > LINE_CHARS_MAX) this.#line = '';
  }

  end(): void {
    if (this.#line !== '') this.#take(this.#line);
    this.#line = '';
    for (const event of eventsIn(this.#whole)) this.#hear(event);
    this.#whole = '';
  }

  #take(line: string): void {
    const events = eventsIn(line);
    if (events.length === 0 && this.#whole.length + line.length <= WHOLE_CHARS_MAX) this.#whole += line;
    const lines = events.flatMap((event) => linesOf(this.#format, event) ?? [line.trimEnd()]);
    this.#show(events.length === 0 ? line : lines.map((one) => `${one}\n`).join(''));
    for (const event of events) this.#hear(event);
  }
}

function eventsIn(text: string): readonly unknown[] {
  if (!/^\s*[{[]/.test(text)) return [];
  try {
    return [JSON.parse(text)].flat() as readonly unknown[];
  } catch {
    return [];
  }
}
