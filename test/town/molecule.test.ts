import * as fc from 'fast-check';
import { answersText } from '../../src/town/answer.js';
import { expect, test } from 'vitest';
import { revive, stateOf } from '../../src/town/molecule-live.js';
import type { Molecule } from '../../src/town/molecule-live.js';
import { refusal } from '../../src/town/molecule-refusal.js';
import type { MoleculeEvent } from '../../src/town/molecule-state.js';
import { after, fateOf, nextStep, phaseOf, pour, stepOf } from '../../src/town/molecule.js';
import type { ProtoStep } from '../../src/town/protomolecule.js';
import { NO_USAGE } from '../../src/town/session.js';
import type { SessionResult } from '../../src/town/session.js';
import { limits, proto, step } from '../support/molecules.js';

const poured = (...steps: ProtoStep[]) => pour(proto(steps), { runtime: 'script', sandboxed: true, limits }, 0);
const all = (molecule: Molecule, ...events: readonly MoleculeEvent[]) =>
  events.reduce((now, event) => after(now, event, 1), molecule);
const base = { usage: { ...NO_USAGE, turns: 1 }, notes: [] };
const start = (id: string): MoleculeEvent => ({ kind: 'session-started', step: id });
const end = (id: string, result: SessionResult): MoleculeEvent => ({ kind: 'session-ended', step: id, result });
const handoff: SessionResult = { ...base, outcome: 'handoff', note: 'half', reason: 'requested' };
const closed: SessionResult = { ...base, outcome: 'closed', verdict: 'done', summary: 'all' };
const blocked: SessionResult = { ...base, outcome: 'blocked', detail: 'which?' };
const stalled: SessionResult = { ...base, outcome: 'stalled', detail: 'quiet' };
const accepted = (id: string): MoleculeEvent => ({
  kind: 'accepted',
  step: id,
  summary: 'all',
  by: 'Toast',
  head: 'h',
});
const rejected = (id: string): MoleculeEvent => ({ kind: 'rejected', step: id, why: 'red' });

test('steps come in the order of the formula as their needs close', () => {
  const molecule = poured(step('b', { needs: ['a'] }), step('a'));
  expect(nextStep(molecule)?.id).toBe('a');
  expect(nextStep(all(molecule, start('a'), end('a', closed), accepted('a')))?.id).toBe('b');
});

test('a handoff starts another session of the same step, with the note', () => {
  const molecule = all(poured(step('a')), start('a'), end('a', handoff));
  expect(nextStep(molecule)).toMatchObject({
    id: 'a',
    sessions: 1,
    handoffs: 1,
    note: 'half',
    state: { kind: 'ready' },
  });
});

test('what sessions noted goes to every later one of the step, the newest where there is no room for all, and ends with it', () => {
  const noting = (result: SessionResult, ...notes: string[]) => end('a', { ...result, notes });
  const first = all(poured(step('a')), start('a'), noting(handoff, 'one', 'two'));
  expect(nextStep(first)?.notes).toEqual(['one', 'two']);
  const refused = all(first, start('a'), { kind: 'session-refused', step: 'a', why: 'no key', notes: ['three'] });
  const again = all(
    refused,
    { kind: 'retried', step: 'a', by: 'ann', note: null },
    start('a'),
    noting(closed, 'four'),
    rejected('a'),
  );
  expect(nextStep(again)?.notes).toEqual(['one', 'two', 'three', 'four']);
  const long = all(first, start('a'), noting(handoff, ...Array.from({ length: 9 }, (_, n) => `${n}`.repeat(3_000))));
  const kept = nextStep(long)?.notes ?? [];
  expect(kept.map((note) => note[0])).toEqual(['5', '6', '7', '8']);
  expect(kept.join('').length).toBeLessThanOrEqual(10_000);
  expect(stepOf(all(again, start('a'), end('a', closed), accepted('a')), 'a')?.notes).toEqual([]);
});

test('a close counts only when it was accepted; refused too often it asks somebody', () => {
  const once = all(poured(step('a')), start('a'), end('a', closed));
  expect(stepOf(once, 'a')?.state.kind).toBe('active');
  const again = all(once, rejected('a'));
  expect(nextStep(again)).toMatchObject({ note: 'red', rejections: 1 });
  const asked = all(again, start('a'), end('a', closed), rejected('a'));
  expect(stepOf(asked, 'a')?.state).toMatchObject({ kind: 'waiting', for: 'escalation' });
  expect(phaseOf(asked)).toBe('escalated');
});

