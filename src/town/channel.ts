/**
 * A channel: what is published is kept for a while, and goes to each subscriber whom it is for. An inbox has it as mail; a hook starts a mission
 * of it. Each subscriber has a place of its own in the one order, so that none waits for another.
 *
 *     message      published → in the ledger → settled with every subscriber → dropped, once it is too old or there are too many
 *     subscriber   has all ⇄ behind ⇄ tried in vain, and tried again later → away: what it lacks is for the ledger, what comes is tried once
 */
import { bytesOf } from './bytes.js';
import {
  MESSAGES_MAX,
  type ChannelHook,
  type Publication,
  type Retention,
  type Subscription,
} from './channel-input.js';
import { matches, type Match } from './channel-match.js';
import { bodyOf, SUBJECT_CHARS_MAX, type Mail } from './mail.js';

export const SUBSCRIBERS_MAX = 100;
/** Of all subscriptions together, as JSON: they go from run to run. */
const SUBSCRIPTIONS_BYTES_MAX = 200_000;
/** What is retained, whatever was asked for. */
const RETAINED_BYTES_MAX = 600_000;
/** With what waits for subscribers who are behind. */
export const HELD_MAX = 5 * MESSAGES_MAX;
const HELD_BYTES_MAX = 1_000_000;
/** Of messages that are not in the ledger yet none is dropped: beyond this none is taken. */
const UNRECORDED_MAX = 5_000;
const UNRECORDED_BYTES_MAX = 5_000_000;
/** Mails that one act delivers. */
const BATCH_MAX = 20;
const BATCH_BYTES_MAX = 500_000;
/** Before a subscriber counts as away. */
export const TRIES_MAX = 5;
const HOUR_MS = 3_600_000;

export type Published = Publication & {
  /** Its place in the order: 1 for the first message of the channel. */
  readonly place: number;
  readonly atMs: number;
  readonly bytes: number;
};

export type Trouble = {
  readonly why: string;
  readonly sinceMs: number;
  /** In vain, one after the other. */
  readonly tries: number;
  /** Messages that it is too late for, unless it subscribes anew. */
  readonly missed: number;
  /** Null: with what is published next. */
  readonly againAtMs: number | null;
};

/** Messages that a hook started no mission of: it stands, whatever is started later, until somebody subscribes the hook anew. */
export type Refused = {
  readonly why: string;
  readonly sinceMs: number;
  /** Of the first of them. */
  readonly place: number;
  readonly count: number;
};

export type Subscriber = {
  readonly id: string;
  readonly match: Match;
  readonly hook: ChannelHook | null;
  /** A number that counts subscriptions: what comes back of an act for an earlier one is of no account. */
  readonly incarnation: number;
  readonly sinceMs: number;
  /** Place of the first message that is not settled with it. */
  readonly next: number;
  /** How many it had. */
  readonly had: number;
  /** How many are for the ledger alone. */
  readonly missed: number;
  readonly trouble: Trouble | null;
  readonly refused: Refused | null;
  /** The last that it had, and of a hook the mission that was started. */
  readonly last: { readonly message: string; readonly atMs: number; readonly mission: string | null } | null;
};

export type ChannelState = {
  readonly retention: Retention;
  /** The oldest first. */
  readonly messages: readonly Published[];
  /** Place of the message that comes next. */
  readonly next: number;
  /** Place of the first message that is not in the ledger. */
  readonly unrecorded: number;
  readonly subscribers: readonly Subscriber[];
  /** How many there were. */
  readonly subscriptions: number;
};

export const emptyChannel = (retention: Retention): ChannelState => ({
  retention,
  messages: [],
  next: 1,
  unrecorded: 1,
  subscribers: [],
  subscriptions: 0,
});

/** Why nothing can be published; null when it can. */
export function whyFull({ messages, unrecorded }: ChannelState): string | null {
  const open = messages.slice(indexOf(messages, unrecorded));
  if (open.length < UNRECORDED_MAX && bytesIn(open) < UNRECORDED_BYTES_MAX) return null;
  return `${open.length} messages are not in the ledger yet, which is written first: publish it again later`;
}

export const idsIn = ({ messages }: ChannelState): Set<string> => new Set(messages.map(({ id }) => id));

