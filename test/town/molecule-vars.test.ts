import { expect, test } from 'vitest';
import { answerWith, revisionLines, shapeProblem, whyNoVars } from '../../src/town/molecule-vars.js';
import { dueLoop } from '../../src/town/molecule-loops.js';
import { revive, stateOf } from '../../src/town/molecule-live.js';
import type { Molecule } from '../../src/town/molecule-live.js';
import { after, pour, stepOf } from '../../src/town/molecule.js';
import type { MoleculeEvent } from '../../src/town/molecule-state.js';
import type { ProtoLoop, Protomolecule, ProtoStep } from '../../src/town/protomolecule.js';
import { NO_USAGE } from '../../src/town/session.js';
import { all, end, how, limits, loop, proto, start, step, stateOfStep, why, work } from '../support/molecules.js';

/** As it is cooked with a value of `x` in its texts. */
type Cooked = (x: string) => Protomolecule;

const blocked = (id: string): readonly MoleculeEvent[] => [
  start(id),
  end(id, { usage: NO_USAGE, notes: [], outcome: 'blocked', detail: 'which?' }),
];
const poured = (cooked: Cooked) => pour(cooked('old'), { ...how, limits }, 0);
/** What `retry` with `vars` makes of it. */
const answered = (molecule: Molecule, cooked: Cooked, id: string): Molecule =>
  all(
    molecule,
    { kind: 'revised', step: id, proto: cooked('new'), vars: { x: 'new' }, by: 'ann' },
    { kind: 'retried', step: id, by: 'ann', note: 'try this' },
  );
const text = (molecule: Molecule, id: string) => molecule.cooked.get(id)?.description;
const titles = (molecule: Molecule) => molecule.steps.map(({ title }) => title);

const plain: Cooked = (x) =>
  proto([
    step('a', { title: `a ${x}`, description: x }),
    step('b', { title: `b ${x}`, description: x, needs: ['a'] }),
    step('c', { title: `c ${x}`, description: x, needs: ['b'] }),
  ]);

test('the step that is answered and what has not begun are told the new values; what has closed keeps its title', () => {
  const asked = all(work(poured(plain), 'a'), ...blocked('b'));
  const now = answered(asked, plain, 'b');
  expect(titles(now)).toEqual(['a old', 'b new', 'c new']);
  expect(['b', 'c'].map((id) => text(now, id))).toEqual(['new', 'new']);
  expect(stepOf(now, 'b')).toMatchObject({
    state: { kind: 'ready' },
    sessions: 1,
    answers: [{ asked: 'which?', by: 'ann', text: 'try this' }],
  });
  expect([now.head, now.closed, now.ready]).toEqual([asked.head, 1, [1]]);
  expect(stateOfStep(work(work(now, 'b'), 'c'), 'c')).toBe('done');
});

test('who changed what stands on the board, and is carried with the new texts', () => {
  const now = answered(all(poured(plain), ...blocked('a')), plain, 'a');
  const state = JSON.parse(JSON.stringify(stateOf(now))) as ReturnType<typeof stateOf>;
  const later = revive(plain('new'), state, how);
  expect(revisionLines(later)).toEqual(['\n> Since 1970-01-01 00:00:00, by ann: `x` is `new`.']);
  expect(text(later, 'c')).toBe('new');
});

const repeated: Cooked = (x) =>
  proto(
    [
      step('lp.iter1.do', { description: `${x} {{steps.lp.iter1.do.summary}}` }),
      step('lp.iter1.look', { description: x, needs: ['lp.iter1.do'] }),
    ],
    [loop('lp', ['lp.iter1.do', 'lp.iter1.look'], { until: null, check: { command: `test ${x}`, timeoutMs: 1 } })],
  );
const red = (molecule: Molecule) =>
  all(molecule, {
    kind: 'loop-judged',
    loop: dueLoop(molecule)?.id ?? 'none',
    verdict: { kind: 'checked', ok: false, detail: 'red' },
  });

test('in a loop this iteration and those to come are told them, and its check is asked with them', () => {
  const second = red(work(work(poured(repeated), 'lp.iter1.do'), 'lp.iter1.look'));
  const now = answered(all(second, ...blocked('lp.iter2.do')), repeated, 'lp.iter2.do');
  expect(text(now, 'lp.iter2.do')).toBe('new {{steps.lp.iter2.do.summary}}');
  const over = work(work(now, 'lp.iter2.do'), 'lp.iter2.look');
  expect(dueLoop(over)?.check?.command).toBe('test new');
  expect(text(red(over), 'lp.iter3.look')).toBe('new');
});

const inner = (id: string, body: string[]): ProtoLoop => loop(id, body, { check: { command: 'false', timeoutMs: 1 } });
const nested: Cooked = (x) =>
  proto(
    [step('out.iter1.in.iter1.do', { description: x }), step('out.iter1.look', { description: x })],
    [inner('out.iter1.in', ['out.iter1.in.iter1.do']), inner('out', ['out.iter1.in.iter1.do', 'out.iter1.look'])],
  );

const green = (molecule: Molecule) =>
  all(molecule, {
    kind: 'loop-judged',
    loop: dueLoop(molecule)?.id ?? '',
    verdict: { kind: 'checked', ok: true, detail: '' },
  });

