/** Escalations by their rules alone: every category, severity and kind of tier with all that may come of it; clocks, joins, rounds. */
import { describe, expect, test } from 'vitest';
import { DEACON, MAYOR, OVERSEER } from '../../src/town/address.js';
import { answered, decided, leftByRole, resolved, settled } from '../../src/town/escalation-answering.js';
import { escalationBoard } from '../../src/town/escalation-board.js';
import { linkText } from '../../src/town/escalation-chain.js';
import { nextClock, struck } from '../../src/town/escalation-clock.js';
import { waiterKey } from '../../src/town/escalation-id.js';
import { DEFAULT_ESCALATION, ladderOf } from '../../src/town/escalation-routes.js';
import { CATEGORIES, SEVERITIES, type Raised, type Severity, type Waiter } from '../../src/town/escalation-input.js';
import { isRoleTier, LAST_RESORT } from '../../src/town/escalation-ladder.js';
import {
  acked,
  begun,
  begunAnew,
  forwarded,
  isOver,
  joined,
  laddered,
  mustJudge,
  mustTell,
  passedOn,
  passingOne,
  waitersOf,
  withoutPassing,
  tierOf,
  told,
  triedSoon,
  WAITERS_MAX,
  type Escalation,
} from '../../src/town/escalation.js';
import { NO_USAGE } from '../../src/town/session.js';
import { trouble } from '../support/raising.js';

const MINUTE = 60_000;
const HOUR = 60 * MINUTE;
const ANN = 'server/crew/ann';
const ROUTE = [DEACON, ANN, OVERSEER];
const WITHIN: Readonly<Record<Severity, number>> = { CRITICAL: 5 * MINUTE, HIGH: 30 * MINUTE, MEDIUM: 4 * HOUR };
const step = (at: string, more: Partial<Extract<Waiter, { kind: 'step' }>> = {}): Waiter => ({
  kind: 'step',
  at,
  step: 'fix',
  token: 't1',
  answered: 0,
  ...more,
});

/** Asked at the tier of that place in the route. */
function at(tier: number, more: Partial<Raised> = {}, route: readonly string[] = ROUTE): Escalation {
  let now = laddered(begun(trouble(more), 0, 0), { ...LAST_RESORT, route }, 0);
  for (let turn = 0; turn < tier; turn += 1) now = forwarded(reached(now), tierOf(now), 'up', 0);
  return reached(now);
}

const reached = (now: Escalation, nowMs = 0) => told(now, now, null, nowMs);

function answer(
  now: Escalation,
  by: string,
  action: 'retry' | 'close' = 'retry',
  only: string | null = null,
): Escalation {
  const after = resolved(now, { by, resolution: { action }, only, why: '' }, 1);
  if (!after.ok) throw new Error(after.why);
  return after.now;
}

/** All whom the first answer is for have said so. */
function heard(now: Escalation, kind: 'taken' | 'refused' | 'gone' | 'unreached' = 'taken'): Escalation {
  const [first] = now.answers;
  return (first?.left ?? []).reduce(
    (before, key) => answered(before, first?.id ?? 0, key, { kind, says: 'so' }, 2).now,
    now,
  );
}

const kinds = ({ chain }: Escalation) => chain.links.map(({ kind }) => kind);

/** As town.toml has it where it says nothing, with a person before the overseer. */
function routeOf(category: Raised['category']): readonly string[] {
  const { route } = ladderOf(DEFAULT_ESCALATION, { category, rig: 'server' });
  return [...route.slice(0, -1), ANN, OVERSEER];
}