/** Of a message whose id is not here. */
export function published(state: ChannelState, given: Publication, atMs: number): ChannelState {
  const { next: place } = state;
  const message = { ...given, place, atMs, bytes: bytesOf({ ...given, place, atMs }) };
  // Who lacks nothing stands at the end, and stays there when it is not for it.
  const subscribers = state.subscribers.map((one) =>
    one.next === place && !matches(one.match, message) ? { ...one, next: place + 1 } : one,
  );
  return { ...state, messages: [...state.messages, message], next: place + 1, subscribers };
}

/** For how many subscribers a message is that has just come. */
export function audienceOf({ messages, subscribers }: ChannelState, id: string): number {
  const message = messages.findLast((one) => one.id === id);
  return message === undefined ? 0 : subscribers.filter(({ match }) => matches(match, message)).length;
}

type Subscribed = { readonly ok: true; readonly state: ChannelState } | { readonly ok: false; readonly why: string };

/** One that is known already has what is new of it, is tried at once, and keeps its counts and what waits for it. */
export function subscribed(state: ChannelState, asked: Subscription, nowMs: number): Subscribed {
  const { subscriber: id, match, hook = null, since } = asked;
  const before = state.subscribers.find((one) => one.id === id);
  const others = state.subscribers.filter((one) => one.id !== id);
  if (others.length >= SUBSCRIBERS_MAX)
    return { ok: false, why: `the channel has ${SUBSCRIBERS_MAX} subscribers, which is the most` };
  const incarnation = state.subscriptions + 1;
  const kept = before ?? { sinceMs: nowMs, next: state.next, had: 0, missed: 0, last: null };
  const back = firstOf(retained(state, nowMs), match, since ?? 0, state.next);
  const next = Math.min(kept.next, back);
  const one: Subscriber = { ...kept, id, match, hook, incarnation, next, trouble: null, refused: null };
  const subscribers = [...others, one];
  if (bytesOf(subscribers.map((each) => [each.id, each.match, each.hook])) > SUBSCRIPTIONS_BYTES_MAX)
    return { ok: false, why: `all subscriptions together have more than ${SUBSCRIPTIONS_BYTES_MAX} bytes` };
  return { ok: true, state: caughtUp({ ...state, subscribers, subscriptions: incarnation }, one) };
}

/** The place from which on it is sent. */
function firstOf(kept: readonly Published[], match: Match, since: 'all' | number, next: number): number {
  const wanted = kept.filter((message) => matches(match, message));
  const [first] = since === 'all' ? wanted : wanted.slice(Math.max(0, wanted.length - since));
  return first?.place ?? next;
}

const TAKEN_OUT = 'it was taken out before this was known to have reached it';

export function unsubscribed(state: ChannelState, id: string): AfterMiss {
  const one = state.subscribers.find((each) => each.id === id);
  const lacked = one === undefined ? [] : lackedBy(state, one);
  return {
    state: { ...state, subscribers: state.subscribers.filter((each) => each.id !== id) },
    missed: lacked.map((message) => ({ message, subscriber: id, why: TAKEN_OUT })),
  };
}

/** By number, by age and by size the last ones; what waits for somebody beside them is not retained. */
export function retained(state: ChannelState, nowMs: number): readonly Published[] {
  return state.messages.slice(retainedFrom(state, nowMs));
}

/** The index of the first that is retained. */
function retainedFrom({ messages, retention }: ChannelState, nowMs: number): number {
  const oldestMs = nowMs - retention.hours * HOUR_MS;
  const first = Math.max(0, messages.length - retention.messages);
  let room = RETAINED_BYTES_MAX;
  for (let at = messages.length - 1; at >= first; at -= 1) {
    const { bytes, atMs } = messages[at] ?? NOTHING;
    room -= bytes;
    if (room < 0 || atMs < oldestMs) return at + 1;
  }
  return first;
}

const NOTHING = { bytes: 0, atMs: 0 };

/** What is for a subscriber and not settled yet: the first of it, so many at most. */
export function lackedBy(
  { messages, next: end }: ChannelState,
  { match, next }: Pick<Subscriber, 'match' | 'next'>,
  most = Infinity,
): readonly Published[] {
  if (next >= end) return [];
  const lacked: Published[] = [];
  for (let at = indexOf(messages, next); at < messages.length && lacked.length < most; at += 1) {
    const message = messages[at];
    if (message !== undefined && matches(match, message)) lacked.push(message);
  }
  return lacked;
}

