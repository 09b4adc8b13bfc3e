import { expect, test } from 'vitest';
import {
  dueNow,
  isFailureTold,
  isSpent,
  nextDueMs,
  postponed,
  recoveredMail,
  settled,
  withHeard,
  withRecovered,
} from '../../src/town/redispatch.js';
import type { Entry, Recovered } from '../../src/town/redispatch.js';

const MINUTE_MS = 60_000;
const FOUND: Recovered = { rig: 'server', mission: 'login', item: 'api', branch: 'polecat/Toast/se-1', head: 'abc' };

const heard = (all: readonly Entry[], mission: string, minute: number) =>
  withRecovered(all, { ...FOUND, mission }, minute * MINUTE_MS, 1);
/** As soon as it is due it is given to another mission, which is then terminated. */
function lost(all: readonly Entry[], mission: string, minute: number): readonly Entry[] {
  const entry = dueNow(all, minute * MINUTE_MS);
  if (entry === null) throw new Error(`nothing is due at ${minute}`);
  return heard(settled(all, entry, mission, minute * MINUTE_MS), mission, minute);
}

test('it is given to another at once, then after ten minutes, then after twenty, and then no more', () => {
  const first = heard([], 'login', 0);
  expect(dueNow(first, 0)).toMatchObject({ mission: 'login', tried: [] });
  const second = lost(first, 'm1', 0);
  expect(nextDueMs(second)).toBe(10 * MINUTE_MS);
  expect(dueNow(second, 9 * MINUTE_MS)).toBeNull();
  const third = lost(second, 'm2', 10);
  expect(nextDueMs(third)).toBe(30 * MINUTE_MS);
  const last = lost(third, 'm3', 30);
  const [entry] = last;
  expect(entry).toMatchObject({ mission: 'login', tried: ['m1', 'm2', 'm3'], dueMs: 70 * MINUTE_MS });
  if (entry === undefined) return;
  expect(isSpent(entry)).toBe(true);
  expect(recoveredMail(entry, null).body).toContain('given to 3 other missions');
  expect(nextDueMs(settled(last, entry, null, 70 * MINUTE_MS))).toBeNull();
});

test('what is told again changes nothing: of the same mission, of one before the last, of one that the overseer was told of', () => {
  const first = heard([], 'login', 0);
  expect(heard(first, 'login', 1)).toBe(first);
  const second = lost(first, 'm1', 0);
  for (const mission of ['login', 'm1']) expect(heard(second, mission, 1)).toBe(second);
  const [entry] = first;
  const told = entry === undefined ? [] : settled(first, entry, null, 0);
  expect(heard(told, 'login', 1)).toBe(told);
  // Of another mission that has the id now, it is another; who does not tell the run means this one.
  const ofRun = withRecovered([], { ...FOUND, run: 'r1' }, 0, 1);
  for (const run of ['r1', undefined]) expect(withRecovered(ofRun, { ...FOUND, run }, 0, 1)).toBe(ofRun);
  expect(withRecovered(ofRun, { ...FOUND, run: 'r2' }, 0, 1)).toMatchObject([{ run: 'r1' }, { run: 'r2' }]);
  // Another item, and an item of that name of another mission, are others.
  expect(withRecovered(first, { ...FOUND, item: 'ui' }, 0, 1)).toHaveLength(2);
  expect(heard(first, 'logout', 0)).toHaveLength(2);
});

test('a hundred are known; what is settled makes room first', () => {
  let all = heard([], 'm0', 0);
  const [first] = all;
  for (let at = 1; at < 150; at += 1) all = heard(all, `m${at}`, 0);
  expect(all).toHaveLength(100);
  expect(first === undefined || all.includes(first)).toBe(false);
  const entry = all[50];
  if (entry === undefined) throw new Error('there is one');
  const after = heard(settled(all, entry, null, 0), 'one more', 0);
  expect(after.some(({ mission }) => mission === entry.mission)).toBe(false);
  expect(after).toHaveLength(100);
});

test('the overseer is told the command, or why there is none', () => {
  const [entry] = heard([], 'login', 0);
  if (entry === undefined) throw new Error('there is one');
  const off = recoveredMail(entry, { kind: 'off', command: 'temporal workflow start' });
  expect(off.subject).toBe('HELP: recovered work of login');
  expect(off.body).toContain('lies on branch polecat/Toast/se-1 at abc');
  expect(off.body).toContain('`temporal workflow start`');
  expect(recoveredMail(entry, { kind: 'impossible', why: 'no history' }).body).toContain('no history');
});

test('a try that fails is made again, each time later, and is told once; then it goes on as if nothing had been', () => {
  let all = heard([], 'login', 0);
  const due: (number | null)[] = [];
  const told: boolean[] = [];
  for (let at = 0; at < 8; at += 1) {
    const dueMs = nextDueMs(all) ?? 0;
    const entry = dueNow(all, dueMs);
    if (entry === null) throw new Error('it is due');
    told.push(isFailureTold(entry));
    all = postponed(all, entry, dueMs, 1);
    due.push(((nextDueMs(all) ?? 0) - dueMs) / MINUTE_MS);
  }
  expect(due).toEqual([10, 20, 40, 80, 160, 320, 360, 360]);
  expect(told).toEqual([false, false, true, false, false, false, false, false]);
  const [entry] = all;
  if (entry === undefined) throw new Error('there is one');
  expect(recoveredMail(entry, { kind: 'failing', why: 'bad town.toml' }).body).toContain('fails: bad town.toml');
  expect(settled(all, entry, 'm1', 0)).toEqual([{ ...FOUND, mission: 'login', tried: ['m1'], lastMs: 0, dueMs: null }]);
});

test('of a mission that was done, or called off, nothing is started by itself', () => {
  const [entry] = heard([], 'login', 0);
  if (entry === undefined) throw new Error('there is one');
  const { body } = recoveredMail(entry, { kind: 'over', status: 'completed', command: 'temporal workflow start' });
  expect(body).toContain('is completed, so nothing is started by itself');
  expect(body).toContain('`temporal workflow start`');
});

test('a deacon that takes over knows what the one before had tried, and what was heard since', () => {
  const before = lost(heard([], 'login', 0), 'm1', 0);
  const [entry] = before;
  if (entry === undefined) throw new Error('there is one');
  const given = settled(before, entry, 'm2', 10 * MINUTE_MS);
  const mine = withRecovered(heard([], 'm2', 12), { ...FOUND, item: 'web' }, 12 * MINUTE_MS, 1);
  const all = withHeard(given, mine, 1);
  expect(all.map(({ item, tried, dueMs }) => [item, tried, dueMs])).toEqual([
    ['api', ['m1', 'm2'], 30 * MINUTE_MS],
    ['web', [], 12 * MINUTE_MS],
  ]);
  expect(withHeard(all, mine, 1)).toEqual(all);
});