describe.each(CATEGORIES.flatMap((category) => SEVERITIES.map((severity) => [category, severity] as const)))(
  '%s, %s',
  (category, severity) => {
    const route = routeOf(category);
    test.each(route.map((tier, place) => [tier, place] as const))(
      '%s acks, resolves, forwards, is silent',
      (tier, place) => {
        const now = at(place, { category, severity }, route);
        const next = route[place + 1] ?? OVERSEER;
        expect([tierOf(now), mustTell(now), mustJudge(now)]).toEqual([tier, false, isRoleTier(tier)]);

        const taken = acked(now, tier, 'mine', 10);
        expect(nextClock(taken, 1)).toEqual({ atMs: 10 + 4 * WITHIN[severity], clocks: ['silence'] });
        expect(tierOf(struck(taken, ['silence'], 20))).toBe(next);

        const over = heard(answer(now, tier));
        expect([isOver(over), kinds(over).slice(-2)]).toEqual([true, ['resolved', 'answered']]);
        expect(nextClock(over, 1)).toBeNull();

        const passed = forwarded(now, tier, 'not mine', 30);
        expect([tierOf(passed), mustTell(passed)]).toEqual([next, true]);

        const clock = nextClock(now, 1);
        const isLast = tier === OVERSEER;
        expect(clock?.atMs).toBe(isLast ? 4 * HOUR : WITHIN[severity]);
        const later = struck(now, clock?.clocks ?? [], clock?.atMs ?? 0);
        expect([tierOf(later), mustTell(later)]).toEqual([next, true]);
        expect(kinds(later).at(-1)).toBe(isLast ? 'stale' : 'silent');
      },
    );
  },
);

test('patience scales every clock', () => {
  expect(nextClock(at(1, { severity: 'HIGH' }), 0.1)?.atMs).toBe(3 * MINUTE);
  expect(nextClock(at(2, { severity: 'HIGH' }), 0.1)?.atMs).toBe(0.4 * HOUR);
});

test('a role that is not there is passed over at once, and the chain says so', () => {
  const first = laddered(begun(trouble(), 0, 0), { ...LAST_RESORT, route: [DEACON, MAYOR] }, 0);
  const up = told(first, first, 'it is not there', 1);
  const top = told(up, up, 'it is not there', 2);
  expect([tierOf(up), tierOf(top)]).toEqual([MAYOR, OVERSEER]);
  expect(top.chain.links.map(linkText)).toEqual([
    'ada raised it: which of two ways?',
    'deacon could not be asked: it is not there',
    'mayor could not be asked: it is not there',
  ]);
  // Above the overseer there is nobody: he is asked again.
  const vain = told(top, top, 'he takes no mail', 3);
  expect([mustTell(vain), nextClock({ ...vain, severity: 'HIGH' }, 1)]).toEqual([
    false,
    { atMs: 3 + WITHIN.HIGH, clocks: ['silence'] },
  ]);
  expect(nextClock(triedSoon(vain, 0.1), 0.1)?.atMs).toBe(3 + 0.5 * MINUTE);
  expect(mustTell(struck(vain, ['silence'], 4))).toBe(true);
});

describe('what a role decides', () => {
  const usage = { ...NO_USAGE, turns: 2 };
  const why = 'the network was down';

  test('is its answer', () => {
    const now = decided(at(0), { kind: 'resolve', resolution: { action: 'retry' }, why, usage }, 1);
    expect(now.answers).toMatchObject([{ by: DEACON, left: ['ada'] }]);
    expect([mustJudge(now), now.usage.turns]).toEqual([false, 2]);
    expect(now.chain.links.at(-1)?.says).toBe(`retry (${why})`);
  });

  test('or goes to the next tier, as does what fits nobody', () => {
    expect(tierOf(decided(at(0), { kind: 'forward', why, usage }, 1))).toBe(ANN);
    const item = { kind: 'item', at: 'login', item: 'api', answered: 0 } as const;
    const unfit = decided(at(0, { waiter: item }), { kind: 'resolve', resolution: { action: 'close' }, why, usage }, 1);
    expect(tierOf(unfit)).toBe(ANN);
    expect(unfit.chain.links.at(-1)?.says).toContain('but close does not fit an item of a mission');
  });

  test('it decides once: who could not go on with it is for the next tier', () => {
    const given = decided(
      at(0, { waiter: step('se-1') }),
      { kind: 'resolve', resolution: { action: 'retry' }, why, usage },
      1,
    );
    expect(tierOf(heard(given, 'refused'))).toBe(ANN);
    expect(tierOf(heard(given, 'unreached'))).toBe(ANN);
    expect(isOver(heard(given, 'gone'))).toBe(true);
  });

  test('nor does one stay with it whose answer was the first to end', () => {
    const both = joined(at(0), trouble({ waiter: step('se-2') }), 0);
    const one = resolved(both, { by: ANN, resolution: { action: 'retry' }, only: waiterKey(step('se-2')), why: '' }, 1);
    if (!one.ok) throw new Error(one.why);
    const given = decided(one.now, { kind: 'resolve', resolution: { action: 'retry' }, why, usage }, 1);
    const [hers, its] = given.answers;
    const refused = answered(given, its?.id ?? 0, 'ada', { kind: 'refused', says: 'no' }, 2).now;
    expect([tierOf(refused), leftByRole(refused, 2)]).toEqual([DEACON, null]);
    const rest = answered(refused, hers?.id ?? 0, waiterKey(step('se-2')), { kind: 'taken', says: '' }, 3).now;
    expect(tierOf(leftByRole(rest, 3) ?? rest)).toBe(ANN);
    expect(leftByRole(at(0), 3)).toBeNull();
  });
});

