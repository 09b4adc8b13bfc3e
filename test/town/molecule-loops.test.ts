import * as fc from 'fast-check';
import { expect, test } from 'vitest';
import { filled } from '../../src/town/molecule-facts.js';
import { dueLoop } from '../../src/town/molecule-loops.js';
import { refusal } from '../../src/town/molecule-refusal.js';
import type { LoopVerdict } from '../../src/town/molecule-state.js';
import type { Molecule } from '../../src/town/molecule-live.js';
import { fateOf, nextStep } from '../../src/town/molecule.js';
import { all, carried, loop, poured, stateOfStep, step, why, work } from '../support/molecules.js';

const steps = [
  step('plan'),
  step('lp.iter1.do', { needs: ['plan'] }),
  step('lp.iter1.look', { needs: ['lp.iter1.do'], description: 'after {{steps.lp.iter1.do.summary}}' }),
  step('end', { needs: ['lp.iter1.look'], description: 'clean: {{steps.lp.iter1.look.output.clean}}' }),
];
const until = loop('lp', ['lp.iter1.do', 'lp.iter1.look'], { max: 3, until: 'look.output.clean == true' });
const judge = (molecule: Molecule, verdict: LoopVerdict = { kind: 'condition', files: [] }) =>
  all(molecule, { kind: 'loop-judged', loop: dueLoop(molecule)?.id ?? 'none', verdict });

/** One iteration, and the word on it. */
function iteration(molecule: Molecule, n: number, isClean: boolean): Molecule {
  return judge(work(work(molecule, `lp.iter${n}.do`), `lp.iter${n}.look`, { clean: isClean }));
}

test('a loop is repeated until its condition holds; who needs one of its steps waits for the end', () => {
  const first = work(poured(steps, [until]), 'plan');
  expect([stateOfStep(first, 'lp'), stateOfStep(first, 'end')]).toEqual(['open', 'pending']);
  const second = iteration(first, 1, false);
  expect([nextStep(second)?.id, stateOfStep(second, 'end')]).toEqual(['lp.iter2.do', 'pending']);
  const look = second.cooked.get('lp.iter2.look');
  expect(look).toMatchObject({ needs: ['lp.iter2.do'], description: 'after {{steps.lp.iter2.do.summary}}' });
  const done = iteration(second, 2, true);
  expect([stateOfStep(done, 'lp'), nextStep(done)?.id]).toEqual(['done', 'end']);
  const end = done.cooked.get('end');
  expect(end === undefined ? null : filled(done, end).description).toBe('clean: true');
  expect(fateOf(work(done, 'end')).kind).toBe('done');
});

/** A loop that is all there is in a group, and a step behind the group. */
const grouped = [
  step('begin'),
  step('g', { kind: 'group', script: null, needs: ['begin'] }),
  step('lp.iter1.x', { parent: 'g' }),
  step('end', { needs: ['g'] }),
];
const inGroup = loop('lp', ['lp.iter1.x'], { max: 3, until: 'x.output.ok == true', parent: 'g' });

test('a group is open until the loop in it is over', () => {
  const begun = poured(grouped, [inGroup]);
  expect(stateOfStep(begun, 'lp')).toBe('pending');
  const first = work(work(begun, 'begin'), 'lp.iter1.x', { ok: false });
  expect(['g', 'lp', 'end'].map((id) => stateOfStep(first, id))).toEqual(['open', 'open', 'pending']);
  const second = judge(carried(first, grouped));
  expect([nextStep(second)?.id, stateOfStep(second, 'g')]).toEqual(['lp.iter2.x', 'open']);
  const done = judge(work(second, 'lp.iter2.x', { ok: true }));
  expect([stateOfStep(done, 'g'), nextStep(done)?.id]).toEqual(['done', 'end']);
  expect(fateOf(work(done, 'end')).kind).toBe('done');
});

