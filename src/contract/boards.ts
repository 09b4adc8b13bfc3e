/** Where a workflow tells its board while its history is replayed. `gt explain --history` listens; a worker at work does not. */
import type { Sinks } from '@temporalio/workflow';

export interface BoardSinks extends Sinks {
  readonly boards: { readonly shown: (board: string) => void };
}
