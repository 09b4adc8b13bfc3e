import * as fc from 'fast-check';
import { expect, test } from 'vitest';
import { filled } from '../../src/town/molecule-facts.js';
import { backRefusal, wayBack } from '../../src/town/molecule-back.js';
import { bondPlace, bondProblem } from '../../src/town/molecule-bond.js';
import type { Molecule } from '../../src/town/molecule-live.js';
import { refusal } from '../../src/town/molecule-refusal.js';
import { countAdded } from '../../src/town/molecule-growth.js';
import { after as rule, fateOf, nextStep } from '../../src/town/molecule.js';
import type { Protomolecule } from '../../src/town/protomolecule.js';
import { cooked, step as open } from '../support/formula.js';
import { accepted, all, carried, poured, start, work } from '../support/molecules.js';
import { IS_LONG } from '../support/sample.js';

const step = (id: string, more = '') => open(id, `run = "true"\n${more}`);
const body = (id: string, more = '') => open(id, `run = "true"\n${more}`, 'steps.loop.body');

/** A loop over so many numbers from 3 on, unrolled or not: the compiler decides by what there is to unroll. */
function proto(rounds: number, steps: string, isLong: boolean): Protomolecule {
  const last = isLong ? 1_000_000 : 2 + rounds;
  const text = `${step('first')}${open('lp', 'needs = ["first"]')}[steps.loop]\nrange = "3..${last}"\nvar = "i"\n${steps}${step('end', 'needs = ["lp"]')}`;
  const made = cooked(text);
  if (!isLong) return made;
  const loops = (made.loops ?? []).map((one) => ({
    ...one,
    max: rounds,
    ...(one.counter === undefined ? {} : { counter: { ...one.counter, to: 2 + rounds } }),
  }));
  return { ...made, loops };
}

const pouredOf = ({ steps, loops }: Protomolecule) => poured(steps, loops);

/** Works whatever is next until nothing is: the ids with their descriptions, in the order in which they were worked. */
function worked(made: Protomolecule, isCarried: boolean): readonly string[] {
  const done: string[] = [];
  let now = pouredOf(made);
  for (let next = nextStep(now); next !== null; next = nextStep(now)) {
    const own = now.cooked.get(next.id);
    done.push(`${next.id} ${next.title} ${own === undefined ? '' : filled(now, own).description}`);
    now = work(now, next.id, { n: done.length });
    if (isCarried) now = carried(now, made.steps);
  }
  expect(fateOf(now).kind).toBe('done');
  expect(now.closed + now.passed.steps).toBe(done.length + (made.loops ?? []).length);
  expect(now.sessions).toBe(done.length);
  return done;
}

test('iteration by iteration a molecule does what one with the loop unrolled does, also when it is carried from run to run', () => {
  const shape = fc.array(fc.subarray([0, 1, 2]), { minLength: 1, maxLength: 3 });
  fc.assert(
    fc.property(fc.integer({ min: 1, max: 6 }), shape, fc.boolean(), (rounds, needs, isCarried) => {
      const steps = needs.map((own, at) => {
        const before = own.filter((one) => one < at);
        const told = before.map((one) => `{{steps.b${one}.output.n}}`).join(' ');
        return body(`b${at}`, `needs = [${before.map((one) => `"b${one}"`).join()}]\ndescription = "{i} ${told}"`);
      });
      const text = steps.join('');
      expect(worked(proto(rounds, text, true), isCarried)).toEqual(worked(proto(rounds, text, false), false));
    }),
    { numRuns: IS_LONG ? 2_000 : 100 },
  );
});

const back = (molecule: Molecule, id: string) => all(molecule, { kind: 'went-back', step: id, by: 'me', note: null });

const standing = ({ steps }: Molecule) => steps.map(({ id, state }) => `${id} ${state.kind}`);

/** Accepts the steps at that time, each with a commit. */
const at = (ms: number, molecule: Molecule, ...ids: string[]) =>
  ids.reduce(
    (now, id) => rule(now, { ...accepted(id), kind: 'accepted', step: id, summary: '', by: 'x', head: `h-${id}` }, ms),
    molecule,
  );

const long = proto(1_000_000, body('x', 'description = "{i}"'), true);

function after(rounds: number): Molecule {
  let now = all(pouredOf(long), start('first'), accepted('first'));
  for (let round = 1; round <= rounds; round += 1) now = all(now, accepted(`lp.iter${round}.x`));
  return now;
}

test('what is carried does not grow, and costs are kept', () => {
  const sizes = [10, 1_000].map((rounds) => JSON.stringify(carried(after(rounds), long.steps).steps).length);
  expect((sizes[1] ?? 0) - (sizes[0] ?? 0)).toBeLessThan(100);
  const now = work(after(500), 'lp.iter501.x');
  expect([now.passed.steps, now.steps.length, now.sessions]).toEqual([500, 5, 2]);
});

