/** Which step is meant by who names none, and what an answer in words is to it. */
import { expect, test } from 'vitest';
import { choicesOf, readAnswer, stepMeant, type Said } from '../../src/town/molecule-asked.js';
import { moleculeBoard } from '../../src/town/molecule-board.js';
import { put, draftOf, moleculeOf, type Molecule } from '../../src/town/molecule-live.js';
import { stepOf } from '../../src/town/molecule.js';
import type { ProtoStep } from '../../src/town/protomolecule.js';
import { all, end, poured, start, step } from '../support/molecules.js';
import { NO_USAGE } from '../../src/town/session.js';

const person = (id: string, more: Partial<ProtoStep> = {}) => step(id, { kind: 'human', script: null, ...more });
const gated = (id: string, type: 'human' | 'mail') => step(id, { gates: [{ type, await: 'x', timeoutMs: null }] });
const timedOut = (id: string) => ({ kind: 'gate-timed-out', step: id, gate: 0 }) as const;
const CHOICES = person('a', { output: { enum: ['Yes', 'not yet', 3] } });

const meant = (molecule: Molecule, said: Said) => {
  const found = stepMeant(molecule, said);
  return found.ok ? found.step : found.why;
};

test.each<[Said, Molecule, string]>([
  ['answer', poured([person('a'), gated('b', 'human')]), 'a'],
  ['answer', poured([gated('b', 'human')]), 'no step waits for an answer in words; waiting for an answer: b'],
  [
    'answer',
    poured([person('a'), person('c')]),
    '2 steps wait for an answer in words, a, c: name the one that you mean',
  ],
  ['approve', poured([person('a'), gated('b', 'mail')]), 'b'],
  ['approve', poured([person('a')]), 'no step waits for an approval; waiting for an answer: a'],
  ['approve', all(poured([gated('a', 'human'), gated('b', 'human')]), timedOut('a')), 'b'],
  ['approve', all(poured([gated('a', 'human')]), timedOut('a')), 'a'],
  ['reject', poured([gated('a', 'human'), gated('b', 'mail')]), 'a'],
  ['reject', poured([gated('a', 'human'), gated('b', 'human')]), '2 steps wait for an approval, a, b: name'],
])('%s of a molecule means the one step that waits so, or says which do', (said, molecule, words) => {
  expect(meant(molecule, said)).toContain(words);
});

test.each<[ProtoStep, string, object]>([
  [person('a'), 'as it pleases you', { ok: true, text: 'as it pleases you' }],
  [CHOICES, ' yes ', { ok: true, text: 'Yes', output: 'Yes' }],
  [CHOICES, '3', { ok: true, text: '3', output: 3 }],
  [CHOICES, 'not', { ok: false, why: expect.stringContaining('one of "Yes", "not yet", "3", and not by "not"') }],
  [CHOICES, 'not yeti', { ok: false, why: expect.stringContaining('did you mean "not yet"?') }],
  [person('a', { output: { type: 'string' } }), 'words', { ok: true, text: 'words', output: 'words' }],
  [person('a', { output: {} }), 'words', { ok: true, text: 'words', output: 'words' }],
  [person('a', { output: { type: 'object' } }), 'words', { ok: true, text: 'words' }],
])('a step %o is answered by "%s" so: %o', (proto, text, answer) => {
  const molecule = poured([proto]);
  const asked = stepOf(molecule, 'a');
  expect(asked === null ? null : readAnswer(molecule, asked, text)).toEqual(answer);
});

test('the question of an agent has the choices that it gave, and leaves no output', () => {
  const blocked = { usage: NO_USAGE, notes: [], outcome: 'blocked', detail: 'red or blue?' } as const;
  const draft = draftOf(all(poured([step('a')]), start('a'), end('a', blocked)), 1);
  put(draft, 0, {
    state: {
      kind: 'waiting',
      for: 'escalation',
      why: 'red or blue?',
      sinceMs: 1,
      trouble: { source: 'question', choices: ['red', 'blue'] },
    },
  });
  const molecule = moleculeOf(draft);
  const [asked] = molecule.steps;
  if (asked === undefined) throw new Error('there is a step');
  expect(choicesOf(molecule, asked)).toEqual(['red', 'blue']);
  expect(readAnswer(molecule, asked, 'Red')).toEqual({ ok: true, text: 'red' });
  expect(readAnswer(molecule, asked, 'green')).toMatchObject({ ok: false });
});

test('the board says how a question is answered', () => {
  expect(moleculeBoard(poured([CHOICES]), 'f', 'gt-1')).toContain(
    `--name answer --input '{"step":"a","text":"one of them"}'\` with one of "Yes", "not yet", 3`,
  );
});
