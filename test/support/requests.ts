/** Requests of a merge queue for tests of its rules. */
import { enqueue, type MergeRequest, type Queue } from '../../src/town/refinery.js';

export const request = (id: string, more: Partial<MergeRequest> = {}): MergeRequest => ({
  id,
  branch: id,
  head: 'h',
  target: 'main',
  issue: id,
  mission: 'm',
  polecat: 'Toast',
  incarnation: 1,
  priority: 2,
  round: 0,
  sinceMs: 0,
  ...more,
});
export const queue = (...requests: readonly MergeRequest[]) => requests.reduce<Queue>(enqueue, []);