test('who asks for a step of another iteration is told which one it is', () => {
  const now = after(5);
  const refused = (id: string) => refusal(now, 'close', id) ?? '';
  expect(refused('lp.iter6.x')).toContain('is ready');
  expect(refused('lp.iter5.x')).toContain('is closed already (done');
  expect(refused('lp.iter2.x')).toContain('step "lp.iter2.x" is closed already, with iteration 2 of "lp"');
  expect(refused('lp.iter7.x')).toContain('is not ready: "lp" is at iteration 6 of 1000000');
  expect(refused('lp.iter1000001.x')).toContain('there is no step');
  expect(refused('lp.iter07.x')).toContain('there is no step');
});

test('one can go back to an iteration that is kept, and not to before it', () => {
  const now = back(after(5), 'lp.iter5.x');
  expect(standing(now)).toEqual(['first closed', 'end pending', 'lp open', 'lp.iter5.x ready']);
  expect(nextStep(work(now, 'lp.iter5.x'))?.id).toBe('lp.iter6.x');
  const next = work(work(now, 'lp.iter5.x'), 'lp.iter6.x');
  expect(next.cooked.get('lp.iter7.x')?.description).toBe('9');
  expect(backRefusal(after(5), 'first') ?? '').toContain('"lp" keeps the steps of its last iterations only');
  expect(backRefusal(after(1), 'first')).toBeNull();
  // What is gone stays so, whatever iteration the loop is at again.
  const third = back(after(2), 'lp.iter2.x');
  expect(standing(third)).toEqual(['first closed', 'end pending', 'lp open', 'lp.iter2.x ready']);
  expect(backRefusal(third, 'first') ?? '').toContain('"lp" keeps the steps of its last iterations only');
});

test('nobody goes back to before a commit of an iteration that is forgotten', () => {
  const begun = at(1, pouredOf(long), 'first');
  const fifth = at(
    6,
    at(5, at(4, at(3, at(2, begun, 'lp.iter1.x'), 'lp.iter2.x'), 'lp.iter3.x'), 'lp.iter4.x'),
    'lp.iter5.x',
  );
  expect(backRefusal(fifth, 'lp.iter5.x')).toContain('the commits of iterations that are forgotten');
  expect(backRefusal(at(3, at(2, begun, 'lp.iter1.x'), 'lp.iter2.x'), 'lp.iter2.x')).toContain(
    'the commits of iterations',
  );
  const ended = at(
    4,
    at(3, at(2, at(1, pouredOf(proto(3, body('x'), true)), 'first'), 'lp.iter1.x'), 'lp.iter2.x'),
    'lp.iter3.x',
  );
  expect(wayBack(at(5, ended, 'end'), 'end').sandbox).toEqual({ head: 'h-lp.iter3.x' });
  expect(backRefusal(at(5, ended, 'end'), 'end')).toBeNull();
});

test('an iteration that somebody skips is one of many', () => {
  const now = all(after(2), { kind: 'skipped', step: 'lp.iter3.x', reason: 'no', by: 'me' });
  expect(nextStep(now)?.id).toBe('lp.iter4.x');
});

test('the number stands wherever it would unrolled, and nowhere else', () => {
  const more = `description = '{"n":{i}} a {{i} b {i.x}'\noutput = { n = "any" }`;
  const made = proto(3, body('x', more), true);
  const now = work(pouredOf(made), 'first');
  const unrolled = proto(3, body('x', more), false).steps.find(({ id }) => id === 'lp.iter1.x');
  expect(unrolled?.description).toContain('{"n":3}');
  expect(now.cooked.get('lp.iter1.x')).toEqual(unrolled);
});

test('nothing is bonded to a step of an iteration; the loop may be followed, and its iterations use up no room for others', () => {
  expect(bondPlace(after(2), [], { after: 'lp.iter3.x' })).toEqual({
    ok: false,
    why: 'step "lp.iter3.x" is of an iteration of "lp", and forgotten when that is over; bond with {"after": "lp"}',
  });
  expect(bondPlace(after(2), [], { after: 'lp' }).ok).toBe(true);
  expect(countAdded(after(0))).toBe(0);
  expect(countAdded(after(1))).toBe(0);
  expect(countAdded(after(7))).toBe(0);
});

test('a formula with a long loop is not bonded', () => {
  expect(bondProblem(after(1), long) ?? '').toContain('the loop "lp" of x goes round 1000000 times');
});

test('a loop whose steps are skipped by their condition ends, however often it would go round', () => {
  const skipped = proto(1_000_000, body('x', 'condition = "{{steps.first.output.go}} == yes"'), true);
  const now = work(pouredOf(skipped), 'first', { go: 'no' });
  expect(now.steps.find(({ id }) => id === 'lp')?.state).toMatchObject({ outcome: 'skipped' });
  expect(nextStep(now)?.id).toBe('end');
  const child = open('c', 'run = "true"\ncondition = "{{steps.first.output.go}} == yes"', 'steps.loop.body.children');
  const grouped = proto(1_000_000, `${open('g', '', 'steps.loop.body')}${child}`, true);
  expect(nextStep(work(pouredOf(grouped), 'first', { go: 'no' }))?.id).toBe('end');
});
