import type { Report, Source } from './problem.js';

/** What reading steps takes along. */
export type StepReader = {
  readonly source: Source;
  readonly report: Report;
  readonly warn: Report;
  readonly readBeside: ((path: string) => Beside) | null;
  /** Of an expansion's template or an advice: ids are open, and children stand at most so deep. */
  readonly within: 'formula' | 'template' | 'advice';
  /** In the body of a loop. */
  readonly looped: boolean;
  readonly depth: number;
};

/** The text of a file beside a formula, or why it is not read; null when there is none. */
export type Beside = string | { readonly refused: string } | null;