/** Of the first message from this place on: there may be thousands, and of some only the place is left. */
function indexOf(messages: readonly Published[], place: number): number {
  let [low, high] = [0, messages.length];
  while (low < high) {
    const middle = (low + high) >>> 1;
    if ((messages[middle]?.place ?? place) < place) low = middle + 1;
    else high = middle;
  }
  return low;
}

/** What is to be done next for a subscriber. */
export type Order = {
  readonly id: string;
  readonly incarnation: number;
  readonly hook: ChannelHook | null;
  /** Several are for an inbox. */
  readonly messages: readonly [Published, ...Published[]];
  /** So many were in vain before. */
  readonly tries: number;
  /** Not before. */
  readonly againAtMs: number | null;
};

export function orderFor(state: ChannelState, id: string): Order | null {
  const subscriber = state.subscribers.find((one) => one.id === id);
  if (subscriber === undefined) return null;
  const { incarnation, hook, trouble } = subscriber;
  const [first, ...more] = lackedBy(state, subscriber, hook === null ? BATCH_MAX : 1);
  if (first === undefined) return null;
  let room = BATCH_BYTES_MAX - first.bytes;
  const end = more.findIndex(({ bytes }) => (room -= bytes) < 0);
  const rest = end === -1 ? more : more.slice(0, end);
  const { tries = 0, againAtMs = null } = trouble ?? {};
  return { id, incarnation, hook, messages: [first, ...rest], tries, againAtMs };
}

/** The first messages of an order are settled, so many of them. */
export function afterHad(
  state: ChannelState,
  order: Order,
  count: number,
  { atMs, mission }: { readonly atMs: number; readonly mission: string | null },
): ChannelState {
  const last = order.messages.slice(0, count).at(-1);
  if (last === undefined) return state;
  return changed(state, order, (one) => ({
    ...one,
    next: Math.max(one.next, last.place + 1),
    had: one.had + count,
    trouble: null,
    last: { message: last.id, atMs, mission },
  }));
}

/** A message that a subscriber does not get: its text is in the ledger. */
export type Missed = { readonly message: Published; readonly subscriber: string; readonly why: string };
export type AfterMiss = { readonly state: ChannelState; readonly missed: readonly Missed[] };

/**
 * Nobody was reached, or nothing could be started: it is tried again, `againAtMs`, if at all. At last a message is missed: a hook goes on with the
 * next one. So does an inbox, once: it may be that message alone; after that it is away, and lacks all that waits.
 */
export function afterVain(
  state: ChannelState,
  order: Order,
  { why, nowMs, againAtMs }: { readonly why: string; readonly nowMs: number; readonly againAtMs: number | null },
): AfterMiss {
  const { id, incarnation, hook } = order;
  const one = state.subscribers.find((each) => each.id === id && each.incarnation === incarnation);
  if (one === undefined) return { state, missed: [] };
  const tries = (one.trouble?.tries ?? 0) + 1;
  const isOver = tries >= TRIES_MAX || againAtMs === null;
  if (isOver && hook !== null) return afterRefusal(state, order, why, nowMs);
  const most = tries === TRIES_MAX && againAtMs !== null ? 1 : Infinity;
  const lacked = isOver ? lackedBy(state, one, most) : [];
  const next = (lacked.at(-1)?.place ?? one.next - 1) + 1;
  const missed = one.missed + lacked.length;
  const trouble: Trouble = {
    why,
    sinceMs: one.trouble?.sinceMs ?? nowMs,
    tries,
    missed: (one.trouble?.missed ?? 0) + lacked.length,
    againAtMs: isOver ? null : againAtMs,
  };
  return {
    state: changed(state, one, (each) => ({ ...each, trouble, next, missed })),
    missed: lacked.map((message) => ({ message, subscriber: id, why })),
  };
}

