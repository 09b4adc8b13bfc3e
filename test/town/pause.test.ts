import { expect, test } from 'vitest';
import { heldFrom, withHold, withoutHold } from '../../src/town/pause.js';
import type { Hold } from '../../src/town/pause.js';

const own: Hold = { by: 'Ann', why: 'mine' };
const mission: Hold = { by: 'Bob', why: 'lunch', above: 'login' };
const old: Hold = { by: 'Cleo', why: 'before', isFromAnywhere: true };

test('each side has one hold, with its last words, and lets go of no other', () => {
  const both = withHold(withHold([], own), mission);
  expect(withHold(both, { ...mission, why: 'night' })).toEqual([own, { ...mission, why: 'night' }]);
  expect(withoutHold(both, 'login')).toEqual([own]);
  expect(withoutHold(both, undefined)).toEqual([mission]);
  expect(withoutHold(both, 'project/witness')).toEqual(both);
  expect(heldFrom([own], 'login')).toBe(undefined);
  expect(heldFrom([mission], undefined)).toBe(undefined);
});

test('a hold of before, which does not say from where, is lifted by whoever lets go and holds nothing else', () => {
  expect(withoutHold([old], 'login')).toEqual([]);
  expect(withoutHold([old], undefined)).toEqual([]);
  expect(withoutHold(withHold([old], mission), 'login')).toEqual([old]);
  expect(withHold([old], own)).toEqual([old, own]);
});
