/** The ladder of an escalation: who is asked, one after the other, and how long each may be silent. */
import { DEACON, MAYOR, OVERSEER, rigOfWitness } from './address.js';
import type { Severity } from './escalation-input.js';

/** By addresses, the last of which is the overseer. Times without patience. `withinMs`: of silence. `staleMs`: until it is more urgent, `raisesMax` times. */
export type Ladder = {
  readonly route: readonly string[];
  readonly withinMs: Readonly<Record<Severity, number>>;
  readonly staleMs: number;
  readonly raisesMax: number;
};

/** Above him there is nobody. */
export function endingWithOverseer(ladder: Ladder): Ladder {
  const { route } = ladder;
  return route.at(-1) === OVERSEER ? ladder : { ...ladder, route: [...route, OVERSEER] };
}

/** Whether a tier decides by itself, at once: a role of the town, and no person. */
export function isRoleTier(tier: string): boolean {
  return tier === DEACON || tier === MAYOR || rigOfWitness(tier) !== null;
}
