import { expect, test } from 'vitest';
import { inOrder, score } from '../../src/town/merge-order.js';
import type { Queue } from '../../src/town/refinery.js';
import { queue, request } from '../support/requests.js';

const HOUR_MS = 3_600_000;
const ids = (of: Queue, nowMs = 0) => inOrder(of, nowMs).map((one) => one.id);

test('the more urgent goes first, then what came back, then the older', () => {
  expect(ids(queue(request('low', { priority: 4 }), request('high', { priority: 0 })))).toEqual(['high', 'low']);
  expect(ids(queue(request('new'), request('back', { round: 1 })))).toEqual(['back', 'new']);
  expect(ids(queue(request('younger', { sinceMs: HOUR_MS }), request('older')), 2 * HOUR_MS)).toEqual([
    'older',
    'younger',
  ]);
});

test('what belongs to an older mission goes first, though it came later', () => {
  const older = request('of-older', { sinceMs: 3 * HOUR_MS, missionSinceMs: 0 });
  const younger = request('of-younger', { sinceMs: 2 * HOUR_MS, missionSinceMs: 2 * HOUR_MS });
  expect(ids(queue(younger, older), 3 * HOUR_MS)).toEqual(['of-older', 'of-younger']);
});

test('nothing starves behind an older mission that hands in on and on', () => {
  const waiting = request('waiting', { missionSinceMs: 100 * HOUR_MS, sinceMs: 100 * HOUR_MS });
  const weekMs = 101 * HOUR_MS * 11;
  const next = request('next', { missionSinceMs: 0, sinceMs: weekMs });
  expect(score(waiting, weekMs)).toBeGreaterThan(score(next, weekMs));
});

test('nothing starves: however urgent the newcomers, the oldest comes before them in the end', () => {
  const old = request('old', { priority: 4 });
  const week = 7 * 24 * 4 * HOUR_MS;
  expect(score(old, week)).toBeGreaterThan(score(request('new', { priority: 0, round: 3, sinceMs: week }), week));
});