/** No mission can be started of the message: the next ones are not held by it, and are tried as often. */
export function afterRefusal(state: ChannelState, order: Order, why: string, nowMs: number): AfterMiss {
  const { id, incarnation } = order;
  const [message] = order.messages;
  const one = state.subscribers.find((each) => each.id === id && each.incarnation === incarnation);
  if (one === undefined) return { state, missed: [] };
  const { sinceMs = nowMs, place = message.place, count = 0 } = one.refused ?? {};
  const now = { next: message.place + 1, missed: one.missed + 1, refused: { why, sinceMs, place, count: count + 1 } };
  return {
    state: changed(state, one, (each) => ({ ...each, ...now, trouble: null })),
    missed: [{ message, subscriber: id, why }],
  };
}

function changed(
  state: ChannelState,
  { id, incarnation }: Pick<Subscriber, 'id' | 'incarnation'>,
  change: (one: Subscriber) => Subscriber,
): ChannelState {
  const subscribers = state.subscribers.map((one) =>
    one.id === id && one.incarnation === incarnation ? change(one) : one,
  );
  return caughtUp({ ...state, subscribers }, { id });
}

/** Who lacks nothing stands at the end: what is not for it is not looked at again. */
function caughtUp(state: ChannelState, { id }: Pick<Subscriber, 'id'>): ChannelState {
  const subscribers = state.subscribers.map((one) =>
    one.id === id && lackedBy(state, one, 1).length === 0 ? { ...one, next: state.next } : one,
  );
  return { ...state, subscribers };
}

const MADE_ROOM = 'it had to make room for later ones before it could be delivered';

/**
 * Without what nobody needs here any more: what is recorded, not retained, and settled with everybody. Of what waits too long for those who are
 * behind the oldest goes, too, but for what is in hand just now, by its place.
 */
export function pruned(state: ChannelState, nowMs: number, inHand: ReadonlySet<number>): AfterMiss {
  const { messages: all, unrecorded } = state;
  const first = retainedFrom(state, nowMs);
  const behind = state.subscribers.filter(({ next }) => next < state.next);
  const isNeeded = (message: Published) =>
    message.place >= unrecorded || behind.some(({ next, match }) => message.place >= next && matches(match, message));
  const needed = all.filter((message, at) => at >= first || isNeeded(message));
  let count = needed.length;
  let bytes = bytesIn(needed);
  const left = new Set<number>();
  for (const message of needed) {
    if (count <= HELD_MAX && bytes <= HELD_BYTES_MAX) break;
    if (message.place >= unrecorded || inHand.has(message.place)) continue;
    left.add(message.place);
    count -= 1;
    bytes -= message.bytes;
  }
  if (left.size === 0) return { state: { ...state, messages: needed }, missed: [] };
  const missed = behind.flatMap((one) =>
    lackedBy(state, one).flatMap((message) =>
      left.has(message.place) ? [{ message, subscriber: one.id, why: MADE_ROOM }] : [],
    ),
  );
  const subscribers = state.subscribers.map((one) => ({
    ...one,
    missed: one.missed + missed.filter(({ subscriber }) => subscriber === one.id).length,
  }));
  const messages = needed.filter(({ place }) => !left.has(place));
  return { state: { ...state, messages, subscribers }, missed };
}

/** Whether a next run can be given it. */
export function isSmall({ messages }: ChannelState): boolean {
  return messages.length <= HELD_MAX && bytesIn(messages) <= HELD_BYTES_MAX;
}

const bytesIn = (messages: readonly Published[]): number => messages.reduce((sum, { bytes }) => sum + bytes, 0);

/** What goes to the ledger next, as much as one act takes. */
export function toRecord({ messages, unrecorded }: ChannelState, most: number): readonly Published[] {
  const from = indexOf(messages, unrecorded);
  const open = messages.slice(from, from + most);
  let room = BATCH_BYTES_MAX;
  const end = open.findIndex(({ bytes }, at) => (room -= bytes) < 0 && at > 0);
  return end === -1 ? open : open.slice(0, end);
}

/** As an inbox has it. */
export function mailOf(name: string, message: Published, to: string): Mail {
  const { id, atMs, from, subject, body, keys, priority } = message;
  return {
    // An id may come again once it is forgotten here.
    id: `${name}/${id}@${atMs}/${to}`,
    from,
    to,
    subject: `[channel ${name}] ${subject}`.slice(0, SUBJECT_CHARS_MAX),
    body: bodyOf(keys, body),
    thread: id,
    ...(priority === undefined ? {} : { priority }),
  };
}
