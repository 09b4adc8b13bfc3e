import { readFileSync } from 'node:fs';
import { expect, test } from 'vitest';
import { SOURCES } from '../../src/town/escalation-input.js';
import { sourceOfFailure, standingOf } from '../../src/town/escalation-sources.js';
import { stepOf } from '../../src/town/molecule.js';
import type { Molecule } from '../../src/town/molecule-live.js';
import type { MoleculeEvent } from '../../src/town/molecule-state.js';
import { NO_USAGE, type SessionResult } from '../../src/town/session.js';
import { all, brokeDown, closedDone, end, loop, poured, start, step } from '../support/molecules.js';

const ROW = /^\| `([^`]+)` \| [^|]+ \| `?([a-z_]+)`? \| ([A-Z]+) \|$/;

test('each source has its category and its severity, and the documentation says so', () => {
  const page = readFileSync(new URL('../../docs/escalation-sources.md', import.meta.url), 'utf8').split('\n');
  const rows = page.flatMap((line) => {
    const [, source, category, severity] = ROW.exec(line) ?? [];
    return source === undefined ? [] : [[source, { category, severity }] as const];
  });
  expect(rows).toEqual(SOURCES.map((source) => [source, standingOf({ source })]));
});

test.each([
  ['as its source is', {}, ['help', 'MEDIUM']],
  ['as it is called, and as bad as such are', { category: 'blocked' }, ['blocked', 'HIGH']],
  ['an emergency', { category: 'emergency' }, ['emergency', 'CRITICAL']],
  ['as bad as it is said to be', { severity: 'HIGH' }, ['help', 'HIGH']],
  ['both as said', { category: 'decision', severity: 'CRITICAL' }, ['decision', 'CRITICAL']],
] as const)('what an agent asks is %s', (_how, said, standing) => {
  const { category, severity } = standingOf({ source: 'question', ...said });
  expect([category, severity]).toEqual(standing);
});

test.each([
  ['Llm.Auth', 'auth'],
  ['Llm.Billing', 'limits'],
  ['Llm.RateLimited', 'limits'],
  ['Llm.Overloaded', 'limits'],
  ['HostLost', 'host'],
  ['Llm.BadRequest', 'refused'],
  ['Agent.Missing', 'refused'],
  ['Unconfined', 'refused'],
  ['BadTown', 'refused'],
  [null, 'refused'],
])('a session that fails of %s is of the source %s', (type, source) => {
  expect(sourceOfFailure(type)).toBe(source);
});

const base = { usage: NO_USAGE, notes: [] };
const handoff: SessionResult = { ...base, outcome: 'handoff', note: 'half', reason: 'requested' };
const stalled: SessionResult = { ...base, outcome: 'stalled', detail: 'quiet' };
const asked: SessionResult = {
  ...base,
  outcome: 'blocked',
  detail: 'which?',
  category: 'decision',
  choices: ['a', 'b'],
};
const rejected = (isLeak?: true): MoleculeEvent => ({
  kind: 'rejected',
  step: 'a',
  why: 'red',
  ...(isLeak === undefined ? {} : { isLeak }),
});
const refused = (more: object): MoleculeEvent => ({ kind: 'session-refused', step: 'a', why: 'no', ...more });
const times = (count: number, ...events: MoleculeEvent[]) => Array.from({ length: count }, () => events).flat();
const gated = step('a', { gates: [{ type: 'human', await: '', timeoutMs: 5 }] });
const unreadable = step('a', { gates: [{ type: 'condition', await: 'step ???', timeoutMs: null }] });
const looped = [[step('a')], [loop('lp', ['a'], { max: 1, check: { command: 'false', timeoutMs: 1 } })]] as const;
const judgedRed: MoleculeEvent = {
  kind: 'loop-judged',
  loop: 'lp',
  verdict: { kind: 'checked', ok: false, detail: 'red' },
};

const trouble = (molecule: Molecule, id = 'a') => {
  const state = stepOf(molecule, id)?.state;
  return state?.kind === 'waiting' ? state.trouble : state?.kind;
};

test.each<[string, Molecule, readonly MoleculeEvent[], object]>([
  ['sessions without end', poured([step('a')]), times(4, start('a'), end('a', handoff)), { source: 'sessions' }],
  [
    'closes that are refused',
    poured([step('a')]),
    times(2, start('a'), end('a', closedDone), rejected()),
    { source: 'acceptance' },
  ],
  [
    'a secret that it would push',
    poured([step('a')]),
    times(2, start('a'), end('a', closedDone), rejected(true)),
    { source: 'security' },
  ],
  [
    'a secret, and then something else',
    poured([step('a')]),
    [start('a'), end('a', closedDone), rejected(true), start('a'), end('a', closedDone), rejected()],
    { source: 'acceptance' },
  ],
  [
    'a question, as the agent calls it',
    poured([step('a')]),
    [start('a'), end('a', asked)],
    { source: 'question', category: 'decision', choices: ['a', 'b'] },
  ],
  ['stalls', poured([step('a')]), times(3, start('a'), end('a', stalled)), { source: 'stalled' }],
  ['a failure', poured([step('a')]), [start('a'), end('a', brokeDown(false))], { source: 'failure' }],
  [
    'attempts that all failed',
    poured([step('a', { retry: { max: 1, exhausted: 'hard' } })]),
    [start('a'), end('a', brokeDown(true))],
    { source: 'failure' },
  ],
  ['a key that is missing', poured([step('a')]), [start('a'), refused({ source: 'auth' })], { source: 'auth' }],
  ['a refusal of before', poured([step('a')]), [start('a'), refused({})], { source: 'failure' }],
  [
    'somebody who gives it up',
    poured([step('a', { kind: 'human', script: null })]),
    [{ kind: 'given-up', step: 'a', why: 'cannot', by: 'Ada' }],
    { source: 'given-up' },
  ],
  ['a gate that stays shut', poured([gated]), [{ kind: 'gate-timed-out', step: 'a', gate: 0 }], { source: 'gate' }],
  [
    'a gate that nobody can look at',
    poured([gated]),
    [{ kind: 'gate-stuck', step: 'a', gate: 0, why: 'no gh' }],
    { source: 'gate' },
  ],
  ['a gate that cannot be read', poured([unreadable]), [], { source: 'gate' }],
])('%s: the wait says where it comes from', (_what, molecule, events, expected) => {
  expect(trouble(all(molecule, ...events))).toEqual(expected);
});

test('a loop at its limit, and one that nobody can judge, say so, too', () => {
  const [steps, loops] = looped;
  const over = all(poured(steps, loops), start('a'), end('a', closedDone), {
    kind: 'accepted',
    step: 'a',
    summary: 'all',
    by: 'Toast',
    head: 'h',
  });
  expect(trouble(all(over, judgedRed), 'lp')).toEqual({ source: 'loop' });
  const unknown: MoleculeEvent = { ...judgedRed, verdict: { kind: 'unknown', why: 'no sandbox' } };
  expect(trouble(all(over, unknown), 'lp')).toEqual({ source: 'loop' });
});
