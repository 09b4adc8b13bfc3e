import { expect, test } from 'vitest';
import { fileGates, watches, whyNoMail } from '../../src/town/molecule-gates.js';
import { moleculeBoard } from '../../src/town/molecule-board.js';
import { dueLoop } from '../../src/town/molecule-loops.js';
import { refusal } from '../../src/town/molecule-refusal.js';
import { after, fateOf, nextStep, phaseOf, stepOf } from '../../src/town/molecule.js';
import type { StepGate } from '../../src/town/protomolecule.js';
import { all, ids, loop, poured, stateOfStep, step, why, work } from '../support/molecules.js';

const gate = (type: StepGate['type'], awaited: string, timeoutMs: number | null = null): StepGate => ({
  type,
  await: awaited,
  timeoutMs,
});
const behind = (...gates: StepGate[]) => [step('a'), step('b', { needs: ['a'], gates }), step('c')];

test('a gate is waited for when the needs are met, and others are worked meanwhile', () => {
  const molecule = poured(behind(gate('human', 'Ada')));
  expect(stateOfStep(molecule, 'b')).toBe('pending');
  const waiting = work(molecule, 'a');
  expect([stateOfStep(waiting, 'b'), nextStep(waiting)?.id]).toEqual(['gate', 'c']);
  expect(why(waiting, 'b')).toBe('the approval of Ada');
  expect(phaseOf(work(waiting, 'c'))).toBe('waiting');
  expect(nextStep(all(work(waiting, 'c'), { kind: 'approved', step: 'b', by: 'Ada' }))?.id).toBe('b');
});

test('a timer counts from the moment the needs are met and opens by itself', () => {
  const waiting = after(
    poured(behind(gate('timer', '', 5_000))),
    { kind: 'skipped', step: 'a', reason: 'no', by: 'x' },
    100,
  );
  expect(watches(waiting)).toMatchObject([{ step: 'b', gate: 0, deadlineMs: 5_100 }]);
  const open = all(waiting, { kind: 'gate-timed-out', step: 'b', gate: 0 });
  expect([stateOfStep(open, 'b'), watches(open)]).toEqual(['ready', []]);
});

test('a gate that stays shut too long escalates as gate_timeout; retry waits anew, approve opens it', () => {
  const timedOut = all(work(poured(behind(gate('mail', 'deploy', 60_000))), 'a'), {
    kind: 'gate-timed-out',
    step: 'b',
    gate: 0,
  });
  expect([stateOfStep(timedOut, 'b'), phaseOf(timedOut)]).toEqual(['escalation', 'escalated']);
  expect(why(timedOut, 'b')).toBe('gate_timeout: waited for a mail about "deploy", at most 1 min');
  // Nothing of it is in the sandbox: the others go on.
  expect([nextStep(timedOut)?.id, watches(timedOut)]).toEqual(['c', []]);
  const again = after(timedOut, { kind: 'retried', step: 'b', by: 'ann', note: null }, 500);
  expect(watches(again)).toMatchObject([{ deadlineMs: 60_500 }]);
  expect(stateOfStep(all(timedOut, { kind: 'approved', step: 'b', by: 'Ada' }), 'b')).toBe('ready');
  expect(stateOfStep(all(timedOut, { kind: 'failed', step: 'b', reason: 'no', by: 'Ada' }), 'b')).toBe('failed');
});

test.each<[string, readonly StepGate[], string, string | null]>([
  ['that awaits it', [gate('mail', 'Deployed')], 'RE: deployed', null],
  ['among others', [gate('human', 'Ada'), gate('mail', 'x'), gate('mail', 'news')], 'no news today', null],
  ['whose words another step brings', [gate('mail', 'about {{steps.a}}')], 'lunch', null],
  ['of another kind', [gate('human', 'lunch')], 'lunch', 'none of its steps waits for a mail'],
  ['that awaits another', [gate('mail', 'Deployed')], 'lunch', 'its gates await "Deployed"'],
])('a molecule with a gate %s takes such a mail, and no other', (_, gates, subject, why) => {
  const refusal = (agent: string | null) => whyNoMail(poured(behind(...gates)), subject, { id: 'pr-1', agent });
  const no = why === null ? null : `pr-1 is a molecule, which has no inbox, and ${why}; `;
  const reader = (words: string) => (no === null ? null : `${no}${words}`);
  expect(refusal('server/polecats/Toast')).toBe(reader('server/polecats/Toast, who works on it, has one'));
  expect(refusal(null)).toBe(reader('gt explain shows who can answer what it asks'));
});

test('a mail opens the gates that await its subject, also when it came before their turn or after their time', () => {
  const molecule = poured(behind(gate('mail', 'Deployed', 60_000)));
  const mail = { kind: 'mailed', subject: 'RE: deployed to staging', from: 'ops' } as const;
  expect(stateOfStep(all(work(molecule, 'a'), { ...mail, subject: 'lunch' }), 'b')).toBe('gate');
  expect(stateOfStep(all(work(molecule, 'a'), mail), 'b')).toBe('ready');
  expect(stateOfStep(work(all(molecule, mail), 'a'), 'b')).toBe('ready');
  expect(stateOfStep(all(work(molecule, 'a'), { kind: 'gate-timed-out', step: 'b', gate: 0 }, mail), 'b')).toBe(
    'ready',
  );
});

test('several gates must all open, each in its own time', () => {
  const molecule = work(poured(behind(gate('human', ''), gate('gh:run', '42'))), 'a');
  const half = all(molecule, { kind: 'gate-opened', step: 'b', gate: 1, by: 'the run ended: success' });
  expect([stateOfStep(half, 'b'), why(half, 'b')]).toEqual(['gate', 'the approval of a person']);
  expect(stateOfStep(all(half, { kind: 'approved', step: 'b', by: 'Ada' }), 'b')).toBe('ready');
});

