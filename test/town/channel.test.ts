/** The rules of a channel: who gets what, in which order, what is kept, and what becomes of those who cannot be reached. */
import { describe, expect, test } from 'vitest';
import {
  afterHad,
  afterRefusal,
  afterVain,
  audienceOf,
  emptyChannel,
  HELD_MAX,
  idsIn,
  isSmall,
  lackedBy,
  mailOf,
  orderFor,
  pruned,
  published,
  retained,
  subscribed,
  SUBSCRIBERS_MAX,
  toRecord,
  TRIES_MAX,
  unsubscribed,
  whyFull,
} from '../../src/town/channel.js';
import type { ChannelState, Missed, Order } from '../../src/town/channel.js';
import { channelBoard, hooksInTrouble } from '../../src/town/channel-board.js';
import { missionOf } from '../../src/town/channel-hook.js';
import type { Publication, Subscription } from '../../src/town/channel-input.js';
import { ANN, HOOK, joined, message, one } from '../support/channel-said.js';

const HOUR_MS = 3_600_000;

const empty = emptyChannel({ messages: 1_000, hours: 24 });

function said(state: ChannelState, ids: readonly string[], more: Partial<Publication> = {}): ChannelState {
  return ids.reduce((before, id, at) => published(before, message(id, more), at), state);
}

const NONE: ReadonlySet<number> = new Set();
const ids = (messages: readonly { readonly id: string }[]) => messages.map(({ id }) => id);

const lacks = (state: ChannelState, id = ANN) => ids(lackedBy(state, one(state, id)));

function order(state: ChannelState, id = ANN): Order {
  const found = orderFor(state, id);
  if (found === null) throw new Error(`nothing is to be done for ${id}`);
  return found;
}

const had = (state: ChannelState, count: number, id = ANN) =>
  afterHad(state, order(state, id), count, { atMs: 0, mission: null });

const recorded = (state: ChannelState): ChannelState => ({ ...state, unrecorded: state.next });
const withoutOld = (state: ChannelState, nowMs: number) => pruned(state, nowMs, NONE).state;

test('whoever has subscribed gets what is published from then on, in order, and only what is for it', () => {
  const before = said(empty, ['a']);
  const both = joined(joined(before, {}), { subscriber: 'overseer', match: { subject: 'about c' } });
  const state = said(both, ['b', 'c']);
  expect([...idsIn(state)]).toEqual(['a', 'b', 'c']);
  expect(lacks(state)).toEqual(['b', 'c']);
  expect(lacks(state, 'overseer')).toEqual(['c']);
  expect([audienceOf(state, 'b'), audienceOf(state, 'c'), audienceOf(state, 'nothing')]).toEqual([1, 2, 0]);
  const after = had(state, 2);
  expect(orderFor(after, ANN)).toBeNull();
  expect(one(after)).toMatchObject({ had: 2, last: { message: 'c' } });
  // The other has its own place.
  expect(lacks(after, 'overseer')).toEqual(['c']);
  // What it did not have is missed when it is taken out.
  const without = unsubscribed(after, 'overseer');
  expect(orderFor(without.state, 'overseer')).toBeNull();
  expect(without.missed).toMatchObject([{ message: { id: 'c' }, subscriber: 'overseer' }]);
  expect(unsubscribed(after, ANN).missed).toEqual([]);
});

describe('a late subscriber gets of what is kept', () => {
  const kept = said(said(empty, ['a', 'b'], { from: 'ann' }), ['c', 'd'], { from: 'bob' });
  test.each<[Partial<Subscription>, readonly string[]]>([
    [{}, []],
    [{ since: 0 }, []],
    [{ since: 'all' }, ['a', 'b', 'c', 'd']],
    [{ since: 3 }, ['b', 'c', 'd']],
    [{ since: 99 }, ['a', 'b', 'c', 'd']],
    [{ since: 1, match: { from: 'ann' } }, ['b']],
    [{ since: 'all', match: { from: 'bob' } }, ['c', 'd']],
    [{ since: 'all', match: { from: 'nobody' } }, []],
  ])('%j: %j', (subscription, expected) => {
    expect(lacks(joined(kept, subscription))).toEqual(expected);
  });

  test('and nothing that is only held for somebody else', () => {
    const few = { ...emptyChannel({ messages: 1, hours: 24 }) };
    const state = withoutOld(recorded(said(joined(few, {}), ['a', 'b', 'c'])), 0);
    expect(ids(state.messages)).toEqual(['a', 'b', 'c']);
    expect(lacks(joined(state, { subscriber: 'overseer', since: 'all' }), 'overseer')).toEqual(['c']);
  });
});

