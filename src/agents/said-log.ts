/** What an agent's program writes, as a file for whoever watches it: line by line, and without secrets. */
import { appendFileSync } from 'node:fs';
import { placeToCut, withoutSecrets } from './secrets.js';

/** Beside the journal. */
export const SAID_FILE = 'said.log';

const CHARS_MAX = 10 * 1024 * 1024;
/** A line this long is written before it ends. */
const LINE_CHARS_MAX = 64 * 1024;
/** Of a line that is cut this much is kept back: a secret that has only begun is not known yet. */
const SECRET_CHARS_MAX = 8 * 1024;

export class SaidLog {
  readonly #path: string;
  #waiting = '';
  #written = 0;

  constructor(path: string) {
    this.#path = path;
  }

  add(piece: string): void {
    if (this.#written > CHARS_MAX) return;
    this.#waiting += piece;
    this.#write(placeToCut(this.#waiting, this.#waiting.lastIndexOf('\n') + 1));
    if (this.#waiting.length <= LINE_CHARS_MAX) return;
    const end = this.#waiting.length - SECRET_CHARS_MAX;
    // What looks like one secret from the beginning on, and is longer than any, is none.
    this.#write(placeToCut(this.#waiting, end) || end);
  }

  end(): void {
    this.#write(this.#waiting.length);
  }

  /** That it cannot be written must not stop the agent. */
  #write(end: number): void {
    if (end === 0 || this.#written > CHARS_MAX) return;
    const text = withoutSecrets(this.#waiting.slice(0, end));
    this.#waiting = this.#waiting.slice(end);
    this.#written += text.length;
    if (text === '') return;
    try {
      appendFileSync(this.#path, this.#written > CHARS_MAX ? `${text}\n[more than is kept]\n` : text);
    } catch {
      this.#written = Infinity;
    }
  }
}
