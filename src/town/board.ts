/** Boards: the state of a workflow as Markdown, for the current details of the Temporal UI and CLI. */
import type { Item, ItemState, MissionState, Wait } from './mission.js';
import { budgetGap, isOverBudget, isPaused, landedCount, spent, waitsOf } from './mission.js';
import { missionStory } from './mission-story.js';
import type { Pause } from './pause.js';
import { spentText } from './prices.js';
import type { Queued } from './refinery.js';
import { shellWord } from './shell-text.js';
import type { Slots } from './slots.js';
import { unreachable } from './unreachable.js';
import { short, timeAt } from './wording.js';

const DETAILS_CHARS_MAX = 15_000;

/** What a board says of work that is held. */
export function pauseLines(paused: Pause | null, id: string): readonly string[] {
  if (paused === null) return [];
  const resume = `\`temporal workflow signal -w ${shellWord(paused.above ?? id)} --name resume --input '{}'\` lets it go on`;
  return ['', `> **Paused** by ${paused.by} since ${timeAt(paused.sinceMs)}: ${short(paused.why)}. ${resume}`];
}

export function missionBoard(mission: MissionState, id: string): string {
  const { items, title } = mission;
  const sum = spent(mission);
  const cost = spentText(sum);
  const counts = `**${title}**: ${landedCount(mission)}/${items.length} landed${cost === '' ? '' : `, ${cost}`}`;
  const head = `${counts}. ${missionStory(mission)}`;
  const gap = budgetGap(mission);
  const rows = items.map(
    (item) => `- [${mark(item.state.kind === 'landed')}] \`${item.id}\` ${item.title} · ${itemLine(mission, item)}`,
  );
  const failed = items.filter((item) => item.state.kind === 'failed');
  const signal = (name: string, input: string) =>
    `\n> \`temporal workflow signal -w ${shellWord(id)} --name ${name} --input '${input}'\``;
  const ask = failed.map((item) => `${signal('retry', `{"item":"${item.id}"}`)} (or \`skip\`)`);
  const raise = isOverBudget(mission) ? [signal('budget', `{"usd":${Math.ceil(sum.usd * 2)}}`)] : [];
  const look = waitsOf(mission).map(
    ({ wait }) => `\n> \`temporal workflow query -w ${wait.molecule} --type explain\` says how to answer`,
  );
  const paused = pauseLines(mission.paused ?? null, id);
  return clip(
    [head, ...paused, ...(gap === null ? [] : [`\n> ${gap}`]), '', ...rows, ...ask, ...raise, ...look].join('\n'),
  );
}

function itemLine(mission: MissionState, item: Item): string {
  const { state } = item;
  const again = item.attempt > 1 ? ` (attempt ${item.attempt})` : '';
  switch (state.kind) {
    case 'waiting': {
      const open = item.needs.filter((need) => mission.items.some((other) => other.id === need && isOpen(other.state)));
      if (open.length > 0) return `waits for ${open.join(', ')}`;
      return isPaused(mission) ? 'waits until the mission goes on' : 'waits for the budget';
    }
    case 'queued':
      return `waits for a slot of ${item.rig} since ${timeAt(state.sinceMs)}${again}`;
    case 'working': {
      const leaving = state.leaving === undefined ? '' : `, leaves it to another: ${short(state.leaving)}`;
      return `${item.rig}/polecats/${state.name} since ${timeAt(state.sinceMs)}${again}${leaving}${waitLine(state.wait ?? null)}`;
    }
    case 'landed':
      return state.commit === null
        ? 'done, nothing to merge'
        : `landed as ${state.commit.slice(0, 10)} on ${state.target}`;
    case 'failed':
      return `**failed${again}**: ${short(state.reason)}`;
    case 'skipped':
      return `skipped: ${short(state.reason)}`;
    case 'cancelled':
      return `cancelled: ${short(state.reason)}`;
    default:
      return unreachable(state);
  }
}

function waitLine(wait: Wait | null): string {
  return wait === null ? '' : `, **waits for ${wait.for}** since ${timeAt(wait.sinceMs)}: ${short(wait.why)}`;
}

function isOpen(state: ItemState): boolean {
  return state.kind !== 'landed' && state.kind !== 'skipped';
}

export function slotsBoard(slots: Slots): string {
  const rows = slots.leases.map(
    (lease) =>
      `- **${lease.name}** (${lease.incarnation}) · ${lease.mission} / ${lease.item} since ${timeAt(lease.sinceMs)}`,
  );
  const waiting = slots.queue.map((claim) => `- waits: ${claim.mission} / ${claim.item}, priority ${claim.priority}`);
  return clip(
    [
      `${slots.leases.length}/${slots.capacity} slots held, ${slots.queue.length} waiting`,
      '',
      ...rows,
      ...waiting,
    ].join('\n'),
  );
}

export function queueBoard(queue: readonly (Queued & { readonly stage: string })[], id: string): string {
  const rows = queue.map((one) => `- \`${one.id}\` ${one.branch} → ${one.target} · ${one.issue} · ${one.stage}`);
  const held = queue.some((one) => one.hold !== null);
  const ask = held ? [`\n> mend the cause, then \`temporal workflow signal -w ${id} --name retry --input '{}'\``] : [];
  return clip([`${queue.length} in the merge queue`, '', ...rows, ...ask].join('\n'));
}

export function mark(done: boolean): string {
  return done ? 'x' : ' ';
}

export function clip(text: string): string {
  return text.length > DETAILS_CHARS_MAX ? `${text.slice(0, DETAILS_CHARS_MAX)}\n…` : text;
}
