/**
 * `{{name}}` in the texts of a step. One pass: what a value brings in is never expanded again. Braces of any other form are
 * text, and so are the words of block templates (`{{else}}`) in a text that opens a block (`{{#if …}}`): instructions to
 * agents show such templates.
 */
import type { Path } from './problem.js';
import type { ActDraft, StepDraft } from './formula.js';

const PLACEHOLDER = /\{\{([A-Za-z_][A-Za-z0-9_]*)\}\}/g;
const SPACED = /\{\{(?:[ \t]+([A-Za-z_][A-Za-z0-9_]*)[ \t]*|([A-Za-z_][A-Za-z0-9_]*)[ \t]+)\}\}/g;
const BLOCK_WORDS: readonly string[] = ['else', 'this', 'root', 'index', 'key', 'first', 'last'];

/** Names of the variables a text asks for, each once, in order. */
export function placeholders(text: string, declared: ReadonlySet<string>): readonly string[] {
  const names = Array.from(text.matchAll(PLACEHOLDER), ([, name = '']) => name);
  const inBlocks = text.includes('{{#');
  return [...new Set(names)].filter((name) => declared.has(name) || !inBlocks || !BLOCK_WORDS.includes(name));
}

/** Placeholders written with spaces inside, which stay as they are: `{{ name }}`, whole, with the name meant. */
export function spacedPlaceholders(text: string): readonly { readonly written: string; readonly name: string }[] {
  return Array.from(text.matchAll(SPACED), ([written, before, behind]) => ({ written, name: before ?? behind ?? '' }));
}

/** A placeholder without a value stays as it is; cooking has refused it before. */
export function fillIn(text: string, values: ReadonlyMap<string, string>): string {
  return text.replace(PLACEHOLDER, (whole, name: string) => values.get(name) ?? whole);
}

/** The step with each of its texts passed through `change`: the one list of what is substituted, for checks and for cooking. */
export function mapTexts(step: StepDraft, change: (text: string, path: Path) => string): StepDraft {
  const at = (...path: Path): Path => ['steps', step.index, ...path];
  const maybe = (text: string | null, path: Path) => (text === null ? null : change(text, path));
  return {
    ...step,
    title: change(step.title, at('title')),
    description: change(step.description, at('description')),
    notes: maybe(step.notes, at('notes')),
    acceptance: {
      text: maybe(step.acceptance.text, step.acceptance.shorthand ? at('acceptance') : at('acceptance', 'text')),
      command: maybe(step.acceptance.command, at('acceptance', 'command')),
      shorthand: step.acceptance.shorthand,
    },
    run: maybe(step.run, at('run')),
    script:
      step.script?.map((act, index) => mapAct(act, (text, key) => change(text, at('script', index, key)))) ?? null,
  };
}

function mapAct(act: ActDraft, change: (text: string, key: string) => string): ActDraft {
  const changed = ([key, value]: [string, ActDraft[string]]) =>
    [key, typeof value === 'string' ? change(value, key) : value] as const;
  return Object.fromEntries(Object.entries(act).map(changed));
}
