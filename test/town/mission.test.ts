import * as fc from 'fast-check';
import { expect, test } from 'vitest';
import { after, isFinished, isOverBudget, itemOf, spent, startable } from '../../src/town/mission.js';
import { landedCount, phaseOf } from '../../src/town/mission-stand.js';
import type { Holder, Item, MissionEvent, MissionState } from '../../src/town/mission.js';
import { unasked, type PolecatReport } from '../../src/town/polecat-report.js';
import { findingsOf } from '../../src/town/mission-findings.js';
import { purseOf } from '../../src/town/purse.js';
import { NO_USAGE } from '../../src/town/session.js';

const item = (id: string, needs: readonly string[] = [], priority = 2): Item => ({
  id,
  needs,
  priority,
  title: id,
  rig: 'server',
  formula: 'f',
  attempt: 1,
  lost: 0,
  sessions: 0,
  reworks: 0,
  state: { kind: 'waiting' },
  usage: NO_USAGE,
});
const mission = (...items: readonly Item[]): MissionState => ({ title: 'm', items, budgetUsd: null });
const holder = (claim: string): Holder => ({ claim, name: 'Toast', incarnation: 1, host: 'h', molecule: 'se-1' });
const counts = { usage: { ...NO_USAGE, usd: 2 }, sessions: 1, reworks: 0, molecules: ['se-1'] };
const landed: PolecatReport = { ...counts, outcome: 'landed', landing: { commit: 'c', target: 'main', branch: 'b' } };
const failed: PolecatReport = { ...counts, outcome: 'failed', reason: 'no' };
const all = (state: MissionState, ...events: readonly MissionEvent[]) =>
  events.reduce((now, event) => after(now, event, 0), state);
const started = (id: string, claim = id): readonly MissionEvent[] => [
  { kind: 'queued', item: id, claim },
  { kind: 'started', item: id, holder: holder(claim) },
];

test('an item may start when all it needs have landed, the most urgent first', () => {
  const state = mission(item('a'), item('b', ['a']), item('c', [], 0));
  expect(startable(state).map((one) => one.id)).toEqual(['c', 'a']);
  const next = all(state, ...started('a'), { kind: 'reported', item: 'a', claim: 'a', report: landed });
  expect(startable(next).map((one) => one.id)).toEqual(['c', 'b']);
});

test('an end that is told twice counts once', () => {
  const report: MissionEvent = { kind: 'reported', item: 'a', claim: 'a', report: landed };
  const once = all(mission(item('a')), ...started('a'), report);
  expect(all(once, report)).toEqual(once);
  expect(spent(once).usd).toBe(2);
});

test('a report under another claim changes nothing', () => {
  const state = all(mission(item('a')), ...started('a', 'now'));
  expect(all(state, { kind: 'reported', item: 'a', claim: 'before', report: landed })).toEqual(state);
});

test('a failed item keeps the mission open until somebody retries or skips it', () => {
  const state = all(mission(item('a'), item('b', ['a'])), ...started('a'), {
    kind: 'reported',
    item: 'a',
    claim: 'a',
    report: failed,
  });
  expect([phaseOf(state), isFinished(state), startable(state)]).toEqual(['escalated', false, []]);
  expect(itemOf(all(state, { kind: 'retried', item: 'a' }), 'a')).toMatchObject({
    attempt: 2,
    state: { kind: 'waiting' },
  });
  const words = { by: 'ann', text: 'use v2' };
  expect(itemOf(all(state, { kind: 'retried', item: 'a', words }), 'a').words).toEqual(words);
  const skipped = all(state, { kind: 'skipped', item: 'a', reason: 'so' });
  expect(startable(skipped).map((one) => one.id)).toEqual(['b']);
});

test('a polecat that is lost is replaced three times, then somebody is asked', () => {
  let state = mission(item('a'));
  for (let round = 1; round <= 4; round += 1) {
    state = all(state, ...started('a', `c${round}`), {
      kind: 'lost',
      item: 'a',
      claim: `c${round}`,
      reason: 'terminated',
    });
  }
  expect(itemOf(state, 'a')).toMatchObject({ attempt: 4, lost: 3, state: { kind: 'failed', reason: 'terminated' } });
});

