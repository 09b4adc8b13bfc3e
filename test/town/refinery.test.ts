import { expect, test } from 'vitest';
import { inOrder } from '../../src/town/merge-order.js';
import { refineryTrouble } from '../../src/town/refinery-trouble.js';
import {
  dequeue,
  dueInMs,
  hold,
  holdBy,
  holdRefused,
  isPlainRequest,
  requestsOf,
  unhold,
  unholdAgain,
  unholdDue,
} from '../../src/town/refinery.js';
import type { Queue } from '../../src/town/refinery.js';
import { queue, request } from '../support/requests.js';

const HOUR_MS = 3_600_000;
const ids = (of: Queue, nowMs = 0) => inOrder(of, nowMs).map((one) => one.id);

test('a request handed in twice is in the queue once', () => {
  expect(queue(request('a'), request('a'))).toHaveLength(1);
  expect(dequeue(queue(request('a')), 'a')).toEqual([]);
});

test('what somebody wants held is let go by name alone', () => {
  const held = hold(holdBy(queue(request('a'), request('b')), 'a', 'ann', 'a release (ann)', 0), 'b', 'why', 0);
  expect(ids(unhold(held, null))).toEqual(['b']);
  expect(ids(unhold(held, 'a'))).toEqual(['a']);
  expect(refineryTrouble(holdBy(queue(request('a')), 'a', 'ann', 'a release (ann)', 0), 'server')).toEqual([]);
});

test.each([
  ['se-1a2b3c4d.0', true],
  ['my-own_name.12', true],
  ['se-1', false],
  ['../../etc.0', false],
  ['a/b.0', false],
  ['a b.0', false],
  ['a..0', false],
  ['-rf.0', false],
  ['.hidden.0', false],
  ['a*.0', false],
  ['a\u0000.0', false],
])('%j can be part of a path and of a ref: %s', (id, isPlain) => {
  expect(isPlainRequest(id)).toBe(isPlain);
});

test('a held request stands aside until it is let go, by itself or with all', () => {
  const held = hold(hold(queue(request('a'), request('b')), 'a', 'why', 0), 'b', 'why', 0);
  expect(ids(held)).toEqual([]);
  expect(ids(unhold(held, 'b'))).toEqual(['b']);
  expect(ids(unhold(held, null))).toEqual(['a', 'b']);
});

test('a push that was refused is tried again by itself, each time later; others go on meanwhile', () => {
  const wait = (refusals: number) => HOUR_MS * (refusals + 1);
  const once = holdRefused(queue(request('a'), request('b')), 'a', 'the target is dirty', 0, wait);
  expect(ids(once)).toEqual(['b']);
  expect(dueInMs(once, 0)).toBe(HOUR_MS);
  expect(ids(unholdDue(once, HOUR_MS - 1))).toEqual(['b']);
  const again = unholdDue(once, HOUR_MS);
  expect(unholdAgain(once, 'a', HOUR_MS)).toEqual(again);
  const later = holdRefused(again, 'a', 'still dirty', HOUR_MS, wait);
  expect(ids(unholdAgain(later, 'a', HOUR_MS))).toEqual(['b']);
  expect(ids(again)).toEqual(['a', 'b']);
  expect(dueInMs(later, HOUR_MS)).toBe(2 * HOUR_MS);
  expect(dueInMs(hold(queue(request('a')), 'a', 'no such gate', 0), 0)).toBeNull();
});

test('the requests of a molecule are its rounds, and no namesake’s', () => {
  const all = [{ id: 'se-1.0' }, { id: 'se-1.1' }, { id: 'se-11.0' }, { id: 'se-1.x.0' }];
  expect(requestsOf(all, 'se-1').map((one) => one.id)).toEqual(['se-1.0', 'se-1.1']);
});
