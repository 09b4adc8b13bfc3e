/** A channel through anything that may happen to it, in any order. */
import * as fc from 'fast-check';
import { expect, test } from 'vitest';
import {
  afterHad,
  afterVain,
  emptyChannel,
  lackedBy,
  orderFor,
  pruned,
  published,
  toRecord,
  unsubscribed,
} from '../../src/town/channel.js';
import type { ChannelState, Missed, Order, Published } from '../../src/town/channel.js';
import type { Subscription } from '../../src/town/channel-input.js';
import { HOOK, joined, message, one } from '../support/channel-said.js';

/** What became of the messages that are for a subscriber. */
type Account = {
  readonly expected: Set<number>;
  readonly settled: Set<number>;
  /** Since it subscribed last. */
  had: number[];
  missed: number[];
};

test('whatever happens: no subscriber loses a message unrecorded, each has it once and in order, and each is recorded before it goes', () => {
  const who = ['overseer', 'server/crew/a', 'triage'] as const;
  const since = fc.constantFrom(undefined, 0, 2, 'all' as const);
  const step = fc.oneof(
    {
      weight: 8,
      arbitrary: fc.record({
        kind: fc.constant('publish' as const),
        from: fc.constantFrom('a', 'b'),
        bytes: fc.constantFrom(100, 100, 300_000),
      }),
    },
    { weight: 5, arbitrary: fc.record({ kind: fc.constant('begin' as const), who: fc.nat(2) }) },
    { weight: 4, arbitrary: fc.record({ kind: fc.constant('had' as const), who: fc.nat(2), count: fc.nat(20) }) },
    { weight: 2, arbitrary: fc.record({ kind: fc.constant('vain' as const), who: fc.nat(2), last: fc.boolean() }) },
    { weight: 3, arbitrary: fc.record({ kind: fc.constant('record' as const), most: fc.nat(10) }) },
    { weight: 2, arbitrary: fc.record({ kind: fc.constant('prune' as const) }) },
    { weight: 1, arbitrary: fc.record({ kind: fc.constant('subscribe' as const), who: fc.nat(2), since }) },
    { weight: 1, arbitrary: fc.record({ kind: fc.constant('unsubscribe' as const), who: fc.nat(2) }) },
  );
  fc.assert(
    fc.property(fc.array(step, { maxLength: 300 }), (steps) => {
      let state = emptyChannel({ messages: 5, hours: 24 });
      const inHand = new Map<string, Order>();
      const all: Published[] = [];
      let inLedger: readonly number[] = [];
      const accounts = new Map(
        who.map((id): [string, Account] => [id, { expected: new Set(), settled: new Set(), had: [], missed: [] }]),
      );
      const accountOf = (id: string): Account => {
        const account = accounts.get(id);
        if (account === undefined) throw new Error(`no account of ${id}`);
        return account;
      };
      const subscribe = (id: string, more: Partial<Subscription> = {}) => {
        const match = id === who[1] ? { match: { from: 'a' } } : {};
        state = joined(state, { subscriber: id, ...match, ...(id === who[2] ? { hook: HOOK } : {}), ...more });
        Object.assign(accountOf(id), { had: [], missed: [] });
      };
      const take = (after: { readonly state: ChannelState; readonly missed: readonly Missed[] }) => {
        state = after.state;
        for (const { message: of, subscriber } of after.missed) {
          accountOf(subscriber).missed.push(of.place);
          accountOf(subscriber).settled.add(of.place);
        }
      };
      const isCurrent = ({ id, incarnation }: Order) =>
        state.subscribers.some((each) => each.id === id && each.incarnation === incarnation);
      const publish = (at: number, from: string, bytes: number) => {
        state = published(state, message(`m${at}`, { from }), at);
        const [last] = state.messages.slice(-1);
        if (last === undefined) throw new Error('nothing was published');
        state = { ...state, messages: [...state.messages.slice(0, -1), { ...last, bytes }] };
        all.push(last);
        for (const { id } of state.subscribers)
          if (id !== who[1] || from === 'a') accountOf(id).expected.add(last.place);
      };
      const record = (most: number) => {
        const some = toRecord(state, most);
        inLedger = [...inLedger, ...some.map(({ place }) => place)];
        state = { ...state, unrecorded: (some.at(-1)?.place ?? state.unrecorded - 1) + 1 };
      };
      const end = (current: Order, count: number, at: number) => {
        inHand.delete(current.id);
        if (isCurrent(current))
          for (const { place } of current.messages.slice(0, count)) {
            accountOf(current.id).had.push(place);
            accountOf(current.id).settled.add(place);
          }
        state = afterHad(state, current, count, { atMs: at, mission: null });
      };
      for (const id of who) subscribe(id);
      for (const [at, each] of steps.entries()) {
        const id = 'who' in each ? (who[each.who] ?? who[0]) : who[0];
        const current = inHand.get(id);
        if (each.kind === 'publish') publish(at, each.from, each.bytes);
        else if (each.kind === 'record') record(each.most);
        else if (each.kind === 'subscribe') subscribe(id, each.since === undefined ? {} : { since: each.since });
        else if (each.kind === 'unsubscribe') take(unsubscribed(state, id));
        else if (each.kind === 'prune') {
          const places = [...inHand.values()].flatMap(({ messages }) => messages.map(({ place }) => place));
          take(pruned(state, at, new Set(places)));
        } else if (each.kind === 'begin') {
          const next = orderFor(state, id);
          if (current === undefined && next !== null) inHand.set(id, next);
        } else if (current !== undefined && each.kind === 'had') end(current, each.count, at);
        else if (current !== undefined && each.kind === 'vain') {
          end(current, 0, at);
          const again = { why: 'x', nowMs: at, againAtMs: each.last ? null : at + 1 };
          take(afterVain(state, current, again));
        }
        // What has left the channel is in the ledger.
        const here = new Set(state.messages.map(({ place }) => place));
        expect(all.every(({ place }) => here.has(place) || inLedger.includes(place))).toBe(true);
      }
      for (const { id } of state.subscribers)
        for (const { place } of lackedBy(state, one(state, id))) accountOf(id).settled.add(place);
      for (const { expected, settled, had: places, missed } of accounts.values()) {
        expect([...expected].filter((place) => !settled.has(place))).toEqual([]);
        expect(places).toEqual(places.toSorted((a, b) => a - b));
        expect(new Set([...places, ...missed]).size).toBe(places.length + missed.length);
      }
      expect(inLedger).toEqual(inLedger.map((_, at) => at + 1));
    }),
    { numRuns: 100 },
  );
});
