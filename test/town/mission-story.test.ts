/** The sentences that a mission's board begins with. */
import { expect, test } from 'vitest';
import { missionStory } from '../../src/town/mission-story.js';
import type { Item, ItemState, MissionState } from '../../src/town/mission.js';
import { NO_USAGE } from '../../src/town/session.js';

const NOON = Date.parse('2026-11-27T12:00:00Z');
const item = (id: string, state: ItemState, more: Partial<Item> = {}): Item => ({
  id,
  title: id,
  rig: 'server',
  formula: 'f',
  needs: [],
  priority: 2,
  attempt: 1,
  lost: 0,
  state,
  usage: NO_USAGE,
  sessions: 0,
  reworks: 0,
  ...more,
});
const story = (items: readonly Item[], more: Partial<MissionState> = {}) =>
  missionStory({ title: 'm', budgetUsd: null, items, ...more });
const working: ItemState = {
  kind: 'working',
  sinceMs: NOON,
  claim: 'c',
  name: 'Toast',
  incarnation: 1,
  host: 'h',
  molecule: 'se-1',
};
const waiting: ItemState = { kind: 'waiting' };
const failed: ItemState = { kind: 'failed', reason: 'no key', atMs: NOON };

test('it tells who works on what since when, which attempt it is, and what comes after', () => {
  const later = item('b', waiting, { needs: ['a'] });
  expect(story([item('a', working, { attempt: 2 }), later])).toBe(
    'server/polecats/Toast works on `a` since 2026-11-27 12:00:00, attempt 2. `b` comes when what it needs has landed.',
  );
  expect(story([item('a', { kind: 'queued', claim: 'c', sinceMs: NOON }), later])).toContain(
    '`a` waits for a slot of server since 2026-11-27 12:00:00.',
  );
  expect(story([item('a', waiting), later])).toBe('`a` starts next. `b` comes when what it needs has landed.');
});

test('it tells on whom it waits, and that nothing happens until then', () => {
  const wait = { molecule: 'se-1', for: 'person: think', why: 'decide', sinceMs: NOON, escalated: false };
  expect(story([item('a', { ...working, wait })])).toBe(
    '`a` waits for person: think since 2026-11-27 12:00:00: decide. Nothing happens until that comes.',
  );
  expect(story([item('a', failed, { attempt: 3 })])).toBe(
    '`a` failed at 2026-11-27 12:00:00, attempt 3, and waits for `retry` or `skip`: no key. Nothing happens until that comes.',
  );
  expect(story([item('a', failed), item('b', working)])).not.toContain('Nothing happens');
});

test('it tells what holds it: a pause, a budget that is spent', () => {
  const paused = { by: 'Ada', why: 'lunch', sinceMs: NOON };
  expect(story([item('a', waiting)], { paused })).toBe(
    'Ada paused it, since 2026-11-27 12:00:00: nothing new begins until it is resumed. `a` comes when it goes on. Nothing happens until that comes.',
  );
  const landed: ItemState = { kind: 'landed', atMs: NOON, commit: null, target: 'main', branch: 'b' };
  const spent = item('a', landed, { usage: { ...NO_USAGE, usd: 3 } });
  expect(story([spent, item('b', waiting)], { budgetUsd: 2 })).toContain(
    'It has spent $3.00 of its budget of $2: no further item starts, and no model is asked for more, until that is raised.',
  );
  expect(story([spent], { budgetUsd: 2 })).toBe('All its items are settled: nothing happens any more.');
});

test('of the end it tells how it came', () => {
  expect(story([item('a', { kind: 'cancelled', reason: 'cancelled' })])).toBe(
    'What had not landed was cancelled: nothing happens any more.',
  );
});

test('it stays short, however many items fail for however long a reason', () => {
  const items = Array.from({ length: 500 }, (_none, at) => item(`i${at}`, { ...failed, reason: 'x'.repeat(1_000) }));
  expect(story(items).length).toBeLessThan(2_000);
  expect(story(items)).toContain('497 more wait for somebody.');
});
