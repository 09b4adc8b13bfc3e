import { describe, expect, test } from 'vitest';
import type { Json } from '../../src/town/act.js';
import { NO_USAGE, type SessionResult } from '../../src/town/session.js';
import {
  freshnessOf,
  isDoubtful,
  judged,
  lateMs,
  NO_MEMORY,
  TICK_MS,
  triage,
  verdictIn,
} from '../../src/town/watchdog.js';
import type { Decision, Look, Memory, Triage } from '../../src/town/watchdog.js';

const MINUTE_MS = 60_000;
const NOW_MS = 10_000 * MINUTE_MS;
const NOW = { nowMs: NOW_MS, patience: 1 };

const beat = (nextByMs: number | null, pending: number, open: number, patience = 1): Look => ({
  deacon: { kind: 'beating', beat: { atMs: 0, nextByMs }, pending, patience },
  open,
});
const beating = (late: number, { pending = 0, open = 1 } = {}) => beat(NOW_MS - late * MINUTE_MS, pending, open);
const resting = (open: number) => beat(null, 0, open);
const none = (open: number): Look => ({ deacon: { kind: 'none' }, open });
const silent: Look = { deacon: { kind: 'silent' }, open: 1 };

test.each([
  [0, 'fresh'],
  [4, 'fresh'],
  [4.99, 'fresh'],
  [5, 'stale'],
  [6, 'stale'],
  [14, 'stale'],
  [15, 'stale'],
  [15.01, 'very stale'],
  [16, 'very stale'],
])('a beat that is %d minutes late is %s, at any patience', (minutes, freshness) => {
  expect(freshnessOf(minutes * MINUTE_MS, 1)).toBe(freshness);
  expect(freshnessOf(minutes * MINUTE_MS * 0.01, 0.01)).toBe(freshness);
});

test('a deacon that has backed off is as late as its beat, and one that rests never is', () => {
  expect(lateMs({ atMs: 0, nextByMs: 20 }, 10)).toBe(0);
  expect(lateMs({ atMs: 0, nextByMs: 20 }, 25)).toBe(5);
  expect(lateMs({ atMs: 0, nextByMs: null }, 1_000_000)).toBe(0);
});

describe('what boot decides', () => {
  test.each<[string, Look, Decision]>([
    ['no deacon, no work', none(0), 'nothing'],
    ['no deacon, and work', none(1), 'start'],
    ['fresh after 4 minutes', beating(4), 'nothing'],
    ['fresh, with mail', beating(4, { pending: 3 }), 'nothing'],
    ['stale after 6 minutes, no mail', beating(6), 'nothing'],
    ['stale after 6 minutes, with mail', beating(6, { pending: 1 }), 'nudge'],
    ['stale after 14 minutes, with mail', beating(14, { pending: 1 }), 'nudge'],
    ['very stale after 16 minutes', beating(16), 'wake'],
    ['very stale, though no work is open', beating(16, { open: 0 }), 'wake'],
    ['rests while no work is open', resting(0), 'nothing'],
    ['rests while work is open', resting(1), 'nudge'],
    ['has another patience than town.toml', beat(null, 0, 0, 0.5), 'nudge'],
    ['does not answer', silent, 'wake'],
  ])('%s', (_, look, decision) => {
    expect(triage(look, NO_MEMORY, NOW)).toMatchObject({ decision, tell: null });
  });
});

/** Boots, tick by tick, each with what the one before has left; `isHeard`: whether a person takes what is told. */
function ticks(
  count: number,
  lookAt: (tick: number, before: Decision) => Look,
  isHeard: (tick: number) => boolean = () => true,
) {
  let memory: Memory = NO_MEMORY;
  let before: Decision = 'nothing';
  return Array.from({ length: count }, (_, tick): Triage => {
    // A boot may begin a second late.
    const nowMs = NOW_MS + tick * TICK_MS + (tick % 2) * 1_000;
    const decided = triage(lookAt(tick, before), memory, { nowMs, patience: 1 });
    memory = { ...decided.memory, isTold: decided.memory.isTold || (decided.tell !== null && isHeard(tick)) };
    before = decided.decision;
    return decided;
  });
}

const told = (all: readonly Triage[]) => all.flatMap(({ tell }, at) => (tell === null ? [] : [at]));

describe('a deacon that hangs', () => {
  test('is told of once, when the third wake in a row was in vain; and again when it hangs anew', () => {
    expect(told(ticks(10, () => silent))).toEqual([2]);
    expect(told(ticks(20, (tick) => (tick === 8 ? resting(0) : silent)))).toEqual([2, 11]);
  });

  test('in an act whose beat never moves is very stale at each tick, and told of', () => {
    const hung = { ...NOW, nextByMs: NOW_MS - 16 * MINUTE_MS };
    const all = ticks(480, () => beat(hung.nextByMs, 0, 1));
    expect(all.every(({ decision }) => decision === 'wake')).toBe(true);
    expect(told(all)).toEqual([2]);
  });

  test('is told of until a person has heard', () => {
    expect(
      told(
        ticks(
          10,
          () => silent,
          (tick) => tick >= 5,
        ),
      ),
    ).toEqual([2, 3, 4, 5]);
  });
});

