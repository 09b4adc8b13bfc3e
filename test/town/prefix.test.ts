import { expect, test } from 'vitest';
import { derivePrefix, PREFIX } from '../../src/town/prefix.js';

test('a prefix is the first letter and the first later one that makes it free', () => {
  expect(derivePrefix('server', [])).toBe('se');
  expect(derivePrefix('server', ['se', 'sr'])).toBe('sv');
  expect(derivePrefix('a', [])).toBe('aa');
  expect(derivePrefix('web-2', [])).toBe('we');
});

test('however many rigs begin alike, each gets a prefix of its own', () => {
  const taken: string[] = [];
  for (let rig = 0; rig < 300; rig += 1) taken.push(derivePrefix('server', taken));
  expect(new Set(taken).size).toBe(300);
  expect(taken.filter((prefix) => !PREFIX.test(prefix))).toEqual([]);
});
