/** `gt formula graph`: a picture of a formula. */
import { pictureOf } from '../formula/picture.js';
import { printMermaid } from '../formula/picture-mermaid.js';
import { CliError, readArguments, takeOne, UsageError, type Command } from './command.js';
import { sketchWord, sayRefused } from './cook.js';
import { formulaPlaces, PLACE_OPTIONS, readVars, VAR_OPTION } from './formula-places.js';
import { EXIT_PROBLEMS } from './problem-output.js';
import { writeOut } from './write-out.js';

/** A larger picture says nothing any more, and would take minutes to lay out. */
const SVG_STEPS_MAX = 2_000;

export const formulaGraph: Pick<Command, 'run'> = {
  run: async (args) => {
    const { values, positionals } = readArguments(args, {
      ...PLACE_OPTIONS,
      ...VAR_OPTION,
      format: { type: 'string' },
      out: { type: 'string' },
    });
    const word = takeOne('formula graph', 'formula', positionals);
    const format = values.format ?? 'svg';
    if (format !== 'svg' && format !== 'mermaid')
      throw new UsageError(`--format is "${format}"; svg or mermaid is expected`);
    const cooked = sketchWord(word, readVars(values.var), await formulaPlaces(values));
    if (!cooked.ok) {
      sayRefused(word, cooked);
      process.exitCode = EXIT_PROBLEMS;
      return;
    }
    const picture = pictureOf(cooked.sketch);
    if (format === 'svg' && picture.steps.length > SVG_STEPS_MAX)
      throw new CliError(`${word} has ${picture.steps.length} steps; the most that are drawn are ${SVG_STEPS_MAX}`);
    const text =
      format === 'svg' ? (await import('../formula/picture-svg.js')).printSvg(picture) : printMermaid(picture);
    writeOut(text, values.out);
  },
};
