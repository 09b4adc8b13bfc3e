/**
 * A wish in words, and what becomes of it:
 *
 *     planning → checking → proposed → starting → started → closed (landed | failed)
 *        ↑  ↘ unplanned ↗      ↓ change                        any but starting → closed (rejected)
 *        └──────────┴──────────┘
 *
 * Sessions plan, the engine checks and cooks, people approve. What a person says begins a new turn: what comes of an act of an earlier turn only
 * counts for its cost. A plan that is faulty goes back to another session, so many times; then a person is asked.
 */
import * as z from 'zod';
import { MAYOR } from './address.js';
import { bytesOf } from './bytes.js';
import type { Answered, Unread } from './consultation.js';
import type { DraftItem, MissionDraft } from './mission-order.js';
import { addUsage, NO_USAGE, type Usage } from './session.js';
import { unreachable } from './unreachable.js';
import { asLine, short } from './wording.js';

/** Sessions of a turn. */
export const TRIES_MAX = 3;
/** What was said to a plan, beside the wish itself. */
export const WORDS_MAX = 20;
export const WISH_CHARS_MAX = 10_000;
/** Of a plan, as JSON. */
export const PLAN_CHARS_MAX = 50_000;

type Word = { readonly by: string; readonly text: string };

/** `reasons`: by item. `by`: who made it: the mayor, or a person. `unread`: rigs whose code nobody has looked into; absent when there are none. */
type Plan = {
  readonly by: string;
  readonly reason: string;
  readonly reasons: Readonly<Record<string, string>>;
  readonly mission: MissionDraft;
  readonly unread?: readonly Unread[];
};

/** By item, what it comes to once it is cooked. */
type Preview = readonly { readonly id: string; readonly steps: number; readonly legs?: number }[];

type WishEnd = 'landed' | 'failed' | 'rejected';

export type WishState =
  /** A session is at work on it, or is about to be. */
  | { readonly kind: 'planning' }
  | { readonly kind: 'checking' }
  | { readonly kind: 'proposed' }
  /** A person goes on: in other words, with a plan, or, once that is mended for which there `isPlan` that cannot be started, by approving it. */
  | { readonly kind: 'unplanned'; readonly why: string; readonly isPlan?: true }
  | { readonly kind: 'starting' }
  /** `isOver`: the mission has said so, and is looked at. */
  | { readonly kind: 'started'; readonly mission: string; readonly isOver: boolean }
  | { readonly kind: 'closed'; readonly end: WishEnd; readonly says: string; readonly isRecorded: boolean };

export type Wish = {
  readonly id: string;
  readonly by: string;
  readonly text: string;
  /** Whose code the planner reads; null: that of every rig. */
  readonly rig: string | null;
  readonly budget: { readonly usd: number } | null;
  /** `start`: a plan that can be started is. */
  readonly approve: 'ask' | 'start';
  /** 0 is planned first, 4 last. Absent of one that an earlier version took: 2. */
  readonly priority?: number;
  readonly atMs: number;
  readonly sinceMs: number;
  readonly state: WishState;
  readonly turn: number;
  readonly words: readonly Word[];
  readonly plan: Plan | null;
  /** Of the plan; null until it is checked. */
  readonly preview: Preview | null;
  /** Who has let it begin. */
  readonly approvedBy: string | null;
  /** In all, and of this turn. */
  readonly sessions: number;
  readonly tries: number;
  /** For the next session: what was wrong, or what the one before has noted. */
  readonly note: string | null;
  readonly usage: Usage;
};

export type Asked = Pick<Wish, 'id' | 'by' | 'text' | 'rig' | 'budget' | 'approve' | 'priority'>;

export const WISH_PRIORITY = 2;

/** The more urgent first, and of those the older. */
export function byUrgency(wishes: readonly Wish[]): readonly Wish[] {
  const priorityOf = ({ priority = WISH_PRIORITY }: Wish) => priority;
  return wishes.toSorted((a, b) => priorityOf(a) - priorityOf(b));
}

