/** The sentences that a molecule's board begins with. */
import { expect, test } from 'vitest';
import { moleculeStory } from '../../src/town/molecule-story.js';
import { after } from '../../src/town/molecule.js';
import { all, loop, poured, step, work } from '../support/molecules.js';
import { withAges } from '../../src/town/ages.js';

const NOON = Date.parse('2026-11-27T12:00:00Z');
const line = [step('a'), step('b', { needs: ['a'] }), step('c', { needs: ['b'] }), step('d', { needs: ['b'] })];
const gates = (type: 'timer' | 'human', ms: number) => [{ type, await: 'Ada', timeoutMs: ms }];
const story = (...args: readonly [Parameters<typeof moleculeStory>[0], boolean?]) =>
  moleculeStory(args[0], { isCancelled: args[1] ?? false });

test('it tells what is worked on since when, and what comes after', () => {
  expect(story(poured(line))).toBe('`a` begins next. After that comes `b`.');
  const begun = after(poured(line), { kind: 'session-started', step: 'a' }, NOON);
  expect(story(begun)).toBe('Session 1 works on `a` since 2026-11-27 12:00:00. After that comes `b`.');
  const later = after(work(begun, 'a'), { kind: 'session-started', step: 'b' }, NOON);
  expect(story(later)).toBe('Session 1 works on `b` since 2026-11-27 12:00:00. After that come `c` and `d`.');
  const only = after(poured([step('a')]), { kind: 'session-started', step: 'a' }, NOON);
  expect(story(only)).toContain('It is the last step.');
});

test('it tells who is asked, why and since when, and that nothing happens until then', () => {
  const asked = after(poured(line), { kind: 'given-up', step: 'a', why: 'no key', by: 'ann' }, NOON);
  expect(story(asked)).toBe(
    '`a` waits for an answer since 2026-11-27 12:00:00: ann says that it failed: no key. Nothing happens until that comes. After that comes `b`.',
  );
});

test('it tells the next moment at which something happens by itself', () => {
  const steps = [
    step('a'),
    step('slow', { needs: ['a'], gates: gates('human', 7_200_000) }),
    step('soon', { needs: ['a'], gates: gates('timer', 3_600_000) }),
  ];
  const skipped = { kind: 'skipped', step: 'a', reason: 'no', by: 'x' } as const;
  const waiting = after(poured(steps), skipped, NOON);
  expect(story(waiting)).toContain('`slow` waits for its gate since 2026-11-27 12:00:00: the approval of Ada');
  expect(story(waiting)).toContain('The timer of `soon` ends at 2026-11-27 13:00:00. Nothing happens before, unless');
  const open = all(waiting, { kind: 'gate-timed-out', step: 'soon', gate: 0 });
  expect(story(open)).toContain('`soon` begins next.');
  expect(story(open)).toContain('If the gate of `slow` is still shut at 2026-11-27 14:00:00, a person is asked.');
  expect(story(open)).not.toContain('Nothing happens');
});

test('it tells attempts, who paused it, and what is ready', () => {
  const tried = [step('a', { retry: { max: 3, exhausted: 'hard' } }), step('b')];
  const begun = after(poured(tried), { kind: 'session-started', step: 'a' }, NOON);
  const failures = begun.steps.map((one) => (one.id === 'a' ? { ...one, failures: 2 } : one));
  expect(story({ ...begun, steps: failures })).toContain('since 2026-11-27 12:00:00 (2 of 3 attempts failed).');
  expect(story(begun)).toContain('`b` is ready, and begins when the sandbox is free.');
  const paused = after(poured(tried), { kind: 'paused', by: 'Ada', why: 'lunch' }, NOON);
  expect(story(paused)).toBe(
    'Ada paused it, since 2026-11-27 12:00:00: nothing new begins until it is resumed. `a` (and 1 more) is ready, and begins when it is resumed.',
  );
});

