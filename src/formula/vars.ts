/**
 * Variables: what a formula declares, and the values one cooking gives them. A given value wins over a default; a default makes
 * `required` moot (both are allowed together: several formulas of Gas Town say so, and the default is what was meant).
 */
import { compilePattern } from '../town/pattern.js';
import { referencesIn } from '../town/references.js';
import type { ValueCheck } from '../town/protomolecule.js';
import { misfit, VALUE_TYPES } from '../town/value.js';
import type { ValueType } from '../town/value.js';
import type { Formula, Scope, Variable, VariableDraft } from './formula.js';
import { reportKeys, VAR_KEYS } from './keys.js';
import { didYouMean, quote, type Findings, type Origin, type Source } from './problem.js';
import { VariableTable } from './schemas.js';
import { isTable, kindOf, readTable, type Table } from './shape.js';

/** Names that a placeholder can hold. */
const VARIABLE_NAME = /^[A-Za-z_][A-Za-z0-9_]*$/;

/** Other systems' words for the same. */
const TYPE_SYNONYMS: Readonly<Record<string, ValueType>> = {
  text: 'string',
  str: 'string',
  integer: 'int',
  boolean: 'bool',
};

export type VariableKind = 'vars' | 'inputs';

export function readVariables(
  kind: VariableKind,
  tables: Table,
  source: Source,
  findings: Findings,
): readonly VariableDraft[] {
  return Object.entries(tables).map(([name, raw]) => readVariable(kind, name, raw, source, findings));
}

function readVariable(
  kind: VariableKind,
  name: string,
  raw: unknown,
  source: Source,
  findings: Findings,
): VariableDraft {
  const path = [kind, name];
  const at = { source, path };
  const report = findings.reporter(source);
  const none = { name, at, defaultAt: at };
  if (!VARIABLE_NAME.test(name))
    report(path, `the variable ${quote(name)} cannot be used in a text`, {
      hint: 'letters, digits and "_", a letter first',
    });
  // The shorthand `name = "x"` is a default.
  if (typeof raw === 'string') {
    if (source.file.endsWith('.json'))
      report(path, `the variable ${quote(name)} must be an object in JSON: the shorthand is TOML's`, {
        hint: `write { "default": ${JSON.stringify(raw)} }`,
      });
    return { ...none, default: raw };
  }
  if (!isTable(raw)) {
    const hint = typeof raw === 'number' || typeof raw === 'boolean' ? `write ${name} = "${raw}"` : null;
    report(path, `the variable ${quote(name)} must be text or a table, not ${kindOf(raw)}`, { hint });
    return { ...none, default: meantBy(raw) };
  }
  reportKeys(raw, VAR_KEYS, path, report);
  const { type: typed, required_unless: requiredUnless, ...table } = readTable(raw, VariableTable, path, report);
  const type = typed === undefined ? undefined : typeNamed(typed);
  if (type === null) {
    const hint = didYouMean(typed ?? '', VALUE_TYPES) ?? `the types are ${VALUE_TYPES.join(', ')}`;
    report([...path, 'type'], `unknown type ${quote(typed ?? '')} of a variable`, { hint });
  }
  if (table.pattern !== undefined) {
    const pattern = compilePattern(table.pattern);
    if (!pattern.ok) report([...path, 'pattern'], `the pattern cannot be used: it ${pattern.message}`);
  }
  return {
    ...none,
    ...table,
    ...('default' in raw && table.default === undefined ? { default: meantBy(raw['default']) } : {}),
    defaultAt: { source, path: [...path, 'default'] },
    ...(type === undefined || type === null ? {} : { type }),
    ...(requiredUnless === undefined ? {} : { requiredUnless }),
  };
}

/** Stands in for a value that is no text, so that the variable is not said to have none. */
function meantBy(raw: unknown): string {
  return typeof raw === 'number' || typeof raw === 'boolean' ? String(raw) : '';
}

function typeNamed(name: string): ValueType | null {
  const synonym = Object.hasOwn(TYPE_SYNONYMS, name) ? TYPE_SYNONYMS[name] : undefined;
  return VALUE_TYPES.find((known) => known === name) ?? synonym ?? null;
}

/** Key by key, the first that writes one wins: the child's, then the first parent's. */
export function mergeVariables(lists: readonly (readonly VariableDraft[])[]): readonly VariableDraft[] {
  const merged = new Map<string, VariableDraft>();
  for (const list of lists)
    for (const variable of list) {
      const known = merged.get(variable.name);
      if (known === undefined) merged.set(variable.name, variable);
      else
        merged.set(variable.name, {
          ...variable,
          ...known,
          defaultAt: known.default === undefined ? variable.defaultAt : known.defaultAt,
        });
    }
  return [...merged.values()];
}

