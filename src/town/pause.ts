/** Work that somebody holds: nothing new begins until it is resumed; what people close, answer and approve counts all the same. */

/** By whom, and why. */
export type Hold = {
  readonly by: string;
  readonly why: string;
  /** The workflow above that was asked to and passes it on; absent when it was asked of this one itself. */
  readonly above?: string | undefined;
  /** By a version that did not say from where: whoever lets go next lifts it. */
  readonly isFromAnywhere?: true;
};

export type Pause = Hold & { readonly sinceMs: number };

/** On whom paused work waits. */
export const RESUME = 'operator: resume';

/** One more, or another word from where one came already. What is held from several sides goes on when all have let go. */
export function withHold<H extends Hold>(holds: readonly H[], hold: H): readonly H[] {
  const known = hold.isFromAnywhere === true ? undefined : heldBy(holds, hold.above);
  return known === undefined ? [...holds, hold] : holds.map((one) => (one === known ? hold : one));
}

/**
 * How a rig is held whose witness begins. `before`: as the one before it held the rig, null when nobody knows. Then those at work tell, who have heard of one
 * hold, `below`: that may be the town's.
 */
export function holdsOfRig({ before, town, below, deacon }: RigHolds): readonly Hold[] {
  const isOfTown = below?.by === town?.by && below?.why === town?.why;
  const known = below === null || isOfTown ? [] : [{ by: below.by, why: below.why }];
  const own = before === null ? known : before.filter(({ above }) => above !== deacon);
  return [...own, ...(town === null ? [] : [{ by: town.by, why: town.why, above: deacon }])];
}

type RigHolds = {
  readonly before: readonly Hold[] | null;
  readonly town: Hold | null;
  readonly below: Hold | null;
  readonly deacon: string;
};

export function withoutHold<H extends Hold>(holds: readonly H[], above: string | undefined): readonly H[] {
  const lifted = heldFrom(holds, above);
  return holds.filter((one) => one !== lifted);
}

/** The hold that a `resume` from there lifts. */
export function heldFrom<H extends Hold>(holds: readonly H[], above: string | undefined): H | undefined {
  return heldBy(holds, above) ?? holds.find((one) => one.isFromAnywhere === true);
}

function heldBy<H extends Hold>(holds: readonly H[], above: string | undefined): H | undefined {
  return holds.find((one) => one.above === above && one.isFromAnywhere === undefined);
}
