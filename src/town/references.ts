/** References to other steps in texts, `{{steps.ID.output.a.b}}` and `{{steps.ID.summary}}`, filled in when a step begins. */
import { partOf } from './condition.js';
import type { Json } from './act.js';

/** Ids of steps that a fan-out will add hold a mark for their number, as `src/formula` writes it. */
const REFERENCE = /\{\{steps\.([\w.\uE000\uE001-]+?)\.(output|summary)((?:\.[\w-]+)*)\}\}/g;

export type Reference = {
  readonly written: string;
  readonly step: string;
  readonly part: 'output' | 'summary';
  readonly path: readonly string[];
};

export function referencesIn(text: string): readonly Reference[] {
  return Array.from(text.matchAll(REFERENCE), ([written, step = '', part, path = '']) => ({
    written,
    step,
    part: part === 'summary' ? 'summary' : 'output',
    path: path.split('.').slice(1),
  }));
}

/** What a closed step leaves to those after it. */
export type Left = { readonly summary: string; readonly output: Json | null };

/** How a value that has words in it, and not only a number, stands in the text. */
export type Quote = (value: string, step: string) => string;

/** Texts stand as they are, other values as JSON; what is not there is the empty text. Values are not looked at again. */
export function fillReferences(
  text: string,
  leftBy: (step: string) => Left | null,
  quote: Quote = (value) => value,
): string {
  if (!text.includes('{{steps.')) return text;
  return text.replaceAll(REFERENCE, (_written, step: string, part: string, path: string) => {
    const left = leftBy(step);
    const value =
      left === null ? null : part === 'summary' ? left.summary : partOf(left.output, path.split('.').slice(1));
    return textOf(value, (words) => quote(words, step));
  });
}

/** A value in a text: `quote` has what has words in it. */
export function textOf(value: Json, quote: (words: string) => string): string {
  if (value === null || value === '') return '';
  if (typeof value === 'number' || typeof value === 'boolean') return String(value);
  return quote(typeof value === 'string' ? value : JSON.stringify(value));
}

/** The text with nothing in it that would be taken for a reference when it is filled once more. */
export function withoutReferences(text: string): string {
  return text.replaceAll('{{steps.', '{{ steps.');
}

/** The text with other ids in its references. */
export function renameReferences(text: string, to: (step: string) => string): string {
  if (!text.includes('{{steps.')) return text;
  return text.replaceAll(
    REFERENCE,
    (_written, step: string, part: string, path: string) => `{{steps.${to(step)}.${part}${path}}}`,
  );
}
