/** Where a run of a molecule that `temporal workflow reset` made tells so, each time that a worker reads its history: to the worker, and to nobody else. */
import type { Sinks } from '@temporalio/workflow';

export interface ResetSinks extends Sinks {
  readonly resets: { readonly seen: (polecat: string) => void };
}
