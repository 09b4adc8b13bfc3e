/** Commands about formulas: none needs a server, and all but `formula new` work outside of a town. */
import { lazy, TOWN_USAGE, type Command } from './command.js';

const WHERE = `  --search-path DIR     a folder with formulas, searched before the town's; may be given several times
  --rig NAME            search the rig's own formulas, too
${TOWN_USAGE}`;

const FILE_OR_NAME = `  FILE_OR_NAME          a file, <name>.formula.toml or <name>.toml, whose folder is searched first; or the name of a formula
                        of the town, of the rig, or of those that are shipped`;

const LINT_USAGE = `[FILE_OR_NAME_OR_DIR]... [options]

${FILE_OR_NAME}; or a folder, with all in it.
                        With none given: all formulas of the town
  --json                {"files", "problems", "warnings"} for programs
${WHERE}

Each problem is shown in the text of the formula, with what was meant and how to mend it. Exit code 2 when there is one.`;

const lint = async () => (await import('./lint.js')).lint;

export const formulaCommands: readonly Command[] = [
  lazy(
    'cook',
    'Show what a formula becomes: its steps in order, all filled in and checked.',
    `gt cook FILE_OR_NAME [options]

${FILE_OR_NAME}
  --var NAME=VALUE      a value for a variable; once for each
  --json                the protomolecule as canonical JSON, or {"problems": […]}
${WHERE}

Needs neither a server nor a town. Exit code 2 when the formula cannot be cooked, with all that is wrong.`,
    async () => (await import('./cook.js')).cookFormula,
  ),
  lazy('lint', 'Explain everything that is wrong with formulas.', `gt lint ${LINT_USAGE}`, lint),
  lazy(
    'formula list',
    'List the formulas: name, type, where each comes from, variables.',
    `gt formula list [--all] [--json] [options]

  --all                 also those that are internal to others
  --json                for programs
${WHERE}`,
    async () => (await import('./formula-list.js')).formulaList,
  ),
  lazy(
    'formula show',
    'Tell about a formula: description, variables, steps.',
    `gt formula show FILE_OR_NAME [options]

${FILE_OR_NAME}
  --var NAME=VALUE      a value for a variable; once for each
${WHERE}

Exit code 2 when the formula cannot be cooked, with all that is wrong.`,
    async () => (await import('./formula-list.js')).formulaShow,
  ),
  lazy('formula lint', 'The same as gt lint.', `gt formula lint ${LINT_USAGE}`, lint),
  lazy(
    'formula graph',
    'Draw the steps of a formula and what they need, as SVG or Mermaid.',
    `gt formula graph FILE_OR_NAME [options]

${FILE_OR_NAME}
  --format FORMAT       svg (if not given) or mermaid
  --out FILE            write the picture there instead of printing it
  --var NAME=VALUE      a value for a variable; once for each
${WHERE}`,
    async () => (await import('./formula-graph.js')).formulaGraph,
  ),
  lazy(
    'formula new',
    'Write the beginning of a new formula, with comments, ready to be cooked.',
    `gt formula new NAME [options]

  NAME                  letters, digits, "-", "_" and "."
  --type TYPE           workflow (if not given), expansion, aspect or convoy
  --dir DIR             the folder to write to; the town's formulas if not given
${TOWN_USAGE}

A file that is there is never overwritten.`,
    async () => (await import('./formula-new.js')).formulaNew,
  ),
  lazy(
    'formula schema',
    'Print the JSON Schema of the formula language, for editors.',
    `gt formula schema [--out FILE]

  --out FILE            write it there instead of printing it

An editor with TOML support (Even Better TOML, taplo) completes and checks a formula whose first line is
  #:schema PATH_OR_URL_OF_THE_SCHEMA`,
    async () => (await import('./formula-schema.js')).formulaSchema,
  ),
];