describe('a deacon that ends again and again', () => {
  test('is started three times, then a quarter of an hour later, and each time twice as late, up to four hours; told once', () => {
    const all = ticks(480, () => none(1));
    const minutes = all.flatMap(({ decision }, tick) => (decision === 'start' ? [(tick * TICK_MS) / MINUTE_MS] : []));
    const gaps = minutes.slice(1).map((at, index) => at - (minutes[index] ?? 0));
    expect(gaps.slice(0, 5)).toEqual([3, 3, 15, 30, 60]);
    expect(gaps.slice(5).every((gap) => gap >= 120 && gap <= 243)).toBe(true);
    expect(told(all)).toEqual([3]);
  });

  test('lives a tick each time, and is held all the same', () => {
    const all = ticks(200, (_, before) => (before === 'start' ? beat(null, 0, 0) : none(1)));
    expect(all.filter(({ decision }) => decision === 'start').length).toBeLessThan(20);
    expect(told(all)).toHaveLength(1);
  });

  test('and then stays for half an hour is forgiven: when it ends again it is started at once, and told of anew', () => {
    const all = ticks(60, (tick) => (tick < 5 || tick > 40 ? none(1) : beat(null, 0, 0)));
    expect(all.slice(41, 44).map(({ decision }) => decision)).toEqual(['start', 'start', 'start']);
    expect(told(all)).toEqual([3, 44]);
  });
});

const answered = (output: Json): SessionResult => {
  return { outcome: 'closed', verdict: 'done', summary: 's', usage: NO_USAGE, notes: [], output };
};
const woken = (wakes: number, more: Partial<Memory> = {}): Memory => ({ ...NO_MEMORY, wakes, ...more });

describe('a model is asked', () => {
  const HOUR_MS = 60 * MINUTE_MS;

  test.each<[string, Look, Memory, boolean]>([
    ['not before the first wake', beating(16), woken(0), false],
    ['before a wake that was in vain already', beating(16), woken(1), true],
    ['of one that is silent, too', silent, woken(2), true],
    ['not of one that is nudged', beating(14, { pending: 1 }), woken(1), false],
    ['not of one that is not there', none(1), woken(1), false],
    ['not twice within the hour', silent, woken(1, { askedAtMs: NOW_MS - HOUR_MS + 1 }), false],
    ['again after an hour', silent, woken(1, { askedAtMs: NOW_MS - HOUR_MS }), true],
  ])('%s', (_, look, before, isAsked) => {
    expect(isDoubtful(triage(look, before, NOW), before, NOW)).toBe(isAsked);
  });

  test.each<[string, Json, Decision, wakes: number]>([
    ['that leaves it alone', { verdict: 'nothing', reason: 'it is at work' }, 'nothing', 2],
    ['that asks it to look', { verdict: 'nudge', reason: 'it is at work' }, 'nudge', 2],
    ['that takes it for hung', { verdict: 'wake', reason: 'it is at work' }, 'wake', 3],
    ['of another kind', { verdict: 'restart', reason: 'it is at work' }, 'wake', 3],
    ['without a reason', { verdict: 'nothing' }, 'wake', 3],
  ])('and obeyed for one tick: a verdict %s', (_, output, decision, wakes) => {
    const before = woken(2);
    const ruled = triage(silent, before, NOW);
    expect(ruled.tell).not.toBeNull();
    const after = judged(ruled, before, verdictIn(answered(output)), NOW_MS);
    expect(after).toMatchObject({ decision, memory: { wakes, askedAtMs: NOW_MS } });
    expect(after.tell === null).toBe(decision !== 'wake');
    // The next tick goes by the rules.
    const next = triage(silent, after.memory, { ...NOW, nowMs: NOW_MS + TICK_MS });
    expect(next.decision).toBe('wake');
    expect(isDoubtful(next, after.memory, { ...NOW, nowMs: NOW_MS + TICK_MS })).toBe(false);
  });

  test('its reason stands beside the fact; one that has not closed has no verdict', () => {
    const before = woken(1);
    const ruled = triage(silent, before, NOW);
    const { why } = judged(ruled, before, { verdict: 'nudge', reason: 'it\nsorts mail' }, NOW_MS);
    expect(why).toBe('it runs and does not answer; a model was asked, and says: it sorts mail');
    expect(verdictIn({ outcome: 'stalled', detail: 'd', usage: NO_USAGE, notes: [] })).toBeNull();
  });
});
