/** What a mission tells: its progress, on whom it waits, and the records of its end. */
import type { LedgerEntry } from '../contract/activities.js';
import type { MissionCarry, Progress } from '../contract/mission.js';
import type { MissionState } from '../town/mission.js';
import { isOverBudget, landedCount, phaseOf, spent } from '../town/mission.js';

export function progressOf(state: MissionState): Progress {
  return {
    title: state.title,
    phase: phaseOf(state),
    landed: landedCount(state),
    total: state.items.length,
    usd: spent(state).usd,
    items: state.items.map(({ id, title, rig, attempt, state: stand, sessions, reworks, needs }) => ({
      id,
      title,
      rig,
      attempt,
      state: stand,
      sessions,
      reworks,
      needs,
    })),
  };
}

/** '' when polecats work and nothing stands still. */
export function waitsFor(state: MissionState): string {
  const failed = state.items.filter((item) => item.state.kind === 'failed').map((item) => item.id);
  if (failed.length > 0) return `overseer: ${failed.join(', ')}`.slice(0, 200);
  if (isOverBudget(state)) return 'overseer: budget';
  const slots = new Set(state.items.flatMap((item) => (item.state.kind === 'queued' ? [item.rig] : [])));
  return slots.size === 0 ? '' : `slot: ${[...slots].join(', ')}`.slice(0, 200);
}

/** The digest of the mission, and one notice for everybody who asked to hear of it: each recorded once, whatever happens. */
export function missionNotices(
  id: string,
  { state, notify, firstRun }: Pick<MissionCarry, 'state' | 'notify' | 'firstRun'>,
  outcome: 'landed' | 'cancelled',
  at: string,
): readonly LedgerEntry[] {
  const { items, ...progress } = progressOf(state);
  const results = items.map((item) => ({ id: item.id, rig: item.rig, attempt: item.attempt, ...item.state }));
  const digest = {
    ...progress,
    id: `mission/${id}@${firstRun}`,
    kind: 'mission' as const,
    at,
    mission: id,
    outcome,
    items: results,
  };
  if (outcome !== 'landed') return [digest];
  const text = `${state.title} landed: ${progress.landed} of ${progress.total} items`;
  const notices = notify.map((to) => ({
    id: `landed/${id}@${firstRun}/${to}`,
    kind: 'notice' as const,
    at,
    mission: id,
    to,
    text,
  }));
  return [digest, ...notices];
}
