import { expect, test } from 'vitest';
import { caredFor, deathsOf, healthOf } from '../../src/town/health.js';
import type { ActFacts, Care, Facts, Health, Signs } from '../../src/town/health.js';

const MINUTE_MS = 60_000;
const NOW_MS = 100 * MINUTE_MS;

const SIGNS: Signs = { effects: 7, bytes: 900, quietMs: 0, quietMsMax: 10 * MINUTE_MS, isBusy: false };
const ACT: ActFacts = {
  name: 'implement',
  attempt: 1,
  queue: 'gastown@a',
  isRunning: true,
  sinceMs: NOW_MS - 30 * MINUTE_MS,
  beatMs: NOW_MS - 1_000,
  signs: SIGNS,
  failure: null,
  isPolled: null,
};
const AT_WORK: Facts = { isOpen: true, phase: 'working', waitsFor: '', failing: null, acts: [ACT] };

const health = (facts: Partial<Facts>, patience = 1): Health => healthOf({ ...AT_WORK, ...facts }, NOW_MS, patience);
const ofAct = (act: Partial<ActFacts>, patience = 1): Health => health({ acts: [{ ...ACT, ...act }] }, patience);
const beaten = (minutes: number) => ofAct({ beatMs: NOW_MS - minutes * MINUTE_MS, signs: null }).kind;
const quiet = (minutes: number, signs: Partial<Signs> = {}) =>
  ofAct({ signs: { ...SIGNS, quietMs: minutes * MINUTE_MS, ...signs } }).kind;

const failingTasks = (attempt: number) => health({ failing: { id: 'se-1', attempt } });
const awaited = (minutes: number, isPolled: boolean | null) =>
  ofAct({ isRunning: false, signs: null, beatMs: null, sinceMs: NOW_MS - minutes * MINUTE_MS, isPolled }).kind;

test.each([
  [4, 'working'],
  [6, 'lost'],
  [14, 'lost'],
  [16, 'lost'],
])('an act whose worker was heard last %i minutes ago: %s', (minutes, kind) => {
  expect(beaten(minutes)).toBe(kind);
});

test.each([
  [4, 'working'],
  [6, 'working'],
  [14, 'working'],
  [16, 'quiet'],
])('a session that beats, and has shown no effect and no output for %i minutes: %s', (minutes, kind) => {
  expect(quiet(minutes)).toBe(kind);
});

test('what is slow is left alone: a long command, one that writes a long answer, one whose own silence may last longer', () => {
  expect(quiet(50, { isBusy: true })).toBe('working');
  expect(quiet(0, { effects: 0 })).toBe('working');
  expect(quiet(50, { quietMsMax: 40 * MINUTE_MS })).toBe('working');
  expect(quiet(61, { quietMsMax: 40 * MINUTE_MS })).toBe('quiet');
  expect(ofAct({ name: 'acceptStep', signs: null, sinceMs: 0 })).toEqual({
    kind: 'working',
    fact: 'acceptStep, for 1 h',
  });
  expect(health({ acts: [] })).toEqual({ kind: 'working', fact: 'it is between two acts' });
});

test('who waits for somebody, or is held, waits, however long and whatever its acts do, unless a session hangs beside', () => {
  const silent = { ...ACT, signs: { ...SIGNS, quietMs: NOW_MS } };
  for (const facts of [
    { phase: 'waiting', waitsFor: 'person: think' },
    { phase: 'escalated', waitsFor: 'overseer: fix' },
    { phase: 'merging', waitsFor: 'server/refinery' },
    { phase: 'paused' },
  ])
    expect(health({ ...facts, acts: [silent] }).kind).toBe('waiting');
  expect(health({ phase: 'paused' }).fact).toBe('it waits for paused');
  const beside = (act: Partial<ActFacts>, phase = 'waiting') =>
    health({ phase, waitsFor: 'person: think', acts: [{ ...ACT, name: 'runSession', ...act }] }).kind;
  expect(beside({})).toBe('waiting');
  expect(beside({ signs: silent.signs })).toBe('quiet');
  expect(beside({ signs: silent.signs }, 'paused')).toBe('waiting');
  expect(beside({ beatMs: 0 })).toBe('lost');
});

test('an act that is tried in vain again and again, and a workflow whose tasks fail, are stuck; what was tried a few times is not', () => {
  const failure = { type: 'Git', says: 'no room left', atMs: NOW_MS - 1_000 };
  const retried = (attempt: number) => ofAct({ isRunning: false, attempt, failure });
  expect(retried(5).kind).toBe('working');
  expect(retried(6)).toEqual({
    kind: 'stuck',
    fact: 'implement was tried 5 times in vain, the last time: no room left',
    cause: 'Git',
  });
  // It was killed often, and works.
  expect(ofAct({ attempt: 9, failure }).kind).toBe('working');
  // This attempt has done no more than those before it.
  expect(ofAct({ attempt: 9, failure, signs: { ...SIGNS, effects: 0 } }).kind).toBe('stuck');
  expect(ofAct({ attempt: 5, failure, signs: { ...SIGNS, effects: 0 } }).kind).toBe('working');
  const limited = { type: 'Llm.RateLimited', says: 'held until noon', atMs: 0 };
  expect(ofAct({ isRunning: false, attempt: 9, failure: limited }).kind).toBe('limited');
  expect(failingTasks(2).kind).toBe('working');
  expect(failingTasks(4)).toEqual({
    kind: 'stuck',
    fact: 'the tasks of se-1 have failed 3 times in a row',
    cause: 'workflow tasks',
  });
});

