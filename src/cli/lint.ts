/** `gt lint`: explains what is wrong with formulas, in their own text. */
import { basename, dirname } from 'node:path';
import { formulasIn } from '../formula-shelf.js';
import { canonicalJson } from '../formula/canonical.js';
import { lintFormula, type Linted } from '../formula/lint.js';
import { quote, type Problem } from '../formula/problem.js';
import { CliError, readArguments, UsageError, type Command } from './command.js';
import {
  findFormula,
  formulaFilesUnder,
  formulaPlaces,
  isFolder,
  PLACE_OPTIONS,
  shortPath,
  type FormulaPlace,
} from './formula-places.js';
import { print } from './print.js';
import { counted, EXIT_PROBLEMS, problemJson, sayProblems, sayWarnings } from './problem-output.js';

type Report = Linted & { readonly word: string; readonly sourceOf: (file: string) => string | null };

export const lint: Pick<Command, 'run'> = {
  run: async (args) => {
    const { values, positionals } = readArguments(args, { ...PLACE_OPTIONS, json: { type: 'boolean' } });
    const places = await formulaPlaces(values);
    const words = positionals.length > 0 ? positionals.flatMap(wordsIn) : townWords(places);
    const reports = words.map((word) => lintWord(word, places));
    if (values.json === true) print(canonicalJson(jsonOf(reports)));
    else for (const report of reports) say(report);
    const bad = reports.filter(({ ok }) => !ok).length;
    if (bad === 0) return;
    process.exitCode = EXIT_PROBLEMS;
    if (values.json !== true) console.error(`gt: ${bad} of ${counted(words.length, 'formula')} cannot be cooked`);
  },
};

function wordsIn(word: string): readonly string[] {
  if (!isFolder(word)) return [word];
  const files = formulaFilesUnder(word);
  if (files.length === 0) throw new CliError(`${word} holds no formulas: they are named <name>.formula.toml`);
  return files;
}

function townWords(places: readonly FormulaPlace[]): readonly string[] {
  const town = places.find(({ label }) => label === 'town');
  if (town === undefined)
    throw new UsageError('gt lint takes files, names or folders; in a town it may be called alone');
  return isFolder(town.folder) ? formulaFilesUnder(town.folder).map(shortPath) : [];
}

function lintWord(word: string, places: readonly FormulaPlace[]): Report {
  const found = findFormula(word, places);
  if (!found.ok) return { word, ok: false, problems: found.problems, warnings: [], steps: null, sourceOf: () => null };
  const { name, sourceOf } = found.source;
  const linted = lintFormula(found.source);
  return { word, ...linted, warnings: [...hiddenBeside(word, name), ...linted.warnings], sourceOf };
}

/** A warning for a file that its name never leads to. */
function hiddenBeside(word: string, name: string): readonly Problem[] {
  if (word === name) return [];
  const first = formulasIn(dirname(word)).find((one) => one.name === name)?.file;
  if (first === undefined || basename(first) === basename(word)) return [];
  const message = `hidden by ${basename(first)} beside it, which goes first for the name ${quote(name)}`;
  return [{ file: word, line: 0, column: 0, step: null, message, hint: 'rename one of the two, or delete it' }];
}

function say({ word, ok, problems, warnings, steps, sourceOf }: Report): void {
  sayProblems(problems, sourceOf, 'stdout');
  sayWarnings(warnings, sourceOf, 'stdout');
  if (problems.length + warnings.length > 0) print('');
  const size = steps === null ? 'its steps depend on values' : counted(steps, 'step');
  const told = warnings.length === 0 ? '' : `, ${counted(warnings.length, 'warning')}`;
  print(ok ? `${word}: fine, ${size}${told}` : `${word}: ${counted(problems.length, 'problem')}${told}`);
}

function jsonOf(reports: readonly Report[]) {
  return {
    files: reports.map(({ word, ok, steps }) => ({ file: word, ok, steps })),
    problems: reports.flatMap(({ problems }) => problems.map(problemJson)),
    warnings: reports.flatMap(({ warnings }) => warnings.map(problemJson)),
  };
}
