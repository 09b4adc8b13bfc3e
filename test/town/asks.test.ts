/** Trouble that lasts: what is brought before the ladder, when it is settled, and what an answer means. */
import { expect, test } from 'vitest';
import {
  answeredBy,
  askLines,
  bring,
  endedIn,
  lookedAfter,
  nextOf,
  NO_ASKS,
  settled,
  withoutAnswered,
  type Asks,
  type EscalationStand,
  type Lasting,
} from '../../src/town/asks.js';
import { waiterKey } from '../../src/town/escalation-id.js';
import { signatureIn } from '../../src/town/escalation-signature.js';

const ESC = 'hq-esc-0a1b2c3d';
const lasting = (item: string, key = `${item} 1`): Lasting => ({
  key,
  raised: {
    category: 'failed',
    severity: 'HIGH',
    source: 'item',
    text: `${item} has failed`,
    waiter: { kind: 'item', at: 'm', item, answered: 0 },
  },
});
const waiter = (item: string) => waiterKey(lasting(item).raised.waiter);

/** As its shell does it: all that is to be told, one after the other. */
function told(
  asks: Asks,
  all: readonly Lasting[],
  escalation: string | null = ESC,
  nowMs = 0,
  isHeard = true,
  stand: EscalationStand | null = null,
) {
  const said: string[] = [];
  const moment = { nowMs, patience: 0.5, isHeard: () => isHeard, asksAfter: () => stand !== null };
  let now = asks;
  for (let next = nextOf(now, all, moment); next !== null; next = nextOf(now, all, moment)) {
    if (next.kind === 'raise') {
      const { key, raised } = next.lasting;
      said.push(`raise ${key}, answered ${raised.waiter.answered}`);
      now = bring(now, next.lasting, escalation, nowMs);
    } else if (next.kind === 'look') {
      said.push(`look ${next.brought.key}`);
      now = lookedAfter(now, next.brought, stand ?? { kind: 'open' }, nowMs);
    } else {
      said.push(`settle ${next.brought.key}`);
      now = settled(now, next.brought);
    }
  }
  return { asks: now, said };
}

test('what lasts is brought there once, and settled when it lasts no more', () => {
  const first = told(NO_ASKS, [lasting('a'), lasting('b')]);
  expect(first.said).toEqual(['raise a 1, answered 0', 'raise b 1, answered 0']);
  expect(told(first.asks, [lasting('a'), lasting('b')]).said).toEqual([]);
  const next = told(first.asks, [lasting('b')]);
  expect(next.said).toEqual(['settle a 1']);
  expect(told(next.asks, []).said).toEqual(['settle b 1']);
});

test('who waits anew is settled first, and then brought there', () => {
  const first = told(NO_ASKS, [lasting('a')]);
  expect(told(first.asks, [lasting('a', 'a 2')]).said).toEqual(['settle a 1', 'raise a 2, answered 0']);
});

test('what could not be brought there is not brought again and again', () => {
  const first = told(NO_ASKS, [lasting('a')], null);
  expect(told(first.asks, [lasting('a')]).said).toEqual([]);
  expect(askLines(first.asks)).toEqual([]);
});

test('answers of roles are counted, one after the other', () => {
  let asks = told(NO_ASKS, [lasting('a', 'a 1')]).asks;
  for (const [at, by] of ['deacon', 'mayor', 'server/witness'].entries()) {
    asks = answeredBy(asks, waiter('a'), `${by} (${ESC})`);
    const next = told(asks, [lasting('a', `a ${at + 2}`)]);
    expect(next.said).toEqual([`settle a ${at + 1}`, `raise a ${at + 2}, answered ${at + 1}`]);
    ({ asks } = next);
  }
});

test.each([
  ['Ada'],
  [`overseer (${ESC})`],
  [`server/crew/ann (${ESC})`],
  ['deacon'],
  ['deacon (hq-esc-1)'],
  ['deacon (again)'],
])('an answer of %s begins the count anew', (by) => {
  const asks = answeredBy(told(NO_ASKS, [lasting('a')]).asks, waiter('a'), `deacon (${ESC})`);
  const after = answeredBy(asks, waiter('a'), by);
  expect(told(after, [lasting('a', 'a 2')]).said.at(-1)).toBe('raise a 2, answered 0');
});

test('whom the ladder has answered waits there no more, which it hears in any case; what lasts is brought there anew', () => {
  const { asks } = told(NO_ASKS, [lasting('a'), lasting('b')]);
  const after = answeredBy(asks, waiter('a'), `overseer (${ESC})`);
  expect(told(after, [lasting('b')]).said).toEqual(['settle a 1']);
  expect(told(after, [lasting('a'), lasting('b')]).said).toEqual(['settle a 1', 'raise a 1, answered 0']);
  expect(told(withoutAnswered(after), [lasting('b')]).said).toEqual([]);
});

