import { expect, test } from 'vitest';
import { newsBetween, type Seen } from '../../src/town/feed.js';

const OPEN: Seen = {
  id: 'se-1',
  role: 'molecule',
  status: 'running',
  phase: 'working',
  waitingFor: '',
  mission: 'login',
  steps: ['design'],
};

const said = (before: readonly Seen[] | null, now: readonly Seen[]) => newsBetween(before, now).map(({ what }) => what);

test('the first look has no news, and what is as it was has none', () => {
  expect(said(null, [OPEN])).toEqual([]);
  expect(said([OPEN], [{ ...OPEN }])).toEqual([]);
});

test('what begins says how it stands; what changes says what has changed', () => {
  expect(newsBetween([], [OPEN])).toEqual([
    { id: 'se-1', role: 'molecule', mission: 'login', what: 'begins, working, at design' },
  ]);
  expect(said([OPEN], [{ ...OPEN, steps: ['build', 'test'] }])).toEqual(['at build, test']);
  const waits = { ...OPEN, phase: 'waiting', waitingFor: 'person: review' };
  expect(said([OPEN], [waits])).toEqual(['waiting, waits for person: review']);
  expect(said([waits], [OPEN])).toEqual(['working']);
});

test('an end is said once, in the words of the town where it has any', () => {
  const landed = { ...OPEN, status: 'completed', phase: 'landed' };
  const cut = { ...OPEN, status: 'terminated' };
  expect(said([OPEN], [landed])).toEqual(['landed']);
  expect(said([landed], [landed])).toEqual([]);
  expect(said([OPEN], [cut])).toEqual(['terminated']);
  // What has begun and ended between two looks.
  expect(said([], [landed])).toEqual(['landed']);
  expect(said([landed], [])).toEqual([]);
});

test('an id that begins again, begins', () => {
  expect(said([{ ...OPEN, status: 'completed', phase: 'done' }], [OPEN])).toEqual(['begins, working, at design']);
});
