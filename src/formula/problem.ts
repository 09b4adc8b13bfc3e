/** What is wrong with a formula, where, and what to do about it: one line for a person, one value for a program. */
import { nearest } from '../town/nearest.js';
import type { Toml } from './toml.js';

/** `line` and `column` count from 1; both are 0 when the trouble has no place in a text (there is no such file). */
export type Problem = {
  readonly file: string;
  readonly line: number;
  readonly column: number;
  /** Id of the step it is about, null when it is about none or about one without a readable id. */
  readonly step: string | null;
  readonly message: string;
  readonly hint: string | null;
};

export type Path = readonly (string | number)[];

/** Notes a problem at a path of the document; `text` narrows it to the place of that text inside the value. */
export type Report = (
  path: Path,
  message: string,
  more?: { readonly hint?: string | null; readonly text?: string },
) => void;

export function printProblem(problem: Problem): string {
  const place = problem.line === 0 ? problem.file : `${problem.file}:${problem.line}:${problem.column}`;
  const step = problem.step === null ? '' : `step ${quote(problem.step)}: `;
  const hint = problem.hint === null ? '' : ` (${problem.hint})`;
  return `${place} · ${step}${problem.message}${hint}`;
}

/** For somebody who never saw the file: what is wrong and what to do, without the place. */
export function sayProblem({ message, hint }: Problem): string {
  return hint === null ? message : `${message} (${hint})`;
}

export function printProblems(problems: readonly Problem[]): string {
  return problems.map(printProblem).join('\n');
}

/** A report that turns paths into places and collects. */
export function reportInto(problems: Problem[], file: string, toml: Toml): Report {
  return (path, message, more = {}) => {
    const step = stepAt(toml.value, path);
    problems.push({ file, ...toml.locate(path, more.text), step, message, hint: more.hint ?? null });
  };
}

/** In the order of the text, so that a list of problems reads down the file. */
export function inOrder(problems: readonly Problem[]): readonly Problem[] {
  return problems.toSorted((a, b) => a.line - b.line || a.column - b.column);
}

export function didYouMean(word: string, candidates: Iterable<string>): string | null {
  const near = nearest(word, candidates);
  return near === null ? null : `did you mean ${quote(near)}?`;
}

const QUOTED_CHARS_MAX = 80;

/** A word of the author's in quotation marks, on one line and of bounded length. */
export function quote(word: string): string {
  return JSON.stringify(word.length > QUOTED_CHARS_MAX ? `${word.slice(0, QUOTED_CHARS_MAX)}…` : word);
}

function stepAt(document: Readonly<Record<string, unknown>>, [top, index]: Path): string | null {
  const steps = document['steps'];
  if (top !== 'steps' || typeof index !== 'number' || !Array.isArray(steps)) return null;
  const step: unknown = steps[index];
  if (typeof step !== 'object' || step === null || !('id' in step)) return null;
  return typeof step.id === 'string' && step.id !== '' ? step.id : null;
}
