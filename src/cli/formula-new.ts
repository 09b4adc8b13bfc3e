/** `gt formula new`: the beginning of a formula, which cooks as it is written. */
import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { nameProblem } from '../formula/names.js';
import { starter, STARTER_TYPES } from '../formula/starter.js';
import { townPaths } from '../town/paths.js';
import { nearest } from '../town/nearest.js';
import { shellWord } from '../town/shell-text.js';
import { CliError, readArguments, takeOne, UsageError, type Command } from './command.js';
import { shortPath } from './formula-places.js';
import { schemaText } from './formula-schema.js';
import { print } from './print.js';
import { townFolder, TOWN_OPTION } from './town.js';

const SCHEMA_FILE = 'formula.schema.json';

export const formulaNew: Pick<Command, 'run'> = {
  run: async (args) => {
    const { values, positionals } = readArguments(args, {
      ...TOWN_OPTION,
      type: { type: 'string' },
      dir: { type: 'string' },
    });
    const name = takeOne('formula new', 'name', positionals);
    const unfit = nameProblem(name);
    if (unfit !== null) throw new UsageError(`"${name}" is not possible: it ${unfit}`);
    const type = STARTER_TYPES.find((one) => one === (values.type ?? 'workflow'));
    if (type === undefined) throw new UsageError(`--type is "${values.type}"; ${offer(values.type ?? '')}`);
    const folder = values.dir === undefined ? townPaths(await townFolder(values.town)).formulas : resolve(values.dir);
    const file = join(folder, `${name}.formula.toml`);
    writeNew(folder, file, starter(name, type));
    print(`written: ${shortPath(file)}`);
    print(`Look at it with: gt lint ${shellWord(shortPath(file))}`);
  },
};

function offer(type: string): string {
  const near = nearest(type, STARTER_TYPES);
  return near === null ? `the types are ${STARTER_TYPES.join(', ')}` : `did you mean ${near}?`;
}

/** The schema that the file names lies beside it, as this version has it. */
function writeNew(folder: string, file: string, text: string): void {
  try {
    mkdirSync(folder, { recursive: true });
    writeFileSync(file, text, { flag: 'wx' });
    const schema = join(folder, SCHEMA_FILE);
    if (!existsSync(schema) || readFileSync(schema, 'utf8') !== schemaText()) writeFileSync(schema, schemaText());
  } catch (error) {
    const code = error instanceof Error && 'code' in error ? error.code : null;
    if (code === 'EEXIST') throw new CliError(`${shortPath(file)} is there already, and was left as it is`);
    throw new CliError(`${file} cannot be written: ${error instanceof Error ? error.message : String(error)}`);
  }
}
