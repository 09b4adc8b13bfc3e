/** Boards: the state of a workflow as Markdown, for the current details of the Temporal UI and CLI. */
import type { Item, ItemState, MissionState, Wait } from './mission.js';
import { isFinished, isOverBudget, isPaused, spent } from './mission.js';
import { budgetGap, landedCount, waitsOf } from './mission-stand.js';
import { missionStory, type MissionEnd } from './mission-story.js';
import type { Pause } from './pause.js';
import { spentText } from './prices.js';
import { shellWord } from './shell-text.js';
import { table } from './table.js';
import { unreachable } from './unreachable.js';
import { code, short, timeAt } from './wording.js';

const DETAILS_CHARS_MAX = 15_000;

/** What a board says of work that is held. */
export function pauseLines(paused: Pause | null, id: string): readonly string[] {
  if (paused === null) return [];
  const { by, sinceMs, why, above } = paused;
  return ['', `> **Paused** by ${by} since ${timeAt(sinceMs)}: ${short(why)}. ${letGoLine(above, id)}`];
}

/** What is held from above does not let go by a word to it: whoever holds it is asked, who may be held from further above, or by a budget. */
export function letGoLine(above: string | undefined, id: string): string {
  return above === undefined
    ? `\`temporal workflow signal -w ${shellWord(id)} --name resume --input '{}'\` lets it go on`
    : `\`temporal workflow query -w ${shellWord(above)} --type explain\` says what lets it go on`;
}

/** Before its work is known to fit. */
export function planningBoard({ title, items }: MissionState): string {
  return clip(
    `**${short(title)}**: its work (${items.length} items) is checked and cooked. Then the first items start.`,
  );
}

export function missionBoard(mission: MissionState, id: string, end: MissionEnd = {}): string {
  const { items, title } = mission;
  const sum = spent(mission);
  const cost = spentText(sum);
  const counts = `**${short(title)}**: ${landedCount(mission)}/${items.length} landed${cost === '' ? '' : `, ${cost}`}`;
  const head = `${counts}. ${missionStory(mission, end)}`;
  const gap = budgetGap(mission);
  const rows = items.map((item) => itemRow(mission, item));
  const failed = items.filter((item) => item.state.kind === 'failed');
  const signal = (name: string, input: string) =>
    `\n> \`temporal workflow signal -w ${shellWord(id)} --name ${name} --input '${input}'\``;
  const ask = failed.map((item) => `${signal('retry', `{"item":"${item.id}"}`)} (or \`skip\`)`);
  // What sessions under way may still cost holds, too, before it is spent.
  const enough = Math.ceil(Math.max(sum.usd, mission.budgetUsd ?? 0) * 2);
  // Nobody is asked for anything by one that is over.
  const isOver = end.isCancelled === true || isFinished(mission);
  const raise = isOverBudget(mission) && !isOver ? [signal('budget', `{"usd":${enough}}`)] : [];
  const look = (isOver ? [] : waitsOf(mission)).map(({ item, wait }) =>
    wait.molecule === null
      ? `${signal('close', `{"item":"${item}"}`)} when it is done (or \`fail\`, with a reason)`
      : `\n> \`temporal workflow query -w ${wait.molecule} --type explain\` says how to answer`,
  );
  const paused = isOver ? [] : pauseLines(mission.paused ?? null, id);
  return clip(
    [
      head,
      ...paused,
      ...(gap === null ? [] : [`\n> ${gap}`]),
      '',
      ...table(['', 'item', 'title', 'stands', 'since', 'tries', 'note'], rows),
      ...ask,
      ...raise,
      ...look,
    ].join('\n'),
  );
}

function itemRow(mission: MissionState, item: Item): readonly string[] {
  const { id, title, attempt, state } = item;
  const { stands, sinceMs, note = '' } = standsAs(mission, item);
  const since = sinceMs === undefined ? '' : timeAt(sinceMs);
  const tries = attempt > 1 ? `attempt ${attempt}` : '';
  return [mark(state.kind === 'landed'), code(id), title, stands, since, tries, note];
}

function standsAs(
  mission: MissionState,
  { state, needs, rig }: Item,
): { readonly stands: string; readonly sinceMs?: number; readonly note?: string } {
  switch (state.kind) {
    case 'waiting': {
      const open = needs.filter((need) => mission.items.some((other) => other.id === need && isOpen(other.state)));
      if (open.length > 0) return { stands: `waits for ${open.join(', ')}` };
      return { stands: isPaused(mission) ? 'waits until the mission goes on' : 'waits for the budget' };
    }
    case 'queued':
      return { stands: `waits for a slot of ${rig}`, sinceMs: state.sinceMs };
    case 'working': {
      const leaving = state.leaving === undefined ? [] : [`leaves it to another: ${short(state.leaving)}`];
      const note = [...leaving, ...waitNote(state.wait ?? null)].join('; ');
      return { stands: `${rig}/polecats/${state.name}`, sinceMs: state.sinceMs, note };
    }
    case 'assigned':
      return { stands: `**waits for ${state.person}**`, sinceMs: state.sinceMs };
    case 'landed': {
      const commit = state.commit?.slice(0, 10);
      const stands = commit === undefined ? 'done, nothing to merge' : `landed as ${commit} on ${state.target}`;
      return { stands, sinceMs: state.atMs, ...(state.note === undefined ? {} : { note: short(state.note) }) };
    }
    case 'failed':
      return { stands: '**failed**', sinceMs: state.atMs, note: short(state.reason) };
    case 'skipped':
    case 'cancelled':
      return { stands: state.kind, note: short(state.reason) };
    default:
      return unreachable(state);
  }
}

function waitNote(wait: Wait | null): readonly string[] {
  return wait === null ? [] : [`**waits for ${wait.for}** since ${timeAt(wait.sinceMs)}: ${short(wait.why)}`];
}

function isOpen(state: ItemState): boolean {
  return state.kind !== 'landed' && state.kind !== 'skipped';
}

export function mark(done: boolean): string {
  return done ? '[x]' : '[ ]';
}

export function clip(text: string): string {
  return text.length > DETAILS_CHARS_MAX ? `${text.slice(0, DETAILS_CHARS_MAX)}\n…` : text;
}
