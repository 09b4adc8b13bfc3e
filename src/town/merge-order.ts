/** In which order the requests of a merge queue are worked. */
import type { MergeRequest, Queue, Queued } from './refinery.js';

const PRIORITY_WEIGHT = 100;
const PRIORITY_LEAST = 4;
const ROUND_WEIGHT = 50;
const HOUR_MS = 3_600_000;

/** Higher goes first. Age counts up without limit, so that nothing starves behind a stream of urgent work. */
export function score(request: MergeRequest, nowMs: number): number {
  const urgency = PRIORITY_WEIGHT * (PRIORITY_LEAST - request.priority);
  const ageHours = (nowMs - request.sinceMs) / HOUR_MS;
  return urgency + ROUND_WEIGHT * request.round + ageHours;
}

/** The queue in the order in which it will be worked; held requests are not in it. */
export function inOrder(queue: Queue, nowMs: number): readonly Queued[] {
  return queue
    .filter((request) => request.hold === null)
    .toSorted((a, b) => score(b, nowMs) - score(a, nowMs) || a.id.localeCompare(b.id));
}

/**
 * The first of those in order, and those for the same target that are tried with it. What a target did not take is tried alone: it may be just what that
 * lacks, and another in the batch the reason why it would not pass.
 */
export function batchOf(order: readonly Queued[], max: number): readonly Queued[] {
  const [first] = order;
  if (first === undefined || wasRefused(first)) return order.slice(0, 1);
  return order.filter((one) => one.target === first.target && !wasRefused(one)).slice(0, max);
}

const wasRefused = ({ refusals = 0 }: Queued): boolean => refusals > 0;
