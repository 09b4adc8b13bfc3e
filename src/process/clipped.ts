/**
 * What is kept of a stream: its head and its tail, with a line between that says how much was left out. Of a secret that is cut in two nobody
 * would know either half. So more is kept than is shown, and what is to be cut is cleaned first, as long as its secrets are whole.
 */

/** No secret is longer. */
export const SECRET_CHARS_MAX = 8 * 1024;

/** The tail follows upon the head where nothing was cut. */
export type Kept = { readonly head: string; readonly tail: string; readonly cut: number };

let clean: (text: string) => string = (text) => text;

/** From now on what is cut is cleaned so. */
export function cleanBeforeCutting(by: (text: string) => string): void {
  clean = by;
}

export class Clipped {
  #head = '';
  #tail = '';
  #cut = 0;
  readonly #charsMax: number;

  constructor(keepChars: number) {
    this.#charsMax = keepChars + SECRET_CHARS_MAX;
  }

  add(piece: string): void {
    const room = this.#charsMax - this.#head.length;
    this.#head += piece.slice(0, room);
    this.#tail += piece.slice(Math.max(0, room));
    const over = this.#tail.length - this.#charsMax;
    if (over > 0) {
      this.#tail = this.#tail.slice(over);
      this.#cut += over;
    }
  }

  kept(): Kept {
    return { head: this.#head, tail: this.#tail, cut: this.#cut };
  }
}

/** At most so many characters of the head, and of the tail. `isData`: nobody is shown them, and they stay as they are. */
export function shown({ head, tail, cut }: Kept, keepChars: number, isData: boolean): string {
  const all = head.length + cut + tail.length;
  if (all <= 2 * keepChars) return head + tail;
  if (isData) return joined(head, head + tail, all, keepChars);
  // At the inner ends there may be half a secret.
  if (cut > 0)
    return joined(clean(head).slice(0, -SECRET_CHARS_MAX), clean(tail).slice(SECRET_CHARS_MAX), all, keepChars);
  const whole = clean(head + tail);
  return whole.length <= 2 * keepChars ? whole : joined(whole, whole, all, keepChars);
}

function joined(head: string, tail: string, all: number, keepChars: number): string {
  const [first, last] = [head.slice(0, keepChars), tail.slice(Math.max(0, tail.length - keepChars))];
  return `${first}\n[${all - first.length - last.length} characters cut]\n${last}`;
}