export function newWish(asked: Asked, nowMs: number): Wish {
  return {
    ...asked,
    atMs: nowMs,
    sinceMs: nowMs,
    state: { kind: 'planning' },
    turn: 1,
    words: [],
    plan: null,
    preview: null,
    approvedBy: null,
    sessions: 0,
    tries: 0,
    note: null,
    usage: NO_USAGE,
  };
}

/** What a person says. */
export type Said =
  | { readonly kind: 'approve'; readonly by: string }
  | { readonly kind: 'reject'; readonly by: string; readonly reason: string }
  | { readonly kind: 'change'; readonly by: string; readonly text: string }
  | { readonly kind: 'plan'; readonly by: string; readonly mission: MissionDraft };

/** Why it cannot be said now, in words that say what can; null when it can. */
export function whyNot({ id, state, words, plan }: Wish, said: Said): string | null {
  if (state.kind === 'closed') return `the wish ${id} is over: ${state.says}`;
  if (state.kind === 'starting') return `the mission of the wish ${id} is being started: ask again in a moment`;
  switch (said.kind) {
    case 'approve':
      if (mayStart(state)) return null;
      return state.kind === 'started'
        ? `the wish ${id} is approved already: ${state.mission} works on it`
        : `there is no plan to approve: the wish ${id} is ${state.kind}; gt wish show ${id} tells more`;
    case 'reject':
      return null;
    case 'change':
    case 'plan':
      if (state.kind === 'started') return `${state.mission} works on the wish ${id} already: cancel it, and wish anew`;
      if (said.kind === 'change' && words.length >= WORDS_MAX)
        return `${WORDS_MAX} times something was said to the plans of ${id}: ${plan === null ? 'wish anew' : 'approve the last one, or wish anew'}`;
      return JSON.stringify(said).length > PLAN_CHARS_MAX
        ? `a plan has at most ${PLAN_CHARS_MAX} characters of JSON: split it into several missions`
        : null;
    default:
      return unreachable(said);
  }
}

/** By a word of a person. */
export function mayStart(state: WishState): boolean {
  return state.kind === 'proposed' || (state.kind === 'unplanned' && state.isPlan === true);
}

/** Only where `whyNot` has no objection. */
export function heard(wish: Wish, said: Said, nowMs: number): Wish {
  const next = { ...wish, turn: wish.turn + 1, tries: 0, note: null, approvedBy: null };
  switch (said.kind) {
    case 'approve':
      return into({ ...wish, approvedBy: said.by }, { kind: wish.preview === null ? 'checking' : 'starting' }, nowMs);
    case 'reject': {
      const { state } = wish;
      const left = state.kind === 'started' ? `; ${state.mission} is left alone` : '';
      const says = `rejected by ${said.by}: ${asLine(said.reason)}${left}`;
      return into(next, { kind: 'closed', end: 'rejected', says, isRecorded: false }, nowMs);
    }
    case 'change':
      return into(
        { ...next, words: [...wish.words, { by: said.by, text: said.text }], preview: null },
        { kind: 'planning' },
        nowMs,
      );
    case 'plan': {
      const plan = { by: said.by, reason: '', reasons: {}, mission: said.mission };
      return into({ ...next, plan, preview: null }, { kind: 'checking' }, nowMs);
    }
    default:
      return unreachable(said);
  }
}

/** What came of an act. */
export type Outcome =
  /** A session begins. */
  | { readonly kind: 'begun' }
  | { readonly kind: 'answered'; readonly result: Answered }
  /** Its host is lost: another one begins. */
  | { readonly kind: 'lost'; readonly usage: Usage }
  /** Nobody plans it, or what was tried cannot be done. */
  | { readonly kind: 'stuck'; readonly why: string; readonly usage: Usage }
  | { readonly kind: 'fits'; readonly preview: Preview }
  | { readonly kind: 'faulty'; readonly why: string }
  | { readonly kind: 'started'; readonly mission: string }
  | { readonly kind: 'told' }
  | { readonly kind: 'ended'; readonly end: Exclude<WishEnd, 'rejected'>; readonly says: string }
  | { readonly kind: 'recorded' };

