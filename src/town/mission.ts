/**
 * The rules of a mission (Gas Town: convoy): which item may start, what a report means, when it has landed.
 *
 * An item is `waiting` for the items it needs, `queued` for a slot, `working` in the hands of a polecat, or `assigned` to a person, then
 * `landed`, or `failed` until somebody answers with `retry` or `skip`. A failed item never ends the mission by itself.
 */
import type { LegOf } from './convoy.js';
import { bounded, shareOf } from './findings.js';
import type { Words } from './mission-words.js';
import { own } from './own.js';
import type { Hold, Pause } from './pause.js';
import type { Landing, PolecatReport } from './polecat-report.js';
import type { Left } from './references.js';
import type { RuntimeKind } from './runtime.js';
import { addUsage, NO_USAGE, type Usage } from './session.js';
import { unreachable } from './unreachable.js';

/** Who works on an item, and where. */
export type Holder = {
  readonly claim: string;
  readonly name: string;
  readonly incarnation: number;
  readonly host: string;
  readonly molecule: string;
};

/** On whom the polecat's molecule waits; null while it works. */
export type Wait = {
  readonly molecule: string;
  /** `person: <step>` or `overseer: <step>`. */
  readonly for: string;
  readonly why: string;
  readonly sinceMs: number;
  /** Something went wrong and wants an answer, as against a step that was made for a person. */
  readonly escalated: boolean;
};

export type ItemState =
  | { readonly kind: 'waiting' }
  | { readonly kind: 'queued'; readonly claim: string; readonly sinceMs: number }
  /** `leaving`: why its polecat was told to end and leave it to another. */
  | ({
      readonly kind: 'working';
      readonly sinceMs: number;
      readonly wait?: Wait | null;
      readonly leaving?: string;
      /** The request that is verified, and lands when the mission says so. */
      readonly verified?: string;
    } & Holder)
  /** It stands on the desk of a person. */
  | { readonly kind: 'assigned'; readonly person: string; readonly sinceMs: number }
  /** `note`: by whom it was closed, and with which words, if by a person. */
  | ({ readonly kind: 'landed'; readonly atMs: number; readonly note?: string } & Landing)
  | { readonly kind: 'failed'; readonly reason: string; readonly atMs: number }
  | { readonly kind: 'skipped'; readonly reason: string }
  | { readonly kind: 'cancelled'; readonly reason: string };

export type Item = {
  readonly id: string;
  readonly title: string;
  readonly rig: string;
  readonly formula: string;
  readonly needs: readonly string[];
  readonly priority: number;
  /** Address of the person who is to do it, absent: any polecat. */
  readonly assignee?: string;
  /** The slot that it waits for, absent: any; the branch that its work begins from, absent: the target; and that, absent: the rig's. */
  readonly agent?: string;
  readonly from?: string;
  readonly target?: string;
  /** It is to land `from` as one, which is all that there is to do. */
  readonly isWhole?: true;
  /** The models that have worked on what it has landed, or is to land. Absent where nobody knows. */
  readonly workedBy?: readonly RuntimeKind[];
  /** As one with those of other rigs: none lands before all are verified. */
  readonly isTogether?: true;
  /** It was told that it may. */
  readonly isLetGo?: true;
  /** 1 for the first try; `retry` and the replacement of a lost polecat count it up. */
  readonly attempt: number;
  /** Polecats that were terminated under this item. */
  readonly lost: number;
  /** How often roles of the town have given it to another polecat, since a person last did. Absent: never. */
  readonly passedOn?: number;
  readonly state: ItemState;
  readonly usage: Usage;
  /** Of the polecat at work, as its sessions tell it; what it reports in the end takes its place. Absent for none. */
  readonly live?: Usage;
  readonly sessions: number;
  readonly reworks: number;
  /** Of a convoy's part; absent for an item that was ordered as it is. */
  readonly leg?: LegOf;
  /** What a leg has left to its synthesis, once it has landed. */
  readonly left?: Left;
  /** Of the last answer by which it went to another polecat, if that had any. */
  readonly words?: Words;
};

