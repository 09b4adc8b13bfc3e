/** `gt cook`: what a formula becomes, or everything that is wrong with it. No server, no town. */
import { canonicalJson } from '../formula/canonical.js';
import { cook, readFormula, type Cooked } from '../formula/cook.js';
import type { Problem } from '../formula/problem.js';
import type { Protomolecule } from '../town/protomolecule.js';
import { readArguments, takeOne, type Command } from './command.js';
import {
  findFormula,
  formulaPlaces,
  PLACE_OPTIONS,
  readVars,
  VAR_OPTION,
  varProblems,
  type FormulaPlace,
  type Source,
} from './formula-places.js';
import { outline } from './outline.js';
import { print } from './print.js';
import { counted, EXIT_PROBLEMS, problemJson, sayProblems, sayWarnings } from './problem-output.js';

export const cookFormula: Pick<Command, 'run'> = {
  run: async (args) => {
    const { values, positionals } = readArguments(args, {
      ...PLACE_OPTIONS,
      ...VAR_OPTION,
      json: { type: 'boolean' },
    });
    const word = takeOne('cook', 'formula, a file or a name', positionals);
    const isJson = values.json === true;
    const wrongCall = isJson ? varProblems(values.var) : [];
    if (wrongCall.length > 0) return refuseJson(wrongCall);
    const cooked = cookWord(word, readVars(values.var), await formulaPlaces(values));
    if (!cooked.ok) {
      if (isJson) return refuseJson(cooked.problems);
      sayRefused(word, cooked);
      process.exitCode = EXIT_PROBLEMS;
      return;
    }
    sayWarnings(cooked.warnings, cooked.sourceOf, 'stderr');
    print(isJson ? protomoleculeJson(cooked.protomolecule) : outline(cooked.protomolecule));
  },
};

function refuseJson(problems: readonly Problem[]): void {
  print(canonicalJson({ problems: problems.map(problemJson) }));
  process.exitCode = EXIT_PROBLEMS;
}

export type CookedWord = Cooked & Pick<Source, 'sourceOf'>;

export function cookWord(
  word: string,
  vars: Readonly<Record<string, string>>,
  places: readonly FormulaPlace[],
): CookedWord {
  const found = findFormula(word, places);
  if (!found.ok) return { ...found, sourceOf: () => null };
  const { sourceOf, ...order } = found.source;
  return { ...cook({ ...order, vars }), sourceOf };
}

export type Sketch = Pick<Protomolecule, 'formula' | 'description' | 'steps' | 'loops'>;

/** For a person to look at: when values are missing, the steps with their variables open. */
export function sketchWord(
  word: string,
  vars: Readonly<Record<string, string>>,
  places: readonly FormulaPlace[],
): { readonly ok: true; readonly sketch: Sketch } | (CookedWord & { readonly ok: false }) {
  const found = findFormula(word, places);
  if (!found.ok) return { ...found, sourceOf: () => null };
  const { name, load, names, sourceOf } = found.source;
  const cooked = cook({ name, load, names, vars });
  if (cooked.ok) return { ok: true, sketch: cooked.protomolecule };
  const file = Object.keys(vars).length > 0 ? null : load(name);
  const read = file === null ? null : readFormula(name, file, names, load);
  if (read?.ok !== true) return { ...cooked, sourceOf };
  const { formula, steps, loops } = read;
  return {
    ok: true,
    sketch: { formula: name, description: formula.description, steps: [...steps], loops: [...loops] },
  };
}

/** On the error stream: what is wrong, each problem in its frame, and how many there are. */
export function sayRefused(word: string, { problems, sourceOf }: CookedWord & { readonly ok: false }): void {
  sayProblems(problems, sourceOf, 'stderr');
  console.error(`\n${word} cannot be cooked: ${counted(problems.length, 'problem')}`);
}

/** One line, keys in order: the same bytes on every machine for the same formula and values. */
export function protomoleculeJson({ hash, ...content }: Protomolecule): string {
  return canonicalJson({ type: 'workflow', version: 1, ...content, sha256: hash });
}
