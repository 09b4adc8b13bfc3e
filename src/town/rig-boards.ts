/** The boards of a rig's two roles: the slots that its witness grants, and the merge queue of its refinery. */
import { clip, pauseLines } from './board.js';
import type { Breaker } from './breaker.js';
import type { Health } from './health.js';
import { deadLines, type DeadLetter } from './dead-letters.js';
import type { Inbox } from './inbox.js';
import { mailLines } from './inbox-board.js';
import type { Pause } from './pause.js';
import type { Queued } from './refinery.js';
import { shellWord } from './shell-text.js';
import type { Claim, Slots } from './slots.js';
import { forWhom } from './slots-words.js';
import { table } from './table.js';
import { code, named, short, timeAt } from './wording.js';

export type WitnessView = {
  readonly id: string;
  readonly rig: string;
  readonly slots: Slots;
  readonly paused: Pause | null;
  /** Of requests whose branches are being looked for on the remote. */
  readonly verifying: readonly string[];
  /** When the holders of slots are looked at next; null when nothing is held or asked for. */
  readonly lookMs: number | null;
  /** How those at work did when they were looked at last. */
  readonly agents?: readonly (Health & { readonly agent: string; readonly seenMs: number })[];
  /** No slot is granted for a while; null: it is closed. */
  readonly breaker?: Breaker['open'];
  /** It has begun, and looks who is at work: no slot is given before that is known. */
  readonly isLooking?: boolean;
  /** Mail that is for its reader alone, and mail that could be brought to nobody. */
  readonly inbox?: Inbox;
  readonly dead?: readonly DeadLetter[];
};

export function witnessBoard(view: WitnessView): string {
  const { slots, paused, id, rig, inbox = [], dead = [] } = view;
  const { leases, queue, capacity } = slots;
  const held = leases.map(({ name, incarnation, mission, item, sinceMs }) => [
    `${rig}/polecats/${name}`,
    `${incarnation}`,
    mission,
    item,
    timeAt(sinceMs),
  ]);
  const waiting = queue.map((claim, at) => [
    `waits, ${at + 1} of ${queue.length}${forWhom(claim)}`,
    '',
    claim.mission,
    claim.item,
    `priority ${claim.priority}`,
  ]);
  const rows = [...held, ...waiting];
  const head = `${leases.length}/${capacity} slots held, ${queue.length} waiting. ${witnessStory(view)}`;
  const heads = ['holder', 'incarnation', 'mission', 'item', 'since'];
  const slotTable = rows.length === 0 ? [] : ['', ...table(heads, rows)];
  const seen = (view.agents ?? []).map(({ agent, kind, fact, seenMs }) => [agent, kind, short(fact), timeAt(seenMs)]);
  const health = seen.length === 0 ? [] : ['', ...table(['polecat', 'health', 'by the fact', 'seen at'], seen)];
  return clip(
    [
      head,
      ...pauseLines(paused, id),
      ...breakerLines(view.breaker ?? null, id),
      ...slotTable,
      ...health,
      ...mailLines(id, inbox),
      ...deadLines(dead),
    ].join('\n'),
  );
}

function breakerLines(open: Breaker['open'], id: string): readonly string[] {
  if (open === null) return [];
  const { why, sinceMs, untilMs } = open;
  return [
    '',
    `> **No slot is granted** since ${timeAt(sinceMs)}: ${why}. One is again at ${timeAt(untilMs)}, and all once that one lives, or by ${code(`gt resume ${shellWord(id)}`)}.`,
  ];
}

function witnessStory({
  slots,
  paused,
  rig,
  verifying,
  lookMs,
  isLooking = false,
  breaker = null,
}: WitnessView): string {
  const { leases, queue, capacity } = slots;
  const [first] = queue;
  const isFull = leases.length >= capacity;
  const next = first === undefined ? '' : `${code(first.item)} of ${first.mission}${waitsFor(first, slots)}`;
  const free = breaker === null ? 'now' : `at ${timeAt(breaker.untilMs)}`;
  const soon = isLooking ? 'once it is known who is at work' : free;
  const when = paused === null ? (isFull ? 'when one closes' : soon) : 'when the rig is resumed';
  return [
    ...(isLooking ? [`It has just begun, and looks who is at work in ${rig}.`] : []),
    ...(leases.length === 0 ? [] : [`Its polecats work, and each frees its slot when it closes.`]),
    ...(verifying.length === 0 ? [] : [`Whether the remote has what was handed in is looked up: ${named(verifying)}.`]),
    ...(paused === null ? [] : [`${paused.by} paused ${rig}, since ${timeAt(paused.sinceMs)}: no slot is given.`]),
    ...(first === undefined ? [] : [`The next slot goes to ${next}, ${when}.`]),
    ...(lookMs === null
      ? []
      : [`If nothing is heard before, it is looked at ${timeAt(lookMs)} whether holders are alive.`]),
    ...(leases.length + queue.length + verifying.length === 0
      ? ['Nothing happens until a mission claims a slot.']
      : []),
  ].join(' ');
}