export type MissionState = {
  readonly title: string;
  readonly items: readonly Item[];
  /** Null: no limit. Once it is spent no further item starts, and no session asks a model for more, until the budget is raised. */
  readonly budgetUsd: number | null;
  /** A session stood before its next turn with nothing left, counting those under way, since the budget was set last. */
  readonly isStopped?: boolean;
  /** Models that may work on it and had no price when it was planned: the budget does not hold what they cost. Absent when there are none. */
  readonly unpriced?: readonly string[];
  /** Absent or null while it goes on. */
  readonly paused?: Pause | null;
};

/** What concerns the mission as a whole. */
type WideEvent =
  | { readonly kind: 'budgeted'; readonly usd: number }
  | { readonly kind: 'stopped' }
  | ({ readonly kind: 'paused' } & Hold)
  | { readonly kind: 'resumed' };

type ItemEvent =
  | { readonly kind: 'queued'; readonly item: string; readonly claim: string }
  | { readonly kind: 'started'; readonly item: string; readonly holder: Holder }
  | { readonly kind: 'assigned'; readonly item: string }
  /** The person has done it, or cannot. */
  | { readonly kind: 'closed'; readonly item: string; readonly outcome: 'done' | 'failed'; readonly note: string }
  /** `again`: it was told to end, so that another takes the item. */
  | {
      readonly kind: 'reported';
      readonly item: string;
      readonly claim: string;
      readonly report: PolecatReport;
      readonly again?: boolean;
    }
  /** A session of the polecat at work has ended. */
  | { readonly kind: 'spent'; readonly item: string; readonly usage: Usage }
  | {
      readonly kind: 'reassigned';
      readonly item: string;
      readonly claim: string;
      readonly reason: string;
      readonly isOfRole: boolean;
      readonly words?: Words;
    }
  | { readonly kind: 'let-go'; readonly item: string }
  | { readonly kind: 'verified'; readonly item: string; readonly claim: string; readonly request: string | null }
  | { readonly kind: 'waits'; readonly item: string; readonly claim: string; readonly wait: Wait | null }
  /** The slot was given back before a polecat started in it: the item asks for another. */
  | { readonly kind: 'unstarted'; readonly item: string; readonly claim: string }
  | { readonly kind: 'retried'; readonly item: string; readonly words?: Words }
  | { readonly kind: 'lost'; readonly item: string; readonly claim: string; readonly reason: string }
  /** A polecat that was terminated had landed its work before. */
  | { readonly kind: 'landed'; readonly item: string; readonly claim: string; readonly landing: Landing }
  | { readonly kind: 'unplannable'; readonly item: string; readonly reason: string }
  | { readonly kind: 'cancelled'; readonly item: string; readonly reason: string }
  | { readonly kind: 'skipped'; readonly item: string; readonly reason: string };

export type MissionEvent = WideEvent | ItemEvent;

/** An event that no longer fits, since something else came first, changes nothing. */
export function after(mission: MissionState, event: MissionEvent, nowMs: number): MissionState {
  if ('item' in event) return withItem(mission, event.item, (item) => changeOf(item, event, legsIn(mission), nowMs));
  switch (event.kind) {
    case 'budgeted':
      return { ...mission, budgetUsd: event.usd, isStopped: false };
    case 'stopped':
      return { ...mission, isStopped: true };
    case 'paused':
      return { ...mission, paused: { by: event.by, why: event.why, sinceMs: nowMs } };
    case 'resumed':
      return { ...mission, paused: null };
    default:
      return unreachable(event);
  }
}