test('who subscribes again goes on where it was, or is sent back; what comes of an earlier subscription does not count', () => {
  const state = had(said(joined(empty, {}), ['a', 'b', 'c']), 2);
  const again = joined(state, { match: { from: 'ci' } });
  expect(lacks(again)).toEqual(['c']);
  expect(one(again)).toMatchObject({ had: 2, match: { from: 'ci' } });
  const inHand = order(again);
  const back = joined(again, { since: 'all' });
  expect(lacks(afterHad(back, inHand, 1, { atMs: 0, mission: null }))).toEqual(['a', 'b', 'c']);
  expect(afterVain(back, inHand, { why: 'x', nowMs: 0, againAtMs: 1 })).toEqual({ state: back, missed: [] });
  expect(afterRefusal(back, inHand, 'x', 0)).toEqual({ state: back, missed: [] });
});

test('who subscribes again loses nothing of what waits for it, though less is kept', () => {
  const few = emptyChannel({ messages: 2, hours: 24 });
  const state = withoutOld(recorded(said(joined(few, { subscriber: 'triage', hook: HOOK }), ['a', 'b', 'c', 'd'])), 0);
  expect(ids(retained(state, 0))).toEqual(['c', 'd']);
  for (const since of [undefined, 0, 1, 'all'] as const) {
    const again = joined(state, { subscriber: 'triage', hook: HOOK, ...(since === undefined ? {} : { since }) });
    expect(lacks(again, 'triage')).toEqual(['a', 'b', 'c', 'd']);
  }
  const settled = had(state, 1, 'triage');
  expect(lacks(joined(settled, { subscriber: 'triage', hook: HOOK, since: 1 }), 'triage')).toEqual(['b', 'c', 'd']);
  // Who lacks nothing is sent nothing, unless it asks for it.
  const all = had(joined(state, { subscriber: ANN, since: 2 }), 2);
  expect(lacks(joined(all, { since: 0 }))).toEqual([]);
  expect(lacks(joined(all, { since: 1 }))).toEqual(['d']);
});

test('there are so many subscribers, and what they ask for is of some size, at most', () => {
  const full = Array.from({ length: SUBSCRIBERS_MAX }, (_, n) => `server/crew/p${n}`).reduce(
    (state, subscriber) => joined(state, { subscriber }),
    empty,
  );
  const nowMs = 0;
  expect(subscribed(full, { subscriber: ANN, match: {} }, nowMs)).toMatchObject({ ok: false });
  expect(subscribed(full, { subscriber: 'server/crew/p0', match: {} }, nowMs)).toMatchObject({ ok: true });
  const large = { ...HOOK, vars: { text: 'x'.repeat(8_900) } };
  const many = Array.from({ length: 22 }, (_, n) => `h${n}`).reduce(
    (state, subscriber) => joined(state, { subscriber, hook: large }),
    empty,
  );
  expect(subscribed(many, { subscriber: 'h22', match: {}, hook: large }, nowMs)).toMatchObject({
    ok: false,
    why: expect.stringContaining('bytes'),
  });
});

test('an inbox gets several at once, as one act can carry; a hook one at a time', () => {
  const many = said(
    joined(joined(empty, {}), { subscriber: 'triage', hook: HOOK }),
    Array.from({ length: 50 }, (_, n) => `m${n}`),
  );
  expect(order(many).messages).toHaveLength(20);
  expect(ids(order(many, 'triage').messages)).toEqual(['m0']);
  const large = said(joined(empty, {}), ['a', 'b', 'c', 'd', 'e', 'f'], { body: 'x'.repeat(100_000) });
  expect(ids(order(large).messages)).toEqual(['a', 'b', 'c', 'd']);
});

test('what was taken in part goes on behind that', () => {
  const state = said(joined(empty, {}), ['a', 'b', 'c']);
  const inHand = order(state);
  const part = afterHad(state, inHand, 1, { atMs: 0, mission: null });
  const after = afterVain(part, inHand, { why: 'it is gone', nowMs: 5, againAtMs: 10 });
  expect(after.missed).toEqual([]);
  expect(lacks(after.state)).toEqual(['b', 'c']);
  expect(order(after.state)).toMatchObject({ againAtMs: 10, tries: 1 });
});

