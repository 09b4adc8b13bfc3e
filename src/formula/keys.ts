/**
 * Every key of the formula language, in two lists a place: those this version executes, and those it knows but does not
 * execute yet. A key of the second list, or of neither, is refused: nothing an author writes is silently ignored.
 */
import { didYouMean, quote, type Path, type Report } from './problem.js';

export type KeyTable = { readonly executed: readonly string[]; readonly known: readonly string[] };

export const FORMULA_KEYS: KeyTable = {
  executed: ['formula', 'description', 'version', 'type', 'vars', 'steps', 'rework'],
  known: [
    'advice',
    'agent',
    'aspects',
    'compose',
    'convergence',
    'evaluate_prompt',
    'extends',
    'inputs',
    'legs',
    'output',
    'phase',
    'pointcuts',
    'pour',
    'presets',
    'prompts',
    'required_vars',
    'review_only',
    'source',
    'squash',
    'synthesis',
    'template',
  ],
};

export const STEP_KEYS: KeyTable = {
  executed: ['id', 'title', 'description', 'notes', 'type', 'needs', 'depends_on', 'acceptance', 'run', 'script'],
  known: [
    'assignee',
    'check',
    'children',
    'condition',
    'description_file',
    'expand',
    'expand_vars',
    'gate',
    'interactive',
    'labels',
    'loop',
    'metadata',
    'on_complete',
    'parallel',
    'priority',
    'ralph',
    'retry',
    'tags',
    'waits_for',
  ],
};

export const VAR_KEYS: KeyTable = {
  executed: ['description', 'default', 'required', 'enum', 'pattern', 'type'],
  known: [],
};

export const ACCEPTANCE_KEYS: KeyTable = { executed: ['text', 'command'], known: [] };

/** What these bring into a formula are steps or variables that stand elsewhere, or are named otherwise than they are written. */
const BRING_NAMES = [
  'advice',
  'aspects',
  'children',
  'compose',
  'expand',
  'extends',
  'inputs',
  'legs',
  'loop',
  'template',
];

/** Reports every key that is not executed and returns whether one of them brings names that cannot be seen here. */
export function reportKeys(table: object, keys: KeyTable, path: Path, report: Report): boolean {
  let ahead = false;
  for (const key of Object.keys(table)) {
    if (keys.executed.includes(key)) continue;
    if (keys.known.includes(key)) {
      ahead ||= BRING_NAMES.includes(key);
      const message = `the key ${quote(key)} belongs to the formula language, but this version does not execute it yet`;
      report([...path, key], message);
    } else {
      const hint = didYouMean(key, [...keys.executed, ...keys.known]) ?? `the keys are ${keys.executed.join(', ')}`;
      report([...path, key], `unknown key ${quote(key)}`, { hint });
    }
  }
  return ahead;
}
