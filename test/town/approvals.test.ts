/** Who may approve at a gate, how many must, and what becomes of a step that is rejected. */
import { expect, test } from 'vitest';
import { approvalRefusal } from '../../src/town/molecule-approvals.js';
import { moleculeBoard } from '../../src/town/molecule-board.js';
import type { Molecule } from '../../src/town/molecule-live.js';
import { refusal } from '../../src/town/molecule-refusal.js';
import { pour, stepOf } from '../../src/town/molecule.js';
import { isSamePerson, personMeant } from '../../src/town/person.js';
import type { StepGate } from '../../src/town/protomolecule.js';
import { all, carried, how, limits, proto, stateOfStep, step, why } from '../support/molecules.js';

const BOTH = ['crew/ann', 'crew/bob'];
const human = (more: Partial<StepGate> = {}): StepGate => ({ type: 'human', await: '', timeoutMs: null, ...more });
const mail: StepGate = { type: 'mail', await: 'deployed', timeoutMs: null };

/** The step `x` behind these gates, in a molecule of the rig `server`. */
const behind = (...gates: StepGate[]): Molecule =>
  pour(proto([step('x', { gates })]), { ...how, rig: 'server', limits }, 0);
const yes = (by: string, note?: string) =>
  ({ kind: 'approved', step: 'x', by, ...(note === undefined ? {} : { note }) }) as const;
const no = (by: string) => ({ kind: 'approval-rejected', step: 'x', by, reason: 'not like this' }) as const;
const anew = { kind: 'retried', step: 'x', by: 'ada', note: 'mended' } as const;

function whyNot(molecule: Molecule, verb: 'approve' | 'reject', by: string): string | null {
  const x = stepOf(molecule, 'x');
  return refusal(molecule, verb, 'x') ?? (x === null ? null : approvalRefusal(molecule, x, verb, by));
}

test.each([
  ['ann', 'ann', true],
  ['ann', 'crew/ann', true],
  ['server/crew/ann', 'ann', true],
  ['server/crew/ann', 'crew/ann', true],
  ['server/crew/ann', 'web/crew/ann', false],
  ['server/crew/joann', 'ann', false],
  ['server/polecats/ann', 'ann', false],
  ['overseer', 'overseer', true],
  ['ann', 'bob', false],
])('%s and %s are one person: %s', (a, b, is) => {
  expect([isSamePerson(a, b), isSamePerson(b, a)]).toEqual([is, is]);
});

test('crew/NAME is of the rig that the work is in', () => {
  expect([personMeant('crew/ann', 'server'), personMeant('crew/ann', null), personMeant(' Ada ', 'server')]).toEqual([
    'server/crew/ann',
    'crew/ann',
    'Ada',
  ]);
});

test.each<[string, Partial<StepGate>, string]>([
  ['nothing', {}, 'the approval of a person'],
  ['who, in words', { await: 'the board' }, 'the approval of the board'],
  ['one of two', { approvers: BOTH }, 'the approval of server/crew/ann or server/crew/bob'],
  ['both of two', { approvers: BOTH, quorum: 2 }, 'the approval of server/crew/ann and server/crew/bob'],
  [
    'two of three, and what is asked',
    { approvers: [...BOTH, 'overseer'], quorum: 2, await: 'may it ship?', timeoutMs: 60_000 },
    'the approval of 2 of server/crew/ann, server/crew/bob and overseer (may it ship?), at most 1 min',
  ],
  ['how many alone', { quorum: 3 }, 'the approval of 3 people'],
  ['one', { quorum: 1 }, 'the approval of a person'],
])('a gate that says %s waits for it in words', (_, more, words) => {
  expect(why(behind(human(more)), 'x')).toBe(words);
});

test.each<[string, StepGate, readonly string[], string | null]>([
  ['whoever says so', human(), ['eve'], null],
  ['one of those who may', human({ approvers: BOTH }), ['bob'], null],
  ['one of two who must', human({ approvers: BOTH, quorum: 2 }), ['ann'], 'server/crew/ann'],
  ['both who must', human({ approvers: BOTH, quorum: 2 }), ['ann', 'crew/bob'], null],
  ['two of anybody', human({ quorum: 2 }), ['Ada', 'server/crew/ann'], null],
])('%s approves, and the gate is open only with the last that is wanted', (_, gate, people, soFar) => {
  const after = people.reduce((molecule, by) => {
    expect(whyNot(molecule, 'approve', by)).toBe(null);
    return all(molecule, yes(by));
  }, behind(gate));
  expect(stateOfStep(after, 'x')).toBe(soFar === null ? 'ready' : 'gate');
  expect(why(after, 'x').split('approved so far by ')[1] ?? null).toBe(soFar);
});

