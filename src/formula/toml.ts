/** A document's text → its value and where everything in it stands, or the one place where it cannot be read. Never throws. */
import { parse, TomlError } from 'smol-toml';
import { FILE_CHARS_MAX } from './limits.js';
import { findForgotten, findJsonPlaces, findPlaces, type Place } from './toml-positions.js';

/** Both count from 1; a column is a UTF-16 code unit. */
type Position = { readonly line: number; readonly column: number };

export type Toml = {
  readonly ok: true;
  /** Plain data; dates are smol-toml's `TomlDate`, a `Date`. */
  readonly value: Readonly<Record<string, unknown>>;
  /**
   * Where the key, table or array element of this path is named; for a path that is not in the document, where its nearest
   * ancestor is. With `text`, the place of that text inside the value when it stands there as written.
   */
  readonly locate: (path: readonly (string | number)[], text?: string) => Position;
};

export type TomlResult = Toml | ({ readonly ok: false } & Unreadable);

/** `isToml`: as far as its form goes. */
export type Unreadable = Position & { readonly message: string; readonly hint?: string; readonly isToml?: true };

export function parseToml(source: string): TomlResult {
  const text = withLineFeeds(source.replace(/^\uFEFF/, ''));
  if (text.length > FILE_CHARS_MAX) return tooLarge(text);
  try {
    // `__proto__` and `constructor` as keys would mean something to JavaScript: such a document is refused.
    const value = parse(text, { unsafeKeyBehaviour: 'throw' });
    return { ok: true, value, locate: locator(text, findPlaces) };
  } catch (error) {
    if (!(error instanceof TomlError))
      return { ok: false, line: 1, column: 1, message: `not readable: ${String(error)}` };
    return {
      ok: false,
      ...(noKey(text, error) ?? unclosedText(text, error) ?? longInToml(text, error) ?? plain(error)),
    };
  }
}

/** JSON, of which Beads has formulas from before TOML. */
export function parseJson(source: string): TomlResult {
  const text = withLineFeeds(source.replace(/^\uFEFF/, ''));
  if (text.length > FILE_CHARS_MAX) return tooLarge(text);
  try {
    const value: unknown = JSON.parse(text, (key, part: unknown) => {
      if (key === '__proto__' || key === 'constructor') throw new SyntaxError(`a key cannot be called ${key}`);
      return part;
    });
    if (typeof value !== 'object' || value === null || Array.isArray(value))
      return { ok: false, line: 1, column: 1, message: 'a formula must be an object' };
    const { key, number } = findForgotten(text);
    const refused = (at: number) => ({ ok: false, ...position(lineStarts(text), at) }) as const;
    if (key !== null)
      return { ...refused(key.at), message: `the key ${JSON.stringify(key.text)} stands twice in one object` };
    if (number !== null) return { ...refused(number.at), ...tooLong(number.text) };
    return { ok: true, value: value as Readonly<Record<string, unknown>>, locate: locator(text, findJsonPlaces) };
  } catch (error) {
    const message = error instanceof Error ? error.message : String(error);
    const offset = Number(/at position (\d+)/.exec(message)?.[1] ?? 0);
    return {
      ok: false,
      ...position(lineStarts(text), offset),
      message: message.replace(/ in JSON at position.*$/s, ''),
    };
  }
}

/**
 * A text is the same however the lines of its file end: a carriage return in a command would be a part of it for the shell. Lines and
 * columns stay what they are.
 */
export function withLineFeeds(text: string): string {
  return text.includes('\r') ? text.replaceAll('\r\n', '\n') : text;
}

function tooLarge(text: string): TomlResult {
  return { ok: false, line: 1, column: 1, message: `it has ${text.length} characters, the most is ${FILE_CHARS_MAX}` };
}

/** Places are found when the first one is asked for: a formula without a mistake never pays for them. */
function locator(text: string, find: (text: string) => Place): Toml['locate'] {
  let found: { readonly root: Place; readonly lines: readonly number[] } | null = null;
  return (path, part) => {
    found ??= { root: find(text), lines: lineStarts(text) };
    return position(found.lines, offsetOf(text, found.root, path, part));
  };
}

function offsetOf(text: string, root: Place, path: readonly (string | number)[], part: string | undefined): number {
  let place = root;
  for (const name of path) {
    const next = place.children.get(String(name));
    if (next === undefined) return place.at;
    place = next;
  }
  const found = part === undefined ? -1 : text.slice(place.from, place.to).indexOf(part);
  return found < 0 ? place.at : place.from + found;
}

function lineStarts(text: string): readonly number[] {
  const starts = [0];
  for (let end = text.indexOf('\n'); end >= 0; end = text.indexOf('\n', end + 1)) starts.push(end + 1);
  return starts;
}

function position(starts: readonly number[], offset: number): Position {
  let low = 0;
  let high = starts.length - 1;
  while (low < high) {
    const middle = Math.ceil((low + high) / 2);
    if ((starts[middle] ?? 0) <= offset) low = middle;
    else high = middle - 1;
  }
  return { line: low + 1, column: offset - (starts[low] ?? 0) + 1 };
}

/** smol-toml keeps no whole number that JavaScript would round; null for any other mistake. */
function longInToml(text: string, { line, column, message }: TomlError): Unreadable | null {
  if (!message.includes('losslessly')) return null;
  const [digits = ''] = /^[+\w-]*/.exec(text.split('\n')[line - 1]?.slice(column - 1) ?? '') ?? [];
  return { line, column, ...tooLong(digits) };
}

function tooLong(digits: string): Pick<Unreadable, 'message' | 'hint'> {
  return { message: `the whole number ${digits} is too long to be kept to its last digit`, hint: 'write it in quotes' };
}

/** smol-toml's message without its preamble and its frame of source. */
function plain({ line, column, message }: TomlError): Unreadable {
  const [first = ''] = message.split('\n');
  return { line, column, message: first.replace(/^Invalid TOML document: /, '') };
}

/** What every object has by birth is no key; null for any other mistake. */
function noKey(text: string, { line, column, message }: TomlError): Unreadable | null {
  if (!message.includes('unsafe property')) return null;
  const key = /__proto__|constructor|prototype/.exec(text.split('\n')[line - 1] ?? '')?.[0] ?? 'this';
  return {
    line,
    column,
    message: `${key} is no key: nothing here may be called so, choose another name`,
    isToml: true,
  };
}

/** A text on one line, in either quotes; one that ends with the line is not closed. */
const TEXT = /(["'])(?:(?<=")(?:\\.|[^"\\])*|(?<=')[^']*)(\1|$)/g;

/** A text that is not closed is told where it begins; null for any other mistake. */
function unclosedText(text: string, { line, column, message }: TomlError): Unreadable | null {
  const written = text.split('\n')[line - 1]?.trimEnd() ?? '';
  if (message.includes('unfinished string')) return unclosed(written, line, column - 1);
  if (column <= written.length || !message.includes('control characters')) return null;
  const open = Array.from(written.matchAll(TEXT)).find(([, , end]) => end === '');
  return open === undefined ? null : unclosed(written, line, open.index);
}

function unclosed(written: string, line: number, at: number): Unreadable {
  const quote = written.charAt(at);
  const fence = quote.repeat(3);
  const hint = written.startsWith(fence, at)
    ? `end it with ${fence}`
    : `end it with ${quote} on the same line, or write ${fence} before and behind several lines`;
  return { line, column: at + 1, message: 'the text that begins here has no end', hint };
}