test('so it is in a loop inside of a loop', () => {
  const once = red(work(poured(nested), 'out.iter1.in.iter1.do'));
  const again = red(work(green(work(once, 'out.iter1.in.iter2.do')), 'out.iter1.look'));
  const deep = red(work(again, 'out.iter2.in.iter1.do'));
  const now = answered(all(deep, ...blocked('out.iter2.in.iter2.do')), nested, 'out.iter2.in.iter2.do');
  expect(['out.iter2.in.iter2.do', 'out.iter2.look', 'out.iter2.in.iter1.do'].map((id) => text(now, id))).toEqual([
    'new',
    'new',
    'new',
  ]);
});

const counted: Cooked = (x) =>
  proto(
    [step('lp.iter1.do', { description: `${x} {n}` })],
    [loop('lp', ['lp.iter1.do'], { max: 3, counter: { from: 5, to: 7, variable: 'n' } })],
  );

test('so it is in a loop that counts', () => {
  const second = work(poured(counted), 'lp.iter1.do');
  expect(text(second, 'lp.iter2.do')).toBe('old 6');
  const now = answered(all(second, ...blocked('lp.iter2.do')), counted, 'lp.iter2.do');
  expect(text(now, 'lp.iter2.do')).toBe('new 6');
  expect(text(work(now, 'lp.iter2.do'), 'lp.iter3.do')).toBe('new 7');
});

const fanned: Cooked = (x) =>
  proto([
    step('all', {
      fanOut: {
        bond: 'f',
        forEach: 'output.list',
        sequential: true,
        checks: [],
        steps: [step('all.{n}', { title: `${x} {item}`, description: `${x} {item}` })],
      },
    }),
  ]);

test('so it is in what a fan-out has added; what was bonded stays as it is', () => {
  const bond: MoleculeEvent = { kind: 'bonded', proto: plain('old'), place: { kind: 'beside' } };
  const out = all(work(poured(fanned), 'all', { list: ['a', 'b'] }), bond);
  const now = answered(all(out, ...blocked('all.1')), fanned, 'all.1');
  expect(stepOf(now, 'all.1')?.title).toBe('new a');
  expect(stepOf(now, 'all.2')?.needs).toEqual(['all.1']);
  expect(text(now, 'all.2')).toMatch(/^new [^]*b/);
  expect(text(now, 'f.1.b')).toBe('old');
});

const gated: Cooked = (x) =>
  proto([
    step('a', {
      gates: [
        { type: 'mail', await: x, timeoutMs: 5_000 },
        { type: 'human', await: '', timeoutMs: null },
      ],
    }),
  ]);

test('a gate is waited for anew as it is then; what has opened stays open', () => {
  const opened = all(poured(gated), { kind: 'gate-opened', step: 'a', gate: 1, by: 'ann' });
  const late = after(opened, { kind: 'gate-timed-out', step: 'a', gate: 0 }, 5_000);
  const now = answered(late, gated, 'a');
  expect([stateOfStep(now, 'a'), why(now, 'a')]).toEqual(['gate', 'a mail about "new", at most 5 s']);
  expect(stateOfStep(all(now, { kind: 'mailed', subject: 'the new one', from: 'ci' }), 'a')).toBe('ready');
});

test.each<[string, Protomolecule, boolean]>([
  ['other words', plain('new'), true],
  [
    'another condition',
    proto([{ ...first(), condition: { text: 'c', value: 'v', op: 'is', against: 'v' } }, ...rest()]),
    true,
  ],
  ['another assignee', proto([{ ...first(), assignee: 'crew/bob' }, ...rest()]), true],
  ['a step less', proto(rest()), false],
  ['a step of another name', proto([{ ...first(), id: 'z' }, ...rest()]), false],
  ['other needs', proto([first(), ...rest().map((one) => ({ ...one, needs: [] }))]), false],
  ['another agent', proto([{ ...first(), agent: 'codex' }, ...rest()]), false],
  ['a gate more', proto([{ ...first(), gates: [{ type: 'human', await: '', timeoutMs: null }] }, ...rest()]), false],
  ['a loop', proto(plain('new').steps, [loop('lp', ['a'], { until: 'a.status == complete' })]), false],
])('with %s a molecule goes on, or does not', (_what, now, goesOn) => {
  expect(shapeProblem(plain('old'), now) === null).toBe(goesOn);
});

function first(): ProtoStep {
  return step('a');
}

function rest(): readonly ProtoStep[] {
  return plain('new').steps.slice(1);
}

test('a part of a convoy keeps its variables', () => {
  expect(whyNoVars(plain('old'))).toBeNull();
  expect(whyNoVars(proto([step('a', { leg: { role: 'leg', file: '', reviewOnly: false } })]))).toContain('convoy');
});

test('the session that goes on is told what has changed', () => {
  expect(answerWith('try this', { x: 'new', y: 'a "b"' })).toBe(
    'try this\n\nFrom now on x is "new" and y is "a \\"b\\"".',
  );
  expect(answerWith(undefined, { x: 'new' })).toBe('From now on x is "new".');
});