describe('what nobody takes up', () => {
  test('becomes more urgent, at most so often, and is told each time; then he is reminded once a day', () => {
    let now = at(2, { severity: 'MEDIUM' });
    const seen: unknown[] = [];
    for (let look = 0; look < 4; look += 1) {
      const { atMs, clocks } = nextClock(now, 1) ?? { atMs: 0, clocks: [] };
      now = reached(struck(now, clocks, atMs), atMs);
      seen.push([atMs / HOUR, clocks[0], now.severity]);
    }
    expect(seen).toEqual([
      [4, 'stale', 'HIGH'],
      [8, 'stale', 'CRITICAL'],
      [32, 'reminder', 'CRITICAL'],
      [56, 'reminder', 'CRITICAL'],
    ]);
  });

  test('an ack keeps it as it is, until whoever gave it is silent for too long', () => {
    const taken = acked(at(2, { severity: 'HIGH' }), 'ada', '', HOUR);
    const lapsed = struck(taken, ['silence'], 3 * HOUR);
    expect(lapsed.chain.links.at(-1)).toMatchObject({ by: 'ada', says: 'has taken it up, and not answered in time' });
    expect(nextClock(reached(lapsed, 3 * HOUR), 1)).toEqual({ atMs: 7 * HOUR, clocks: ['stale'] });
  });

  test('at once with silence, it is the next tier that hears how urgent it is', () => {
    const now = at(1);
    const { atMs, clocks } = nextClock(now, 1) ?? { atMs: 0, clocks: [] };
    expect(clocks).toEqual(['stale', 'silence']);
    const next = struck(now, clocks, atMs);
    expect([tierOf(next), next.severity, mustTell(next)]).toEqual([OVERSEER, 'HIGH', true]);
  });

  test('who is told meanwhile is told again', () => {
    const now = forwarded(at(1), ANN, 'up', 0);
    const worse = struck(now, ['stale'], 1);
    expect(mustTell(told(worse, now, null, 2))).toBe(true);
    expect(told(worse, { ...now, turn: 0 }, null, 2)).toBe(worse);
  });
});