function changeOf(item: Item, event: ItemEvent, legs: number, nowMs: number): Partial<Item> {
  const { state } = item;
  switch (event.kind) {
    case 'queued':
      return state.kind === 'waiting' ? { state: { kind: 'queued', claim: event.claim, sinceMs: nowMs } } : {};
    case 'assigned':
      return assigned(item, nowMs);
    case 'closed':
      return state.kind === 'assigned' ? { state: closed(event, nowMs) } : {};
    case 'started':
      return isQueued(item, event.holder.claim) ? { state: { kind: 'working', sinceMs: nowMs, ...event.holder } } : {};
    case 'unstarted':
      return isQueued(item, event.claim) ? again(item) : {};
    case 'waits':
      return state.kind === 'working' && state.claim === event.claim ? { state: { ...state, wait: event.wait } } : {};
    case 'let-go':
      return { isLetGo: true };
    case 'verified':
      return verified(item, event);
    case 'reported':
      return reported(item, event, legs, nowMs);
    case 'spent':
      return state.kind === 'working' ? { live: addUsage(item.live ?? NO_USAGE, event.usage) } : {};
    case 'reassigned':
      return reassigned(item, event);
    case 'lost':
      return lost(item, event, nowMs);
    case 'landed':
      return state.kind === 'working' && state.claim === event.claim
        ? { ...untold(item), state: { kind: 'landed', atMs: nowMs, ...event.landing } }
        : {};
    case 'retried':
      return state.kind === 'failed'
        ? { ...again(item), ...(event.words === undefined ? {} : { words: event.words }) }
        : {};
    case 'unplannable':
      return state.kind === 'failed' ? { state: failed(event.reason, nowMs) } : {};
    case 'cancelled':
      return isSettled(item) ? {} : { state: { kind: 'cancelled', reason: clip(event.reason) } };
    case 'skipped':
      return canSkip(item) ? { state: { kind: 'skipped', reason: clip(event.reason) } } : {};
    default:
      return unreachable(event);
  }
}

export function canSkip({ state }: Item): boolean {
  return ['failed', 'waiting', 'queued', 'assigned'].includes(state.kind);
}

function assigned({ state, assignee: person }: Item, sinceMs: number): Partial<Item> {
  return state.kind === 'waiting' && person !== undefined ? { state: { kind: 'assigned', person, sinceMs } } : {};
}

/** Nothing of it is for the refinery. */
function closed(
  { outcome, note }: Pick<Extract<ItemEvent, { kind: 'closed' }>, 'outcome' | 'note'>,
  atMs: number,
): ItemState {
  if (outcome === 'failed') return failed(note, atMs);
  return { kind: 'landed', atMs, commit: null, target: '', branch: '', note: clip(note) };
}

function isQueued({ state }: Item, claim: string): boolean {
  return state.kind === 'queued' && state.claim === claim;
}

function verified({ state }: Item, event: Extract<ItemEvent, { kind: 'verified' }>): Partial<Item> {
  if (state.kind !== 'working' || state.claim !== event.claim) return {};
  const { verified: _, ...rest } = state;
  return { state: event.request === null ? rest : { ...rest, verified: event.request } };
}

function reassigned(item: Item, event: Extract<ItemEvent, { kind: 'reassigned' }>): Partial<Item> {
  const { state, passedOn = 0 } = item;
  if (state.kind !== 'working' || state.claim !== event.claim) return {};
  const { reason, isOfRole, words } = event;
  const told = words === undefined ? {} : { words };
  return { state: { ...state, leaving: clip(reason) }, passedOn: isOfRole ? passedOn + 1 : 0, ...told };
}

/** Whether the polecat that holds the item under the claim was told to leave it to another. */
export function isLeaving({ state }: Item, claim: string): boolean {
  return state.kind === 'working' && state.claim === claim && state.leaving !== undefined;
}

function again(item: Item): Partial<Item> {
  return { attempt: item.attempt + 1, state: { kind: 'waiting' } };
}

function failed(reason: string, atMs: number): ItemState {
  return { kind: 'failed', atMs, reason: clip(reason) };
}

/** Reasons travel with the mission from run to run; whole they stand in the polecat's failure and in the ledger. */
const REASON_CHARS_MAX = 1_000;

function clip(reason: string): string {
  return reason.length > REASON_CHARS_MAX ? `${reason.slice(0, REASON_CHARS_MAX)}…` : reason;
}

