import { expect, test } from 'vitest';
import { superfluous } from '../../src/town/generations.js';

const HOUR_MS = 60 * 60_000;
const START_MS = Date.UTC(2026, 0, 1);

/** What is left of backups that are made every six hours, each of which drops what is superfluous then. */
function keptAfter(count: number): readonly number[] {
  let kept: readonly { readonly madeMs: number }[] = [];
  for (let made = 0; made < count; made += 1) {
    const all = [...kept, { madeMs: START_MS + made * 6 * HOUR_MS }];
    const dropped = superfluous(all);
    kept = all.filter((one) => !dropped.includes(one));
  }
  return kept.map(({ madeMs }) => (START_MS + (count - 1) * 6 * HOUR_MS - madeMs) / HOUR_MS);
}

test.each([
  ['one', 1, 0],
  ['the last three of a day', 4, 12],
  ['after a weekend those of Friday are there', 14, 60],
  ['after a month those of two weeks ago are there', 120, 14 * 24],
])('%s', (_, count, hours) => {
  expect(Math.max(...keptAfter(count))).toBeGreaterThanOrEqual(hours);
});

test('the three last are kept, however soon they came, and never more than fourteen', () => {
  expect(keptAfter(400).toReversed().slice(0, 3)).toEqual([0, 6, 12]);
  expect(keptAfter(400).length).toBeLessThanOrEqual(14);
});