test('above its budget a mission starts nothing more until the budget is raised', () => {
  const spentAll = all({ ...mission(item('a'), item('b', ['a'])), budgetUsd: 2 }, ...started('a'), {
    kind: 'reported',
    item: 'a',
    claim: 'a',
    report: landed,
  });
  expect([startable(spentAll), phaseOf(spentAll)]).toEqual([[], 'escalated']);
  expect(startable(all(spentAll, { kind: 'budgeted', usd: 5 }))).toHaveLength(1);
});

const leg = (step: string): Item => ({ ...item(`rev.${step}`), leg: { item: 'rev', step, role: 'leg' } });

test('what a leg leaves is kept for its synthesis; a leg that was skipped says so', () => {
  const left = { sec: { summary: 'looked', output: 'two holes' } };
  const state = all(mission(leg('sec'), leg('speed'), leg('style'), leg('docs')), ...started('rev.sec'), {
    kind: 'reported',
    item: 'rev.sec',
    claim: 'rev.sec',
    report: { ...landed, left },
  });
  const skipped = all(state, { kind: 'skipped', item: 'rev.speed', reason: 'no time' });
  expect(findingsOf(skipped, 'rev', 'sec')).toEqual(left.sec);
  expect(findingsOf(skipped, 'rev', 'speed')?.output).toBe('(no findings of speed: it was skipped: no time)');
  expect(findingsOf(skipped, 'other', 'sec')).toBeNull();
  expect(findingsOf(skipped, 'rev', 'ghost')).toBeNull();
});

test('a leg without an output leaves its summary in its place', () => {
  const report = { ...landed, left: { sec: { summary: 'all is well', output: null } } };
  const state = all(mission(leg('sec')), ...started('rev.sec'), {
    kind: 'reported',
    item: 'rev.sec',
    claim: 'rev.sec',
    report,
  });
  expect(findingsOf(state, 'rev', 'sec')).toEqual({ summary: 'all is well', output: 'all is well' });
});

test('a polecat that somebody else cancelled has failed: retry and skip fit', () => {
  const report: PolecatReport = { ...counts, outcome: 'cancelled', reason: 'its work is on branch b' };
  const state = all(mission(item('a')), ...started('a'), {
    kind: 'reported',
    item: 'a',
    claim: 'a',
    report: unasked(report),
  });
  expect(itemOf(state, 'a').state).toMatchObject({ kind: 'failed', reason: expect.stringContaining('branch b') });
  expect(phaseOf(state)).toBe('escalated');
  expect(unasked(landed)).toBe(landed);
});

test('a skip stands, whatever was under way: neither start nor retry undo it', () => {
  const queued = all(mission(item('a')), { kind: 'queued', item: 'a', claim: 'a' });
  const skipped = all(queued, { kind: 'skipped', item: 'a', reason: 'so' });
  const late: readonly MissionEvent[] = [
    { kind: 'started', item: 'a', holder: holder('a') },
    { kind: 'unstarted', item: 'a', claim: 'a' },
    { kind: 'retried', item: 'a' },
    { kind: 'unplannable', item: 'a', reason: 'x' },
    { kind: 'cancelled', item: 'a', reason: 'x' },
  ];
  for (const event of late) expect(all(skipped, event)).toEqual(skipped);
});

test('an item whose slot came to nothing asks for another, but only from under that claim', () => {
  const queued = all(mission(item('a')), { kind: 'queued', item: 'a', claim: 'a' });
  expect(itemOf(all(queued, { kind: 'unstarted', item: 'a', claim: 'a' }), 'a').attempt).toBe(2);
  expect(all(queued, { kind: 'unstarted', item: 'a', claim: 'other' })).toEqual(queued);
  expect(all(queued, { kind: 'started', item: 'a', holder: holder('other') })).toEqual(queued);
});

