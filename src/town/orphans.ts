/** What lies under a polecat's name, and whether anybody may still want it. */
import { branchFor, firstBranch } from './branch.js';

/** A sandbox by its incarnation, 0 for a branch without one. */
type Lying = { readonly name: string; readonly incarnation: number; readonly branch: string };

/** A polecat that is at work, or one that has closed and whose mission is open. */
type Holder = { readonly isOpen: boolean; readonly incarnation: number; readonly molecule: string };

/** A sandbox that is newer than who works under the name is of somebody who is about to begin. */
export function isHeld({ name, incarnation, branch }: Lying, holders: readonly Holder[]): boolean {
  return holders.some((holder) => {
    const isOwn = firstBranch(branch) === branchFor(name, holder.molecule) || incarnation === holder.incarnation;
    return isOwn || (holder.isOpen && incarnation > holder.incarnation);
  });
}
