/** What a list says of a formula: read from its text as far as that can be read, also when it cannot be cooked. */
import type { Formula } from './formula.js';
import { isTable, type Table } from './shape.js';
import { parseJson, parseToml } from './toml.js';
import type { FormulaFile } from './cook.js';

export type VariableSummary = {
  readonly name: string;
  readonly description: string;
  /** Null: a value must be given, if `requiredUnless` says nothing else. */
  readonly default: string | null;
  /** A value other than the empty one must be given unless one of these variables has one; null where none can stand in. */
  readonly requiredUnless: readonly string[] | null;
  readonly type: string;
  readonly enum: readonly string[] | null;
  readonly pattern: string | null;
};

export type FormulaSummary = {
  readonly name: string;
  readonly type: string;
  readonly description: string;
  /** When to run it, of `[catalog]`; null when that is not said. */
  readonly catalog: string | null;
  /** Other formulas use it; nobody starts it. */
  readonly internal: boolean;
  readonly vars: readonly VariableSummary[];
};

/** Keys that only a formula of one type has, for a formula that does not name its type. */
const TYPE_BY_KEY = { legs: 'convoy', template: 'expansion', advice: 'aspect' } as const;

/** `read` is the formula when it could be read: then its variables are complete, those of its parents among them. */
export function summarize(name: string, source: FormulaFile, read: Formula | null = null): FormulaSummary {
  const { file, text, unreadable } = source;
  const toml = file.endsWith('.json') ? parseJson(text) : parseToml(text);
  const wrong = unreadable ?? (toml.ok ? null : toml.message);
  const table: Table = toml.ok ? toml.value : {};
  const catalog = table['catalog'];
  const guessed = Object.entries(TYPE_BY_KEY).find(([key]) => key in table && !('steps' in table))?.[1];
  return {
    name,
    type: read?.type ?? textOr(table['type'], guessed ?? 'workflow'),
    description: read?.description ?? (wrong === null ? textOr(table['description'], '') : `not readable: ${wrong}`),
    catalog: isTable(catalog) ? textOr(catalog['description'], '') || null : null,
    internal: table['internal'] === true,
    vars: read === null ? varsOf(table) : varsOfFormula(read),
  };
}

function varsOfFormula({ vars }: Formula): readonly VariableSummary[] {
  return vars.map(({ name, description, default: value, required, requiredUnless, type, enum: choices, pattern }) => ({
    name,
    description,
    default: value,
    requiredUnless: required && value === null ? null : requiredUnless,
    type,
    enum: choices,
    pattern,
  }));
}

/** A convoy's `inputs` are variables, too. */
function varsOf(table: Table): readonly VariableSummary[] {
  const tables = [table['vars'], table['inputs']].filter(isTable);
  return tables.flatMap((vars) =>
    Object.entries(vars).map(([name, raw]) => {
      const variable: Table = isTable(raw) ? raw : { default: raw };
      const [value, others] = [variable['default'], textsIn(variable['required_unless'])];
      return {
        name,
        description: textOr(variable['description'], ''),
        default: value === undefined ? null : typeof value === 'string' ? value : JSON.stringify(value),
        requiredUnless: variable['required'] === true && value === undefined ? null : others,
        type: textOr(variable['type'], 'string'),
        enum: textsIn(variable['enum']),
        pattern: typeof variable['pattern'] === 'string' ? variable['pattern'] : null,
      };
    }),
  );
}

function textOr(value: unknown, otherwise: string): string {
  return typeof value === 'string' ? value : otherwise;
}

function textsIn(value: unknown): readonly string[] | null {
  return Array.isArray(value) ? value.filter((one) => typeof one === 'string') : null;
}