describe('the same trouble of several', () => {
  test('is one: who comes again is known, who is worse off makes it worse', () => {
    const now = at(2, { waiter: step('se-1') });
    expect(joined(now, trouble({ waiter: step('se-1') }), 1)).toBe(now);
    const other = joined(now, trouble({ waiter: step('se-1'), text: 'on port 22' }), 1);
    expect(other.chain.links.at(-1)).toMatchObject({ kind: 'noted', by: 'se-1', says: 'on port 22' });
    expect(other.waiting).toEqual(now.waiting);
    expect(joined(other, trouble({ waiter: step('se-1'), text: 'on port 22' }), 2)).toBe(other);
    const item = { kind: 'item', at: 'login', item: 'api' } as const;
    const tried = joined(at(2, { waiter: { ...item, answered: 0 } }), trouble({ waiter: { ...item, answered: 3 } }), 1);
    expect(waitersOf(tried)).toEqual([{ ...item, answered: 3 }]);
    const more = joined(now, trouble({ waiter: step('se-2'), severity: 'HIGH' }), 1);
    expect([more.waiting.length, more.severity, mustTell(more)]).toEqual([2, 'HIGH', true]);
    expect(joined(at(0), trouble({ waiter: step('se-2'), severity: 'HIGH' }), 1).telling).toBe('told');
  });

  test('1,000 have room; the others wait with others of their own, and nobody is lost', () => {
    let now = at(2, { waiter: step('se-0') });
    for (let n = 1; n < WAITERS_MAX + 5; n += 1) now = joined(now, trouble({ waiter: step(`se-${n}`) }), n);
    expect([now.waiting.length, now.passing.length, now.passed]).toEqual([WAITERS_MAX, 5, 5]);
    expect(kinds(now).slice(-2)).toEqual(['joined', 'full']);
    expect(now.chain.links.slice(-2).map(({ times }) => times)).toEqual([WAITERS_MAX - 1, 5]);
    expect(passedOn(now).passing[0]?.waiter).toEqual(step(`se-${WAITERS_MAX + 1}`));
    const third = passingOne(now, step(`se-${WAITERS_MAX + 2}`));
    const without = third === null ? now : withoutPassing(now, third);
    expect([without.passing.length, passingOne(without, step(`se-${WAITERS_MAX + 2}`))]).toEqual([4, null]);
    const over = heard(answer(now, 'ada'));
    expect([isOver(over), over.chain.links.at(-1)?.says]).toEqual([true, `${WAITERS_MAX} go on`]);
  });

  test('one of them may be answered alone; the others wait still', () => {
    const now = joined(at(2, { waiter: step('se-1') }), trouble({ waiter: step('se-2') }), 1);
    const key = waiterKey(step('se-2'));
    const after = heard(answer(now, 'ada', 'retry', key));
    expect(after.waiting.map(({ waiter }) => waiter.at)).toEqual(['se-1']);
    expect([isOver(after), after.chain.links.at(-1)?.says]).toEqual([false, '1 goes on; 1 waits still']);
    expect(resolved(after, { by: 'ada', resolution: { action: 'retry' }, only: key, why: '' }, 3)).toEqual({
      ok: false,
      why: `${key} does not wait here; there are se-1/fix@t1`,
    });
  });

  test('an answer goes to those whom it fits', () => {
    const item = { kind: 'item', at: 'login', item: 'api', answered: 0 } as const;
    const now = joined(at(2, { waiter: step('se-1') }), trouble({ waiter: item }), 1);
    const after = heard(answer(now, 'ada', 'close'));
    expect(after.waiting.map(({ waiter }) => waiter.kind)).toEqual(['item']);
    expect(isOver(after)).toBe(false);
  });

  test('while an answer is on its way there is no second one, and no clock', () => {
    const now = answer(at(2), 'ada');
    expect([nextClock(now, 1), mustTell(now)]).toEqual([null, false]);
    expect(resolved(now, { by: 'bob', resolution: { action: 'retry' }, only: null, why: '' }, 2)).toEqual({
      ok: false,
      why: 'an answer of ada is on its way: retry',
    });
  });

  test.each(ROUTE.map((tier, place) => [tier, place] as const))(
    'who comes while all the others are answered, at %s, is asked for anew, and may be answered',
    (_, place) => {
      const over = answer(at(place, { waiter: step('se-1') }), 'ada');
      const late = joined(over, trouble({ waiter: step('se-2'), severity: 'HIGH' }), 5);
      expect(late).toMatchObject({ tier: 0, severity: 'HIGH', telling: 'due', isJudged: false, ack: null });
      expect([mustTell(late), late.turn > over.turn]).toEqual([true, true]);
      expect(nextClock(late, 1)).toEqual({ atMs: 5 + WITHIN.HIGH, clocks: ['silence'] });
      expect(escalationBoard('hq-esc-00000001', late, 1)).toMatch(/on its way to 1\. deacon is asked since/);
      const both = answer(late, 'bob');
      expect(both.answers.map(({ by, left }) => [by, left])).toEqual([
        ['ada', ['se-1/fix@t1']],
        ['bob', ['se-2/fix@t1']],
      ]);
      const after = heard(heard(both));
      expect([isOver(after), mustTell(heard(late))]).toEqual([true, true]);
    },
  );

  test('who comes when nobody waits any more begins the next round', () => {
    const late = joined(heard(answer(at(2), 'ada')), trouble({ waiter: step('se-2'), severity: 'HIGH' }), 5);
    expect([isOver(late), late.waiting.length]).toEqual([true, 1]);
    const next = begunAnew(late, 6);
    expect(next).toMatchObject({ atMs: 6, severity: 'HIGH', ladder: null, waiting: [{ isLate: false }] });
    expect(next?.turn).toBeGreaterThan(late.turn);
    expect(begunAnew(heard(answer(at(2), 'ada')), 6)).toBeNull();
  });

  test('those whom an answer does not fit are asked for while it is on its way', () => {
    const item = { kind: 'item', at: 'login', item: 'api', answered: 0 } as const;
    const now = answer(joined(at(1, { waiter: step('se-1') }), trouble({ waiter: item }), 1), 'ada', 'close');
    expect(nextClock(now, 1)?.clocks).toContain('silence');
    expect(answer(now, 'ann').answers.map(({ left }) => left)).toEqual([['se-1/fix@t1'], ['login/api']]);
  });

  test.each([
    ['refused', '1 could not: se-1/fix@t1 says: so; 1 waits still', false],
    ['unreached', '1 could not be reached: se-1/fix@t1 (so); 1 waits still', true],
  ] as const)('who has %s it waits still, and may be answered again', (kind, says, isToldAgain) => {
    const now = heard(answer(at(2, { waiter: step('se-1') }), 'ada'), kind);
    expect(now.chain.links.at(-1)).toMatchObject({ kind: 'answered', says });
    expect([isOver(now), mustTell(now), nextClock(now, 1)?.clocks]).toEqual([false, isToldAgain, ['stale']]);
    expect(heard(answer(now, 'ada')).waiting).toEqual([]);
  });

  test('who was answered another way waits no more', () => {
    const now = joined(at(2, { waiter: step('se-1') }), trouble({ waiter: step('se-2') }), 1);
    const one = settled(now, step('se-1'), 'ada', 'gt step retry', 2);
    expect(one?.waiting.map(({ waiter }) => waiter.at)).toEqual(['se-2']);
    expect(one?.chain.links.at(-1)).toMatchObject({ kind: 'settled', by: 'ada', says: 'se-1: gt step retry' });
    expect(isOver(settled(one ?? now, step('se-2'), 'ada', 'cancelled', 3) ?? now)).toBe(true);
    expect(settled(now, step('se-3'), 'ada', 'so', 2)).toBeNull();
    // One that an answer is about to reach says so to that.
    const underWay = answer(now, 'ada');
    const told = settled(underWay, step('se-1'), 'ada', 'so', 2);
    expect([told?.waiting.length, told?.answers]).toEqual([underWay.waiting.length, underWay.answers]);
  });
});

