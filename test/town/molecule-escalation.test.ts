import { expect, test } from 'vitest';
import type { Answer } from '../../src/town/answer.js';
import { moleculeBoard } from '../../src/town/molecule-board.js';
import { answeredByTiers, endOfWait, isAnswerOf, raisedBy } from '../../src/town/molecule-escalation.js';
import type { Molecule } from '../../src/town/molecule-live.js';
import { answererRefusal, ownWorkRefusal, tokenOf } from '../../src/town/molecule-refusal.js';
import type { MoleculeEvent } from '../../src/town/molecule-state.js';
import { after, stepOf } from '../../src/town/molecule.js';
import { NO_USAGE, type SessionResult } from '../../src/town/session.js';
import { all, end, loop, poured, start, step, work } from '../support/molecules.js';

const TOAST = 'server/polecats/Toast';
const hooked = { at: 'se-1', rig: 'server', mission: 'login', item: 'api', agent: TOAST };
const blocked: SessionResult = {
  usage: NO_USAGE,
  notes: [],
  outcome: 'blocked',
  detail: 'which?',
  category: 'decision',
  choices: ['red', 'blue'],
};
const asked = all(poured([step('a'), step('b')]), start('a'), end('a', blocked));
const stepIn = (molecule: Molecule, id = 'a') => {
  const found = stepOf(molecule, id);
  if (found === null) throw new Error(`there is no ${id}`);
  return found;
};
const tokenIn = (molecule: Molecule, id = 'a') => ({ token: tokenOf(stepIn(molecule, id)) ?? '' });

test('a step that waits for an answer is raised as what it is, with who waits where', () => {
  expect(raisedBy(stepIn(asked), hooked)).toEqual({
    category: 'decision',
    severity: 'MEDIUM',
    source: 'question',
    text: 'which?',
    tried: 'one session so far',
    choices: ['red', 'blue'],
    rig: 'server',
    mission: 'login',
    waiter: {
      kind: 'step',
      at: 'se-1',
      step: 'a',
      ...tokenIn(asked),
      mission: 'login',
      item: 'api',
      agent: TOAST,
      answered: 0,
    },
  });
  expect(raisedBy(stepIn(asked, 'b'), hooked)).toBeNull();
});

test('what an earlier version carried is a failure, and on nobody’s hook there is only the molecule', () => {
  const { trouble: _, ...state } = { trouble: null, ...stepIn(asked).state };
  const old = { ...stepIn(asked), state } as ReturnType<typeof stepIn>;
  expect(raisedBy(old, { at: 'wf-1' })).toEqual({
    category: 'failed',
    severity: 'MEDIUM',
    source: 'failure',
    text: 'which?',
    tried: 'one session so far',
    waiter: { kind: 'step', at: 'wf-1', step: 'a', ...tokenIn(asked), answered: 0 },
  });
});

test('what a person works on has no agent that asked', () => {
  const given = all(poured([step('a', { kind: 'human', script: null })]), {
    kind: 'given-up',
    step: 'a',
    why: 'cannot',
    by: 'Ada',
  });
  expect(raisedBy(stepIn(given), hooked)?.waiter).toEqual({
    kind: 'step',
    at: 'se-1',
    step: 'a',
    ...tokenIn(given),
    mission: 'login',
    item: 'api',
    answered: 0,
  });
});

const by = (...names: string[]): readonly Answer[] =>
  names.map((name) => ({ asked: '?', by: name, atMs: 1, text: 'x' }));

test.each([
  [0, []],
  [0, ['ann']],
  [1, ['deacon (hq-esc-0000000a)']],
  [2, ['ann', 'deacon (hq-esc-0000000a)', 'server/witness (hq-esc-0000000b)']],
  [3, ['mayor (hq-esc-0000000a)', 'mayor (hq-esc-0000000a)', 'mayor (hq-esc-0000000a)']],
  [0, ['deacon (hq-esc-0000000a)', 'overseer (hq-esc-0000000a)']],
  [0, ['deacon (hq-esc-0000000a)', 'server/crew/ann (hq-esc-0000000a)']],
  [1, ['deacon', 'mayor (hq-esc-0000000a)']],
  [0, ['deacon (tonight)']],
] as const)('%i answers in a row were of roles: %j', (count, names) => {
  expect(answeredByTiers(by(...names))).toBe(count);
});

