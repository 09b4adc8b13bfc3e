import type { Rejected } from './messages.js';

/**
 * What a workflow remembers of its messages across continue-as-new: first answers by id, with a mark of what came under it, and refusals. Without
 * a mark: of an earlier version, or told by the town itself.
 */
export type DeskState = {
  readonly answers: readonly (readonly [id: string, answer: string, mark?: string])[];
  readonly rejected: readonly Rejected[];
};

export const EMPTY_DESK: DeskState = { answers: [], rejected: [] };
