/** A lost host: what had begun begins again, at nobody's fault, and knows what is known of the sessions that were lost. */
import { expect, test } from 'vitest';
import { moleculeBoard } from '../../src/town/molecule-board.js';
import type { MoleculeEvent } from '../../src/town/molecule-state.js';
import { nextStep, stepOf, waitingSteps } from '../../src/town/molecule.js';
import { NO_USAGE } from '../../src/town/session.js';
import { all, carried, closedDone, end, poured, start, step } from '../support/molecules.js';

const steps = [step('a'), step('b', { needs: ['a'] }), step('c', { needs: ['b'] })];
const accepted = { kind: 'accepted', step: 'a', summary: 'done', by: 'Toast', head: 'a1' } as const;
const handoff = { usage: NO_USAGE, notes: ['x'], outcome: 'handoff', note: 'half', reason: 'requested' } as const;
const usage = { ...NO_USAGE, turns: 3, usd: 0.5 };
const lost: MoleculeEvent = { kind: 'host-lost', host: 'h1', to: 'h2', left: { notes: ['y'], usage }, isWhole: false };
const begun = () =>
  all(poured(steps), start('a'), end('a', closedDone), accepted, start('b'), end('b', handoff), start('b'));

test('the step at work is ready again, from its first session on; its cost and the notes of all its sessions stay', () => {
  const molecule = all(begun(), lost);
  expect(nextStep(molecule)?.id).toBe('b');
  expect(stepOf(molecule, 'b')).toMatchObject({
    sessions: 2,
    sessionsBefore: 2,
    handoffs: 0,
    notes: ['x', 'y'],
    usage,
  });
  expect(stepOf(molecule, 'b')?.note).toContain('The host h1 was lost');
  expect(stepOf(molecule, 'b')?.note).toContain('Before that: half');
  expect(stepOf(molecule, 'a')?.state.kind).toBe('closed');
  expect(molecule.usage).toMatchObject({ turns: (stepOf(molecule, 'a')?.usage.turns ?? 0) + 3, usd: 0.5 });
  const next = carried(molecule, steps);
  expect(next.usage).toEqual(molecule.usage);
  expect(moleculeBoard(next, 'f', 'm')).toContain('The host `h1` was lost');
});

test('however often hosts are lost, nobody is asked', () => {
  const molecule = Array.from({ length: 20 }).reduce<ReturnType<typeof begun>>(
    (now) => all(now, lost, start('b')),
    begun(),
  );
  expect(waitingSteps(molecule)).toEqual([]);
  expect(stepOf(molecule, 'b')?.state.kind).toBe('active');
});

test('a step that waits for an answer goes on waiting, and its next session begins anew', () => {
  const asked = all(begun(), { kind: 'session-refused', step: 'b', why: 'no key' });
  const molecule = all(asked, lost);
  expect(waitingSteps(molecule).map(({ id }) => id)).toEqual(['b']);
  expect(stepOf(all(molecule, { kind: 'retried', step: 'b', by: 'ann', note: null }), 'b')).toMatchObject({
    state: { kind: 'ready' },
    handoffs: 0,
    note: expect.stringContaining('The host h1 was lost'),
  });
});

test('where all had been pushed nothing begins again', () => {
  const molecule = all(begun(), { ...lost, isWhole: true });
  expect(stepOf(molecule, 'b')).toMatchObject({ state: { kind: 'active' }, handoffs: 1, note: 'half' });
  expect(molecule.lost).toEqual([{ host: 'h1', to: 'h2', atMs: 1 }]);
});
