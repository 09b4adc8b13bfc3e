/** What sessions have cost that ended without a result: it stands in the step and, once, in the molecule. */
import { expect, test } from 'vitest';
import { moleculeBoard } from '../../src/town/molecule-board.js';
import type { MoleculeEvent } from '../../src/town/molecule-state.js';
import { stepOf } from '../../src/town/molecule.js';
import { NO_USAGE } from '../../src/town/session.js';
import { accepted, all, carried, closedDone, end, poured, start, stateOfStep, step } from '../support/molecules.js';

const steps = [step('a'), step('b', { needs: ['a'] })];
const usage = { ...NO_USAGE, turns: 3, usd: 0.5 };
const begun = () => all(poured(steps), start('a'));
const WENT_BACK = { kind: 'went-back', step: 'a', by: 'ann', note: null } as const;

test.each<readonly [string, string, MoleculeEvent]>([
  ['was called off', 'ready', { kind: 'called-off', step: 'a', why: 'back', usage }],
  ['has failed', 'escalation', { kind: 'session-refused', step: 'a', why: 'no key', usage }],
  ['has ended with the molecule', 'active', { kind: 'cut-off', step: 'a', usage }],
  ['was lost', 'ready', { kind: 'host-lost', host: 'h1', to: 'h2', left: { usage }, isWhole: false }],
])('a session that %s leaves its step %s, and its cost', (_how, state, event) => {
  const molecule = all(begun(), event);
  expect([stateOfStep(molecule, 'a'), stepOf(molecule, 'a')?.usage, molecule.usage]).toEqual([state, usage, usage]);
  expect(moleculeBoard(molecule, 'f', 'm')).toContain('0/2 steps, 1 sessions, $0.50');
  // The next run knows it from its steps.
  const next = all(carried(molecule, steps), WENT_BACK, start('a'), end('a', closedDone), accepted('a'));
  expect([next.usage.turns, next.usage.usd, stepOf(next, 'a')?.usage]).toEqual([4, 0.5, next.usage]);
  expect(carried(next, steps).usage).toEqual(next.usage);
});

test('what comes after its step has closed counts', () => {
  const closed = all(begun(), end('a', closedDone), accepted('a'));
  const molecule = all(closed, { kind: 'called-off', step: 'a', why: 'back', usage });
  expect([stateOfStep(molecule, 'a'), stepOf(molecule, 'a')?.usage.turns, molecule.usage.turns]).toEqual([
    'done',
    4,
    4,
  ]);
});

test('a session of which nobody knows what it has cost costs nothing', () => {
  const molecule = all(begun(), { kind: 'called-off', step: 'a', why: 'back' });
  expect([stepOf(molecule, 'a')?.usage, molecule.usage]).toEqual([NO_USAGE, NO_USAGE]);
});
