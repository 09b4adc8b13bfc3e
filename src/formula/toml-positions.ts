/**
 * Where each key and value of a TOML document stands in its text. The document is known to be valid (smol-toml has read it), so
 * this only follows its outline; it never throws, and on text it cannot follow it stops and keeps what it has.
 */
import { parse } from 'smol-toml';

/** One key, table or array element. `at` is where it is named; `from` and `to` bound its value's text (a table: its header). */
export type Place = {
  readonly at: number;
  from: number;
  to: number;
  readonly children: Map<string, Place>;
  /** The newest table of an array of tables: what `[steps.gate]` after a `[[steps]]` speaks of. */
  newest: Place | null;
};

export function findPlaces(text: string): Place {
  return new Outline(text, '=').read();
}

/** The same for JSON, which is a TOML value with ":" for "=". */
export function findJsonPlaces(text: string): Place {
  return new Outline(text, ':').readWhole();
}

type Written = { readonly text: string; readonly at: number };

/** What JavaScript would forget of a JSON text: a key before a second one of its name, the last digits of a long whole number. */
export function findForgotten(text: string): { readonly key: Written | null; readonly number: Written | null } {
  const outline = new Outline(text, ':');
  outline.readWhole();
  return { key: outline.repeated, number: outline.tooLong };
}

const BLANK = /[ \t\r\n]*/y;
const COMMENT = /[^\n]*/y;
const SPACES = /[ \t]*/y;
const BARE_KEY = /[A-Za-z0-9_-]*/y;
const BASIC_CHARACTERS = /[^"\\]*/y;
const LITERAL_CHARACTERS = /[^']*/y;
const PLAIN_VALUE = /[^,\]}#\r\n]*/y;

class Outline {
  readonly #text: string;
  readonly #assign: string;
  #at = 0;
  repeated: Written | null = null;
  tooLong: Written | null = null;

  constructor(text: string, assign: string) {
    this.#text = text;
    this.#assign = assign;
  }

  readWhole(): Place {
    const root = newPlace(0);
    this.#skipBlank();
    this.#readValue(root);
    return root;
  }

  read(): Place {
    const root = newPlace(0);
    let table = root;
    for (this.#skipBlank(); this.#at < this.#text.length; this.#skipBlank()) {
      const before = this.#at;
      if (this.#sees('[')) table = this.#readHeader(root);
      else this.#readPair(table);
      if (this.#at === before) break;
    }
    return root;
  }

  #readHeader(root: Place): Place {
    const at = this.#at;
    const isArray = this.#sees('[[');
    this.#at += isArray ? 2 : 1;
    const keys = this.#readKeys();
    this.#at += isArray ? 2 : 1;
    let place = root;
    for (const [index, { text }] of keys.entries()) {
      place = child(place, text, at);
      if (isArray && index === keys.length - 1) {
        place.newest = child(place, String(place.children.size), at);
        place.newest.to = this.#at;
      }
      place.to = Math.max(place.to, at);
      place = place.newest ?? place;
    }
    return place;
  }

  #readPair(table: Place): void {
    let place = table;
    for (const { text, at } of this.#readKeys()) {
      if (place.children.has(text)) this.repeated ??= { text, at };
      place = child(place, text, at);
    }
    if (!this.#sees(this.#assign)) return;
    this.#at += 1;
    this.#readValue(place);
  }

  /** The parts of a dotted key, up to the `=` or `]` behind it. */
  #readKeys(): Written[] {
    const keys: Written[] = [];
    for (;;) {
      this.#skipSpaces();
      const at = this.#at;
      if (this.#sees('"') || this.#sees("'")) this.#skipString();
      else this.#skip(BARE_KEY);
      if (this.#at === at) return keys;
      keys.push({ text: keyName(this.#text.slice(at, this.#at)), at });
      this.#skipSpaces();
      if (!this.#sees('.')) return keys;
      this.#at += 1;
    }
  }

  #readValue(place: Place): void {
    this.#skipSpaces();
    place.from = this.#at;
    if (this.#sees('[')) this.#readItems(']', (index) => this.#readValue(child(place, String(index), this.#at)));
    else if (this.#sees('{')) this.#readItems('}', () => this.#readPair(place));
    else if (this.#sees('"') || this.#sees("'")) this.#skipString();
    else this.#readPlain();
    place.to = this.#at;
  }

  #readPlain(): void {
    const at = this.#at;
    this.#skip(PLAIN_VALUE);
    const text = this.#text.slice(at, this.#at).trim();
    if (/^-?\d+$/.test(text) && !isKept(text)) this.tooLong ??= { text, at };
  }

  #readItems(end: ']' | '}', readItem: (index: number) => void): void {
    this.#at += 1;
    for (let index = 0; ; index += 1) {
      this.#skipBlank();
      const before = this.#at;
      if (this.#sees(end)) break;
      readItem(index);
      this.#skipBlank();
      if (this.#sees(',')) this.#at += 1;
      if (this.#at === before) return;
    }
    this.#at += 1;
  }

  #skipString(): void {
    const quote = this.#text.charAt(this.#at);
    const fence = this.#sees(quote.repeat(3)) ? quote.repeat(3) : quote;
    this.#at += fence.length;
    while (this.#at < this.#text.length && !this.#sees(fence)) {
      this.#skip(quote === '"' ? BASIC_CHARACTERS : LITERAL_CHARACTERS);
      if (this.#sees('\\')) this.#at += 2;
      else if (!this.#sees(fence)) this.#at += 1;
    }
    this.#at += fence.length;
    // A multi-line string may end in one or two quotes of its own.
    if (fence.length === 3) for (let extra = 0; extra < 2 && this.#sees(quote); extra += 1) this.#at += 1;
  }

  /** Spaces, line ends and comments. */
  #skipBlank(): void {
    this.#skip(BLANK);
    while (this.#sees('#')) {
      this.#skip(COMMENT);
      this.#skip(BLANK);
    }
  }

  #skipSpaces(): void {
    this.#skip(SPACES);
  }

  #skip(what: RegExp): void {
    what.lastIndex = this.#at;
    if (what.test(this.#text)) this.#at = what.lastIndex;
  }

  #sees(what: string): boolean {
    return this.#text.startsWith(what, this.#at);
  }
}

/** Whether a whole number is printed again as it was written. */
function isKept(digits: string): boolean {
  const number = Number(digits);
  return Number.isSafeInteger(number) || String(number) === digits;
}

function newPlace(at: number): Place {
  return { at, from: at, to: at, children: new Map(), newest: null };
}

function child(parent: Place, name: string, at: number): Place {
  const known = parent.children.get(name);
  if (known !== undefined) return known;
  const place = newPlace(at);
  parent.children.set(name, place);
  return place;
}

function keyName(raw: string): string {
  if (!/^["']/.test(raw)) return raw;
  try {
    const name = parse(`key = ${raw}`)['key'];
    return typeof name === 'string' ? name : raw;
  } catch {
    return raw;
  }
}
