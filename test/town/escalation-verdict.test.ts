/** What a session says to trouble, and what of it counts. */
import { expect, test } from 'vitest';
import type { Json } from '../../src/town/act.js';
import { verdictOf } from '../../src/town/escalation-verdict.js';
import { NO_USAGE, type SessionResult } from '../../src/town/session.js';

const base = { usage: NO_USAGE, notes: [] };
const closed = (output: Json, verdict: 'done' | 'failed' = 'done'): SessionResult => ({
  ...base,
  outcome: 'closed',
  verdict,
  summary: 'I looked.',
  output,
});
const said = (more: Readonly<Record<string, Json>> = {}) =>
  closed({
    decision: 'resolve',
    action: 'retry',
    note: 'Use the second way.',
    reason: 'It is smaller.',
    confidence: 0.9,
    ...more,
  });

test('what it is sure of is the answer, in its words', () => {
  expect(verdictOf(said())).toEqual({
    kind: 'resolve',
    resolution: { action: 'retry', note: 'Use the second way.' },
    why: 'It is smaller.',
  });
});

test.each<readonly [string, SessionResult, RegExp]>([
  ['that forwards says why', said({ decision: 'forward' }), /^It is smaller\.$/],
  ['that is not sure', said({ confidence: 0.69 }), /^its session is not sure \(0\.69\): It is smaller\.$/],
  ['with an answer without words', said({ note: ' ' }), /no words to go on with/],
  ['that ends work', said({ action: 'fail' }), /no answer that can be read/],
  ['that gives money', said({ action: 'budget' }), /no answer that can be read/],
  ['that is sure beyond all', said({ confidence: 7 }), /no answer that can be read/],
  ['that says nothing of the kind', closed('yes'), /no answer that can be read/],
  ['that fails', closed(null, 'failed'), /^its session could not: I looked\.$/],
  [
    'that asks back',
    { ...base, outcome: 'blocked', detail: 'Which repository?' },
    /^its session asks: Which repository\?$/,
  ],
  ['that is quiet', { ...base, outcome: 'stalled', detail: 'no output' }, /^its session went quiet: no output$/],
  [
    'that comes to no end',
    { ...base, outcome: 'handoff', note: 'n', reason: 'turns' },
    /^its session came to no end \(turns\)$/,
  ],
])('a session %s is no answer', (_, result, why) => {
  expect(verdictOf(result)).toEqual({ kind: 'forward', why: expect.stringMatching(why) });
});

test('what it is just sure enough of counts', () => {
  expect(verdictOf(said({ confidence: 0.7 })).kind).toBe('resolve');
});