/** Tried in vain as often as is usual; of the last time what was missed. */
function triedInVain(given: ChannelState, id = ANN, nowMs = 7) {
  let state = given;
  let missed: readonly Missed[] = [];
  for (let tries = 1; tries <= TRIES_MAX; tries += 1) {
    expect(missed).toEqual([]);
    ({ state, missed } = afterVain(state, order(state, id), { why: 'nobody', nowMs, againAtMs: nowMs + tries }));
  }
  return { state, missed };
}

const idsOf = (missed: readonly Missed[]) => missed.map(({ message: { id } }) => id);

test('a message that an inbox does not take, though it takes others, is missed alone', () => {
  const first = triedInVain(said(joined(empty, {}), ['poison', 'b', 'c']));
  expect(idsOf(first.missed)).toEqual(['poison']);
  expect(order(first.state)).toMatchObject({ againAtMs: null, messages: [{ id: 'b' }, { id: 'c' }] });
  expect(one(had(first.state, 2))).toMatchObject({ had: 2, missed: 1, trouble: null });
});

test('a hook that fails again and again at a message misses that one alone, and tries each as often', () => {
  const first = triedInVain(said(joined(empty, { subscriber: 'triage', hook: HOOK }), ['a', 'b', 'c']), 'triage');
  expect(idsOf(first.missed)).toEqual(['a']);
  expect(order(first.state, 'triage')).toMatchObject({ tries: 0, messages: [{ id: 'b' }] });
  const second = triedInVain(first.state, 'triage');
  expect(idsOf(second.missed)).toEqual(['b']);
  const after = had(second.state, 1, 'triage');
  expect(one(after, 'triage')).toMatchObject({ had: 1, missed: 2, refused: { why: 'nobody', place: 1, count: 2 } });
});

test('an inbox that is not there is tried some times; then what it lacks is missed, and what comes is tried once', () => {
  const nowMs = 7;
  const first = triedInVain(said(joined(empty, {}), ['a', 'b']));
  expect(idsOf(first.missed)).toEqual(['a']);
  const rest = afterVain(first.state, order(first.state), { why: 'nobody', nowMs, againAtMs: 99 });
  const { state } = rest;
  expect(rest.missed).toMatchObject([{ message: { id: 'b' }, subscriber: ANN }]);
  expect(orderFor(state, ANN)).toBeNull();
  expect(channelBoard('channel/deploys', state, { nowMs, isClosed: false })).toContain(
    '**server/crew/ann is away** since 1970-01-01 00:00:00: nobody. Tried 6 times; 2 messages are in the ledger alone. Once it is there, `gt channel subscribe deploys server/crew/ann … --since 2`',
  );
  const next = said(state, ['c']);
  const once = afterVain(next, order(next), { why: 'nobody', nowMs, againAtMs: 99 });
  expect(once.missed).toHaveLength(1);
  expect(one(once.state)).toMatchObject({ missed: 3, trouble: { sinceMs: 7, againAtMs: null } });
  // It has come back.
  const back = had(said(once.state, ['d']), 1);
  expect(one(back)).toMatchObject({ missed: 3, had: 1, trouble: null });
  expect(lacks(joined(back, { since: 'all' }))).toEqual(['a', 'b', 'c', 'd']);
});

test('a channel that closes tries nobody again', () => {
  const state = said(joined(empty, {}), ['a']);
  const after = afterVain(state, order(state), { why: 'nobody', nowMs: 0, againAtMs: null });
  expect(after.missed).toHaveLength(1);
  expect(orderFor(after.state, ANN)).toBeNull();
});

