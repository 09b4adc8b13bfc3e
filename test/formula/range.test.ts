import * as fc from 'fast-check';
import { expect, test } from 'vitest';
import { readRange } from '../../src/formula/range.js';

test.each([
  ['1..3', 1, 3],
  [' 1 .. 3 ', 1, 3],
  ['-1..1', -1, 1],
  ['(1+1)*2-3 .. 2^3 - 10/2', 1, 3],
  ['1..2^3^2', 1, 512],
  ['-2^2..7/2', -4, 3],
  ['2--1..+4', 3, 4],
])('%j goes from %i to %i', (text, from, to) => {
  expect(readRange(text)).toEqual({ ok: true, from, to });
});

test.each([
  ['1-3', 'has no ".." between its ends'],
  ['5..1', 'ends (1) before it begins (5)'],
  ['1..4/0', 'divides by zero'],
  ['1..{n}', 'has {n} in it, and n is no variable: declare it under [vars]'],
  ['1..{{n}}', 'has {{n}} in it, and n is no variable'],
  ['1..{', 'does not understand "{"'],
  ['1..', 'an end that is empty'],
  ['1..2 3', 'does not understand "3"'],
  ['1..(2', 'a "(" that is never closed'],
  ['1..9^99', 'no whole number'],
  ['1 .. 1.5', 'an end that is no whole number: 1.5'],
  ['1..2+', 'ends where a number must stand'],
  [`1..${'('.repeat(90)}`, 'more than 50 parentheses'],
  [`1..${'1'.repeat(300)}`, 'more than 200 characters'],
])('%j is refused', (text, why) => {
  const range = readRange(text);
  expect(range.ok ? '' : range.message).toContain(why);
});

test('no text makes it throw', () => {
  fc.assert(
    fc.property(fc.string({ unit: fc.constantFrom(...Array.from('012+-*/^(). {')) }), (text) => {
      const range = readRange(text);
      expect(range.ok ? range.to - range.from : range.message.length).toBeGreaterThanOrEqual(0);
    }),
    { numRuns: 2000 },
  );
});