export function settleVariable(draft: VariableDraft, findings: Findings): Variable {
  const variable: Variable = {
    name: draft.name,
    at: draft.at,
    description: draft.description ?? '',
    required: draft.required ?? false,
    default: draft.default ?? null,
    enum: draft.enum ?? null,
    pattern: draft.pattern ?? null,
    type: draft.type ?? 'string',
    requiredUnless: draft.requiredUnless ?? null,
  };
  // An empty default says "none" and need not look like a value.
  const wrong = variable.default === null || variable.default === '' ? null : unfit(variable, variable.default);
  if (wrong !== null) findings.refuse(draft.defaultAt, `the default ${wrong}`);
  if (variable.required && variable.default !== null)
    findings.warn(
      draft.required === true ? { ...draft.at, path: [...draft.at.path, 'required'] } : draft.at,
      `the variable ${quote(variable.name)} has a default, so required changes nothing`,
    );
  return variable;
}

/** Values of all variables that have one: as given, else the default. Whatever does not fit is reported. */
export function resolveVariables(
  { vars, source }: Pick<Formula, 'vars' | 'source'>,
  given: Readonly<Record<string, string | number | boolean>>,
  findings: Findings,
): ReadonlyMap<string, string> {
  const names = new Set(vars.map(({ name }) => name));
  for (const name of Object.keys(given).toSorted()) {
    if (names.has(name)) continue;
    const known = names.size === 0 ? 'it declares none' : `it declares ${[...names].join(', ')}`;
    const hint = didYouMean(name, names) ?? known;
    findings.refuse({ source, path: ['vars'] }, `the formula has no variable ${quote(name)}`, { hint });
  }
  const values = new Map<string, string>();
  for (const variable of vars) {
    const { name } = variable;
    const value = Object.hasOwn(given, name) ? given[name] : undefined;
    const wrong = value === undefined ? null : unfit(variable, String(value));
    if (wrong !== null) findings.refuse(variable.at, `the variable ${quote(name)}: ${wrong}`);
    const final = value === undefined ? variable.default : String(value);
    if (final !== null) values.set(name, final);
    else if (variable.required) refuseMissing(variable, findings);
  }
  for (const variable of vars) checkUnless(variable, values, findings);
  return values;
}

/** A formula that another one uses was given no value for a variable. What stands in for it keeps more from being said of that. */
export function standIn({ name, description }: Variable, owner: string, at: Origin, findings: Findings): string {
  const hint = description === '' ? null : `it is: ${description}`;
  findings.refuse(at, `${quote(owner)} needs a value for its variable ${quote(name)}`, { hint });
  return '1';
}

/** The variables of a formula that have no value where it is used at a place; null where it is cooked by itself. */
export function unsetIn(
  { name: owner, vars }: Pick<Formula, 'name' | 'vars'>,
  values: Pick<ReadonlyMap<string, string>, 'has'>,
  at: Origin | null,
): Scope['unset'] {
  const asker = at === null ? null : { owner, at };
  const open = vars.filter(({ name }) => !values.has(name));
  return new Map(open.map((variable) => [variable.name, { variable, asker }]));
}

export function refuseMissing({ name, at, description }: Variable, findings: Findings): void {
  const hint = description === '' ? null : `it is: ${description}`;
  findings.refuse(at, `the variable ${quote(name)} has no value and no default`, { hint });
}

function checkUnless(
  { name, at, requiredUnless }: Variable,
  values: ReadonlyMap<string, string>,
  findings: Findings,
): void {
  // What is no input is told where the formula is settled.
  if (requiredUnless === null || [name, ...requiredUnless].some((one) => (values.get(one) ?? '') !== '')) return;
  const others = requiredUnless.map(quote).join(' or ');
  findings.refuse(at, `the variable ${quote(name)} has no value, and must have one unless ${others} has`);
}

/** What is wrong with a value, null when it fits, or when it is known only when a step has left it. */
export function unfit(variable: Variable, value: string): string | null {
  return referencesIn(value).length > 0 ? null : misfit(variable, value);
}

/** The limits of a variable, for a value that is known at run time only; null when it has none. */
export function checkOf({ name, type, enum: choices, pattern }: Variable, value: string): ValueCheck | null {
  if (type === 'string' && choices === null && pattern === null) return null;
  return { name, value, type, enum: choices === null ? null : [...choices], pattern };
}
