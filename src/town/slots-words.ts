/** Who waits for a slot of a rig, and where in the queue, in words. */
import type { Claim, Slots } from './slots.js';

/** Of the first claim of a mission that waits; null when none does. */
export function queueWords({ queue }: Slots, mission: string): string | null {
  const at = queue.findIndex((claim) => claim.mission === mission);
  const claim = queue[at];
  return claim === undefined ? null : `${at + 1} of ${queue.length} that wait${forWhom(claim)}`;
}

/** In words that go on from a place in the queue. */
export function forWhom({ name }: Claim): string {
  return name === undefined ? '' : `, for ${name}`;
}
