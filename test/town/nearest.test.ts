import { expect, test } from 'vitest';
import { nearest } from '../../src/town/nearest.js';

test('a mistyped word finds the one that was meant', () => {
  expect(nearest('implment', ['design', 'implement', 'test'])).toBe('implement');
  expect(nearest('neds', ['id', 'needs', 'notes'])).toBe('needs');
});

test('two swapped letters count as one mistake, and case as none', () => {
  expect(nearest('tset', ['review', 'test'])).toBe('test');
  expect(nearest('README', ['readme'])).toBe('readme');
});

test('the beginning of a word finds it, and a word its beginning, when nothing is nearer', () => {
  expect(nearest('desc', ['id', 'description'])).toBe('description');
  expect(nearest('integer', ['string', 'int'])).toBe('int');
});

test('a word that is near to nothing gets no hint', () => {
  expect(nearest('a', ['b', 'c'])).toBeNull();
  expect(nearest('deploy', ['design', 'implement'])).toBeNull();
  expect(nearest('anything', [])).toBeNull();
  expect(nearest('x'.repeat(5_000), ['x'.repeat(5_000)])).toBeNull();
});

test('among equally near words the first one wins', () => {
  expect(nearest('step-x', ['step-a', 'step-b'])).toBe('step-a');
});