test('the chain keeps its beginning and its end', () => {
  let now = at(2);
  for (let n = 0; n < 1_000; n += 1) now = acked(now, 'ada', `${n}`, n);
  expect(now.chain.links.length).toBe(400);
  expect(now.chain.links[0]?.kind).toBe('raised');
  expect(now.chain.links.at(-1)?.says).toBe('999');
  expect(now.chain.links.length + now.chain.omitted).toBeGreaterThan(1_000);
});

describe('while an answer is on its way to it', () => {
  const item = { kind: 'item', at: 'login', item: 'api', answered: 0 } as const;
  const asked = () => answer(at(2, { waiter: item }), OVERSEER);

  test('one that waits anew is asked for anew, from the first tier, once it has heard', () => {
    const again = joined(asked(), trouble({ waiter: item, text: 'no such branch still' }), 1);
    expect(kinds(again).at(-1)).toBe('noted');
    for (const kind of ['taken', 'gone'] as const) {
      const now = heard(again, kind);
      expect([isOver(now), tierOf(now), mustTell(now)]).toEqual([false, DEACON, true]);
      expect(now.waiting).toEqual([{ waiter: item, severity: 'MEDIUM', sinceMs: 2, isLate: false }]);
    }
    // What it was told did not help, and it waits still: no other wait.
    expect(heard(again, 'refused').waiting).toHaveLength(1);
  });

  test('one that is answered otherwise is asked for no more, also when the answer never reaches it', () => {
    const now = settled(asked(), item, 'Ada', 'retry', 1);
    expect(now?.waiting).toHaveLength(1);
    for (const kind of ['taken', 'unreached', 'refused'] as const)
      expect(isOver(heard(now ?? asked(), kind)), kind).toBe(true);
  });

  test('a step that comes again has another wait by its token, and this one is over', () => {
    const given = answer(at(2, { waiter: step('se-1') }), OVERSEER);
    expect(isOver(heard(joined(given, trouble({ waiter: step('se-1') }), 1)))).toBe(true);
  });
});