test('a group that is skipped takes the loop in it along, before and between its iterations', () => {
  const skip = { kind: 'skipped', step: 'g', reason: 'no', by: 'Ada' } as const;
  const begun = work(poured(grouped, [inGroup]), 'begin');
  for (const molecule of [begun, work(begun, 'lp.iter1.x', { ok: false })]) {
    const skipped = all(molecule, skip);
    expect([stateOfStep(skipped, 'lp'), dueLoop(skipped), nextStep(skipped)?.id]).toEqual(['skipped', null, 'end']);
  }
});

test('to a condition the children of a group are steps, and the loop in it is none', () => {
  const gates = [{ type: 'condition', await: 'children(g).all(output.ok == true)', timeoutMs: null }] as const;
  const molecule = poured([...grouped, step('watch', { gates: [...gates] })], [inGroup]);
  expect(stateOfStep(molecule, 'watch')).toBe('gate');
  const done = judge(work(work(molecule, 'begin'), 'lp.iter1.x', { ok: true }));
  expect(stateOfStep(done, 'watch')).toBe('ready');
});

test('a loop that is never done asks somebody; retry adds one iteration, close ends it', () => {
  let molecule = work(poured(steps, [until]), 'plan');
  for (const n of [1, 2, 3]) molecule = iteration(molecule, n, false);
  expect([stateOfStep(molecule, 'lp'), nextStep(molecule)]).toEqual(['escalation', null]);
  expect(why(molecule, 'lp')).toContain('not done after 3 iterations');
  expect(refusal(molecule, 'close', 'lp')).toBeNull();
  const again = all(molecule, { kind: 'retried', step: 'lp', by: 'Ada', note: 'look closer' });
  expect(nextStep(again)).toMatchObject({
    id: 'lp.iter4.do',
    note: null,
    answers: [{ asked: expect.stringContaining('not done after 3 iterations'), by: 'Ada', text: 'look closer' }],
  });
  const ended = all(molecule, { kind: 'accepted', step: 'lp', summary: 'good enough', by: 'Ada', head: null });
  expect(nextStep(ended)?.id).toBe('end');
  expect(fateOf(all(molecule, { kind: 'failed', step: 'lp', reason: 'no', by: 'Ada' })).kind).toBe('failed');
});

test('a loop of which all steps have closed is looked at by itself, and whoever asks is told when', () => {
  const over = work(work(work(poured(steps, [until]), 'plan'), 'lp.iter1.do'), 'lp.iter1.look');
  expect(dueLoop(over)?.id).toBe('lp');
  expect(refusal(over, 'skip', 'lp')).toBe(
    'step "lp" has no open step any more: whether it is over is looked at now; no step waits for an answer now',
  );
  const paused = all(over, { kind: 'paused', by: 'Ada', why: 'lunch' });
  expect(refusal(paused, 'skip', 'lp')).toContain('is looked at when the molecule is resumed');
});

test('a check repeats the children of its group until it passes, and tells the next iteration why', () => {
  const group = [
    step('fix', { kind: 'group', script: null }),
    step('fix.code', { parent: 'fix' }),
    step('fix.test', { parent: 'fix', needs: ['fix.code'] }),
    step('ship', { needs: ['fix'] }),
  ];
  const checked = loop('fix', ['fix.code', 'fix.test'], { max: 2, check: { command: 'make test', timeoutMs: 1_000 } });
  const due = work(work(poured(group, [checked]), 'fix.code'), 'fix.test');
  expect(dueLoop(due)).toMatchObject({ id: 'fix', iteration: 1, check: { command: 'make test' } });
  const again = judge(due, { kind: 'checked', ok: false, detail: '2 tests are red' });
  expect(nextStep(again)).toMatchObject({ id: 'fix.iter2.fix.code', note: '2 tests are red', parent: 'fix' });
  const done = judge(work(work(again, 'fix.iter2.fix.code'), 'fix.iter2.fix.test'), {
    kind: 'checked',
    ok: true,
    detail: '',
  });
  expect([stateOfStep(done, 'fix'), nextStep(done)?.id]).toEqual(['done', 'ship']);
});

