/**
 * The braces in texts: `{{name}}` a variable, `{name}` of a loop, a template or an advice. One pass over the text as it was written:
 * what a value brings in is never expanded again. Braces of any other form are text, and so are the words of block templates
 * (`{{else}}`) in a text that opens a block (`{{#if …}}`): instructions to agents show such templates.
 */
import type { ActDraft, Scope, StepDraft, Unset, Variable } from './formula.js';
import { TEXT_CHARS_MAX } from './limits.js';
import { didYouMean, type Findings, type Origin, type Path } from './problem.js';
import { refuseMissing, standIn } from './vars.js';

const BRACES = /\{\{([A-Za-z_][A-Za-z0-9_]*)(\.[A-Za-z0-9_.]*)?\}\}|\{([A-Za-z_][A-Za-z0-9_.]*)\}/g;
const PLACEHOLDER = /\{\{([A-Za-z_][A-Za-z0-9_]*)\}\}/g;
const SPACED = /\{\{(?:[ \t]+([A-Za-z_][A-Za-z0-9_]*)[ \t]*|([A-Za-z_][A-Za-z0-9_]*)[ \t]+)\}\}/g;
const BLOCK_WORDS: readonly string[] = ['else', 'this', 'root', 'index', 'key', 'first', 'last'];

/** What the variables of the formula that is cooked are worth. */
export type Values = {
  readonly vars: ReadonlyMap<string, Variable>;
  readonly values: ReadonlyMap<string, string>;
  /** False when the formula declares none, so that each placeholder must have a value. */
  readonly declares: boolean;
  /** Nobody has given values yet: what has none stays open, and nothing is said of it. */
  readonly open: boolean;
  /** Names that some text has asked for. */
  readonly used: Set<string>;
  readonly findings: Findings;
};

/** Names of the variables a text asks for, each once, in order. */
export function placeholders(text: string): readonly string[] {
  if (!text.includes('{{')) return [];
  const names = Array.from(text.matchAll(PLACEHOLDER), ([, name = '']) => name);
  const inBlocks = text.includes('{{#');
  return [...new Set(names)].filter((name) => !inBlocks || !BLOCK_WORDS.includes(name));
}

/** Whether a text still waits for a value: then nothing can be said of what it says. */
export function isOpen(text: string): boolean {
  return text.includes('{{') && placeholders(text).length > 0;
}

/** The text with its braces filled in; `at` is where it was written. */
export function fill(text: string, scope: Scope | null, values: Values, at: () => Origin): string {
  if (!text.includes('{') || scope?.verbatim === true) return text;
  let done = '';
  let from = 0;
  for (const match of text.matchAll(BRACES)) {
    const [written, variable, rest, name] = match;
    if (rest !== undefined) {
      warnOfDouble(written, `${variable}${rest}`, scope, values, at);
      continue;
    }
    const value =
      variable === undefined ? inSingle(name ?? '', scope) : double(variable, { text, written }, scope, values, at);
    if (value !== null && typeof value !== 'string') tellUnset(value, values);
    if (typeof value !== 'string') continue;
    done += text.slice(from, match.index) + value;
    from = match.index + written.length;
    if (done.length > TEXT_CHARS_MAX) {
      values.findings.refuse(at(), `the text has more than ${TEXT_CHARS_MAX} characters once it is filled in`);
      return '';
    }
  }
  if (text.includes('{{')) warnOfSpaces(text, values, at);
  return done + text.slice(from);
}

/** What stands for a name in single braces; null when it is no variable there. */
export function inSingle(name: string, scope: Scope | null): string | Unset | null {
  const dot = name.indexOf('.');
  for (let here = scope; here !== null; here = here.outer) {
    const value = here.single.get(name) ?? here.unset.get(name);
    if (value !== undefined) return value;
    // The variable of a loop over an output stands for the entry, `{item}`, and so do parts of it.
    if (dot > 0 && here.single.get(name.slice(0, dot)) === '{item}') return `{item${name.slice(dot)}}`;
  }
  return null;
}

/** What a loop, a template or an advice gives stands in single braces; in double ones it is text. */
function warnOfDouble(
  written: string,
  name: string,
  scope: Scope | null,
  { findings }: Values,
  at: () => Origin,
): void {
  if (inSingle(name, scope) !== null)
    findings.warn(at(), `${written} stays as it is`, { hint: `write {${name}}`, text: written });
}