const answer = (note: string | null): MoleculeEvent => ({ kind: 'retried', step: 'a', by: 'ann', note });

test('a question waits for its answer, and the next session goes on behind it with both', () => {
  const asked = all(poured(step('a')), start('a'), end('a', handoff), start('a'), end('a', blocked));
  expect([stepOf(asked, 'a')?.state.kind, nextStep(asked)]).toEqual(['waiting', null]);
  const answered = all(asked, answer('the left one'));
  const first = { asked: 'which?', by: 'ann', atMs: 1, text: 'the left one' };
  expect(nextStep(answered)).toMatchObject({ handoffs: 2, note: 'half', answers: [first] });
  const red = { asked: 'refused 2 times: red', by: 'ann', atMs: 1, text: null };
  const refused = all(answered, start('a'), rejected('a'), start('a'), rejected('a'), answer(null));
  expect(nextStep(refused)).toMatchObject({ note: 'red', answers: [first, red] });
});

const long = (text: string) => text.repeat(10_000);

test('of many answers the newest are kept, and of what was asked the beginning', () => {
  const molecule = ['1', '2', '3', '4'].reduce(
    (now, n) => all(now, start('a'), end('a', { ...blocked, detail: long('?') }), answer(long(n))),
    poured(step('a')),
  );
  const kept = nextStep(molecule)?.answers ?? [];
  // Those before it count still: how often a tier has answered.
  expect(kept.map(({ text, isCut = false }) => (isCut ? 'cut' : text?.[0]))).toEqual(['cut', 'cut', 'cut', '4']);
  const [last] = kept.slice(-1);
  expect(last?.text).toHaveLength(10_000);
  expect(answersText(kept)).toContain(last?.text);
  expect(answersText(kept).match(/Answered by/g)).toHaveLength(1);
  expect(last?.asked).toBe(`${'?'.repeat(2_000)}\n[cut here: 8000 more characters]`);
});

test('stalls are answered by fresh sessions twice, then by somebody', () => {
  let molecule = poured(step('a'));
  for (let round = 0; round < 3; round += 1) molecule = all(molecule, start('a'), end('a', stalled));
  expect(stepOf(molecule, 'a')?.state).toMatchObject({
    kind: 'waiting',
    why: expect.stringContaining('stalled 3 times'),
  });
});

test('sessions without end are limited', () => {
  let molecule = poured(step('a'));
  for (let round = 0; round < 4; round += 1) molecule = all(molecule, start('a'), end('a', handoff));
  expect(stepOf(molecule, 'a')?.state).toMatchObject({ kind: 'waiting', why: expect.stringContaining('4 sessions') });
});

test('without a key a step with a script runs it, and any other waits for a person', () => {
  const molecule = pour(
    proto([step('a'), step('b', { script: null })]),
    { runtime: 'auto', sandboxed: true, limits },
    0,
  );
  expect(molecule.steps.map((one) => one.runtime)).toEqual(['script', 'human']);
  expect(stepOf(molecule, 'b')?.state).toMatchObject({ kind: 'waiting', for: 'human' });
  expect(phaseOf(molecule)).toBe('working');
  const alone = pour(proto([step('a')]), { runtime: 'anthropic', sandboxed: false, limits }, 0);
  expect(alone.steps[0]?.runtime).toBe('human');
});

test('an escalated step keeps the sandbox; a person’s step does not', () => {
  const molecule = poured(step('p', { kind: 'human', script: null }), step('a'), step('b'));
  expect(nextStep(molecule)?.id).toBe('a');
  expect(nextStep(all(molecule, start('a'), end('a', blocked)))).toBeNull();
});

test('a person’s refused close goes on waiting for that person', () => {
  const molecule = poured(step('p', { kind: 'human', script: null }));
  expect(stepOf(all(molecule, rejected('p')), 'p')?.state).toMatchObject({ kind: 'waiting', for: 'human' });
});

