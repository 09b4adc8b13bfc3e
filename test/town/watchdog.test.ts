import { describe, expect, test } from 'vitest';
import { freshnessOf, lateMs, NO_MEMORY, triage } from '../../src/town/watchdog.js';
import type { Decision, Look, Memory } from '../../src/town/watchdog.js';

const MINUTE_MS = 60_000;
const NOW_MS = 1_000 * MINUTE_MS;
const NOW = { nowMs: NOW_MS, patience: 1 };

const beating = (late: number, { pending = 0, open = 1 } = {}): Look => ({
  deacon: { kind: 'beating', beat: { atMs: 0, nextByMs: NOW_MS - late * MINUTE_MS }, pending },
  open,
});
const resting = (open: number, pending = 0): Look => ({
  deacon: { kind: 'beating', beat: { atMs: 0, nextByMs: null }, pending },
  open,
});
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
    ['does not answer', silent, 'wake'],
  ])('%s', (_, look, decision) => {
    expect(triage(look, NO_MEMORY, NOW)).toMatchObject({ decision, tell: null });
  });

  test('the overseer is told once, when the third wake in a row was in vain', () => {
    let memory: Memory = NO_MEMORY;
    const told = Array.from({ length: 10 }, () => {
      const { tell, memory: next } = triage(silent, memory, NOW);
      memory = next;
      return tell !== null;
    });
    expect(told).toEqual([false, false, true, ...Array.from({ length: 7 }, () => false)]);
    memory = triage(beating(0), memory, NOW).memory;
    expect(memory.wakes).toBe(0);
  });
});

/** Boots for so many minutes, each of which finds none. */
function starts(minutes: number, everyMinutes: number, first: Memory = NO_MEMORY) {
  let memory = first;
  const decided: { readonly at: number; readonly decision: Decision; readonly tell: string | null }[] = [];
  for (let at = 0; at < minutes; at += everyMinutes) {
    const moment = { nowMs: NOW_MS + at * MINUTE_MS, patience: 1 };
    const { decision, tell, memory: next } = triage(none(1), memory, moment);
    memory = next;
    decided.push({ at, decision, tell });
  }
  return decided;
}

describe('a deacon that ends again and again', () => {
  test('is started later each time, at most five times in a quarter of an hour, and the overseer is told once', () => {
    const all = starts(240, 0.5);
    const begun = all.filter(({ decision }) => decision === 'start').map(({ at }) => at);
    expect(begun.slice(0, 5)).toEqual([0, 0.5, 1.5, 3.5, 7.5]);
    for (const [index, at] of begun.entries()) {
      const within = begun.filter((other) => other <= at && at - other < 15);
      expect(within.length, `start ${index}`).toBeLessThanOrEqual(5);
    }
    expect(all.filter(({ tell }) => tell !== null)).toHaveLength(1);
  });

  test('is told of again once it has stayed for long', () => {
    const first = starts(30, 0.5);
    expect(first.filter(({ tell }) => tell !== null)).toHaveLength(1);
    const again = starts(30, 0.5, { wakes: 0, startsMs: [NOW_MS - 60 * MINUTE_MS], isLoopTold: true });
    expect(again.filter(({ tell }) => tell !== null)).toHaveLength(1);
  });
});
