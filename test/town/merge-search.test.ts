/** Who of a stack is at fault, by the rules alone: every size, every culprit. */
import { expect, test } from 'vitest';
import { batchOf, inOrder } from '../../src/town/merge-order.js';
import { narrowed, probesOf, type Search } from '../../src/town/merge-search.js';
import type { Queued } from '../../src/town/refinery.js';
import { queue, request } from '../support/requests.js';

const AT_ONCE = 2;

/** `passes`: with so many of the lowest. Answers with what is known in the end, and the rounds that it took. */
function searched(size: number, passes: (count: number) => boolean): Search & { readonly rounds: number } {
  let search: Search = { green: 0, red: size };
  for (let rounds = 0; ; rounds += 1) {
    const probes = probesOf(search, AT_ONCE);
    if (probes.length === 0) return { ...search, rounds };
    search = narrowed(search, new Map(probes.map((count) => [count, passes(count)])));
  }
}

const SIZES = Array.from({ length: 64 }, (_none, at) => at + 1);

test('each one that is at fault is found, and all below it may land', () => {
  for (const size of SIZES) {
    for (let culprit = 1; culprit <= size; culprit += 1) {
      const { green, red, rounds } = searched(size, (count) => count < culprit);
      expect([green, red]).toEqual([culprit - 1, culprit]);
      // Two at once leave a third.
      expect(rounds).toBeLessThanOrEqual(Math.ceil(Math.log(size) / Math.log(3)) + 1);
    }
  }
});

test('whatever passes and does not, what may land has passed, and what is above it has not', () => {
  for (const size of SIZES) {
    const passes = (count: number) => (count * 7919) % 13 < 6 && count < size;
    const { green, red } = searched(size, passes);
    expect(red).toBe(green + 1);
    expect(green === 0 || passes(green)).toBe(true);
    expect(passes(red)).toBe(false);
  }
});

test('probes are within what is not known, each another one', () => {
  expect(probesOf({ green: 0, red: 16 }, 2)).toEqual([5, 11]);
  expect(probesOf({ green: 5, red: 7 }, 2)).toEqual([6]);
  expect(probesOf({ green: 4, red: 7 }, 2)).toEqual([5, 6]);
  expect(probesOf({ green: 6, red: 7 }, 2)).toEqual([]);
});

test('what passes above one that does not may land with it: somebody has mended that', () => {
  const after = narrowed({ green: 0, red: 9 }, new Map([[3, false], [6, true]])); // prettier-ignore
  expect(after).toEqual({ green: 6, red: 9 });
});

test('a batch is the first in order with those for the same target, at most so many', () => {
  const all = queue(
    request('a', { priority: 0 }),
    request('b', { priority: 1, target: 'next' }),
    request('c', { priority: 2 }),
    request('d', { priority: 3 }),
  );
  const ids = (max: number) => batchOf(inOrder(all, 0), max, false).map(({ id }) => id);
  expect([ids(1), ids(2), ids(9)]).toEqual([['a'], ['a', 'c'], ['a', 'c', 'd']]);
  expect(batchOf([], 9, false)).toEqual([]);
});

const refused = (id: string, priority: number): Queued => ({ ...open(id, priority), isOfTarget: true });
const open = (id: string, priority: number) => ({ ...request(id, { priority }), hold: null });
const triedWith = (isAfterOne: boolean, ...all: readonly Queued[]) =>
  batchOf(inOrder(all, 0), 9, isAfterOne).map(({ id }) => id);

test('what its target did not take is tried alone, and is in nobody else’s batch', () => {
  expect(triedWith(false, refused('a', 0), open('b', 1), open('c', 2))).toEqual(['a']);
  expect(triedWith(false, open('b', 1), refused('a', 2), open('c', 3))).toEqual(['b', 'c']);
  expect(triedWith(true, refused('a', 0), open('b', 1), refused('c', 2), open('d', 3))).toEqual(['b', 'd']);
  expect(triedWith(true, refused('a', 0), refused('c', 2))).toEqual(['a']);
});