function tellUnset({ variable, asker }: Unset, { open, findings }: Values): void {
  if (asker !== null) standIn(variable, asker.owner, asker.at, findings);
  else if (!open) refuseMissing(variable, findings);
}

type Seen = { readonly text: string; readonly written: string };

function double(
  name: string,
  seen: Seen,
  scope: Scope | null,
  values: Values,
  at: () => Origin,
): string | Unset | null {
  const own = doubleAround(name, scope);
  if (own !== null) return own;
  const value = values.values.get(name);
  const variable = values.vars.get(name);
  if (variable !== undefined || value !== undefined) values.used.add(name);
  if (value !== undefined) return value;
  if (variable !== undefined) {
    if (!values.open) refuseMissing(variable, values.findings);
    return null;
  }
  if (seen.text.includes('{{#') && BLOCK_WORDS.includes(name)) return null;
  const message = `the placeholder {{${name}}} is no variable of the formula`;
  const meant = () =>
    inSingle(name, scope) !== null
      ? `write {${name}} for what is around the step`
      : (didYouMean(name, values.vars.keys()) ?? `declare it: [vars] ${name} = "its default"`);
  const more = { hint: meant, text: seen.written };
  if (values.declares) values.findings.warn(at(), `${message} and stays as it is`, more);
  else values.findings.refuse(at(), message, more);
  return null;
}

function doubleAround(name: string, scope: Scope | null): string | Unset | null {
  for (let here = scope; here !== null; here = here.outer) {
    const value = here.double.get(name) ?? here.unset.get(name);
    if (value !== undefined) return value;
  }
  return null;
}

/** Placeholders written with spaces inside stay as they are, which nobody means. */
function warnOfSpaces(text: string, { vars, findings }: Values, at: () => Origin): void {
  if (!text.includes('{{ ') && !text.includes(' }}') && !text.includes('\t')) return;
  for (const [written, before, behind] of text.matchAll(SPACED)) {
    const name = before ?? behind ?? '';
    if (vars.has(name))
      findings.warn(at(), `${written} has spaces inside and stays as it is`, {
        hint: `write {{${name}}}`,
        text: written,
      });
  }
}

/** The id that the texts of a scope mean by a name: in the body of a loop, a step of the same iteration before one outside. */
export function stepMeant(id: string, scope: Scope | null, isThere: (id: string) => boolean = nowhere): string {
  for (let here = scope; here !== null; here = here.outer) {
    const meant = here.stepNamed?.(id) ?? null;
    if (meant !== null) return meant;
    if (here.prefix !== null && isThere(here.prefix + id)) return here.prefix + id;
  }
  return id;
}

function nowhere(): boolean {
  return false;
}

type Change = (text: string, path: Path) => string;

/** The step's texts passed through `change`, those aside that are read on their own (conditions, gates). */
export function mapTexts(step: StepDraft, change: Change): StepDraft {
  const maybe = (text: string | null, path: Path) => (text === null ? null : change(text, path));
  const { acceptance } = step;
  return {
    ...step,
    title: change(step.title, TITLE),
    description: change(step.description, DESCRIPTION),
    notes: maybe(step.notes, NOTES),
    acceptance:
      acceptance.text === null && acceptance.command === null
        ? acceptance
        : {
            text: maybe(acceptance.text, acceptance.shorthand ? ['acceptance'] : ['acceptance', 'text']),
            command: maybe(acceptance.command, ['acceptance', 'command']),
            shorthand: acceptance.shorthand,
          },
    run: maybe(step.run, RUN),
    script: step.script?.map((act, index) => mapAct(act, ['script', index], change)) ?? null,
    labels: step.labels.map((label, index) => change(label, ['labels', index])),
    metadata: mapJson(step.metadata, ['metadata'], change),
    assignee: maybe(step.assignee, ASSIGNEE),
    agent: maybe(step.agent, AGENT),
    check:
      step.check === null
        ? null
        : { ...step.check, path: maybe(step.check.path, CHECK), command: change(step.check.command, CHECK) },
  };
}

