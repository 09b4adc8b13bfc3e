import * as fc from 'fast-check';
import { expect, test } from 'vitest';
import { compileGlob } from '../../src/formula/glob.js';

const asRegExp = (part: string) => (part === '*' ? '.*' : part === '?' ? '.' : part === '.' ? '\\.' : part);

test.each([
  ['*', 'anything.at-all', true],
  ['a', 'a', true],
  ['a', 'ab', false],
  ['*.leaf', 'x.leaf', true],
  ['*.leaf', 'leaf', false],
  ['shiny.*', 'shiny.a.b', true],
  ['a?c', 'abc', true],
  ['a?c', 'ac', false],
  ['[a-c]x', 'bx', true],
  ['[^a-c]x', 'bx', false],
  ['\\*', '*', true],
  ['\\*', 'a', false],
  ['', '', true],
])('the glob %j and %j: %j', (glob, id, fits) => {
  expect(compileGlob(glob)?.(id)).toBe(fits);
});

test.each(['[', '[]', '[a', 'a\\'])('%j is no glob', (glob) => {
  expect(compileGlob(glob)).toBeNull();
});

test('a glob says what the regular expression for it says', () => {
  const parts = fc.array(fc.constantFrom('*', '?', 'a', 'b', '.', '[ab]', '[^a]'), { maxLength: 6 });
  const ids = fc.string({ unit: fc.constantFrom('a', 'b', '.'), maxLength: 8 });
  fc.assert(
    fc.property(parts, ids, (glob, id) => {
      expect(compileGlob(glob.join(''))?.(id)).toBe(new RegExp(`^${glob.map(asRegExp).join('')}$`).test(id));
    }),
    { numRuns: 1000 },
  );
});
