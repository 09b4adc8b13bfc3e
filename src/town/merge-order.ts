/** In which order the requests of a merge queue are worked. */
import type { MergeRequest, Queue, Queued } from './refinery.js';

const PRIORITY_WEIGHT = 100;
const PRIORITY_LEAST = 4;
const ROUND_WEIGHT = 50;
const HOUR_MS = 3_600_000;
/** Of an hour of its mission, against one of its own. */
const MISSION_WEIGHT = 10;

/**
 * Higher goes first. Age counts up without limit, so that nothing starves behind a stream of urgent work: nor behind what an older mission hands in, since
 * missions age alike, and what waits has its own age besides.
 */
export function score(request: MergeRequest, nowMs: number): number {
  const urgency = PRIORITY_WEIGHT * (PRIORITY_LEAST - request.priority);
  const ageHours = (nowMs - request.sinceMs) / HOUR_MS;
  const missionHours = (nowMs - (request.missionSinceMs ?? request.sinceMs)) / HOUR_MS;
  return urgency + ROUND_WEIGHT * request.round + MISSION_WEIGHT * missionHours + ageHours;
}

/** The queue in the order in which it will be worked; held requests are not in it. */
export function inOrder(queue: Queue, nowMs: number): readonly Queued[] {
  return queue
    .filter((request) => request.hold === null)
    .toSorted((a, b) => score(b, nowMs) - score(a, nowMs) || a.id.localeCompare(b.id));
}

/**
 * The first of those in order, and those for the same target that are tried with it. Who was in a batch whose target did not pass either is tried alone: it
 * may be just what that lacks, and another in the batch the reason why it would not pass. `isAfterOne`: one such was tried last, and those who are new come
 * before the next of them: they may be what the target lacks, too.
 */
export function batchOf(order: readonly Queued[], max: number, isAfterOne: boolean): readonly Queued[] {
  const fresh = order.filter((one) => !isTriedAlone(one));
  const first = isAfterOne ? (fresh[0] ?? order[0]) : order[0];
  if (first === undefined) return [];
  return isTriedAlone(first) ? [first] : fresh.filter(({ target }) => target === first.target).slice(0, max);
}

/** What only is verified has nothing land on it. */
export const isTriedAlone = ({ isOfTarget, onlyVerify }: Queued): boolean => isOfTarget === true || onlyVerify === true;
