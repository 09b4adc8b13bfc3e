/**
 * What tests do of a campaign that is too long for each run: a part of it, chosen by a seed that is printed, and the whole in
 * `npm run test:long`. `GT_SEED=n` repeats what a seed has chosen.
 */
import { random } from './random.js';

export const IS_LONG = process.env['GT_LONG'] !== undefined;
export const SEED = Number(process.env['GT_SEED'] ?? Date.now() % 100_000);

/** Of a number of cases whether the one at a place is among the few that are tried now. */
export function sample(what: string, all: number, few: number): (at: number) => boolean {
  if (IS_LONG) return () => true;
  const first = random(SEED).below(all);
  console.warn(`of ${all} ${what} ${few} are tried here, as GT_SEED=${SEED} has it; all in the long run`);
  return (at) => (at - first + all) % all < few;
}

/** Those of the cases that are tried now. */
export function some<Case>(what: string, cases: readonly Case[], few: number): readonly Case[] {
  const isTried = sample(what, cases.length, few);
  return cases.filter((_case, at) => isTried(at));
}
