/** How a mission stands: its phase, on whom it waits, how much has landed, and what its budget does not hold. */
import { mayAsk } from './integration.js';
import { isFinished, isOverBudget, isPaused, spent, startable } from './mission.js';
import type { Item, ItemState, MissionState, Wait } from './mission.js';
import { priceRemedy, withoutPrice } from './prices.js';

export type Phase = 'queued' | 'paused' | 'working' | 'waiting' | 'escalated' | 'landed' | 'skipped' | 'failed';

/** `molecule`: null when it is no molecule that waits, but the item itself. */
type ItemWait = {
  readonly item: string;
  readonly wait: Omit<Wait, 'molecule'> & { readonly molecule: string | null };
};

const AT_WORK: readonly ItemState['kind'][] = ['working', 'assigned'];

export function phaseOf(mission: MissionState): Phase {
  const is = (kind: ItemState['kind']) => mission.items.some((item) => item.state.kind === kind);
  if (isFinished(mission)) return is('landed') ? 'landed' : 'skipped';
  if (isPaused(mission)) return 'paused';
  const waits = waitsOf(mission).map((one) => one.wait);
  if (is('failed') || isOverBudget(mission) || waits.some((wait) => wait.escalated)) return 'escalated';
  if (waits.length > 0 && waits.length === mission.items.filter((item) => AT_WORK.includes(item.state.kind)).length)
    return 'waiting';
  if (is('working')) return 'working';
  return is('cancelled') && !is('waiting') && !is('queued') ? 'failed' : 'queued';
}

/** Items that wait for somebody: their molecules do, or they stand on a person's desk. */
export function waitsOf(mission: MissionState): readonly ItemWait[] {
  return mission.items.flatMap(({ id: item, title: why, state }): readonly ItemWait[] => {
    if (state.kind === 'assigned') {
      const { person, sinceMs } = state;
      return [{ item, wait: { molecule: null, for: `person: ${person}`, why, sinceMs, escalated: false } }];
    }
    const { wait = null } = state.kind === 'working' ? state : {};
    return wait === null ? [] : [{ item, wait }];
  });
}

export function landedCount(mission: MissionState): number {
  return mission.items.filter((item) => item.state.kind === 'landed').length;
}

/** What a budget does not hold, in words with the remedy; null when it holds everything, or there is none. */
export function budgetGap(mission: MissionState): string | null {
  const { budgetUsd, unpriced = [] } = mission;
  const { unpricedTokens = 0 } = spent(mission);
  if (budgetUsd === null || (unpriced.length === 0 && unpricedTokens === 0)) return null;
  const had = unpricedTokens > 0 ? [`${unpricedTokens} tokens so far had no price`] : [];
  const have = unpriced.map(withoutPrice);
  const [named] = unpriced.filter((model) => model !== '');
  const naming = unpriced.includes('') ? 'name its model in town.toml, and ' : '';
  const remedy = naming + priceRemedy(named ?? 'the model');
  return `the budget of $${budgetUsd} does not hold everything: ${[...have, ...had].join(', ')}. To have what sessions use from then on counted, ${remedy}`;
}

/** Items that may ask for a slot now. */
export const claimable = (mission: MissionState): readonly Item[] =>
  startable(mission).filter((item) => mayAsk(mission.items, item));

export function isWorkedUnder(mission: MissionState, id: string, claim: string): boolean {
  return mission.items.some(({ id: item, state }) => item === id && state.kind === 'working' && state.claim === claim);
}

export const rigsIn = ({ items }: Pick<MissionState, 'items'>): readonly string[] => [
  ...new Set(items.map(({ rig }) => rig)),
];