test.each<[string, StepGate, readonly string[], string, 'approve' | 'reject', string]>([
  ['a stranger', human({ approvers: BOTH }), [], 'eve', 'approve', 'of server/crew/ann or server/crew/bob, not of eve'],
  ['who does not say who', human({ approvers: BOTH }), [], 'operator', 'approve', 'stands in "by" (--by)'],
  ['one of another rig', human({ approvers: BOTH }), [], 'web/crew/ann', 'approve', 'not of web/crew/ann'],
  ['a stranger', human({ approvers: BOTH }), [], 'eve', 'reject', 'not of eve'],
  [
    'the same once more, by another name',
    human({ approvers: BOTH, quorum: 2 }),
    ['server/crew/ann'],
    'ann',
    'approve',
    'has the approval of ann already, and still waits for the approval of server/crew/ann and server/crew/bob',
  ],
  ['the same of anybody', human({ quorum: 2 }), ['ann'], 'crew/ann', 'approve', 'has the approval of server/crew/ann'],
  ['nobody for a mail', mail, [], 'ann', 'reject', 'has no approval that is waited for; skip or fail it'],
])('%s is refused in words', (_, gate, before, by, verb, words) => {
  const molecule = all(behind(gate), ...before.map((one) => yes(one)));
  expect(whyNot(molecule, verb, by)).toContain(words);
});

test('a step that no gate shuts has no approval to reject', () => {
  const person = pour(proto([step('x', { kind: 'human' })]), { ...how, limits }, 0);
  expect(whyNot(person, 'reject', 'ann')).toContain('close it with the outcome failed, skip or fail it');
});

test('what does not count changes nothing, should it come all the same', () => {
  const waiting = all(behind(human({ approvers: BOTH, quorum: 2 })), yes('ann'), yes('ann'), yes('eve'));
  expect(stepOf(waiting, 'x')?.gates?.[0]?.approvals).toEqual([{ by: 'server/crew/ann', atMs: 1, note: null }]);
});

test('an approval opens no other gate as long as approvals are counted; once they are there it opens the rest', () => {
  const waiting = all(behind(human({ approvers: BOTH }), mail), yes('ann', 'looks good'));
  expect(stepOf(waiting, 'x')?.gates?.map(({ opened }) => opened)).toEqual(['server/crew/ann: looks good', null]);
  expect(why(waiting, 'x')).toBe('a mail about "deployed"');
  expect(whyNot(waiting, 'approve', 'eve')).toBe(null);
  expect(stateOfStep(all(waiting, yes('eve')), 'x')).toBe('ready');
});

test('a rejection gives the step up with its reason; tried again, all are asked anew', () => {
  const half = all(behind(human({ approvers: BOTH, quorum: 2 })), yes('ann'));
  const given = all(half, no('bob'));
  expect([stateOfStep(given, 'x'), why(given, 'x')]).toEqual([
    'escalation',
    'server/crew/bob does not approve: not like this',
  ]);
  expect(whyNot(given, 'approve', 'ann')).toContain(
    'was rejected by server/crew/bob: not like this; retry asks for the approval anew, or close, skip or fail it',
  );
  const again = all(given, anew);
  expect([stateOfStep(again, 'x'), why(again, 'x')]).toEqual([
    'gate',
    'the approval of server/crew/ann and server/crew/bob',
  ]);
  expect(stateOfStep(all(again, yes('bob')), 'x')).toBe('gate');
  expect(stateOfStep(all(again, yes('bob'), yes('ann')), 'x')).toBe('ready');
});

test('when the time is over it escalates with what was approved so far, and a late approval still counts', () => {
  const gate = human({ approvers: BOTH, quorum: 2, timeoutMs: 60_000 });
  const late = all(behind(gate), yes('ann'), { kind: 'gate-timed-out', step: 'x', gate: 0 });
  expect(why(late, 'x')).toBe(
    'gate_timeout: waited for the approval of server/crew/ann and server/crew/bob, at most 1 min, approved so far by server/crew/ann',
  );
  expect(stateOfStep(all(late, yes('bob')), 'x')).toBe('ready');
  expect(stateOfStep(all(late, anew, yes('bob')), 'x')).toBe('ready');
});

test('what is approved so far is carried from run to run, and on the board', () => {
  const steps = [step('x', { gates: [human({ approvers: BOTH, quorum: 2 })] })];
  const half = all(behind(...(steps[0]?.gates ?? [])), yes('ann'));
  expect(stepOf(carried(half, steps), 'x')?.gates?.[0]?.approvals).toMatchObject([{ by: 'server/crew/ann' }]);
  expect(moleculeBoard(half, 'f', 'gt-1')).toContain('approved so far by server/crew/ann');
  expect(moleculeBoard(half, 'f', 'gt-1')).toContain('"by":"your name"');
});
