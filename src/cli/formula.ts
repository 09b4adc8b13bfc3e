/** `gt formula check`: all that is wrong with formulas, before anything runs. */
import { readdirSync, readFileSync } from 'node:fs';
import { basename, dirname, join, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import { readFormula, type FormulaFile } from '../formula/cook.js';
import { printProblems } from '../formula/problem.js';
import { CliError, readArguments, UsageError, type Command } from './command.js';

const SUFFIX = '.formula.toml';
const SHIPPED = fileURLToPath(new URL('../../formulas', import.meta.url));

export const formulaCheck: Command = {
  name: 'formula check',
  summary: 'Say everything that is wrong with formula files.',
  usage: `gt formula check FILE...\n\n  FILE   a formula, <name>${SUFFIX}`,
  run: async (args) => {
    const { positionals } = readArguments(args, {});
    if (positionals.length === 0) throw new UsageError('gt formula check takes one file or more');
    let failed = 0;
    for (const file of positionals) if (!checkFile(file)) failed += 1;
    if (failed > 0) throw new CliError(`${failed} of ${positionals.length} formulas cannot be cooked`);
  },
};

/** Prints what there is to say of the file; false when it cannot be cooked. */
function checkFile(file: string): boolean {
  if (!file.endsWith(SUFFIX)) throw new UsageError(`${file} is no formula file: its name must end in ${SUFFIX}`);
  const names = [...namesAround(file), ...namesIn(SHIPPED)];
  const read = readFormula(basename(file, SUFFIX), { file, text: textOf(file) }, names, loadFrom(file));
  if (!read.ok) {
    console.log(printProblems(read.problems));
    return false;
  }
  if (read.warnings.length > 0) console.log(printProblems(read.warnings));
  const steps = read.steps.length;
  console.log(`${file}: fine, ${steps} ${steps === 1 ? 'step' : 'steps'}`);
  return true;
}

function textOf(file: string): string {
  try {
    return readFileSync(file, 'utf8');
  } catch (error) {
    throw new CliError(`${file} cannot be read: ${error instanceof Error ? error.message : String(error)}`);
  }
}

/** Formulas that the file names: those beside it, then the shipped ones. */
function loadFrom(file: string): (name: string) => FormulaFile | null {
  return (name) => {
    const found = [dirname(resolve(file)), SHIPPED].find((folder) => namesIn(folder).includes(name));
    if (found === undefined) return null;
    const path = join(found, `${name}${SUFFIX}`);
    return { file: path, text: textOf(path) };
  };
}

/** Formulas that the file may name: those beside it. */
function namesAround(file: string): readonly string[] {
  return namesIn(dirname(resolve(file)));
}

function namesIn(folder: string): readonly string[] {
  return readdirSync(folder)
    .filter((name) => name.endsWith(SUFFIX))
    .map((name) => basename(name, SUFFIX));
}
