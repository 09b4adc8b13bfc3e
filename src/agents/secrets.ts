/**
 * Takes secrets out of text before it is journaled, sent to a model, recorded in a history, or shown: what looks like one, and the
 * very values that this process was given as such. A value that was written otherwise, say as base64, is known by that, too.
 */
import { cleanBeforeCutting } from '../process/clipped.js';

const SURE_SHAPES: readonly RegExp[] = [
  /sk-ant-[A-Za-z0-9_-]{8,}/g,
  /gh[pousr]_[A-Za-z0-9]{16,}/g,
  /github_pat_[A-Za-z0-9_]{16,}/g,
  // But for the one of AWS's own documentation.
  /AKIA(?!IOSFODNN7EXAMPLE)[0-9A-Z]{16}/g,
  /-----BEGIN [A-Z ]*PRIVATE KEY-----[\s\S]*?(-----END [A-Z ]*PRIVATE KEY-----|$)/g,
];
/** What stands after this word is a token, or a word of documentation: it is not shown, but it may be kept. */
const SHAPES: readonly RegExp[] = [...SURE_SHAPES, /(?<=\bBearer )[A-Za-z0-9._~+/-]{16,}=*/g];
const BEFORE_CHARS = ' Bearer '.length;
const TAKEN_OUT = '[secret taken out]';

/** A shorter one would be found in what is none. */
const VALUE_CHARS_MIN = 10;

let values: RegExp | null = null;
/** The known ones that have more than one line. */
let ofLines: readonly string[] = [];

/** From now on these are taken out wherever they stand; of this process, as its environment is. */
export function knowSecrets(known: readonly string[]): void {
  const forms = known.filter((value) => value.length >= VALUE_CHARS_MIN).flatMap(formsOf);
  ofLines = forms.filter((form) => form.includes('\n'));
  // The longest first: one may begin with another.
  const all = [...new Set(forms)].toSorted((a, b) => b.length - a.length).map(escaped);
  cleanBeforeCutting(withoutSecrets);
  values = all.length === 0 ? null : new RegExp(all.join('|'), 'g');
}

export function withoutSecrets(text: string): string {
  return patterns().reduce((rest, pattern) => rest.replaceAll(pattern, TAKEN_OUT), text);
}

/** As many lines as the text has: of a secret of several lines nothing is left in any. */
export function linesWithoutSecrets(text: string): readonly string[] {
  return patterns()
    .reduce((rest, pattern) => rest.replaceAll(pattern, linesTakenOut), text)
    .split('\n');
}

function linesTakenOut(secret: string): string {
  return secret.replaceAll(/[^\n]+/g, TAKEN_OUT);
}

/**
 * The last place, up to `end`, where the text can be cut into two that are cleaned each for itself: no secret is across it, nor what may be
 * the beginning of one of several lines.
 */
export function placeToCut(text: string, end: number): number {
  const whole = patterns().flatMap((pattern) =>
    [...text.matchAll(pattern)].map(({ index, 0: { length } }) => ({
      // Some are known by what stands before them in their line.
      from: Math.max(index - BEFORE_CHARS, text.slice(0, index).lastIndexOf('\n') + 1),
      // One that the text ends with may go on.
      to: index + length === text.length ? Infinity : index + length,
    })),
  );
  const begun = ofLines.map((secret) => ({ from: text.length - lengthBegun(secret, text), to: Infinity }));
  const all = [...whole, ...begun].toSorted((a, b) => b.from - a.from);
  return all.reduce((at, { from, to }) => (from < at && at < to ? from : at), end);
}

/** How much of the secret the text ends with. */
function lengthBegun(secret: string, text: string): number {
  for (let length = Math.min(secret.length - 1, text.length); length > 0; length -= 1)
    if (text.endsWith(secret.slice(0, length))) return length;
  return 0;
}

function patterns(): readonly RegExp[] {
  return values === null ? SHAPES : [values, ...SHAPES];
}

/** The same value, with the secrets taken out of all its texts. */
export function cleaned<T>(value: T): T {
  return clean(value) as T; // texts stay texts, and all else is as it was
}

function clean(value: unknown): unknown {
  if (typeof value === 'string') return withoutSecrets(value);
  if (Array.isArray(value)) return value.map(clean);
  if (typeof value !== 'object' || value === null) return value;
  return Object.fromEntries(Object.entries(value).map(([key, one]) => [withoutSecrets(key), clean(one)]));
}

/** It holds a secret without doubt: on a remote it would be public. */
export function mayNotBePushed(text: string): boolean {
  return holdsKnownSecret(text) || SURE_SHAPES.some((shape) => text.search(shape) >= 0);
}

/** Whether it holds one that is known, and not only something that looks like one. */
export function holdsKnownSecret(text: string): boolean {
  return values !== null && text.search(values) >= 0;
}

function formsOf(value: string): readonly string[] {
  const bytes = Buffer.from(value);
  return [value, encodeURIComponent(value), bytes.toString('base64').replace(/=+$/, ''), bytes.toString('hex')];
}

function escaped(text: string): string {
  return text.replaceAll(/[.*+?^${}()|[\]\\]/g, String.raw`\$&`);
}
