import { expect, test } from 'vitest';
import { bondPlace } from '../../src/town/molecule-bond.js';
import { dueLoop } from '../../src/town/molecule-loops.js';
import type { Molecule } from '../../src/town/molecule-live.js';
import type { BondPlace } from '../../src/town/molecule-state.js';
import { nextStep, stepOf } from '../../src/town/molecule.js';
import { all, carried, ids, loop, poured, proto, stateOfStep, step, work } from '../support/molecules.js';

const steps = [step('design'), step('build', { needs: ['design'] }), step('ship', { needs: ['build'] })];
const review = proto([
  step('read'),
  step('say', { needs: ['read'], description: '{{steps.read.summary}} of {{steps.design.summary}}' }),
]);
const points = [
  { id: 'reviewed', description: '', after: 'design', before: null },
  { id: 'released', description: '', after: null, before: 'ship' },
];
const bond = (molecule: Molecule, place: BondPlace, formula = review) =>
  all(molecule, { kind: 'bonded', proto: formula, place });

test('a bonded formula runs beside the others, under ids of its own', () => {
  const molecule = bond(poured(steps), { kind: 'beside' });
  expect(ids(molecule.steps).slice(3)).toEqual(['f.1.read', 'f.1.say']);
  expect(stepOf(molecule, 'f.1.say')?.needs).toEqual(['f.1.read']);
  expect(molecule.cooked.get('f.1.say')?.description).toBe('{{steps.f.1.read.summary}} of {{steps.design.summary}}');
  expect(ids(bond(molecule, { kind: 'beside' }).steps).slice(5)).toEqual(['f.2.read', 'f.2.say']);
});

test('at a point after a step it comes between that step and those that needed it', () => {
  const found = bondPlace(poured(steps), points, { at: 'reviewed' });
  expect(found).toEqual({ ok: true, place: { kind: 'after', steps: ['design'], between: true } });
  const molecule = work(bond(poured(steps), { kind: 'after', steps: ['design'], between: true }), 'design');
  expect([nextStep(molecule)?.id, stateOfStep(molecule, 'build')]).toEqual(['f.1.read', 'pending']);
  const over = work(work(carried(molecule, steps), 'f.1.read'), 'f.1.say');
  expect(nextStep(over)?.id).toBe('build');
});

test('at a point before a step it takes over what that step needed', () => {
  const molecule = bond(poured(steps), { kind: 'before', steps: ['ship'] });
  expect(stepOf(molecule, 'f.1.read')?.needs).toEqual(['build']);
  const built = work(work(molecule, 'design'), 'build');
  expect([nextStep(built)?.id, stateOfStep(built, 'ship')]).toEqual(['f.1.read', 'pending']);
});

test('at a point before several steps all of them wait, and it needs what they have in common', () => {
  const begun = [step('design'), step('a', { needs: ['design'] }), step('b', { needs: ['design', 'a'] })];
  const point = { id: 'begun', description: '', after: null, before: ['a', 'b'] };
  const found = bondPlace(poured(begun), [point], { at: 'begun' });
  expect(found).toEqual({ ok: true, place: { kind: 'before', steps: ['a', 'b'] } });
  const molecule = bond(poured(begun), { kind: 'before', steps: ['a', 'b'] });
  expect(stepOf(molecule, 'f.1.read')?.needs).toEqual(['design']);
  const over = work(work(work(molecule, 'design'), 'f.1.read'), 'f.1.say');
  expect(nextStep(over)?.id).toBe('a');
});

test('at a point after several steps it waits for all, and those that needed all of them wait for it', () => {
  const ended = [step('a'), step('b'), step('z', { needs: ['a', 'b'] }), step('y', { needs: ['b'] })];
  const point = { id: 'ended', description: '', after: ['a', 'b'], before: null };
  const found = bondPlace(poured(ended), [point], { at: 'ended' });
  expect(found).toEqual({ ok: true, place: { kind: 'after', steps: ['a', 'b'], between: true } });
  const molecule = bond(poured(ended), { kind: 'after', steps: ['a', 'b'], between: true });
  expect(stepOf(molecule, 'f.1.read')?.needs).toEqual(['a', 'b']);
  expect(['z', 'y'].map((id) => stepOf(molecule, id)?.needs.includes('f.1.say'))).toEqual([true, false]);
});