test('an act that nobody takes: its host is busy while it asks for work, and lost when it does not', () => {
  expect([awaited(4, false), awaited(6, false), awaited(90, true), awaited(90, null)]).toEqual([
    'working',
    'lost',
    'working',
    'working',
  ]);
});

const since = (ms: number) => healthOf({ ...AT_WORK, isOpen: false }, NOW_MS, 1, ms).kind;

test('one that has closed is dead; the worst of several acts tells; patience scales all of it', () => {
  expect(health({ isOpen: false, phase: 'paused' }).kind).toBe('dead');
  expect([since(MINUTE_MS - 1), since(MINUTE_MS)]).toEqual(['starting', 'dead']);
  const quietOne = { ...ACT, signs: { ...SIGNS, quietMs: 16 * MINUTE_MS } };
  expect(health({ acts: [ACT, quietOne, ACT] }).kind).toBe('quiet');
  const scaled = (patience: number) => ofAct({ signs: { ...SIGNS, quietMs: 2 * MINUTE_MS } }, patience).kind;
  expect([scaled(0.1), scaled(0.2), scaled(2)]).toEqual(['quiet', 'working', 'working']);
});

/** A look every so many minutes; answers what was done, and when. */
function stepsOf(kindAt: (minute: number) => Health['kind'], minutes: number, every = 5, isHeld = false): string[] {
  let care: readonly Care[] = [];
  const done: string[] = [];
  for (let minute = 0; minute <= minutes; minute += every) {
    const seen = [{ claim: 'a', health: { kind: kindAt(minute), fact: '' } }];
    const round = caredFor(care, seen, { nowMs: minute * MINUTE_MS, patience: 1, isHeld });
    ({ care } = round);
    done.push(...round.orders.map(({ step }) => `${minute} ${step}`));
  }
  return done;
}

test('one that is quiet is nudged, then asked to hand over, then told of, once', () => {
  expect(stepsOf(() => 'quiet', 600)).toEqual(['0 nudge', '5 cycle', '10 tell']);
  // Looks that come often do no more.
  expect(stepsOf(() => 'quiet', 600, 1)).toEqual(['0 nudge', '5 cycle', '10 tell']);
});

test('what helped is forgotten after two good looks; whoever works is never troubled', () => {
  expect(stepsOf((minute) => (minute === 5 || minute === 10 ? 'working' : 'quiet'), 15)).toEqual([
    '0 nudge',
    '15 nudge',
  ]);
  // It fails again and again, and is seen between two failures now and then.
  expect(stepsOf((minute) => (minute % 10 === 5 ? 'working' : 'stuck'), 600)).toEqual(['20 tell']);
  for (const kind of ['working', 'waiting', 'dead'] as const) expect(stepsOf(() => kind, 600)).toEqual([]);
});

test('one whose worker is lost, or that is stuck, cannot hear: it is told of when that lasts', () => {
  for (const kind of ['lost', 'stuck'] as const) {
    expect(stepsOf(() => kind, 600)).toEqual(['15 tell']);
    expect(stepsOf((minute) => (minute < 15 ? kind : 'working'), 600)).toEqual([]);
  }
});

test('one whose provider keeps it waiting is told of after an hour, however often it is tried meanwhile', () => {
  expect(stepsOf(() => 'limited', 600)).toEqual(['60 tell']);
  expect(stepsOf((minute) => (minute % 10 === 0 ? 'working' : 'limited'), 600)).toEqual(['65 tell']);
  expect(stepsOf((minute) => (minute < 55 ? 'limited' : 'working'), 600)).toEqual([]);
});

test('sessions of one host that were cut off have died of one cause; what failed and said so has not died', () => {
  const failure = { type: 'TimedOut', says: '', atMs: 7 };
  const one = { ...ACT, name: 'runSession', attempt: 2, failure };
  expect(deathsOf('a', { ...AT_WORK, acts: [one, { ...one, failure: { ...failure, type: 'Git' } }, ACT] })).toEqual([
    { key: 'a/runSession/2/7', cause: 'gastown@a', atMs: 7 },
  ]);
});

test('in a rig that is held nothing is done, and what was done stays known', () => {
  expect(stepsOf(() => 'quiet', 600, 5, true)).toEqual([]);
  const known: Care = { claim: 'a', kind: 'quiet', sinceMs: 0, done: 'nudge', doneMs: 0 };
  const seen = [{ claim: 'a', health: { kind: 'quiet', fact: '' } as const }];
  expect(caredFor([known], seen, { nowMs: NOW_MS, patience: 1, isHeld: true })).toEqual({ care: [known], orders: [] });
  expect(caredFor([known], [], { nowMs: NOW_MS, patience: 1, isHeld: false }).care).toEqual([]);
});
