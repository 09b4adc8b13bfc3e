/**
 * What tests do of a campaign that is too long for each run: a part of it, chosen by a seed that is printed, and the whole in
 * `npm run test:long`. `GT_SEED=n` repeats what a seed has chosen.
 */
import { expect, test } from 'vitest';
import type { TestAPI, TestFunction } from 'vitest';
import { random } from './random.js';

export const IS_LONG = process.env['GT_LONG'] !== undefined;
export const SEED = Number(process.env['GT_SEED'] ?? Date.now() % 100_000);

/** Of a number of cases whether the one at a place is among the few that are tried now. */
export function sample(what: string, all: number, few: number): (at: number) => boolean {
  if (IS_LONG) return () => true;
  // One seed does not choose the same places of everything.
  const first = random(SEED + sumOf(what)).below(all);
  console.warn(`of ${all} ${what} ${few} are tried here, as GT_SEED=${SEED} has it; all in the long run`);
  return (at) => (at - first + all) % all < few;
}

/** Those of the cases that are tried now. */
export function some<Case>(what: string, cases: readonly Case[], few: number): readonly Case[] {
  const isTried = sample(what, cases.length, few);
  return cases.filter((_case, at) => isTried(at));
}

function sumOf(word: string): number {
  return Buffer.from(word).reduce((sum, byte) => (sum * 31 + byte) % 1_000_003, 0);
}

type Drawn = Pick<TestAPI, 'concurrent' | 'each' | 'skipIf'> &
  ((name: string, run: TestFunction, timeoutMs?: number) => void);

/**
 * What a file takes in place of `test` for those of its tests that are a campaign: `const it = drawn('deaths of a role', 7, 2)`,
 * and then `it('…', …)` seven times, of which two are tried now. Only for tests that need none of the others.
 */
export function drawn(what: string, all: number, few: number): Drawn {
  const isTried = sample(what, all, few);
  let count = 0;
  const next = () => {
    count += 1;
    return isTried(count - 1) ? test : test.skip;
  };
  // One that is added and not counted would never be tried, or always.
  test(`there are ${all} ${what}`, () => expect(count).toBe(all));
  return Object.assign((name: string, run: TestFunction, timeoutMs?: number) => next()(name, run, timeoutMs), {
    each: (rows: readonly unknown[]) => next().each(rows),
    concurrent: (name: string, run: TestFunction, timeoutMs?: number) => next().concurrent(name, run, timeoutMs),
    skipIf: (isSkipped: unknown) => (isSkipped ? [next(), test.skip] : [next()]).at(-1),
  }) as unknown as Drawn; // each of them takes what that of `test` takes
}