test('a loop in a loop begins anew with each iteration of the outer one', () => {
  const nested = [
    step('o.iter1.i.iter1.x'),
    step('o.iter1.y', { needs: ['o.iter1.i.iter1.x'] }),
    step('z', { needs: ['o.iter1.y'] }),
  ];
  const loops = [
    loop('o', ['o.iter1.i.iter1.x', 'o.iter1.y'], { until: 'y.output.done == true' }),
    loop('o.iter1.i', ['o.iter1.i.iter1.x'], { until: 'x.output.ok == true' }),
  ];
  let molecule = judge(work(poured(nested, loops), 'o.iter1.i.iter1.x', { ok: false }));
  expect([nextStep(molecule)?.id, stateOfStep(molecule, 'o.iter1.y')]).toEqual(['o.iter1.i.iter2.x', 'pending']);
  molecule = judge(work(molecule, 'o.iter1.i.iter2.x', { ok: true }));
  molecule = judge(work(molecule, 'o.iter1.y', { done: false }));
  expect(nextStep(molecule)?.id).toBe('o.iter2.i.iter1.x');
  molecule = judge(work(molecule, 'o.iter2.i.iter1.x', { ok: false }));
  molecule = judge(work(molecule, 'o.iter2.i.iter2.x', { ok: true }));
  expect(stateOfStep(molecule, 'z')).toBe('pending');
  molecule = judge(work(molecule, 'o.iter2.y', { done: true }));
  expect([stateOfStep(molecule, 'o'), nextStep(molecule)?.id]).toEqual(['done', 'z']);
});

test('a loop of which everything was skipped is skipped', () => {
  const condition = { text: 'no', value: '', op: 'truthy', against: '' } as const;
  const none = [step('lp.iter1.x', { condition }), step('end', { needs: ['lp.iter1.x'] })];
  const molecule = poured(none, [loop('lp', ['lp.iter1.x'], { until: 'x.output.a == 1' })]);
  expect([stateOfStep(molecule, 'lp'), nextStep(molecule)?.id]).toEqual(['skipped', 'end']);
});

test('a loop that is skipped before its turn takes its steps along', () => {
  const molecule = all(poured(steps, [until]), { kind: 'skipped', step: 'lp', reason: 'no', by: 'Ada' });
  expect(['lp.iter1.do', 'lp.iter1.look'].map((id) => stateOfStep(molecule, id))).toEqual(['skipped', 'skipped']);
  expect(nextStep(work(molecule, 'plan'))?.id).toBe('end');
});

test('a loop that nobody here can judge asks somebody', () => {
  const due = work(work(work(poured(steps, [until]), 'plan'), 'lp.iter1.do'), 'lp.iter1.look', {});
  const asked = judge(due, { kind: 'unknown', why: 'there is no sandbox' });
  expect([stateOfStep(asked, 'lp'), why(asked, 'lp')]).toEqual(['escalation', 'there is no sandbox']);
});

test('wherever a molecule is carried over, it goes on as if it had not been', () => {
  fc.assert(
    fc.property(
      fc.array(fc.boolean(), { minLength: 1, maxLength: 6 }),
      fc.array(fc.boolean(), { maxLength: 20 }),
      (words, cuts) => {
        const run = (isCut: (turn: number) => boolean) => {
          let molecule = poured(steps, [until]);
          for (let turn = 0; turn < 30; turn += 1) {
            if (isCut(turn)) molecule = carried(molecule, steps);
            const due = dueLoop(molecule);
            const next = nextStep(molecule);
            if (due !== null) molecule = judge(molecule);
            else if (next !== null) molecule = work(molecule, next.id, { clean: words[turn % words.length] ?? true });
            else break;
          }
          return molecule;
        };
        const [whole, parts] = [run(() => false), run((turn) => cuts[turn % Math.max(1, cuts.length)] ?? false)];
        expect(parts.steps).toEqual(whole.steps);
        expect([parts.left, parts.closed, parts.head]).toEqual([whole.left, whole.closed, whole.head]);
      },
    ),
  );
});
