import * as fc from 'fast-check';
import { expect, test } from 'vitest';
import { compilePattern } from '../../src/town/pattern.js';

const atom = fc.constantFrom(
  'a',
  'b',
  '.',
  '\\d',
  '\\w',
  '[ab]',
  '[^a]',
  '\\.',
  '^',
  '$',
  '\\b',
  '(?:a|b)',
  '(ab)',
  '[]',
);
const piece = fc
  .tuple(atom, fc.constantFrom('', '', '*', '+', '?', '{2}', '{1,3}', '{2,}', '*?'))
  .map(([one, times]) => (/^(\^|\$|\\b|\[\])$/.test(one) ? one : one + times));
const row = fc.array(piece, { minLength: 1, maxLength: 5 }).map((parts) => parts.join(''));
const patterns = fc.oneof(
  row,
  fc.tuple(row, row).map(([a, b]) => `(${a}|${b})+`),
  fc.tuple(row, row).map(([a, b]) => `${a}|${b}`),
);
const values = fc.string({ unit: fc.constantFrom('a', 'b', '1', '.', ' ', 'é', '😀'), maxLength: 8 });

test('a pattern says of a value what JavaScript says', () => {
  fc.assert(
    fc.property(patterns, values, (pattern, value) => {
      fc.pre(!pattern.includes('[]'));
      const compiled = compilePattern(pattern);
      fc.pre(compiled.ok);
      expect(compiled.ok && compiled.test(value)).toBe(new RegExp(pattern, 'u').test(value));
    }),
    { numRuns: 2000 },
  );
});

test('a pattern that would run for years elsewhere takes no time', () => {
  const value = `${'a'.repeat(5000)}b`;
  for (const pattern of ['^(a+)+$', '^(a|a)*$', '^(.*)*(.*)*c$', '^(a?){50}a{50}$', '(x+x+)+y']) {
    const compiled = compilePattern(pattern);
    expect(compiled.ok && compiled.test(value)).toBe(false);
  }
});

test.each([
  ['(a', 'missing closing )'],
  ['a)', 'unexpected )'],
  ['*', 'missing argument to repetition operator'],
  ['a**', 'invalid nested repetition operator'],
  ['(a)\\1', 'back-references could run away'],
  ['(?=a)', 'look-arounds and back-references could run away'],
  ['(?<!a)b', 'look-arounds and back-references could run away'],
  ['a{3,2}', 'invalid repeat count'],
  ['[b-a]', 'invalid character class range'],
  ['(a{1000}){1000}', 'invalid repeat count'],
  ['a'.repeat(1001), 'has 1001 characters'],
])('%j is refused', (pattern, why) => {
  const compiled = compilePattern(pattern);
  expect(compiled.ok ? '' : compiled.message).toContain(why);
});

test('(?i) in front ignores case, and classes of Unicode are known', () => {
  expect([fits('(?i)^abc$', 'aBC'), fits('^abc$', 'aBC'), fits('^\\p{L}+$', 'größe'), fits('^\\p{L}+$', 'a1')]).toEqual(
    [true, false, true, false],
  );
});

test('no text makes it throw', () => {
  fc.assert(
    fc.property(fc.string({ unit: fc.constantFrom(...Array.from('ab(){}[]*+?|\\^$.,0123<>=!:pu-')) }), (text) => {
      const compiled = compilePattern(text);
      expect(compiled.ok ? compiled.test('ab01') : compiled.message).not.toBe('');
    }),
    { numRuns: 3000 },
  );
});

function fits(pattern: string, value: string): boolean {
  const compiled = compilePattern(pattern);
  return compiled.ok && compiled.test(value);
}
