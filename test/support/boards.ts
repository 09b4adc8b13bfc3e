/** For workers of tests, whose workflows tell their boards to somebody. */
import type { InjectedSinks } from '@temporalio/worker';
import type { BoardSinks } from '../../src/contract/boards.js';

export const NOBODY_LOOKS: InjectedSinks<BoardSinks> = {
  boards: { shown: { fn: () => undefined, callDuringReplay: false } },
};
