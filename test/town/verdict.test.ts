import { expect, test } from 'vitest';
import type { Letter } from '../../src/town/mail.js';
import { verdictIn, type HandIn } from '../../src/town/verdict.js';

const KEYS = {
  Request: 'se-1.1',
  Branch: 'polecat/Toast/se-1',
  Head: 'abc',
  Target: 'main',
  Issue: 'a',
  Mission: 'm',
  Polecat: 'Toast',
  Incarnation: 3,
  Rig: 'server',
};
const PENDING: HandIn = { request: 'se-1.1', head: 'abc', round: 1, workedBy: ['script'] };

const merged = (about: Partial<typeof KEYS> = {}): Letter => ({
  type: 'MERGED',
  keys: { ...KEYS, ...about, 'Merge-Commit': 'def', 'Merged-At': 'now' },
  text: '',
});
const failed = (type: string, about: Partial<typeof KEYS> = {}): Letter => ({
  type: 'MERGE_FAILED',
  keys: { ...KEYS, ...about, 'Failure-Type': type, 'Failed-At': 'now', ...(type === 'gate' ? { Gate: 'test' } : {}) },
  text: 'red',
});
const rework = (about: Partial<typeof KEYS> = {}): Letter => ({
  type: 'REWORK_REQUEST',
  keys: { ...KEYS, ...about, 'Conflict-Files': 'a.txt', 'Requested-At': 'now' },
  text: '## how',
});

test.each<[string, Letter, object]>([
  ['that it has landed', merged(), { kind: 'merged', commit: 'def' }],
  [
    'that a gate is red',
    failed('gate'),
    { kind: 'rework', type: 'gate', brief: 'gate (test)', text: 'red', files: '' },
  ],
  ['that it was taken out of the queue', failed('removed'), { kind: 'removed', why: 'red' }],
  ['of a conflict', rework(), { kind: 'rework', type: 'conflict', brief: 'conflict in a.txt', files: 'a.txt' }],
])('whoever has handed in hears %s', (_what, letter, verdict) => {
  expect(verdictIn(letter, PENDING, 3)).toMatchObject(verdict);
});

const FORMER = [merged, (about: Partial<typeof KEYS>) => failed('gate', about), rework];

test.each<[string, Partial<typeof KEYS>, HandIn | null, string, string]>([
  [
    'one of the same name before it',
    { Incarnation: 2 },
    PENDING,
    'for-another',
    'is about se-1.1 of incarnation 2, handed in is se-1.1 of incarnation 3',
  ],
  [
    'one of the same name after it',
    { Incarnation: 4 },
    PENDING,
    'for-another',
    'is about se-1.1 of incarnation 4, handed in is se-1.1 of incarnation 3',
  ],
  [
    'a round of its own that is over',
    { Request: 'se-1.0' },
    PENDING,
    'not-ours',
    'is about se-1.0 of incarnation 3, handed in is se-1.1 of incarnation 3',
  ],
  [
    'one before it, which has nothing handed in itself',
    { Incarnation: 2 },
    null,
    'for-another',
    'is about se-1.1 of incarnation 2, nothing is handed in',
  ],
  ['what nobody waits for any more', {}, null, 'not-ours', 'is about se-1.1 of incarnation 3, nothing is handed in'],
])('a verdict on %s changes nothing, whatever it says', (_whose, about, pending, kind, why) => {
  for (const letter of FORMER.map((one) => one(about)))
    expect(verdictIn(letter, pending, 3)).toEqual({ kind, why: `${letter.type} ${why}` });
});

test('nor does what a polecat itself sends, or its witness', () => {
  const keys = { ...KEYS, Priority: 2, Round: 1 };
  for (const type of ['POLECAT_DONE', 'MERGE_READY'] as const)
    expect(verdictIn({ type, keys, text: '' }, PENDING, 3)).toEqual({
      kind: 'not-ours',
      why: `${type} is no mail for a polecat`,
    });
});