const wait = tokenIn(asked);
const ended = (...events: MoleculeEvent[]) => endOfWait(stepOf(all(asked, ...events), 'a'), wait);

test.each<[string, readonly MoleculeEvent[], { readonly by: string; readonly how: string } | null]>([
  ['it still waits', [], null],
  [
    'answered with a word',
    [{ kind: 'retried', step: 'a', by: 'ann', note: 'red' }],
    { by: 'ann', how: 'it goes on: red' },
  ],
  ['told to go on', [{ kind: 'retried', step: 'a', by: 'ann', note: null }], { by: 'ann', how: 'it goes on' }],
  ['skipped', [{ kind: 'skipped', step: 'a', by: 'ann', reason: 'not now' }], { by: 'ann', how: 'skipped: not now' }],
  ['failed', [{ kind: 'failed', step: 'a', by: 'ann', reason: 'no' }], { by: 'ann', how: 'failed: no' }],
  [
    'closed',
    [{ kind: 'accepted', step: 'a', by: 'ann', summary: 'did it', head: 'h' }],
    { by: 'ann', how: 'done: did it' },
  ],
  [
    'back to before it',
    [{ kind: 'went-back', step: 'a', by: 'ann', note: 'begin anew' }],
    { by: 'ann', how: 'it goes on: begin anew' },
  ],
])('who ended a wait, and how: %s', (_how, events, end) => {
  expect(ended(...events)).toEqual(end);
});

test('a step that waits anew waits another time, and one that is gone waits no more', () => {
  const again = [{ kind: 'retried', step: 'a', by: 'ann', note: 'red' } as const, start('a'), end('a', blocked)];
  expect(ended(...again)).toEqual({ by: 'ann', how: 'it goes on: red' });
  expect(endOfWait(null, wait)).toEqual({ by: 'somebody', how: 'the step is there no more' });
  const gated = poured([step('a', { gates: [{ type: 'human', await: '', timeoutMs: 5 }] })]);
  const late = all(gated, { kind: 'gate-timed-out', step: 'a', gate: 0 });
  const opened = after(late, { kind: 'approved', step: 'a', by: 'ann' }, 2);
  expect(endOfWait(stepIn(opened), tokenIn(late))).toEqual({ by: 'ann', how: 'it goes on' });
});

test('a loop keeps what it was answered, however many iterations it has had', () => {
  const judged: MoleculeEvent = {
    kind: 'loop-judged',
    loop: 'lp',
    verdict: { kind: 'checked', ok: false, detail: 'red' },
  };
  const retried: MoleculeEvent = { kind: 'retried', step: 'lp', by: 'deacon (hq-esc-0000000a)', note: 'again' };
  const check = { command: 'false', timeoutMs: 1 };
  const looped = poured([step('lp.iter1.a')], [loop('lp', ['lp.iter1.a'], { max: 1, check })]);
  const once = all(work(looped, 'lp.iter1.a'), judged);
  const twice = all(work(all(once, retried), 'lp.iter2.a'), judged);
  expect(endOfWait(stepOf(twice, 'lp'), tokenIn(once, 'lp'))).toEqual({
    by: 'deacon (hq-esc-0000000a)',
    how: 'it goes on: again',
  });
  expect(raisedBy(stepIn(twice, 'lp'), hooked)).toMatchObject({ source: 'loop', waiter: { answered: 1 } });
  expect(stepIn(all(twice, retried), 'lp.iter3.a').answers).toHaveLength(2);
});

test('an answer of its own is known by its name', () => {
  expect(isAnswerOf('hq-esc-0000000a', { by: 'ann (hq-esc-0000000a)' })).toBe(true);
  expect(isAnswerOf('hq-esc-0000000a', { by: 'ann (hq-esc-0000000b)' })).toBe(false);
  expect(isAnswerOf('hq-esc-0000000a', { by: 'ann' })).toBe(false);
});