test('a mission that is refused is told until the hook is mended, holds none after it, and is made up for by so many of the last', () => {
  let state = said(joined(empty, { subscriber: 'triage', hook: HOOK }), ['a', 'b', 'c']);
  state = afterHad(state, order(state, 'triage'), 1, { atMs: 0, mission: 'hq-cv-1' });
  for (const id of ['b', 'c']) {
    const { state: after, missed } = afterRefusal(state, order(state, 'triage'), 'no rig "server"', 9);
    expect(missed.map(({ message: { id: of } }) => of)).toEqual([id]);
    state = after;
  }
  expect(orderFor(state, 'triage')).toBeNull();
  expect(hooksInTrouble(state)).toEqual(['triage']);
  expect(channelBoard('channel/deploys', state, { nowMs: 9, isClosed: false })).toContain(
    'no rig "server". 2 messages are in the ledger alone. Once that is mended, `gt channel hook deploys triage … --since 2`',
  );
  // A later one that begins does not hide it, and is counted in what is sent back.
  state = said(state, ['d']);
  state = afterHad(state, order(state, 'triage'), 1, { atMs: 0, mission: 'hq-cv-2' });
  expect(hooksInTrouble(state)).toEqual(['triage']);
  expect(channelBoard('channel/deploys', state, { nowMs: 9, isClosed: false })).toContain(
    'no rig "server". 2 messages are in the ledger alone. Once that is mended, `gt channel hook deploys triage … --since 3`',
  );
  expect(channelBoard('channel/deploys', state, { nowMs: 9, isClosed: true })).toContain('is closed');
  const forgotten = withoutOld(recorded(said({ ...state, retention: { messages: 0, hours: 24 } }, ['e'])), 0);
  expect(channelBoard('channel/deploys', forgotten, { nowMs: 9, isClosed: false })).toContain(
    'None of them is kept here any more; `gt channel hook deploys triage …` begins anew with what comes next.',
  );
  const mended = joined(state, { subscriber: 'triage', hook: HOOK, since: 3 });
  expect(lacks(mended, 'triage')).toEqual(['b', 'c', 'd']);
  expect(hooksInTrouble(mended)).toEqual([]);
});

describe('kept are the last', () => {
  test('by number', () => {
    const state = said({ ...empty, retention: { messages: 2, hours: 24 } }, ['a', 'b', 'c']);
    expect(ids(retained(state, 0))).toEqual(['b', 'c']);
    expect(retained({ ...state, retention: { messages: 0, hours: 24 } }, 0)).toEqual([]);
  });

  test('by age, which is asked when something happens', () => {
    const old = published(empty, message('old'), 0);
    const state = recorded(published(old, message('new'), 20 * HOUR_MS));
    expect(ids(retained(state, 24 * HOUR_MS))).toEqual(['old', 'new']);
    expect(ids(retained(state, 24 * HOUR_MS + 1))).toEqual(['new']);
    expect(ids(withoutOld(state, 25 * HOUR_MS).messages)).toEqual(['new']);
    expect(withoutOld(state, 45 * HOUR_MS).messages).toEqual([]);
  });

  test('by size', () => {
    const state = said(empty, ['a', 'b', 'c', 'd', 'e', 'f', 'g'], { body: 'x'.repeat(100_000) });
    expect(ids(retained(state, 0))).toEqual(['c', 'd', 'e', 'f', 'g']);
  });
});

test('what is not in the ledger yet is kept, however much it is, until no more is taken', () => {
  const many = Array.from({ length: 5_000 }, (_, n) => `m${n}`);
  const state = withoutOld(said({ ...empty, retention: { messages: 1, hours: 1 } }, many), 0);
  expect(state.messages).toHaveLength(5_000);
  expect(whyFull(state)).toContain('not in the ledger yet');
  expect(ids(toRecord(state, 3))).toEqual(['m0', 'm1', 'm2']);
  const after = withoutOld({ ...state, unrecorded: 4_999 }, 5_000);
  expect(ids(after.messages)).toEqual(['m4998', 'm4999']);
  expect(whyFull(after)).toBeNull();
  const large = said(empty, ['a', 'b', 'c', 'd', 'e', 'f', 'g'], { body: 'x'.repeat(100_000) });
  expect(ids(toRecord(large, 100))).toEqual(['a', 'b', 'c', 'd']);
  const many5 = Array.from({ length: 49 }, (_, n) => `m${n}`);
  expect(whyFull(said(empty, many5, { body: 'x'.repeat(100_000) }))).toBeNull();
  expect(whyFull(said(empty, [...many5, 'last'], { body: 'x'.repeat(100_000) }))).toContain('50 messages are not in');
  expect([isSmall(large), isSmall(said(large, ['h', 'i', 'j'], { body: 'x'.repeat(100_000) }))]).toEqual([true, false]);
});

