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

test('nothing starves: however urgent the newcomers, the oldest comes before them in the end', () => {
  const old = request('old', { priority: 4 });
  const week = 7 * 24 * 4 * HOUR_MS;
  expect(score(old, week)).toBeGreaterThan(score(request('new', { priority: 0, round: 3, sinceMs: week }), week));
});