const asPersons = poured([step('a', { kind: 'human', script: null })]);
const gate = (type: 'human' | 'mail') => poured([step('a', { gates: [{ type, await: 'x', timeoutMs: null }] })]);
const OWN = 'does not give it itself';
const OTHER = 'is another agent';

test.each<[string, string | null, string | null, string | null, string | null]>([
  // Who says it; at an escalated step, at a person's, at one that waits for an approval, and for mail.
  [TOAST, OWN, null, null, null],
  [' Server/polecats/toast', OWN, null, null, null],
  ['server/polecats/Shadow', OTHER, OTHER, OTHER, null],
  ['Server/Polecats/Shadow ', OTHER, OTHER, OTHER, null],
  ['server/polecats/Shadow (hq-esc-0000000a)', OTHER, OTHER, OTHER, null],
  ['server/refinery', OTHER, OTHER, OTHER, null],
  ['deacon/dogs/rex', OTHER, OTHER, OTHER, null],
  ['web/witness', OTHER, OTHER, OTHER, null],
  ['boot', OTHER, OTHER, OTHER, null],
  ['se-1a2b3c4d', OTHER, OTHER, OTHER, null],
  ['hq-esc-0000000a', OTHER, OTHER, OTHER, null],
  ['server/witness', null, null, null, null],
  ['deacon', null, null, null, null],
  ['mayor (hq-esc-0000000a)', null, null, null, null],
  ['overseer', null, null, null, null],
  ['web/crew/ann', null, null, null, null],
  ['ann', null, null, null, null],
])('who answers a step: %s', (by, ...whys) => {
  const found = [asked, asPersons, gate('human'), gate('mail')].map((molecule) => {
    const why = answererRefusal({ ...molecule, how: { ...molecule.how, rig: 'server' } }, 'a', by, TOAST);
    return [OWN, OTHER].find((one) => why?.includes(one)) ?? why;
  });
  expect(found).toEqual(whys);
});

test.each([
  [TOAST, true],
  [' Server/polecats/toast (hq-esc-0000000a)', true],
  ['server/polecats/Shadow', false],
  ['server/witness', false],
  ['ann', false],
])('nobody does for people what their own step asks: %s', (by, isRefused) => {
  const found = [asPersons, gate('human'), asked, gate('mail')].map(
    (molecule) => ownWorkRefusal({ ...molecule, how: { ...molecule.how, rig: 'server' } }, 'a', by, TOAST) !== null,
  );
  expect(found).toEqual([isRefused, isRefused, false, false]);
  // On her own desk a person is no agent.
  expect(ownWorkRefusal(asPersons, 'a', 'server/crew/ann', 'server/crew/ann')).toBeNull();
  expect(ownWorkRefusal(asPersons, 'a', TOAST, null)).toBeNull();
  expect(ownWorkRefusal(asked, 'none', TOAST, TOAST)).toBeNull();
});

test('what does not wait is refused as what it is, whoever asks; on nobody’s hook no witness is above it', () => {
  for (const id of ['b', 'none']) expect(answererRefusal(asked, id, 'server/refinery', TOAST)).toBeNull();
  expect(answererRefusal(asPersons, 'a', TOAST, null)).toContain(OTHER);
  expect(answererRefusal(asPersons, 'a', 'server/witness', null)).toContain(OTHER);
  expect(answererRefusal(asPersons, 'a', 'mayor', null)).toBeNull();
});

test('the board names the escalation where it says that the step waits, and how it is answered', () => {
  const board = moleculeBoard(asked, 'f', 'se-1', { escalations: { a: 'hq-esc-0000000a' } });
  expect(board).toContain('`a` waits for an answer (escalation `hq-esc-0000000a`) since');
  expect(board).toMatch(/--name retry --input '[^']+'` \(escalation `hq-esc-0000000a`\)/);
  expect(moleculeBoard(asked, 'f', 'se-1')).not.toContain('escalation');
});
