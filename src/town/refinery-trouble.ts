/** What of a merge queue goes before the ladder: a request that is held until somebody acts, and one whose push the target refuses again and again. */
import type { Lasting } from './asks.js';
import { refineryOf } from './address.js';
import type { Waiter } from './escalation-input.js';
import { standingOf } from './escalation-sources.js';
import type { Queue } from './refinery.js';

/** The first ones may have a passing reason: they are tried again soon. */
const REFUSALS_MIN = 3;

export function refineryTrouble(queue: Queue, rig: string): readonly Lasting[] {
  return queue.flatMap(({ id, branch, mission, hold, refusals = 0 }): readonly Lasting[] => {
    const isRefused = refusals >= REFUSALS_MIN;
    // Who wants it held knows of it.
    if (hold?.by !== undefined) return [];
    const isHeld = hold !== null && hold.againAtMs === undefined;
    if (!isHeld && !isRefused) return [];
    const why = hold?.why ?? 'the target refuses the push';
    const tried = isRefused
      ? { tried: `the target did not take it ${refusals} times; it is tried again, later each time` }
      : {};
    return [
      {
        // One that is being tried again was refused all the same.
        key: isHeld ? `${id} ${hold.sinceMs}` : `${id} refused`,
        raised: {
          source: 'merge',
          ...standingOf({ source: 'merge' }),
          text: `${branch} does not land: ${why}`,
          ...tried,
          choices: ['retry', 'skip'],
          rig,
          ...(mission === '' ? {} : { mission }),
          waiter: requestWaiter(rig, id),
        },
      },
    ];
  });
}

export function requestWaiter(rig: string, request: string): Waiter {
  return { kind: 'request', at: refineryOf(rig), request, answered: 0 };
}

/** Somebody has done something about it: it is refused for the first time again. */
export function triedAnew(queue: Queue, ids: readonly string[]): Queue {
  return queue.map((one) => {
    if (!ids.includes(one.id)) return one;
    const { isOfTarget: _, ...anew } = one;
    return { ...anew, refusals: 0 };
  });
}