test('skipped steps let others go on, a failed one fails the molecule', () => {
  const molecule = poured(step('a'), step('b', { needs: ['a'] }));
  expect(nextStep(all(molecule, { kind: 'skipped', step: 'a', reason: 'no', by: 'Ada' }))?.id).toBe('b');
  const failed = all(molecule, { kind: 'failed', step: 'a', reason: 'no', by: 'Ada' });
  expect(fateOf(failed)).toEqual({ kind: 'failed', step: 'a', reason: 'no' });
});

test('what cannot be done is refused with what can', () => {
  const molecule = poured(step('a'), step('b', { needs: ['a'] }), step('p', { kind: 'human', script: null }));
  expect(refusal(molecule, 'close', 'p')).toBeNull();
  expect(refusal(molecule, 'retry', 'p')).toContain('close, skip or fail it');
  expect(refusal(molecule, 'close', 'b')).toBe('step "b" is not ready, it needs a; waiting for an answer: p');
  expect(refusal(molecule, 'close', 'x')).toBe('there is no step "x"; the steps are a, b, p; waiting for an answer: p');
  expect(refusal(poured(step('plan'), step('ask', { kind: 'human', script: null })), 'close', 'pln')).toBe(
    'there is no step "pln"; did you mean "plan"? Else waiting for an answer: ask',
  );
  expect(refusal(molecule, 'fail', 'a')).toBe(
    'step "a" is ready: a session begins with it when the sandbox is free; waiting for an answer: p',
  );
  const paused = all(molecule, { kind: 'paused', by: 'Ada', why: 'lunch' });
  expect(refusal(paused, 'skip', 'a')).toContain('is ready: a session begins with it when the molecule is resumed; ');
  expect(refusal(all(molecule, start('a')), 'fail', 'a')).toContain('is in work (session 1), which ends by itself; ');
});

test('a paused molecule begins nothing, takes what is closed, and goes on where it stood', () => {
  const pausing: MoleculeEvent = { kind: 'paused', by: 'Ada', why: 'lunch' };
  const paused = all(poured(step('a'), step('b', { needs: ['a'] })), start('a'), pausing);
  expect([phaseOf(paused), nextStep(paused)]).toEqual(['paused', null]);
  const later = all(paused, end('a', closed), accepted('a'));
  expect([stepOf(later, 'b')?.state.kind, nextStep(later)]).toEqual(['ready', null]);
  const carried = revive(proto([step('a'), step('b', { needs: ['a'] })]), stateOf(later), later.how);
  expect([carried.paused, nextStep(carried)]).toEqual([{ by: 'Ada', why: 'lunch', sinceMs: 1 }, null]);
  expect(nextStep(all(carried, { kind: 'resumed' }))?.id).toBe('b');
});

test('whatever happens: at most one step holds the sandbox, limits hold, and the end is an end or somebody is asked', () => {
  const ids = ['a', 'b', 'c'];
  const outcome = fc.constantFrom<readonly MoleculeEvent['kind'][] | SessionResult>(handoff, closed, blocked, stalled);
  fc.assert(
    fc.property(fc.array(fc.tuple(outcome, fc.boolean()), { maxLength: 60 }), (rounds) => {
      let molecule = poured(step('a'), step('b', { needs: ['a'] }), step('c', { needs: ['b'] }));
      let turns = 0;
      for (const [result, isGood] of rounds as [SessionResult, boolean][]) {
        const next = nextStep(molecule);
        if (next === null) break;
        turns += 1;
        molecule = all(molecule, start(next.id), end(next.id, result));
        if (result.outcome === 'closed') molecule = all(molecule, isGood ? accepted(next.id) : rejected(next.id));
        const holding = molecule.steps.filter((one) => one.state.kind === 'active' || one.state.kind === 'waiting');
        expect(holding.length).toBeLessThanOrEqual(1);
        for (const id of ids) expect(stepOf(molecule, id)?.sessions).toBeLessThanOrEqual(limits.sessionsPerStepMax);
      }
      expect(molecule.usage.turns).toBe(turns);
      const isAsking = molecule.steps.some((one) => one.state.kind === 'waiting');
      expect(fateOf(molecule).kind === 'done' || isAsking || nextStep(molecule) !== null).toBe(true);
    }),
  );
});