test('of what waits too long for one who is slow the oldest makes room, but for what is in hand, and nobody else is held', () => {
  const many = Array.from({ length: HELD_MAX + 3 }, (_, n) => `m${n}`);
  const filled = recorded(said(joined(joined(empty, {}), { subscriber: 'overseer', match: { subject: 'no' } }), many));
  const [, second] = filled.messages;
  const { state, missed } = pruned(filled, 0, new Set([second?.place ?? 0]));
  expect(missed.map(({ message: { id }, subscriber }) => [id, subscriber])).toEqual([
    ['m0', ANN],
    ['m2', ANN],
    ['m3', ANN],
  ]);
  expect(state.messages).toHaveLength(HELD_MAX);
  expect(one(state).missed).toBe(3);
  expect(lacks(state).slice(0, 2)).toEqual(['m1', 'm4']);
  expect(orderFor(state, 'overseer')).toBeNull();
});

test('as mail it is of its thread, of who published it, and says of which channel it is', () => {
  const given = message('m1', { from: ANN, subject: 'x'.repeat(500), keys: { Commit: '4f1c' }, body: 'A word.' });
  const [sent] = published(empty, { ...given, priority: 'high' }, 0).messages;
  if (sent === undefined) throw new Error('nothing was published');
  expect(mailOf('deploys', sent, 'overseer')).toEqual({
    id: 'deploys/m1@0/overseer',
    from: ANN,
    to: 'overseer',
    subject: `[channel deploys] ${'x'.repeat(482)}`,
    body: 'Commit: 4f1c\n\nA word.',
    thread: 'm1',
    priority: 'high',
  });
});

test('a message under an id that was forgotten is another one, as mail and as a mission', () => {
  const [first, second] = [1, 2].map((atMs) => published(empty, message('m1'), atMs).messages[0]);
  if (first === undefined || second === undefined) throw new Error('nothing was published');
  expect(mailOf('deploys', first, ANN).id).not.toBe(mailOf('deploys', second, ANN).id);
  const [mission, other] = [first, second].map((of) => missionOf('deploys', of, 'triage', HOOK).key);
  expect(mission).not.toBe(other);
});

test('the mission of a hook has what others wrote as words of theirs, and what the message lacks it is not given', () => {
  const given = message('m1', { subject: 'deploy\nfailed', keys: { Commit: '4f1c' } });
  const [sent] = published(empty, given, 0).messages;
  if (sent === undefined) throw new Error('nothing was published');
  const take = { text: 'body', title: 'subject', commit: 'key:Commit', who: 'key:constructor', of: 'id', by: 'from' };
  const hook = { ...HOOK, vars: { depth: '2' }, take, budget: { usd: 5 } };
  expect(missionOf('deploys', sent, 'triage', hook)).toEqual({
    key: 'channel/deploys/m1@0/triage',
    input: {
      title: '[channel deploys] deploy failed',
      work: [
        {
          id: 'triage',
          rig: 'server',
          formula: 'triage',
          vars: { depth: '2', title: 'deploy\nfailed', commit: '4f1c', of: 'm1', by: 'ci' },
          origins: Object.fromEntries(['title', 'commit', 'of', 'by'].map((name) => [name, 'channel deploys: ci'])),
        },
      ],
      notify: [],
      budget: { usd: 5 },
    },
  });
});

test('the board says who gets what and how far each is, what was said last, and when somebody is tried again', () => {
  const now = { nowMs: 0, isClosed: false };
  const waiting = joined(joined(empty, { match: { subject: 'about *' } }), { subscriber: 'triage', hook: HOOK });
  expect(channelBoard('channel/deploys', waiting, now)).toContain(
    '0 messages of the last 24 h, at most 1000; 2 subscribers. Nothing happens until something is published.',
  );
  const state = had(said(waiting, ['a', 'b']), 2);
  const board = channelBoard('channel/deploys', state, now);
  expect(board).toContain('2 messages of the last 24 h, at most 1000; 2 subscribers. On its way to triage.');
  expect(board).toContain('| server/crew/ann | about "about *" | 2 | 0 | 0 | 1970-01-01 00:00:00 b |');
  expect(board).toContain('| triage | mission `triage` in server, of every message | 0 | 2 | 0 |');
  expect(board.indexOf('| b | ci | about b |')).toBeLessThan(board.indexOf('| a | ci | about a |'));
  const again = { why: 'the server is busy', nowMs: 1_000, againAtMs: 61_000 };
  const { state: later } = afterVain(state, order(state, 'triage'), again);
  expect(channelBoard('channel/deploys', later, now)).toContain(
    '> triage cannot start a mission since 1970-01-01 00:00:01: the server is busy. It is tried again at 1970-01-01 00:01:01.',
  );
  expect(hooksInTrouble(later)).toEqual([]);
});
