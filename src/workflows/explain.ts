import { setHandler } from '@temporalio/workflow';
import { explainQuery } from '../contract/messages.js';

/** Answers the query `explain`, which every workflow has. */
export function explainBy(board: () => string): void {
  setHandler(explainQuery, board, { description: 'What is going on, on whom it waits, and what comes next.' });
}