test('what can never open asks somebody, with the reason', () => {
  const stuck = all(work(poured(behind(gate('gh:pr', '7'))), 'a'), {
    kind: 'gate-stuck',
    step: 'b',
    gate: 0,
    why: 'gh is not installed',
  });
  expect([stateOfStep(stuck, 'b'), why(stuck, 'b')]).toEqual(['escalation', 'the pull request 7: gh is not installed']);
});

test('a condition is looked at after every change; files are asked for', () => {
  const steps = [
    step('b', { gates: [gate('condition', "c.output.ok == 'yes'")] }),
    step('f', { gates: [gate('condition', "file.exists('go.mod')")] }),
    step('c'),
  ];
  const molecule = poured(steps);
  expect([stateOfStep(molecule, 'b'), fileGates(molecule).map((one) => one.files)]).toEqual(['gate', [['go.mod']]]);
  expect(stateOfStep(work(molecule, 'c', { ok: 'yes' }), 'b')).toBe('ready');
  expect(stateOfStep(work(molecule, 'c', { ok: 'no' }), 'b')).toBe('gate');
  expect(stateOfStep(all(molecule, { kind: 'files-seen', files: ['go.mod'] }), 'f')).toBe('ready');
});

test('a condition that cannot be read asks somebody at once', () => {
  const molecule = poured([step('b', { gates: [gate('condition', 'please')] })]);
  expect([stateOfStep(molecule, 'b'), why(molecule, 'b')]).toEqual([
    'escalation',
    expect.stringContaining('no condition: please'),
  ]);
});

test('gates of people’s steps and groups open them', () => {
  const molecule = poured([
    step('p', { kind: 'human', script: null, gates: [gate('human', '')] }),
    step('g', { kind: 'group', script: null, gates: [gate('human', '')] }),
    step('g.x', { parent: 'g' }),
  ]);
  const open = all(molecule, { kind: 'approved', step: 'p', by: 'x' }, { kind: 'approved', step: 'g', by: 'x' });
  expect(['p', 'g', 'g.x'].map((id) => stateOfStep(open, id))).toEqual(['human', 'open', 'ready']);
  expect(fateOf(open).kind).toBe('open');
});

test('messages about a step behind a gate are told what opens it', () => {
  const molecule = work(poured(behind(gate('human', 'Ada'))), 'a');
  expect(refusal(molecule, 'close', 'b')).toBe(
    'step "b" waits for the approval of Ada; approve opens it, or skip or fail the step',
  );
  expect(refusal(molecule, 'approve', 'b')).toBeNull();
  expect(refusal(molecule, 'skip', 'b')).toBeNull();
  expect(refusal(molecule, 'approve', 'c')).toContain('is ready');
});

const group = [
  step('g', { kind: 'group', script: null, gates: [gate('mail', 'go', 1_000)] }),
  step('g.x', { parent: 'g' }),
  step('ship', { needs: ['g'] }),
];
const timedOut = { kind: 'gate-timed-out', step: 'g', gate: 0 } as const;

test('a group whose gate stays shut is not closed over the steps that have not begun', () => {
  const molecule = all(poured(group), timedOut);
  expect(refusal(molecule, 'close', 'g')).toBe(
    'step "g" is a group whose steps wait behind a mail about "go", at most 1 s; approve lets them begin, or skip or fail it',
  );
  expect(moleculeBoard(molecule, 'f', 'gt-1')).toContain('(or `approve`, `skip`, or `fail`');
  expect(stateOfStep(all(molecule, { kind: 'approved', step: 'g', by: 'x' }), 'g.x')).toBe('ready');
  const skipped = all(molecule, { kind: 'skipped', step: 'g', reason: 'no', by: 'x' });
  expect([stateOfStep(skipped, 'g.x'), stateOfStep(skipped, 'ship')]).toEqual(['skipped', 'ready']);
});

test('a group that is checked waits anew for its gate, and goes round only once that is open', () => {
  const loops = [loop('g', ['g.x'], { check: { command: 'true', timeoutMs: 1 } })];
  const molecule = all(poured(group, loops), timedOut, { kind: 'retried', step: 'g', by: 'ann', note: null });
  expect([stateOfStep(molecule, 'g'), ids(molecule.steps)]).toEqual(['gate', ['g', 'g.x', 'ship']]);
  const open = work(all(molecule, { kind: 'approved', step: 'g', by: 'x' }), 'g.x');
  expect(dueLoop(open)?.id).toBe('g');
});

const retried = (id: string) => ({ kind: 'retried', step: id, by: 'ann', note: 'use v2' }) as const;
const opened = (id: string) => ({ kind: 'approved', step: id, by: 'x' }) as const;

test('what is answered when a gate stayed shut too long is told to the session behind it, in a group to its first ones', () => {
  const one = [step('b', { gates: [gate('human', '', 1_000)] })];
  const molecule = all(poured(one), { ...timedOut, step: 'b' }, retried('b'), opened('b'));
  expect(stepOf(molecule, 'b')?.answers).toMatchObject([{ by: 'ann', text: 'use v2' }]);
  const both = [...group, step('g.y', { parent: 'g', needs: ['g.x'] })];
  const begun = all(poured(both), timedOut, retried('g'), opened('g'));
  expect(stepOf(begun, 'g.x')?.answers).toMatchObject([{ by: 'ann', text: 'use v2' }]);
  expect(stepOf(begun, 'g.y')?.answers).toBeUndefined();
});
