import { expect, test } from 'vitest';
import { durationMs } from '../../src/formula/durations.js';

test.each([
  ['90s', 90_000],
  ['1h30m', 5_400_000],
  ['1.5h', 5_400_000],
  ['250ms', 250],
  ['7d', 604_800_000],
  ['2w', 1_209_600_000],
])('%s are %i milliseconds', (text, ms) => {
  expect(durationMs(text)).toBe(ms);
});

test.each(['', '0s', '5', 'm', '-5m', 'soon', '5 m', '99999d', '1h 30m'])('%j is no duration', (text) => {
  expect(durationMs(text)).toBeNull();
});
