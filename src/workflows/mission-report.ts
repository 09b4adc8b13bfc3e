/** What a mission tells: its progress, on whom it waits, and the records of its end. */
import { CancellationScope, isCancellation, workflowInfo } from '@temporalio/workflow';
import type { SearchAttributePair } from '@temporalio/common';
import type { LedgerEntry } from '../contract/ledger.js';
import type { MissionCarry, MissionInput, OpenPolecat, Progress } from '../contract/mission.js';
import { asSummary } from '../town/bytes.js';
import type { Mail } from '../town/mail.js';
import type { MissionEnd } from '../town/mission-story.js';
import type { MissionState } from '../town/mission.js';
import { asKeyword, attribute, withRoom } from '../contract/search-attributes.js';
import { missionBoard, planningBoard } from '../town/board.js';
import { RESUME } from '../town/pause.js';
import { postman, town } from './hands.js';
import { deliverOrLeave } from './leaving.js';
import { patched } from './patches.js';
import { showRefused, Standing, type Stand } from './standing.js';
import { isFinished, isOverBudget, isPaused, spent } from '../town/mission.js';
import { budgetGap, landedCount, phaseOf, waitsOf } from '../town/mission-stand.js';

/** What never changes of a mission. Started by a formula's name, it can be found by that, too. */
export function introduction(state: MissionState): readonly SearchAttributePair[] {
  const { workflowId, workflowType } = workflowInfo();
  const rigs = [...new Set(state.items.map((item) => item.rig))];
  const formula = workflowType === 'mission' ? [] : [{ key: attribute.formula, value: asKeyword(workflowType) }];
  return [
    { key: attribute.role, value: 'mission' },
    { key: attribute.mission, value: workflowId },
    { key: attribute.rig, value: withRoom(rigs) },
    ...formula,
  ];
}

/** A mission that is refused can be found like any other that failed. */
export function showRefusedMission(error: unknown): void {
  const known = [
    { key: attribute.role, value: 'mission' },
    { key: attribute.mission, value: workflowInfo().workflowId },
  ];
  if (patched('what is refused says why', '0.6')) return showRefused(known, error);
  if (!isCancellation(error)) new Standing().introduce([...known, { key: attribute.phase, value: 'failed' }]);
}

/** Who asked to hear of its landing hears that there will be none. Its patience was not known yet. */
export async function tellRefused({ title, notify }: MissionInput, error: unknown): Promise<void> {
  if (notify.length === 0 || !patched('who asked to hear of a landing hears that its mission was refused', '0.9'))
    return;
  const { workflowId: id, firstExecutionRunId } = workflowInfo();
  const end = isCancellation(error) ? 'was cancelled before it began' : 'was refused';
  const subject = `${title ?? id} ${end}`.slice(0, 500);
  const body = `gt explain ${id} tells why.`;
  const letters = notify.map(async (to) => {
    const mail: Mail = { id: `landed/${id}@${firstExecutionRunId}/${to}`.slice(0, 2_000), from: id, to, subject, body };
    const summary = asSummary(`mail to ${to}`);
    return CancellationScope.nonCancellable(() => postman(1).deliver.executeWithOptions({ summary }, [mail]));
  });
  await Promise.allSettled(letters);
}

/** What its work needs may not be there: only once it is checked can all be told of it. */
export function boardOf({ state, rigs }: MissionCarry, end: MissionEnd): string {
  const isPlanned = Object.keys(rigs).length > 0;
  return isPlanned ? missionBoard(state, workflowInfo().workflowId, end) : planningBoard(state);
}

/** Item → the polecat at work on it. */
export function swarmOf(open: readonly OpenPolecat[]): Readonly<Record<string, string>> {
  return Object.fromEntries(open.map(({ item, workflowId }) => [item, workflowId]));
}

export function progressOf(state: MissionState): Progress {
  const { usd, unpricedTokens } = spent(state);
  const warning = budgetGap(state);
  return {
    title: state.title,
    phase: phaseOf(state),
    landed: landedCount(state),
    total: state.items.length,
    usd,
    ...(unpricedTokens === undefined ? {} : { unpricedTokens }),
    ...(warning === null ? {} : { warning }),
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

/** Where it stands, for those who search. */
export function standOf(state: MissionState, isCancelled: boolean): Stand {
  const phase = isCancelled && !isFinished(state) ? 'failed' : phaseOf(state);
  const isAsked = !isCancelled || !patched('a cancelled mission waits for nobody', '0.6');
  return { phase, waitingFor: isAsked ? waitsFor(state) : '', usd: spent(state).usd };
}

/** '' when polecats work and nothing stands still. What has failed comes first, then what waits for somebody. */
function waitsFor(state: MissionState): string {
  if (isFinished(state)) return '';
  if (isPaused(state)) return RESUME;
  const failed = state.items.filter((item) => item.state.kind === 'failed').map((item) => item.id);
  if (failed.length > 0) return `overseer: ${failed.join(', ')}`.slice(0, 200);
  if (isOverBudget(state)) return 'overseer: budget';
  const waits = waitsOf(state).toSorted((a, b) => Number(b.wait.escalated) - Number(a.wait.escalated));
  if (waits.length > 0)
    return waits
      .map(({ item, wait }) => `${wait.for} of ${item}`)
      .join(', ')
      .slice(0, 200);
  const slots = new Set(state.items.flatMap((item) => (item.state.kind === 'queued' ? [item.rig] : [])));
  return slots.size === 0 ? '' : `slot: ${[...slots].join(', ')}`.slice(0, 200);
}

type Outcome = 'landed' | 'skipped' | 'cancelled';

export async function recordEnd(carry: MissionCarry, outcome: Outcome): Promise<void> {
  const { patience } = carry.limits;
  const { record } = town(patience);
  const id = workflowInfo().workflowId;
  for (const entry of missionNotices(id, carry, outcome, new Date().toISOString()))
    await record.executeWithOptions({ summary: `record ${entry.kind} · ${outcome}` }, [entry]);
  if (carry.notify.length === 0) return;
  if (outcome === 'cancelled' && !patched('who asked to hear of a landing hears that there will be none', '0.9'))
    return;
  if (!patched('who asked to hear of a landing has mail', '0.7')) return;
  // The notice is in the ledger: nobody waits for a reader who does not answer.
  const letters = carry.notify.map((to) =>
    deliverOrLeave(landingMail(id, carry, to, outcome), `mail to ${to}`, patience),
  );
  await Promise.allSettled(letters);
}

function landingMail(id: string, { state, firstRun }: MissionCarry, to: string, outcome: Outcome): Mail {
  const { items } = progressOf(state);
  const body = [
    ...items.map((item) => `${item.id} (${item.rig}): ${item.state.kind}`),
    '',
    `gt explain ${id} tells more.`,
  ];
  const subject = endOf(state, outcome).slice(0, 500);
  return { id: `landed/${id}@${firstRun}/${to}`.slice(0, 2_000), from: id, to, subject, body: body.join('\n') };
}

/** In a line. */
function endOf(state: MissionState, outcome: Outcome): string {
  const { landed, total } = progressOf(state);
  return `${state.title} ${outcome === 'landed' ? 'landed' : `was ${outcome}`}: ${landed} of ${total} items`;
}

/** The digest of the mission, and one notice for everybody who asked to hear of it: each recorded once, whatever happens. */
function missionNotices(
  id: string,
  { state, notify, firstRun }: Pick<MissionCarry, 'state' | 'notify' | 'firstRun'>,
  outcome: Outcome,
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
  if (outcome === 'cancelled') return [digest];
  const text = endOf(state, outcome);
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
