/** Items of a mission that people do: they stand on the desks of those, and no slot is asked for. */
import { tellingsOf, type Tellings } from './assigned.js';
import type { Item, MissionState } from './mission.js';

/** As it is told to their desks; an answer to an attempt that is over is refused. */
export function assignedItems({ items }: MissionState): Tellings {
  return tellingsOf(
    items.flatMap(({ id, title, attempt, state }) => {
      if (state.kind !== 'assigned') return [];
      const { person, sinceMs } = state;
      return [{ person, step: { step: id, title, token: `${attempt}`, sinceMs, isItem: true as const } }];
    }),
  );
}

export function canClose({ state }: Item): boolean {
  return state.kind === 'assigned';
}
