import type { Rejected } from './messages.js';

/** What a workflow remembers of its messages across continue-as-new: first answers by id, and refusals. */
export type DeskState = {
  readonly answers: readonly (readonly [id: string, answer: string])[];
  readonly rejected: readonly Rejected[];
};

export const EMPTY_DESK: DeskState = { answers: [], rejected: [] };
