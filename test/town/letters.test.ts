import { expect, test } from 'vitest';
import { withLetter } from '../../src/town/letters.js';
import type { Mail } from '../../src/town/mail.js';

const letter = (id: string, subject = id): Mail => ({ id, from: 'server/witness', to: 'overseer', subject, body: '' });

test('a hundred letters wait, and no more; help that a witness asks for is taken all the same', () => {
  let letters: readonly Mail[] = [];
  for (let at = 0; at < 100; at += 1) ({ letters } = withLetter(letters, letter(`${at}`), false));
  expect(withLetter(letters, letter('more'), false)).toEqual({ letters, isTaken: false });
  expect(withLetter(letters, letter('more'), true)).toEqual({ letters, isTaken: false });
  expect(withLetter(letters, letter('a', 'HELP: a'), false).isTaken).toBe(false);
  const helped = withLetter(letters, letter('a', 'HELP: a'), true);
  expect(helped.letters).toHaveLength(101);
  // It is asked again before anybody has read it.
  const again = withLetter(helped.letters, letter('b', 'HELP: a'), true);
  expect(again.letters.map(({ id }) => id)).toEqual([...letters.map(({ id }) => id), 'b']);
});

test('the first may be on its way: help in the same words comes after it', () => {
  const { letters } = withLetter([], letter('a', 'HELP: a'), true);
  expect(withLetter(letters, letter('b', 'HELP: a'), true).letters.map(({ id }) => id)).toEqual(['a', 'b']);
});

test('letters have their size together, but for help that a witness asks for', () => {
  const heavy = (id: string, subject = id) => ({ ...letter(id, subject), body: 'x'.repeat(100_000) });
  let letters: readonly Mail[] = [];
  for (const id of ['a', 'b', 'c', 'd']) ({ letters } = withLetter(letters, heavy(id), false));
  expect(withLetter(letters, heavy('e'), false)).toEqual({ letters, isTaken: false });
  expect(withLetter(letters, letter('e'), false).isTaken).toBe(true);
  expect(withLetter(letters, heavy('e', 'HELP: e'), true).isTaken).toBe(true);
  expect(withLetter(letters, heavy('e'), false, Infinity).isTaken).toBe(true);
});
