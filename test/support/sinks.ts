/** For workers of tests: nobody looks at what their workflows tell outside of the history. */
import type { InjectedSinks } from '@temporalio/worker';
import type { BoardSinks } from '../../src/contract/boards.js';
import type { ReachSinks } from '../../src/contract/reach.js';

const NOTHING = { fn: () => undefined, callDuringReplay: false };

export const NOBODY_LOOKS: InjectedSinks<BoardSinks & ReachSinks> = {
  boards: { shown: NOTHING },
  people: { haveMail: NOTHING },
};