test('where nobody hears of its end what is there is brought there again after an hour, by patience, and after each one more', () => {
  const all = [lasting('a')];
  const { asks } = told(NO_ASKS, all, ESC, 1_000, false);
  expect(told(asks, all, ESC, 9_999_999, true).said).toEqual([]);
  expect(told(asks, all, ESC, 1_800_999, false).said).toEqual([]);
  const again = told(asks, all, ESC, 1_801_000, false);
  expect(again.said).toEqual(['raise a 1, answered 0']);
  expect(again.asks.brought).toHaveLength(1);
  expect(told(again.asks, all, ESC, 3_600_999, false).said).toEqual([]);
  expect(told(again.asks, all, ESC, 3_601_000, false).said).toEqual(['raise a 1, answered 0']);
});

test('where nobody hears of its end it is asked after, each hour', () => {
  const all = [lasting('a')];
  const telling: Lasting = {
    key: 't 1',
    raised: { ...lasting('t').raised, waiter: { kind: 'telling', at: 't', answered: 0 } },
  };
  const after = (stand: EscalationStand, what: readonly Lasting[] = all) => {
    const { asks } = told(NO_ASKS, what, ESC, 1_000, false, stand);
    const hour = told(asks, what, ESC, 1_801_000, false, stand);
    return [hour.said, told(hour.asks, what, ESC, 3_601_000, false, stand).said];
  };
  expect(after({ kind: 'open' })).toEqual([['look a 1'], ['look a 1']]);
  expect(after({ kind: 'cancelled' })).toEqual([['look a 1'], []]);
  const anew = ['look a 1', 'raise a 1, answered 0'];
  expect(after({ kind: 'gone' })).toEqual([anew, anew]);
  // Who waits and was told of no answer has none.
  expect(after({ kind: 'answered', by: 'Ada', atMs: 1_500 })).toEqual([anew, anew]);
  // The hour of what was only told runs from the answer.
  expect(after({ kind: 'answered', by: 'deacon', atMs: 1_700_000 }, [telling])).toEqual([
    ['look t 1'],
    ['settle t 1', 'raise t 1, answered 1'],
  ]);
  const { asks } = told(NO_ASKS, all, ESC, 0, false);
  const cancelled = told(asks, all, ESC, 1_801_000, false, { kind: 'cancelled' }).asks;
  expect(askLines(cancelled)).toEqual([]);
  expect(told(cancelled, [], ESC, 1_801_000, false).said).toEqual(['settle a 1']);
});

test('an answer of another escalation, or of nobody there, settles what waits here', () => {
  const { asks } = told(NO_ASKS, [lasting('a')]);
  expect(told(answeredBy(asks, waiter('a'), 'deacon (hq-esc-99999999)'), []).said).toEqual(['settle a 1']);
  expect(told(answeredBy(asks, waiter('a'), 'Ada'), []).said).toEqual(['settle a 1']);
});

test('of what was only told there nobody hears the answer: what that has not mended in time is brought there anew', () => {
  const stuck = (at: string): Lasting => {
    const one = lasting(at);
    return { ...one, raised: { ...one.raised, waiter: { kind: 'telling', at, answered: 0 } } };
  };
  const all = [stuck('a'), stuck('b'), lasting('c')];
  const ended = endedIn(told(NO_ASKS, all).asks, ESC, { kind: 'answered', by: 'deacon' }, 1_000);
  expect(told(ended, all, ESC, 1_800_999).said).toEqual([]);
  expect(told(ended, all, ESC, 1_801_000).said).toEqual([
    'settle a 1',
    'settle b 1',
    'raise a 1, answered 1',
    'raise b 1, answered 1',
  ]);
  expect(told(ended, [lasting('c')], ESC, 2_000).said).toEqual(['settle a 1', 'settle b 1']);
  const byPerson = endedIn(ended, ESC, { kind: 'answered', by: 'Ada' }, 2_000);
  expect(told(byPerson, all, ESC, 9_999_999).said.at(-1)).toBe('raise b 1, answered 0');
  expect(askLines(endedIn(told(NO_ASKS, [stuck('a')]).asks, ESC, { kind: 'answered', by: 'Ada' }, 1))).toEqual([]);
});

test('what waited in one that was terminated is brought there anew at once', () => {
  const { asks } = told(NO_ASKS, [lasting('a')]);
  expect(told(endedIn(asks, ESC, { kind: 'terminated' }, 1), [lasting('a')]).said).toEqual(['raise a 1, answered 0']);
  expect(endedIn(asks, 'hq-esc-99999999', { kind: 'terminated' }, 1)).toEqual(asks);
});

test('a board names each escalation once', () => {
  const { asks } = told(NO_ASKS, [lasting('a'), lasting('b')]);
  expect(askLines(asks)).toEqual([`\n> \`gt explain ${ESC}\` says who is asked about it, and until when`]);
});

test.each([
  [`deacon (${ESC})`, { who: 'deacon', escalation: ESC }],
  [`Ada (of Ops) (${ESC})`, { who: 'Ada (of Ops)', escalation: ESC }],
  ['deacon', null],
  [ESC, null],
])('%s is said by the ladder: %j', (by, said) => {
  expect(signatureIn(by)).toEqual(said);
});
