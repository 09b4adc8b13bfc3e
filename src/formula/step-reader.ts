import type { Report, Source } from './problem.js';

/** What reading steps takes along. */
export type StepReader = {
  readonly source: Source;
  readonly report: Report;
  readonly warn: Report;
  readonly readBeside: ((path: string) => string | null) | null;
  /** Of an expansion's template or an advice: ids are open, and children stand at most so deep. */
  readonly within: 'formula' | 'template' | 'advice';
  /** In the body of a loop. */
  readonly looped: boolean;
  readonly depth: number;
};
