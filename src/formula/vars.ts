/**
 * Variables: what a formula declares, and the values one cooking gives them. A given value wins over a default; a default makes
 * `required` moot (both are allowed together: several formulas of Gas Town say so, and the default is what was meant).
 */
import { z } from 'zod';
import { VARIABLE_TYPES, type Formula, type Variable } from './formula.js';
import { reportKeys, VAR_KEYS } from './keys.js';
import { didYouMean, quote, type Path, type Report } from './problem.js';
import { isTable, kindOf, readTable } from './shape.js';

/** Names that a placeholder can hold. */
const VARIABLE_NAME = /^[A-Za-z_][A-Za-z0-9_]*$/;

const VariableTable = z.object({
  description: z.string().optional(),
  default: z.string().optional(),
  required: z.boolean().optional(),
  enum: z.array(z.string()).min(1).optional(),
  pattern: z.string().optional(),
  type: z.string().optional(),
});

export function readVariables(vars: Readonly<Record<string, unknown>>, report: Report): readonly Variable[] {
  return Object.entries(vars).map(([name, raw]) => readVariable(name, raw, report));
}

function readVariable(name: string, raw: unknown, report: Report): Variable {
  const path = ['vars', name];
  const none: Variable = {
    name,
    description: '',
    required: false,
    default: null,
    enum: null,
    pattern: null,
    type: 'string',
  };
  if (!VARIABLE_NAME.test(name))
    report(path, `the variable ${quote(name)} cannot be used in a text`, {
      hint: 'letters, digits and "_", a letter first',
    });
  // The shorthand `name = "x"` is a default.
  if (typeof raw === 'string') return { ...none, default: raw };
  if (!isTable(raw)) {
    const hint = typeof raw === 'number' || typeof raw === 'boolean' ? `write ${name} = "${raw}"` : null;
    report(path, `the variable ${quote(name)} must be text or a table, not ${kindOf(raw)}`, { hint });
    return none;
  }
  reportKeys(raw, VAR_KEYS, path, report);
  const table = readTable(raw, VariableTable, path, report) ?? {};
  const type = VARIABLE_TYPES.find((known) => known === table.type);
  if (table.type !== undefined && type === undefined) {
    const hint = didYouMean(table.type, VARIABLE_TYPES) ?? `the types are ${VARIABLE_TYPES.join(', ')}`;
    report([...path, 'type'], `unknown type ${quote(table.type)} of a variable`, { hint });
  }
  const variable: Variable = {
    name,
    description: table.description ?? '',
    required: table.required ?? false,
    default: table.default ?? null,
    enum: table.enum ?? null,
    pattern: table.pattern === undefined ? null : readPattern(table.pattern, [...path, 'pattern'], report),
    type: type ?? 'string',
  };
  // An empty default says "none" and need not look like a value.
  const wrong = variable.default === null || variable.default === '' ? null : misfit(variable, variable.default);
  if (wrong !== null) report([...path, 'default'], `the default ${wrong}`);
  return variable;
}

function readPattern(pattern: string, path: Path, report: Report): RegExp | null {
  try {
    return new RegExp(pattern, 'u');
  } catch (error) {
    report(path, `pattern is no regular expression: ${error instanceof Error ? error.message : String(error)}`);
    return null;
  }
}

/** Values of all variables that have one: as given, else the default. Whatever does not fit is reported. */
export function resolveVariables(
  formula: Formula,
  given: Readonly<Record<string, string | number | boolean>>,
  used: ReadonlySet<string>,
  report: Report,
): ReadonlyMap<string, string> {
  const names = formula.vars.map(({ name }) => name);
  const unknown = Object.keys(given).filter((name) => !names.includes(name));
  for (const name of unknown) {
    const known = names.length === 0 ? 'it declares none' : `it declares ${names.join(', ')}`;
    report(['vars'], `the formula has no variable ${quote(name)}`, { hint: didYouMean(name, names) ?? known });
  }
  const values = new Map<string, string>();
  for (const variable of formula.vars) {
    const { name } = variable;
    const value = Object.hasOwn(given, name) ? given[name] : undefined;
    const wrong = value === undefined ? null : misfit(variable, String(value));
    if (wrong !== null) report(['vars', name], `the variable ${quote(name)}: ${wrong}`);
    const final = value === undefined ? variable.default : String(value);
    if (final !== null) values.set(name, final);
    else if (variable.required || used.has(name)) {
      const hint = variable.description === '' ? null : `it is: ${variable.description}`;
      report(['vars', name], `the variable ${quote(name)} has no value and no default`, { hint });
    }
  }
  return values;
}

/** What is wrong with a value, null when it fits. */
function misfit(variable: Variable, value: string): string | null {
  if (variable.enum !== null && !variable.enum.includes(value)) {
    const choices = variable.enum.map(quote).join(', ');
    return `${quote(value)} is none of ${choices}`;
  }
  if (variable.pattern !== null && !variable.pattern.test(value))
    return `${quote(value)} does not match the pattern ${variable.pattern.source}`;
  if (variable.type === 'int' && !/^[+-]?\d+$/.test(value)) return `${quote(value)} is not a whole number`;
  if (variable.type === 'bool' && !/^(true|false)$/.test(value)) return `${quote(value)} is neither true nor false`;
  return null;
}
