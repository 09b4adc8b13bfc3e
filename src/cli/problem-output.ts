/** Problems of formulas as they leave `gt`: framed for a person, as JSON for a program. */
import { styleText } from 'node:util';
import { printFrames, type Paint } from '../formula/frame.js';
import type { Problem } from '../formula/problem.js';
import { print } from './print.js';

/** Of a formula that cannot be cooked, as of a command that is called wrongly. */
export const EXIT_PROBLEMS = 2;

export type ProblemJson = {
  readonly file: string;
  readonly line: number;
  readonly column: number;
  readonly step?: string;
  readonly message: string;
  readonly suggestion?: string;
};

export function problemJson({ file, line, column, step, message, hint }: Problem): ProblemJson {
  return {
    file,
    line,
    column,
    ...(step === null ? {} : { step }),
    message,
    ...(hint === null ? {} : { suggestion: hint }),
  };
}

type SourceOf = (file: string) => string | null;

export function sayProblems(problems: readonly Problem[], sourceOf: SourceOf, to: Output): void {
  say(problems, 'error', sourceOf, to);
}

export function sayWarnings(warnings: readonly Problem[], sourceOf: SourceOf, to: Output): void {
  say(warnings, 'warning', sourceOf, to);
}

type Output = 'stdout' | 'stderr';

/** A stream is made only when there is something to say. */
function say(problems: readonly Problem[], severity: 'error' | 'warning', sourceOf: SourceOf, to: Output): void {
  if (problems.length === 0) return;
  const frames = printFrames(problems, { severity, sourceOf, paint: painter(process[to]) });
  if (to === 'stdout') print(frames);
  else console.error(frames);
}

/** Colours on a terminal that has them; `hasColors` knows NO_COLOR and its like. */
function painter(to: NodeJS.WriteStream): Paint {
  if (!to.isTTY || !to.hasColors()) return (_, text) => text;
  return (style, text) => styleText(style, text);
}

/** `3 problems`, `1 problem` */
export function counted(count: number, noun: string): string {
  return `${count} ${noun}${count === 1 ? '' : 's'}`;
}
