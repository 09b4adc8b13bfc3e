/** References to other steps in texts, `{{steps.ID.output.a.b}}` and `{{steps.ID.summary}}`, filled in when a step begins. */
import { partOf } from './condition.js';
import type { Json } from './protomolecule.js';

const REFERENCE = /\{\{steps\.([\w.-]+?)\.(output|summary)((?:\.[\w-]+)*)\}\}/g;

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

/** Texts stand as they are, other values as JSON; what is not there is the empty text. Values are not looked at again. */
export function fillReferences(text: string, leftBy: (step: string) => Left | null): string {
  if (!text.includes('{{steps.')) return text;
  return text.replaceAll(REFERENCE, (_written, step: string, part: string, path: string) => {
    const left = leftBy(step);
    if (left === null) return '';
    if (part === 'summary') return left.summary;
    const value = partOf(left.output, path.split('.').slice(1));
    return value === null ? '' : typeof value === 'string' ? value : JSON.stringify(value);
  });
}

/** The text with other ids in its references. */
export function renameReferences(text: string, to: (step: string) => string): string {
  if (!text.includes('{{steps.')) return text;
  return text.replaceAll(
    REFERENCE,
    (_written, step: string, part: string, path: string) => `{{steps.${to(step)}.${part}${path}}}`,
  );
}