/** `turn`: in which the act was begun. */
export function after(before: Wish, turn: number, outcome: Outcome, nowMs: number): Wish {
  const wish = 'usage' in outcome ? spent(before, outcome.usage) : before;
  if (outcome.kind === 'recorded') return recorded(wish);
  // What was begun before a person said something else.
  if (turn !== wish.turn) return outcome.kind === 'answered' ? spent(wish, outcome.result.usage) : wish;
  switch (outcome.kind) {
    case 'begun':
      return { ...wish, sessions: wish.sessions + 1, tries: wish.tries + 1 };
    case 'lost':
      return { ...wish, tries: wish.tries - 1 };
    case 'answered':
      return answered(spent(wish, outcome.result.usage), outcome.result, nowMs);
    case 'stuck':
      return wish.state.kind === 'planning'
        ? unplanned(wish, outcome.why, nowMs)
        : unplanned(wish, outcome.why, nowMs, { isPlan: true });
    case 'fits': {
      const fit = { ...wish, preview: outcome.preview };
      const isUnasked = wish.approve === 'start' && !isOfPerson(wish) && wish.words.length === 0;
      const isLet = isUnasked || wish.approvedBy !== null;
      return into(fit, { kind: isLet ? 'starting' : 'proposed' }, nowMs);
    }
    case 'faulty':
      if (wish.state.kind === 'starting' || isOfPerson(wish))
        return unplanned(wish, `the plan cannot be started: ${outcome.why}`, nowMs, { isPlan: true });
      return again(wish, `The plan cannot be started:\n${outcome.why}`, nowMs);
    case 'started':
      return into(wish, { kind: 'started', mission: outcome.mission, isOver: false }, nowMs);
    case 'told':
      return wish.state.kind === 'started' ? { ...wish, state: { ...wish.state, isOver: true } } : wish;
    case 'ended':
      return into(wish, { kind: 'closed', end: outcome.end, says: outcome.says, isRecorded: false }, nowMs);
    default:
      return unreachable(outcome);
  }
}

/** The server takes 2 MB of what is carried from run to run; mail and answers need room beside them. */
const WISHES_BYTES_MAX = 800_000;

/** Why there is no room for a wish as it would be, among all; null when there is. */
export function whyNoRoom(wishes: readonly Wish[], next: Wish): string | null {
  const others = wishes.filter(({ id }) => id !== next.id);
  if (bytesOf([...others, next]) <= WISHES_BYTES_MAX) return null;
  return 'the wishes that are open are too long together: approve or reject some first (gt wish list), or say it in fewer words';
}

/** A plan for which there is no room: as if there was none. */
export function withoutPlan(wish: Wish, why: string, nowMs: number): Wish {
  return unplanned({ ...wish, plan: null, preview: null, note: null }, why, nowMs);
}

/** Of what came of an act, to people and to the next session. */
const WHY_CHARS_MAX = 10_000;

function unplanned(wish: Wish, why: string, nowMs: number, kept: { readonly isPlan?: true } = {}): Wish {
  return into(wish, { kind: 'unplanned', why: why.slice(0, WHY_CHARS_MAX), ...kept }, nowMs);
}

function into(wish: Wish, state: WishState, nowMs: number): Wish {
  return { ...wish, state, sinceMs: nowMs };
}

function spent(wish: Wish, usage: Usage): Wish {
  return { ...wish, usage: addUsage(wish.usage, usage) };
}

/** What the ledger has is kept here in short. */
function recorded(wish: Wish): Wish {
  if (wish.state.kind !== 'closed') return wish;
  const text = short(wish.text);
  return {
    ...wish,
    text,
    words: [],
    plan: null,
    preview: null,
    note: null,
    state: { ...wish.state, isRecorded: true },
  };
}