test('it tells that a loop is looked at, beside what waits', () => {
  const steps = [step('fix', { kind: 'group', script: null }), step('fix.code', { parent: 'fix' }), step('end')];
  const loops = [loop('fix', ['fix.code'], { check: { command: 'true', timeoutMs: 1 } })];
  const over = work(poured(steps, loops), 'fix.code');
  expect(story(over)).toContain('All steps of `fix` have closed, and whether it is over is looked at.');
  const asked = after(over, { kind: 'given-up', step: 'end', why: 'no key', by: 'ann' }, NOON);
  expect(story(asked)).not.toContain('Nothing happens');
  expect(story(after(over, { kind: 'paused', by: 'Ada', why: 'lunch' }, NOON))).not.toContain('is looked at');
});

test('of the end it tells how it came', () => {
  expect(story(poured(line), true)).toBe('It was cancelled: nothing happens any more.');
  const failed = after(poured(line), { kind: 'failed', step: 'a', reason: 'no key', by: 'ann' }, NOON);
  expect(story(failed)).toBe('Step `a` failed at 2026-11-27 12:00:00: no key. Nothing happens any more.');
  expect(story(work(poured([step('a')]), 'a'))).toBe('All its steps have closed: nothing happens any more.');
});

test('before its record is written it is not over', () => {
  expect(moleculeStory(work(poured([step('a')]), 'a'), { isEnding: true })).toBe(
    'All its steps have closed: that is recorded next, and then it ends.',
  );
  const failed = after(poured(line), { kind: 'failed', step: 'a', reason: 'no key', by: 'ann' }, NOON);
  expect(moleculeStory(failed, { isEnding: true })).toMatch(/no key\. That is recorded next, and then it ends\.$/);
});

test('a session under way ends before a molecule that has failed', () => {
  const two = all(poured([step('a'), step('p', { kind: 'human', script: null })]), {
    kind: 'session-started',
    step: 'a',
  });
  const failed = after(two, { kind: 'failed', step: 'p', reason: 'no', by: 'ann' }, NOON);
  expect(story(failed)).toBe(
    'Step `p` failed at 2026-11-27 12:00:00: no. Session 1 works on `a` since 1970-01-01 00:00:00. That ends first, and then the molecule.',
  );
});

test('what was asked for and is under way comes first, and then something does happen', () => {
  const asked = poured([step('p', { kind: 'human', script: null }), step('b', { needs: ['p'] })]);
  expect(story(asked)).toContain('Nothing happens until that comes.');
  const told = moleculeStory(asked, { doings: ['What `p` leaves is checked.'] });
  expect(told).toMatch(/^What `p` leaves is checked\. `p` waits for a person/);
  expect(told).not.toContain('Nothing happens');
});

test('what needs the loop around a step comes after it', () => {
  const looped = poured([step('try'), step('ship', { needs: ['again'] })], [loop('again', ['try'], { max: 2 })]);
  expect(story(looped)).toContain('After that comes `ship`.');
});

test('it stays short, however many steps wait for however long a reason', () => {
  const steps = Array.from({ length: 500 }, (_none, at) => step(`s${at}`, { kind: 'human', description: 'x' }));
  const waiting = poured(steps);
  expect(story(waiting).length).toBeLessThan(2_500);
  expect(story(waiting)).toContain('497 more steps wait for somebody or something outside.');
});

test('whoever prints a board adds the ages', () => {
  const text =
    '| 2026-11-27 12:00:00 | since 2026-11-27 12:00:00, ends at 2026-11-29 13:00:00, 2026-11-27 12:00:00 in a reason';
  expect(withAges(text, NOON + 5_400_000)).toBe(
    '| 2026-11-27 12:00:00 (1 h ago) | since 2026-11-27 12:00:00 (1 h ago), ends at 2026-11-29 13:00:00 (in 1 d), 2026-11-27 12:00:00 in a reason',
  );
});
