/** What the server takes is counted in bytes, and people write in characters. */
import { expect, test } from 'vitest';
import { asSummary, bytesOf } from '../../src/town/bytes.js';

test('a summary is cut to the bytes that the server takes, and no character in two', () => {
  expect(asSummary('20 to overseer')).toBe('20 to overseer');
  for (const character of ['x', 'ß', '語', '😀', '"', '\n'])
    expect(bytesOf(asSummary(character.repeat(1_000)))).toBeLessThanOrEqual(302);
  expect(asSummary('😀'.repeat(1_000))).toBe('😀'.repeat(75));
});
