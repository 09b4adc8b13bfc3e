/** A molecule costs what changes, not what there is. */
import { expect, test } from 'vitest';
import { moleculeBoard } from '../../src/town/molecule-board.js';
import { fateOf, nextStep } from '../../src/town/molecule.js';
import { poured, step, work } from '../support/molecules.js';

const chain = (n: number) =>
  Array.from({ length: n }, (_none, at) => step(`s${at}`, at === 0 ? {} : { needs: [`s${at - 1}`] }));
const fan = (n: number) => [
  step('first'),
  ...Array.from({ length: n }, (_none, at) => step(`s${at}`, { needs: ['first'] })),
  step('last', { needs: Array.from({ length: n }, (_none, at) => `s${at}`) }),
];

function msToRun(steps: ReturnType<typeof chain>): number {
  let molecule = poured(steps);
  const start = performance.now();
  for (let next = nextStep(molecule); next !== null; next = nextStep(molecule)) {
    molecule = work(molecule, next.id);
    moleculeBoard(molecule, 'f', 'id');
  }
  expect(fateOf(molecule).kind).toBe('done');
  return performance.now() - start;
}

test.each([
  ['a chain', chain],
  ['a fan', fan],
])('%s of 2,000 steps takes no more than a few times as long a step as one of 200', (_name, make) => {
  msToRun(make(200));
  const [few, many] = [msToRun(make(200)) / 200, msToRun(make(2_000)) / 2_000];
  expect(many).toBeLessThan(Math.max(few * 8, 0.5));
});
