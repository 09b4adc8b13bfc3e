/**
 * What lies under a polecat's name, and whether anybody may still want it. Agents name branches as they like, and the server forgets: only what is
 * found to be of a polecat that has closed, and whose mission has, may be cleared; who cannot tell leaves it.
 */
import { branchFor, firstBranch } from './branch.js';

/** A sandbox by its incarnation, 0 for a branch without one. */
type Lying = { readonly name: string; readonly incarnation: number; readonly branch: string };

/** A polecat that had the name, as the server has it whole. */
export type Had = {
  readonly isOpen: boolean;
  readonly isMissionOpen: boolean;
  readonly incarnation: number;
  readonly molecule: string;
};

/** `unreadable`: somebody is at work under the name whose beginning cannot be read. */
export type Known = { readonly had: readonly Had[]; readonly unreadable: boolean };

/** `molecule`: of the polecat that it was made for. */
export type Judged =
  | { readonly kind: 'orphan'; readonly molecule: string }
  | { readonly kind: 'held' }
  | { readonly kind: 'unknown' };

export function judged({ name, incarnation, branch }: Lying, { had, unreadable }: Known): Judged {
  const isOf = (one: Had) => firstBranch(branch) === branchFor(name, one.molecule);
  const isHeld = had.some((one) => {
    // Its agent makes branches beside its own, and may be on one of them. A newer sandbox is of somebody who is about to begin.
    if (one.isOpen && (incarnation === 0 || incarnation >= one.incarnation)) return true;
    return (one.isOpen || one.isMissionOpen) && (isOf(one) || incarnation === one.incarnation);
  });
  if (isHeld) return { kind: 'held' };
  const owner = had.find((one) => isOf(one) && (incarnation === 0 || incarnation === one.incarnation));
  if (unreadable || owner === undefined) return { kind: 'unknown' };
  return { kind: 'orphan', molecule: owner.molecule };
}

/** Whether the polecat of that sandbox is at work under the name, or about to be. */
export function isAtWork({ incarnation }: Pick<Lying, 'incarnation'>, { had, unreadable }: Known): boolean {
  return unreadable || had.some((one) => one.isOpen && incarnation >= one.incarnation);
}