test('any order and repetition of events: what has landed stays, and nothing starts before what it needs', () => {
  const ids = ['a', 'b', 'c'];
  const event: fc.Arbitrary<MissionEvent> = fc
    .constantFrom(...ids)
    .chain((id) =>
      fc.constantFrom<MissionEvent>(
        ...started(id),
        { kind: 'reported', item: id, claim: id, report: landed },
        { kind: 'reported', item: id, claim: id, report: failed },
        { kind: 'reported', item: id, claim: 'stale', report: landed },
        { kind: 'lost', item: id, claim: id, reason: 'gone' },
      ),
    );
  fc.assert(
    fc.property(fc.array(event, { maxLength: 40 }), (events) => {
      let state = mission(item('a'), item('b', ['a']), item('c', ['b']));
      for (const one of events) {
        // The shell claims and starts only what the rules offer.
        const isStart = one.kind === 'queued' || one.kind === 'started';
        const offered = one.kind === 'queued' && startable(state).some((each) => each.id === one.item);
        const isQueued = one.kind === 'started' && itemOf(state, one.item).state.kind === 'queued';
        if (isStart && !offered && !isQueued) continue;
        const before = landedCount(state);
        state = after(state, one, 0);
        expect(landedCount(state)).toBeGreaterThanOrEqual(before);
        for (const each of state.items) {
          const open = each.needs.filter((need) => itemOf(state, need).state.kind !== 'landed');
          expect(each.state.kind === 'waiting' || open.length === 0).toBe(true);
        }
      }
    }),
  );
});

const sessionOf = (id: string, usd: number): MissionEvent => ({ kind: 'spent', item: id, usage: { ...NO_USAGE, usd } });

test('what sessions tell counts at once; a report takes its place, and never makes less of it', () => {
  const working = all(mission(item('a')), ...started('a'), sessionOf('a', 1), sessionOf('a', 0.5));
  expect(spent(working).usd).toBe(1.5);
  const ended = (report: PolecatReport) => all(working, { kind: 'reported', item: 'a', claim: 'a', report });
  expect(spent(ended(landed)).usd).toBe(2);
  // A molecule that failed is not in what its polecat reports.
  expect(spent(ended({ ...failed, usage: NO_USAGE })).usd).toBe(1.5);
  const lost = all(working, { kind: 'lost', item: 'a', claim: 'a', reason: 'terminated' });
  expect(spent(lost).usd).toBe(1.5);
  expect(spent(all(lost, sessionOf('a', 7))).usd).toBe(1.5);
});

test('a session that had nothing left holds the mission until its budget is set anew', () => {
  const working = { ...all(mission(item('a'), item('b')), ...started('a'), sessionOf('a', 1)), budgetUsd: 4 };
  expect(isOverBudget(working)).toBe(false);
  const stopped = all(working, { kind: 'stopped' });
  expect([isOverBudget(stopped), startable(stopped)]).toEqual([true, []]);
  expect(purseOf(stopped)).toEqual({ budgetUsd: 4, leftUsd: 3 });
  expect(isOverBudget(all(stopped, { kind: 'budgeted', usd: 9 }))).toBe(false);
});

test('how often roles pass an item on counts until a person does, whose word goes with it', () => {
  const start: MissionEvent = { kind: 'started', item: 'a', holder: holder('c') };
  const passed = (now: MissionState, isOfRole: boolean, text?: string): MissionState => {
    const queued = after(now, { kind: 'queued', item: 'a', claim: 'c' }, 1);
    const words = text === undefined ? {} : { words: { by: 'ann', text } };
    const told: MissionEvent = { kind: 'reassigned', item: 'a', claim: 'c', reason: 'stuck', isOfRole, ...words };
    const report = { ...counts, outcome: 'cancelled', reason: 'cancelled' } as const;
    const ended: MissionEvent = { kind: 'reported', item: 'a', claim: 'c', report, again: true };
    return [start, told, ended].reduce((state, event) => after(state, event, 2), queued);
  };
  const twice = passed(passed(mission(item('a')), true), true);
  expect(itemOf(twice, 'a')).toMatchObject({ passedOn: 2, attempt: 3, state: { kind: 'waiting' } });
  const byPerson = passed(twice, false, 'use v2');
  expect(itemOf(byPerson, 'a')).toMatchObject({ passedOn: 0, words: { by: 'ann', text: 'use v2' } });
});
