/** `gt formula list` and `gt formula show`: what formulas there are, and what is in one. */
import { formulasIn, readFormulaFile } from '../formula-shelf.js';
import { readFormula, type FormulaFile } from '../formula/cook.js';
import { summarize, type FormulaSummary, type VariableSummary } from '../formula/summary.js';
import { listed } from '../town/listed.js';
import { cookWord, sayRefused, sketchWord } from './cook.js';
import { readArguments, takeOne, UsageError, type Command } from './command.js';
import {
  findFormula,
  formulaPlaces,
  orReason,
  PLACE_OPTIONS,
  readVars,
  shortPath,
  VAR_OPTION,
  withAllRigs,
  type FormulaPlace,
  type Source,
} from './formula-places.js';
import { oneLine, stepOutline } from './outline.js';
import { print } from './print.js';
import { EXIT_PROBLEMS, sayProblems } from './problem-output.js';

type Listed = FormulaSummary & {
  /** `town`, `rig NAME`, `shipped` or a search path. */
  readonly from: string;
  readonly file: string;
  /** A formula of the same name is found before it. */
  readonly shadowed: boolean;
};

export const formulaList: Pick<Command, 'run'> = {
  run: async (args) => {
    const { values, positionals } = readArguments(args, {
      ...PLACE_OPTIONS,
      all: { type: 'boolean' },
      json: { type: 'boolean' },
    });
    if (positionals.length > 0) throw new UsageError(`gt formula list takes no ${positionals[0]}`);
    const places = await formulaPlaces(values);
    const found = listIn(values.rig === undefined ? withAllRigs(places) : places);
    const shown = values.all === true ? found : found.filter(({ internal }) => !internal);
    print(values.json === true ? JSON.stringify(shown, null, 2) : listOf(shown));
    if (shown.length < found.length) console.error(`${found.length - shown.length} internal: gt formula list --all`);
  },
};

export const formulaShow: Pick<Command, 'run'> = {
  run: async (args) => {
    const { values, positionals } = readArguments(args, { ...PLACE_OPTIONS, ...VAR_OPTION });
    const word = takeOne('formula show', 'formula', positionals);
    const places = await formulaPlaces(values);
    const found = findFormula(word, places);
    const file = found.ok ? found.source.load(found.source.name) : null;
    if (!found.ok || file === null) return refuse(word, places);
    print(describe(found.source, file));
    const sketched = sketchWord(word, readVars(values.var), places);
    if (sketched.ok) return print(`\nSteps\n${stepOutline(sketched.sketch)}`);
    print('\nNot cooked:');
    sayProblems(sketched.problems, sketched.sourceOf, 'stdout');
    process.exitCode = EXIT_PROBLEMS;
  },
};

function refuse(word: string, places: readonly FormulaPlace[]): void {
  const cooked = cookWord(word, {}, places);
  if (!cooked.ok) sayRefused(word, cooked);
  process.exitCode = EXIT_PROBLEMS;
}

function listIn(places: readonly FormulaPlace[]): readonly Listed[] {
  const seen = new Map<string, string>();
  return places.flatMap(({ label, folder }) =>
    formulasIn(folder).map(({ name, file }) => {
      const before = seen.get(name);
      // What one rig has is not hidden by what another has.
      if (before === undefined || before.startsWith('rig ')) seen.set(name, label);
      const shadowed = before !== undefined && !before.startsWith('rig ');
      const read = orReason(() => readFormulaFile(file));
      return { ...summarize(name, read), from: label, file: shortPath(file), shadowed };
    }),
  );
}

function listOf(formulas: readonly Listed[]): string {
  return formulas
    .map(({ name, type, description, catalog, from, shadowed, vars }) => {
      const where = shadowed ? `${from}, hidden by one of the same name` : from;
      const about = oneLine(catalog ?? description);
      const told = about === '' ? [] : [`  ${about.length > 110 ? `${about.slice(0, 109).trimEnd()}…` : about}`];
      return [`${name}  ${type} · ${where}`, ...told, ...varsLine(vars)].join('\n');
    })
    .join('\n');
}

function varsLine(vars: readonly VariableSummary[]): readonly string[] {
  if (vars.length === 0) return [];
  const told = vars.map((one) => {
    const need = needText(one);
    return need === null ? one.name : `${one.name} (${need})`;
  });
  return [`  vars: ${told.join(', ')}`];
}

/** Null for a variable that may be left out. */
function needText({ default: value, requiredUnless }: VariableSummary): string | null {
  if (value !== null && (value !== '' || requiredUnless === null)) return null;
  const others = requiredUnless ?? [];
  return others.length === 0 ? 'needed' : `needed unless ${listed(others)} is given`;
}

function describe({ name, names, load }: Source, file: FormulaFile): string {
  const read = readFormula(name, file, names, load);
  const { type, description, vars } = summarize(name, file, read.ok ? read.formula : null);
  const about = description.trim() === '' ? [] : ['', description.trim()];
  const width = Math.max(0, ...vars.map((one) => one.name.length));
  const lines = vars.map((one) => `  ${one.name.padEnd(width)}  ${variableText(one)}`);
  return [
    `${name} · ${type} · ${file.file}`,
    ...about,
    ...(lines.length === 0 ? [] : ['', 'Variables', ...lines]),
  ].join('\n');
}

function choiceText(choices: readonly string[]): string {
  const named = choices.filter((choice) => choice !== '').join(', ');
  return choices.includes('') ? `one of ${named}, or empty` : `one of ${named}`;
}

function variableText(variable: VariableSummary): string {
  const { description, default: value, enum: choices, pattern, type } = variable;
  const facts = [
    needText(variable) ?? `"${value}" if not given`,
    ...(type === 'string' ? [] : [type]),
    ...(choices === null ? [] : [choiceText(choices)]),
    ...(pattern === null ? [] : [`matches ${pattern}`]),
  ];
  return `${oneLine(description)}${description === '' ? '' : ' '}(${facts.join('; ')})`;
}
