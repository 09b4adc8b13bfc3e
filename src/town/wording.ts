/** Names, times and reasons in a sentence. */

/** Of many, so many are named. */
export const NAMED_MAX = 3;
const REASON_CHARS_MAX = 300;

export const code = (name: string) => `\`${name}\``;

/** `a`, `b`, `c` and 4 more. */
export function named(names: readonly string[]): string {
  const first = names.slice(0, NAMED_MAX).map(code);
  const more = names.length - first.length;
  if (more > 0) return `${first.join(', ')} and ${more} more`;
  return first.length < 2 ? first.join('') : `${first.slice(0, -1).join(', ')} and ${first.at(-1)}`;
}

export function timeAt(ms: number): string {
  // A time as text: the clock is not read here.
  // oxlint-disable-next-line no-restricted-globals
  return new Date(ms).toISOString().slice(0, 19).replace('T', ' ');
}

/** What comes once all is decided: the record of it, then nothing. */
export const afterEnd = (isEnding: boolean): string =>
  isEnding ? 'that is recorded next, and then it ends' : 'nothing happens any more';

export const asLine = (text: string): string => text.replaceAll(/\s+/g, ' ');

export function short(text: string): string {
  const line = asLine(text);
  return line.length > REASON_CHARS_MAX ? `${line.slice(0, REASON_CHARS_MAX)}…` : line;
}
