/** What is wrong with a formula, where, and what to do about it: one line for a person, one value for a program. */
import { nearest } from '../town/nearest.js';
import { withoutMarks } from './number-mark.js';
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

/** A file that was read: a formula's own, a parent's, a template's. */
export type Source = { readonly file: string; readonly toml: Toml };

/** Where something was written, which stays with it wherever it is moved or copied to. */
export type Origin = { readonly source: Source; readonly path: Path };

/** How a text that stands `here` tells of another place: `line 7`, or `two.toml:7` in another file. */
export function placeOf(there: Origin, here: Origin): string {
  const { line } = there.source.toml.locate(there.path);
  return there.source === here.source ? `line ${line}` : `${there.source.file}:${line}`;
}

export type More = {
  /** A hint that is dear to find is given as a question: it is only asked for the first problems. */
  readonly hint?: string | null | (() => string | null);
  /** Narrows the place to that of this text inside the value. */
  readonly text?: string;
  /** Id of the step it is about, when it is not the one written around the place. */
  readonly step?: string | null;
  /** What is said of a place once, whatever ids the copies of it get: a word for what it is. */
  readonly once?: string;
};

/** Notes a problem at a path of one document. */
export type Report = (path: Path, message: string, more?: More) => void;

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

/** A file of nothing but mistakes must not take minutes. */
const HINTS_SOUGHT_MAX = 100;

/** All that is found wrong, or doubtful, in one cooking. What is said of a place twice, for copies of it, is kept once. */
export class Findings {
  readonly #problems = new Map<string, Problem>();
  readonly #warnings = new Map<string, Problem>();
  readonly #files: string[] = [];

  get failed(): boolean {
    return this.#problems.size > 0;
  }

  refuse({ source, path }: Origin, message: string, more: More = {}): void {
    this.#note(this.#problems, source, path, message, more);
  }

  warn({ source, path }: Origin, message: string, more: More = {}): void {
    this.#note(this.#warnings, source, path, message, more);
  }

  /** What has no place in a text. */
  refuseFile(file: string, message: string, hint: string | null): void {
    this.#problems.set(`${file} ${message}`, { file, line: 0, column: 0, step: null, message, hint });
  }

  refuseAt(problem: Omit<Problem, 'step'>): void {
    this.#problems.set(`${problem.file} ${problem.message}`, { ...problem, step: null });
  }

  reporter(source: Source): Report {
    return (path, message, more) => this.refuse({ source, path }, message, more);
  }

  warner(source: Source): Report {
    return (path, message, more) => this.warn({ source, path }, message, more);
  }

  /** In the order of the text, file by file in the order they were read, so that the list reads down the file. */
  problems(): readonly Problem[] {
    return this.#inOrder([...this.#problems.values()]);
  }

  warnings(): readonly Problem[] {
    return this.#inOrder([...this.#warnings.values()]);
  }

  /** Files are told in the order of these calls. */
  opened(file: string): void {
    this.#files.push(file);
  }

  #inOrder(problems: readonly Problem[]): readonly Problem[] {
    const rank = new Map(this.#files.map((file, index) => [file, index]));
    const place = ({ file }: Problem) => rank.get(file) ?? 0;
    return problems.toSorted((a, b) => place(a) - place(b) || a.line - b.line || a.column - b.column);
  }

  #note(into: Map<string, Problem>, { file, toml }: Source, written: Path, said: string, more: More): void {
    const beside = fileOfText(toml.value, written);
    const path = beside === null ? written : [...written.slice(0, -1), 'description_file'];
    const message = beside === null ? said : `in ${quote(beside)}, ${said}`;
    const at = toml.locate(path, more.text);
    const key = `${file}:${at.line}:${at.column} ${more.once ?? message}`;
    if (into.has(key)) return;
    const step = more.step === undefined ? stepAt(toml.value, path) : more.step;
    const asked = typeof more.hint === 'function' ? (into.size < HINTS_SOUGHT_MAX ? more.hint() : null) : more.hint;
    into.set(key, { file, ...at, step: shown(step), message: withoutMarks(message), hint: shown(asked) });
  }
}

function shown(text: string | null | undefined): string | null {
  return text == null ? null : withoutMarks(text);
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

const LISTS_OF_STEPS: readonly (string | number)[] = [
  'steps',
  'template',
  'children',
  'body',
  'legs',
  'before',
  'after',
];

/** The file of a description that stands in one of its own, null for texts that stand in the formula. */
function fileOfText(document: Readonly<Record<string, unknown>>, path: Path): string | null {
  if (path.at(-1) !== 'description') return null;
  let value: unknown = document;
  for (const key of path.slice(0, -1)) {
    if (typeof value !== 'object' || value === null || !Object.hasOwn(value, key)) return null;
    value = Reflect.get(value, key) as unknown;
  }
  if (typeof value !== 'object' || value === null || 'description' in value) return null;
  return 'description_file' in value && typeof value.description_file === 'string' ? value.description_file : null;
}

/** The id of the innermost step that is written around the path. */
function stepAt(document: Readonly<Record<string, unknown>>, path: Path): string | null {
  let value: unknown = document;
  let found: string | null = null;
  for (const [depth, key] of path.entries()) {
    if (typeof value !== 'object' || value === null || !Object.hasOwn(value, key)) break;
    value = Reflect.get(value, key) as unknown;
    const list = typeof key === 'number' ? path[depth - 1] : key;
    if (list === undefined || !LISTS_OF_STEPS.includes(list)) continue;
    const id: unknown = typeof value === 'object' && value !== null && 'id' in value ? value.id : null;
    if (typeof id === 'string' && id !== '') found = id;
  }
  return found;
}
