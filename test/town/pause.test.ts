import { expect, test } from 'vitest';
import { heldFrom, holdsOfRig, withHold, withoutHold } from '../../src/town/pause.js';
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

const holds = (before: readonly Hold[] | null, town: Hold | null, below: Hold | null = null) =>
  holdsOfRig({ before, town, below, deacon: 'deacon' });

test('a rig whose witness begins is held as the one before it said, and as the deacon holds the town now', () => {
  const town: Hold = { by: 'Ada', why: 'fire' };
  const ofTown = { ...town, above: 'deacon' };
  // Those at work have heard of one, whichever was first.
  expect(holds([ofTown, own], town, town)).toEqual([own, ofTown]);
  expect(holds([own], null, own)).toEqual([own]);
  // Let go while there was no witness.
  expect(holds([ofTown], null, town)).toEqual([]);
  expect(holds([], town, null)).toEqual([ofTown]);
  // Nobody knows what the one before said.
  expect(holds(null, town, town)).toEqual([ofTown]);
  expect(holds(null, town, own)).toEqual([own, ofTown]);
  expect(holds(null, null, own)).toEqual([own]);
  expect(holds(null, null)).toEqual([]);
});