const isOfPerson = ({ plan }: Wish): boolean => plan !== null && plan.by !== MAYOR;

function answered(wish: Wish, result: Answered, nowMs: number): Wish {
  switch (result.outcome) {
    case 'closed':
      if (result.verdict === 'failed') return unplanned(wish, result.summary, nowMs);
      return planned(wish, result, nowMs);
    case 'handoff':
      return again(wish, result.note, nowMs);
    case 'stalled':
      return again(wish, result.detail, nowMs);
    case 'blocked':
      return unplanned(wish, `the planner asks: ${result.detail}`, nowMs);
    default:
      return unreachable(result);
  }
}

function again(wish: Wish, note: string, nowMs: number): Wish {
  if (wish.tries < TRIES_MAX) return into({ ...wish, note: note.slice(0, WHY_CHARS_MAX) }, { kind: 'planning' }, nowMs);
  const why = `${wish.tries} sessions have made no plan that can be started; of the last: ${note}`;
  return unplanned({ ...wish, note: null }, why, nowMs);
}

type Closed = Extract<Answered, { readonly outcome: 'closed' }>;

/** What a session answers, which its formula asks for. */
const Answer = z.object({
  title: z.string(),
  reason: z.string(),
  work: z.array(
    z.object({
      id: z.string(),
      title: z.string(),
      rig: z.string(),
      formula: z.string(),
      vars: z.record(z.string(), z.union([z.string(), z.number(), z.boolean()]).transform(String)).default({}),
      needs: z.array(z.string()).default([]),
      priority: z.number().int().optional(),
      reason: z.string(),
    }),
  ),
});

export const TITLE_CHARS_MAX = 200;
const titled = (text: string): string => asLine(text).slice(0, TITLE_CHARS_MAX);

function planned(wish: Wish, { output, unread }: Closed, nowMs: number): Wish {
  const read = Answer.safeParse(output);
  if (!read.success) {
    const wrong = read.error.issues.map(({ path, message }) => `${['output', ...path].join('.')}: ${message}`);
    return again(wish, `The plan was not as it was asked for:\n${wrong.slice(0, 10).join('\n')}`, nowMs);
  }
  const { title, reason, work } = read.data;
  const items = work.map(({ id, title: name, rig, formula, vars, needs, priority }): DraftItem => {
    const urgency = priority === undefined ? {} : { priority };
    return { id, title: titled(name), rig, formula, vars, needs, ...urgency };
  });
  const plan = {
    by: MAYOR,
    reason,
    reasons: Object.fromEntries(work.map((item) => [item.id, item.reason])),
    mission: { title: titled(title), work: items, notify: [] },
  };
  if (JSON.stringify(plan).length > PLAN_CHARS_MAX)
    return again(wish, `The plan had more than ${PLAN_CHARS_MAX} characters of JSON: make a smaller one.`, nowMs);
  const blind = unread === undefined ? {} : { unread: unread.map(({ rig, why }) => ({ rig, why: short(why) })) };
  return into({ ...wish, plan: { ...plan, ...blind }, preview: null, note: null }, { kind: 'checking' }, nowMs);
}

/** What the mayor does next for it; null while others are to do something. */
export type Order = 'plan' | 'check' | 'start' | 'look' | 'record';

export function orderOf({ state }: Wish): Order | null {
  switch (state.kind) {
    case 'planning':
      return 'plan';
    case 'checking':
      return 'check';
    case 'starting':
      return 'start';
    case 'started':
      return state.isOver ? 'look' : null;
    case 'closed':
      return state.isRecorded ? null : 'record';
    case 'proposed':
    case 'unplanned':
      return null;
    default:
      return unreachable(state);
  }
}

/** In dollars, what its sessions may still cost: as much as the mission may, if somebody has said so. */
export function leftFor({ budget, usage }: Wish): number | null {
  return budget === null ? null : Math.max(0, budget.usd - usage.usd);
}