/** Others go before one that waits for a slot which is not free, or which the rig has no more. */
function waitsFor({ name }: Claim, { names, leases }: Slots): string {
  if (name === undefined) return '';
  if (!names.includes(name)) return ` (it waits for ${name}, which the rig has no more: it never comes)`;
  return leases.some((lease) => lease.name === name) ? ` (once ${name} is free; others go before)` : '';
}

/** A request of the queue, how it stands, and when its verdict is to be expected. */
export type QueuedView = Queued & {
  readonly stage: string;
  readonly stageSinceMs?: number;
  readonly expectedMs?: number;
};

/** `dead`: hand-ins of which nobody waits for the verdict any more. */
export function queueBoard(queue: readonly QueuedView[], id: string, dead: readonly DeadLetter[] = []): string {
  const isExpected = queue.some(({ expectedMs }) => expectedMs !== undefined);
  const rows = queue.map(({ id: request, branch, target, issue, stage, sinceMs, expectedMs }) => [
    code(request),
    branch,
    target,
    issue,
    short(stage),
    timeAt(sinceMs),
    ...(isExpected ? [expectedMs === undefined ? '' : timeAt(expectedMs)] : []),
  ]);
  const more = isExpected ? ['expected'] : [];
  const heads = ['request', 'branch', 'target', 'issue', 'stands', 'handed in', ...more];
  const requests = rows.length === 0 ? [] : ['', ...table(heads, rows)];
  const isHeld = queue.some(({ hold }) => hold !== null && hold.by === undefined);
  const send = `temporal workflow signal -w ${shellWord(id)} --name retry --input '{}'`;
  const ask = isHeld ? [`\n> mend the cause, then \`${send}\``] : [];
  const head = `${queue.length} in the merge queue. ${queueStory(queue)}`;
  return clip([head, ...requests, ...ask, ...deadLines(dead)].join('\n'));
}

function queueStory(queue: readonly QueuedView[]): string {
  if (queue.length === 0) return 'Nothing happens until a branch is handed in.';
  const held = queue.filter(({ hold }) => hold !== null);
  const open = queue.filter(({ hold }) => hold === null);
  const atWork = open.find(({ stageSinceMs }) => stageSinceMs !== undefined);
  const [next, ...later] = open.filter((one) => one !== atWork);
  const more = later.length === 0 ? '' : `, and ${later.length} more after it`;
  return [
    ...(atWork === undefined ? [] : [workLine(atWork)]),
    ...(next === undefined ? [] : [`${code(next.id)} comes next${more}.`]),
    ...held.slice(0, 1).map(heldLine),
    ...(held.length > 1 ? [`${held.length - 1} more are held.`] : []),
    ...(open.length === 0 && held.every(({ hold }) => hold?.againAtMs === undefined)
      ? ['Nothing happens until that comes, or another branch is handed in.']
      : []),
  ].join(' ');
}

function workLine({ id, branch, target, stage, stageSinceMs = 0 }: QueuedView): string {
  return `${code(id)} (${branch} → ${target}) is at work, ${stage}, since ${timeAt(stageSinceMs)}: it lands, or goes back to its polecat.`;
}

function heldLine({ id, hold, mission }: QueuedView): string {
  if (hold === null) return '';
  const { againAtMs, sinceMs, why } = hold;
  if (hold.by === mission) return `${code(id)} waits since ${timeAt(sinceMs)}: ${short(why)}.`;
  const again =
    againAtMs === undefined ? 'waits for `retry`' : `is tried again at ${timeAt(againAtMs)}, or by \`retry\``;
  return `${code(id)} is held since ${timeAt(sinceMs)}, and ${again}: ${short(why)}.`;
}
