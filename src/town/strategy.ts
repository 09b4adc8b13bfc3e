/** How what a branch does comes to its target. */
import * as z from 'zod';

/**
 * Its commits anew (a branch that has merges is merged, since what was resolved in them would be lost); all of it as one commit; by a merge commit; or as it
 * is, where it grows from there, and not at all elsewhere.
 */
export const STRATEGIES = ['rebase', 'squash', 'merge', 'fast-forward'] as const;
export const Strategy = z.enum(STRATEGIES);
export type Strategy = z.infer<typeof Strategy>;

type Settings = { readonly merge?: { readonly strategy?: Strategy | undefined } | undefined };

/** As a rig has it. */
export const strategyOf = ({ merge }: Settings): Strategy => merge?.strategy ?? 'rebase';

/** Of a branch on which the work of many has landed: it is to come to its target as one, where that may have such commits. */
export function wholeStrategy(rig: Settings): Strategy {
  const strategy = strategyOf(rig);
  return strategy === 'rebase' ? 'merge' : strategy;
}