const TITLE: Path = ['title'];
const DESCRIPTION: Path = ['description'];
const NOTES: Path = ['notes'];
const RUN: Path = ['run'];
const ASSIGNEE: Path = ['assignee'];
const AGENT: Path = ['agent'];
const CHECK: Path = ['check'];

function mapAct(act: ActDraft, path: Path, change: Change): ActDraft {
  // Texts for texts: the act keeps its shape.
  return mapJson(act as Readonly<Record<string, unknown>>, path, change) as ActDraft;
}

function mapJson<Value extends Readonly<Record<string, unknown>>>(table: Value, path: Path, change: Change): Value {
  const entries = Object.entries(table);
  if (entries.length === 0) return table;
  return Object.fromEntries(entries.map(([key, value]) => [key, mapValue(value, [...path, key], change)])) as Value;
}

function mapValue(value: unknown, path: Path, change: Change): unknown {
  if (typeof value === 'string') return change(value, path);
  if (Array.isArray(value)) return value.map((entry: unknown, index) => mapValue(entry, [...path, index], change));
  if (typeof value === 'object' && value !== null)
    return mapJson(value as Readonly<Record<string, unknown>>, path, change);
  return value;
}

/**
 * The variable of a condition. What nobody declares or gives a value to is empty, hence false, as in bd; a name that nobody declares
 * is most likely mistyped.
 */
export function fillSubject(text: string, scope: Scope | null, values: Values, at: () => Origin): string {
  const own = /^\{([A-Za-z_][\w.-]*)\}$/.exec(text)?.[1];
  const around = own === undefined ? null : inSingle(own, scope);
  if (own !== undefined && around === null) refuseSubject(own, text, scope, values, at());
  const name = /^\{\{([A-Za-z_][A-Za-z0-9_]*)\}\}$/.exec(text)?.[1];
  const known = name === undefined ? around : doubleAround(name, scope);
  if (typeof known === 'string') return known;
  if (known !== null) return values.open ? `{{${known.variable.name}}}` : '';
  if (name === undefined) return fill(text, scope, values, at);
  const value = values.values.get(name);
  if (value !== undefined || values.vars.has(name)) {
    values.used.add(name);
    return value ?? (values.open ? text : '');
  }
  if (inSingle(name, scope) !== null) {
    values.findings.refuse(at(), `the condition asks for ${text}, and ${name} is no variable of the formula`, {
      hint: `write {${name}} for the one around the step`,
    });
    return '';
  }
  if (!values.declares) return fill(text, scope, values, at);
  const hint = () => didYouMean(name, values.vars.keys());
  values.findings.warn(at(), `the condition asks for {{${name}}}, which is no variable of the formula: it is empty`, {
    hint,
  });
  return '';
}

/** Single braces in a condition that nothing around the step fills in. */
function refuseSubject(name: string, text: string, scope: Scope | null, { vars, findings }: Values, at: Origin): void {
  const around = namesAround(scope);
  const known =
    around.length === 0 ? 'nothing around the step has a variable' : `around it there is ${around.join(', ')}`;
  findings.refuse(at, `the condition asks for ${text}, and there is no ${name} around the step`, {
    hint: vars.has(name) ? `write {{${name}}} for the variable of the formula` : (didYouMean(name, around) ?? known),
  });
}

function namesAround(scope: Scope | null): readonly string[] {
  return scope === null ? [] : [...scope.single.keys(), ...namesAround(scope.outer)];
}

/**
 * The text with the formula's variables in single braces written in double ones, for the places where both are theirs. A variable of a
 * loop, a template or an advice around hides that of the formula.
 */
export function withVariables(text: string, scope: Scope | null, values: Values): string {
  if (!text.includes('{')) return text;
  return text.replace(
    /(?<!\{)\{([A-Za-z_]\w*)\}(?!\})/g,
    (whole, name: string) => placeholderOf(name, scope, values) ?? whole,
  );
}

/** How a text says the variable of this name; null when there is none. */
export function placeholderOf(name: string, scope: Scope | null, { vars }: Values): string | null {
  for (let here = scope; here !== null; here = here.outer) if (here.single.has(name)) return `{${name}}`;
  return vars.has(name) ? `{{${name}}}` : null;
}
