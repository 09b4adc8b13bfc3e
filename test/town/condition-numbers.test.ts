import { expect, test } from 'vitest';
import { compared } from '../../src/town/condition.js';

test('whole numbers in texts are compared to the last digit, others as numbers', () => {
  expect(compared('9007199254740993', '==', '9007199254740992')).toBe(false);
  expect(compared('9007199254740993', '>', '9007199254740992')).toBe(true);
  expect(compared('-9007199254740993', '<', '-9007199254740992')).toBe(true);
  expect(compared('07', '==', '7')).toBe(true);
  expect(compared(10, '>', '9')).toBe(true);
  expect(compared(1.5, '<', '2')).toBe(true);
  expect(compared('b', '>', 'a')).toBe(true);
  // What was a number had lost its digits before.
  expect(compared(2 ** 53, '==', '9007199254740993')).toBe(true);
});
