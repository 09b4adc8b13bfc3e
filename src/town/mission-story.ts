/** A mission in a few sentences: what goes on, on whom it waits and since when, and what comes next. */
import type { Item, ItemState, MissionState } from './mission.js';
import { isFinished, isOverBudget, isPaused, spent, startable } from './mission.js';
import { afterEnd, code, named, NAMED_MAX, short, timeAt } from './wording.js';

type Of<Kind extends ItemState['kind']> = Item & { readonly state: Extract<ItemState, { readonly kind: Kind }> };

/** What its run knows beside its items: whether it is being cancelled, and whether only the record of its end is left. */
export type MissionEnd = { readonly isCancelled?: boolean; readonly isEnding?: boolean };

export function missionStory(
  mission: MissionState,
  { isCancelled = false, isEnding = false }: MissionEnd = {},
): string {
  const { items } = mission;
  const next = afterEnd(isEnding);
  if (isFinished(mission)) return `All its items are settled: ${next}.`;
  const failed = those(items, 'failed');
  const working = those(items, 'working');
  const assigned = those(items, 'assigned');
  const queued = those(items, 'queued');
  const waiting = those(items, 'waiting');
  if (isCancelled && working.length > 0)
    return `It was cancelled: ${named(working.map(({ id }) => id))} ${working.length === 1 ? 'is' : 'are'} ended, with what is done there brought to safety, and then it ends.`;
  if (failed.length + working.length + assigned.length + queued.length + waiting.length === 0)
    return `What had not landed was cancelled: ${next}.`;
  const asked = [...failed.map(failedLine), ...working.flatMap(waitLine), ...assigned.map(assignedLine)];
  const atWork = working.filter(({ state }) => (state.wait ?? null) === null).map(workLine);
  return [
    ...heldLines(mission),
    ...some(asked, 'more wait for somebody'),
    ...some(atWork, 'more are worked on'),
    ...some(queued.map(queuedLine), 'more wait for a slot'),
    ...nextLines(mission, waiting),
    ...(atWork.length + queued.length + startable(mission).length === 0 ? ['Nothing happens until that comes.'] : []),
  ].join(' ');
}

function those<Kind extends ItemState['kind']>(items: readonly Item[], kind: Kind): readonly Of<Kind>[] {
  return items.filter((item): item is Of<Kind> => item.state.kind === kind);
}

function some(lines: readonly string[], rest: string): readonly string[] {
  const more = lines.length - NAMED_MAX;
  return more > 0 ? [...lines.slice(0, NAMED_MAX), `${more} ${rest}.`] : lines;
}

function heldLines(mission: MissionState): readonly string[] {
  const { paused = null, budgetUsd } = mission;
  const pause =
    paused === null
      ? []
      : [`${paused.by} paused it, since ${timeAt(paused.sinceMs)}: nothing new begins until it is resumed.`];
  const budget = isOverBudget(mission)
    ? [
        `It has spent $${spent(mission).usd.toFixed(2)} of its budget of $${budgetUsd}: no further item starts, and no model is asked for more, until that is raised.`,
      ]
    : [];
  return [...pause, ...budget];
}

function failedLine({ id, attempt, state }: Of<'failed'>): string {
  return `${code(id)} failed at ${timeAt(state.atMs)}, attempt ${attempt}, and waits for \`retry\` or \`skip\`: ${short(state.reason)}.`;
}

function waitLine({ id, state: { wait = null } }: Of<'working'>): readonly string[] {
  if (wait === null) return [];
  return [`${code(id)} waits for ${wait.for} since ${timeAt(wait.sinceMs)}: ${short(wait.why)}.`];
}

function assignedLine({ id, state }: Of<'assigned'>): string {
  return `${code(id)} is on the desk of ${state.person} since ${timeAt(state.sinceMs)}.`;
}

function workLine({ id, rig, attempt, state }: Of<'working'>): string {
  const again = attempt > 1 ? `, attempt ${attempt}` : '';
  return `${rig}/polecats/${state.name} works on ${code(id)} since ${timeAt(state.sinceMs)}${again}.`;
}

function queuedLine({ id, rig, state }: Of<'queued'>): string {
  return `${code(id)} waits for a slot of ${rig} since ${timeAt(state.sinceMs)}.`;
}

/** What may start now starts by itself; what comes after what is under way, once that has landed. */
function nextLines(mission: MissionState, waiting: readonly Item[]): readonly string[] {
  const now = startable(mission).map(({ id }) => id);
  const isNow = new Set(now);
  const later = waiting.map(({ id }) => id).filter((id) => !isNow.has(id));
  const isHeld = isPaused(mission) || isOverBudget(mission);
  const start = now.length === 0 ? [] : [`${named(now)} ${now.length === 1 ? 'starts' : 'start'} next.`];
  if (later.length === 0) return start;
  const comes = later.length === 1 ? 'comes' : 'come';
  const when = isHeld ? 'when it goes on' : `when what ${later.length === 1 ? 'it needs' : 'they need'} has landed`;
  return [...start, `${named(later)} ${comes} ${when}.`];
}