/** A polecat's end is told twice, by signal and by the child's promise: the second telling changes nothing. */
function reported(
  item: Item,
  { claim, report, again: isAgain = false }: Extract<ItemEvent, { kind: 'reported' }>,
  legs: number,
  atMs: number,
): Partial<Item> {
  if (item.state.kind !== 'working' || item.state.claim !== claim) return {};
  const spent = {
    usage: addUsage(item.usage, moreOf(report.usage, item.live ?? NO_USAGE)),
    live: NO_USAGE,
    sessions: item.sessions + report.sessions,
    reworks: item.reworks + report.reworks,
  };
  switch (report.outcome) {
    case 'landed':
      return {
        ...spent,
        ...leftBy(item, report, legs),
        ...modelsOf(report),
        state: { kind: 'landed', atMs, ...report.landing },
      };
    case 'failed':
      return { ...spent, state: failed(report.reason, atMs) };
    case 'cancelled':
      if (isAgain) return { ...spent, ...again(item) };
      return { ...spent, state: { kind: 'cancelled', reason: clip(report.reason) } };
    default:
      return unreachable(report);
  }
}

const modelsOf = ({ workedBy }: PolecatReport) => (workedBy === undefined ? {} : { workedBy });

function legsIn({ items }: MissionState): number {
  return items.filter((item) => item.leg?.role === 'leg').length;
}

function leftBy({ leg }: Item, report: PolecatReport, legs: number): Pick<Item, 'left'> {
  const left = leg?.role === 'leg' ? own(report.left ?? {}, leg.step) : undefined;
  return left === undefined ? {} : { left: bounded(left, shareOf(legs)) };
}

/** How often a polecat that was terminated is replaced before somebody is asked. */
const REPLACEMENTS_MAX = 3;

function lost(
  item: Item,
  { claim, reason }: { readonly claim: string; readonly reason: string },
  atMs: number,
): Partial<Item> {
  if (item.state.kind !== 'working' || item.state.claim !== claim) return {};
  if (item.lost >= REPLACEMENTS_MAX) return { ...untold(item), state: failed(reason, atMs) };
  return { ...untold(item), lost: item.lost + 1, ...again(item) };
}

/** A molecule that failed or was cancelled is in no report; what costs nothing is told by reports alone. */
function moreOf(reported: Usage, live: Usage): Usage {
  const isMore = live.usd > reported.usd || (live.unpricedTokens ?? 0) > (reported.unpricedTokens ?? 0);
  return isMore ? live : reported;
}

/** Of a polecat that will report nothing any more, what its sessions told counts. */
function untold({ usage, live = NO_USAGE }: Item): Pick<Item, 'usage' | 'live'> {
  return { usage: addUsage(usage, live), live: NO_USAGE };
}

export const pickTarget = ({ target }: Item) => (target === undefined ? {} : { target });

/** Items that may claim a slot now, the most urgent first. */
export function startable(mission: MissionState): readonly Item[] {
  if (isPaused(mission) || isOverBudget(mission)) return [];
  return mission.items
    .filter((item) => item.state.kind === 'waiting' && item.needs.every((id) => isSettled(itemOf(mission, id))))
    .toSorted((a, b) => a.priority - b.priority);
}

export function isPaused({ paused = null }: MissionState): boolean {
  return paused !== null;
}

export function isFinished(mission: MissionState): boolean {
  return mission.items.every(isSettled);
}

export function isOverBudget(mission: MissionState): boolean {
  const { budgetUsd, isStopped = false } = mission;
  const { usd } = spent(mission);
  return budgetUsd !== null && (isStopped || (usd >= budgetUsd && usd > 0));
}

export function spent(mission: MissionState): Usage {
  return mission.items.reduce((sum, { usage, live = NO_USAGE }) => addUsage(addUsage(sum, usage), live), NO_USAGE);
}

/** Throws for an id the mission does not have: ids were checked when the mission was accepted. */
export function itemOf(mission: MissionState, id: string): Item {
  const item = mission.items.find((one) => one.id === id);
  if (item === undefined) throw new Error(`mission has no item "${id}"`);
  return item;
}

/** What needs this item may go on: it has landed, or somebody decided to do without it. */
function isSettled(item: Item): boolean {
  return item.state.kind === 'landed' || item.state.kind === 'skipped';
}

function withItem(mission: MissionState, id: string, change: (item: Item) => Partial<Item>): MissionState {
  return { ...mission, items: mission.items.map((item) => (item.id === id ? { ...item, ...change(item) } : item)) };
}
