/**
 * Ranges of loops: `a..b`, both ends in it. Each end is a whole number or a calculation with `+ - * / ^` and parentheses; the
 * fraction that a division leaves is cut off in the end.
 */
import { NESTING_MAX } from './limits.js';

export type Range =
  | { readonly ok: true; readonly from: number; readonly to: number }
  | { readonly ok: false; readonly message: string };

const RANGE_CHARS_MAX = 200;

class Refused extends Error {}

export function readRange(text: string): Range {
  try {
    if (text.length > RANGE_CHARS_MAX) throw new Refused(`has more than ${RANGE_CHARS_MAX} characters`);
    if (text.includes('{{steps.')) throw new Refused('asks for an output: how often is known before anything runs');
    if (/\{item(?:\.[\w-]+)*\}/.test(text)) throw new Refused('asks for an entry, which is known as the molecule runs');
    const [open, name] = /\{\{?(\w+)\}?\}/.exec(text) ?? [];
    if (open !== undefined) throw new Refused(`has ${open} in it, and ${name} is no variable: declare it under [vars]`);
    const word = /[A-Za-z_]\w*/.exec(text)?.[0];
    if (word !== undefined) throw new Refused(`has ${word} in it: a variable is written {{${word}}}`);
    const at = text.indexOf('..');
    if (at < 0) throw new Refused('has no ".." between its ends, as in 1..5');
    const from = valueOf(text.slice(0, at));
    const to = valueOf(text.slice(at + 2));
    if (to < from) throw new Refused(`ends (${to}) before it begins (${from})`);
    return { ok: true, from, to };
  } catch (error) {
    if (error instanceof Refused) return { ok: false, message: error.message };
    throw error;
  }
}

function valueOf(text: string): number {
  const calculation = new Calculation(text);
  const read = calculation.read();
  const value = Math.trunc(read);
  // A division is cut off, as in bd.
  if (!Number.isSafeInteger(value) || (read !== value && text.includes('.')))
    throw new Refused(`has an end that is no whole number: ${text.trim()}`);
  return value === 0 ? 0 : value;
}

class Calculation {
  readonly #tokens: readonly string[];
  readonly #text: string;
  #at = 0;

  constructor(text: string) {
    this.#text = text.trim();
    this.#tokens = text.match(/\d+(?:\.\d+)?|\S/g) ?? [];
  }

  read(): number {
    if (this.#tokens.length === 0) throw new Refused('has an end that is empty');
    const value = this.#sum(0);
    const left = this.#tokens[this.#at];
    if (left !== undefined) throw new Refused(`does not understand ${JSON.stringify(left)} in ${this.#text}`);
    return value;
  }

  #sum(depth: number): number {
    let value = this.#product(depth);
    for (;;) {
      if (this.#take('+')) value += this.#product(depth);
      else if (this.#take('-')) value -= this.#product(depth);
      else return value;
    }
  }

  #product(depth: number): number {
    let value = this.#signed(depth);
    for (;;) {
      if (this.#take('*')) value *= this.#signed(depth);
      else if (this.#take('/')) {
        const by = this.#signed(depth);
        if (by === 0) throw new Refused(`divides by zero in ${this.#text}`);
        value /= by;
      } else return value;
    }
  }

  #signed(depth: number): number {
    if (depth > NESTING_MAX) throw new Refused(`goes more than ${NESTING_MAX} parentheses deep`);
    if (this.#take('-')) return -this.#signed(depth + 1);
    if (this.#take('+')) return this.#signed(depth + 1);
    const base = this.#atom(depth);
    // 2^3^2 is 2^(3^2), and -2^2 is -(2^2).
    return this.#take('^') ? base ** this.#signed(depth + 1) : base;
  }

  #atom(depth: number): number {
    if (this.#take('(')) {
      const value = this.#sum(depth + 1);
      if (!this.#take(')')) throw new Refused(`has a "(" that is never closed in ${this.#text}`);
      return value;
    }
    const token = this.#tokens[this.#at];
    if (token === undefined) throw new Refused(`ends where a number must stand in ${this.#text}`);
    if (!/^\d/.test(token)) throw new Refused(`does not understand ${JSON.stringify(token)} in ${this.#text}`);
    this.#at += 1;
    if (Number(token) > Number.MAX_SAFE_INTEGER)
      throw new Refused(`has ${token} in it, which is too large to count with`);
    return Number(token);
  }

  #take(sign: string): boolean {
    if (this.#tokens[this.#at] !== sign) return false;
    this.#at += 1;
    return true;
  }
}
