/** `metadata` of a step: anything, and Gas City's words in it that make scopes. Bare keys, `gc.kind = "scope"`, are a table `gc`, and the same. */
import type { Json } from '../town/act.js';
import { isDeeper } from '../town/levels.js';
import type { StepDraft } from './formula.js';
import { NESTING_MAX } from './limits.js';
import { didYouMean, quote, type Origin, type Path, type Report } from './problem.js';
import { asJson, isTable, valueAt, type Table } from './shape.js';

type Metadata = Readonly<Record<string, Json>>;

const SCOPE_WORDS = ['gc.scope_ref', 'gc.scope_role', 'gc.scope_name', 'gc.scope_kind'];
/** Kinds of Gas City's with names like a scope's; any other kind is free. */
const KINDS = ['scope', 'scope-check'];

export function readMetadata(raw: Table | undefined, path: Path, report: Report): Metadata {
  if (raw === undefined) return {};
  if (isDeeper(raw, NESTING_MAX)) {
    report(path, `metadata nests more than ${NESTING_MAX} levels deep`);
    return {};
  }
  const { gc, ...more } = raw;
  if (!isTable(gc)) {
    checkWords(raw, path, '', report);
    return asJson(raw, path, report);
  }
  checkWords(more, path, '', report);
  checkWords(gc, [...path, 'gc'], 'gc.', report);
  for (const key of Object.keys(gc))
    if (`gc.${key}` in more)
      report([...path, 'gc', key], `${quote(`gc.${key}`)} stands twice, in quotes and without`, {
        hint: 'the two are the same: write one',
      });
  const words = Object.entries(asJson(gc, [...path, 'gc'], report)).map(([key, value]) => [`gc.${key}`, value]);
  return { ...asJson(more, path, report), ...Object.fromEntries(words) };
}

/** A mistyped word would make no scope, and nobody would know. Other words are free. */
function checkWords(table: Table, path: Path, prefix: string, report: Report): void {
  for (const [key, value] of Object.entries(table)) {
    const word = prefix + key;
    if (word.startsWith('gc.scop') && !SCOPE_WORDS.includes(word))
      report([...path, key], `no scope has a word ${quote(word)}`, {
        hint: didYouMean(word, SCOPE_WORDS) ?? `the words are ${SCOPE_WORDS.join(', ')}`,
      });
    if (word !== 'gc.kind' || typeof value !== 'string' || KINDS.includes(value)) continue;
    const meant = didYouMean(value, ['scope']);
    if (meant !== null) report([...path, key], `no step is of the kind ${quote(value)}`, { hint: meant });
  }
}

export function isScopeBody({ metadata }: { readonly metadata: Metadata }): boolean {
  return metadata['gc.kind'] === 'scope';
}

/** Where the word stands in the step's metadata, under its whole name or in the table `gc`. */
export function originOfWord({ at: { source, path } }: StepDraft, word: string): Origin {
  const whole = [...path, 'metadata', word];
  if (valueAt(source.toml.value, whole) !== undefined) return { source, path: whole };
  return { source, path: [...path, 'metadata', 'gc', word.slice('gc.'.length)] };
}