test('at a point before a loop its first steps wait', () => {
  const round = [
    step('design'),
    step('lp.iter1.x', { needs: ['design'] }),
    step('lp.iter1.y', { needs: ['lp.iter1.x'] }),
  ];
  const loops = [loop('lp', ['lp.iter1.x', 'lp.iter1.y'], { until: 'lp.iter1.y.output.ok == true' })];
  const point = { id: 'round', description: '', after: null, before: 'lp' };
  const found = bondPlace(poured(round, loops), [point], { at: 'round' });
  expect(found).toEqual({ ok: true, place: { kind: 'before', steps: ['lp'] } });
  const designed = work(bond(poured(round, loops), { kind: 'before', steps: ['lp'] }), 'design');
  expect([nextStep(designed)?.id, stateOfStep(designed, 'lp.iter1.x')]).toEqual(['f.1.read', 'pending']);
  const said = work(work(designed, 'f.1.read'), 'f.1.say');
  const again = all(work(work(said, 'lp.iter1.x'), 'lp.iter1.y', { ok: false }), {
    kind: 'loop-judged',
    loop: 'lp',
    verdict: { kind: 'condition', files: [] },
  });
  expect(nextStep(again)?.id).toBe('lp.iter2.x');
});

test('a loop of the bonded formula goes round under its new name', () => {
  const polish = {
    ...proto([step('lp.iter1.x')], [loop('lp', ['lp.iter1.x'], { until: 'lp.iter1.x.output.ok == true' })]),
    formula: 'polish',
  };
  const molecule = work(bond(poured([]), { kind: 'beside' }, polish), 'polish.1.lp.iter1.x', { ok: false });
  expect(dueLoop(molecule)?.id).toBe('polish.1.lp');
  const again = all(molecule, { kind: 'loop-judged', loop: 'polish.1.lp', verdict: { kind: 'condition', files: [] } });
  expect(nextStep(again)?.id).toBe('polish.1.lp.iter2.x');
});

test('a loop of the bonded formula holds the group open that it stands in, there or in the formula', () => {
  const group = [step('g', { kind: 'group', script: null }), step('design', { parent: 'g' }), step('ship')];
  const place = { kind: 'after', steps: ['design'], between: true } as const;
  const bare = proto([step('lp.iter1.x')], [loop('lp', ['lp.iter1.x'], { parent: null })]);
  expect(stepOf(bond(poured(group), place, bare), 'f.1.lp')?.parent).toBe('g');
  const steps = [step('own', { kind: 'group', script: null }), step('lp.iter1.x', { parent: 'own' })];
  const within = proto(steps, [loop('lp', ['lp.iter1.x'], { parent: 'own' })]);
  expect(stepOf(bond(poured(group), place, within), 'f.1.lp')?.parent).toBe('f.1.own');
  const old = proto([step('lp.iter1.x')], [loop('lp', ['lp.iter1.x'], {})]);
  expect(stepOf(bond(poured(group), place, old), 'f.1.lp')?.parent).toBeUndefined();
});

test('a place that is not there, or has gone by, is refused with what is possible', () => {
  const molecule = work(work(poured(steps), 'design'), 'build');
  const why = (asked: Parameters<typeof bondPlace>[2]) => {
    const found = bondPlace(molecule, points, asked);
    return found.ok ? '' : found.why;
  };
  expect(why({ at: 'reviewd' })).toBe('there is no bond point "reviewd"; did you mean "reviewed"?');
  expect(why({ after: 'nowhere' })).toBe('there is no step "nowhere"; the steps are design, build, ship');
  expect(why({ at: 'released' })).toBe(
    'bond point "released" is before step "ship", which has begun; bond with {"after": …} instead',
  );
  expect(why({ at: 'released', after: 'ship' })).toContain('give either');
});

test('at a point in a group that has closed nothing is bonded, for it would never begin', () => {
  const group = [
    step('g', { kind: 'group', script: null }),
    step('g.x', { parent: 'g' }),
    step('g.y', { parent: 'g', needs: ['g.x'] }),
    step('ship', { needs: ['g'] }),
  ];
  const point = { id: 'built', description: '', after: 'g.y', before: null };
  const open = work(poured(group), 'g.x');
  expect(bondPlace(open, [point], { at: 'built' }).ok).toBe(true);
  const closed = work(open, 'g.y');
  expect(bondPlace(closed, [point], { at: 'built' })).toEqual({
    ok: false,
    why: 'bond point "built" is in the group "g", which has closed; bond with {"after": "g"} instead',
  });
  const found = bondPlace(closed, [point], { after: 'g' });
  expect(found).toEqual({ ok: true, place: { kind: 'after', steps: ['g'], between: false } });
  const after = bond(closed, { kind: 'after', steps: ['g'], between: false });
  expect(stateOfStep(after, 'f.1.read')).toBe('ready');
});
