/** What of a mission goes before the ladder: items that have failed, and a budget that is spent. What a molecule waits for, that brings there itself. */
import type { Lasting } from './asks.js';
import { standingOf } from './escalation-sources.js';
import { isFinished, isOverBudget, spent, type MissionState } from './mission.js';

export function missionTrouble(state: MissionState, mission: string): readonly Lasting[] {
  if (isFinished(state)) return [];
  const failed = state.items.flatMap(({ id, title, rig, attempt, state: stands }): readonly Lasting[] => {
    if (stands.kind !== 'failed') return [];
    const { reason, atMs } = stands;
    const waiter = { kind: 'item', at: mission, item: id, answered: 0 } as const;
    const text = `the item ${id} (${title}) has failed: ${reason}`;
    const tried = attempt === 1 ? {} : { tried: `it was given to ${attempt} polecats, one after the other` };
    const asked = { source: 'item', ...standingOf({ source: 'item' }), choices: ['retry', 'skip'] } as const;
    return [
      { key: `${id} ${atMs}`, raised: { ...asked, choices: [...asked.choices], text, ...tried, rig, mission, waiter } },
    ];
  });
  return [...failed, ...overBudget(state, mission)];
}

function overBudget(state: MissionState, mission: string): readonly Lasting[] {
  if (!isOverBudget(state)) return [];
  const { budgetUsd, title } = state;
  const waiter = { kind: 'budget', at: mission, answered: 0 } as const;
  const text = `$${spent(state).usd.toFixed(2)} of the $${budgetUsd} of ${title} are spent: nothing of it goes on, and how much more may it cost?`;
  return [
    {
      key: `budget ${budgetUsd}`,
      raised: { source: 'budget', ...standingOf({ source: 'budget' }), choices: ['budget'], text, mission, waiter },
    },
  ];
}
