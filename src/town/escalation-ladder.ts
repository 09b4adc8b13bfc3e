/** The ladder of an escalation: who is asked, one after the other, and how long each may be silent. */
import { DEACON, MAYOR, OVERSEER, rigOfWitness } from './address.js';
import type { Severity } from './escalation-input.js';
import type { AskingRole } from './runtime.js';

/** By addresses, the last of which is the overseer. Times without patience. `withinMs`: of silence. `staleMs`: until it is more urgent, `raisesMax` times. `patience`: the town's, where it is known. */
export type Ladder = {
  readonly route: readonly string[];
  readonly withinMs: Readonly<Record<Severity, number>>;
  readonly staleMs: number;
  readonly raisesMax: number;
  readonly patience?: number;
};

const MINUTE_MS = 60_000;
const HOUR_MS = 60 * MINUTE_MS;

/** Where no other can be known soon: trouble does not wait for that. */
export const LAST_RESORT: Ladder = {
  route: [OVERSEER],
  withinMs: { CRITICAL: 5 * MINUTE_MS, HIGH: 30 * MINUTE_MS, MEDIUM: 4 * HOUR_MS },
  staleMs: 4 * HOUR_MS,
  raisesMax: 2,
};

/** Above him there is nobody. */
export function endingWithOverseer(ladder: Ladder): Ladder {
  const { route } = ladder;
  return route.at(-1) === OVERSEER ? ladder : { ...ladder, route: [...route, OVERSEER] };
}

/** Tiers that decide by themselves; the others are people. As routes and rules name them, a role of a rig without its rig. */
export const ROLE_TIERS = ['witness', DEACON, MAYOR] as const satisfies readonly AskingRole[];
type RoleTier = (typeof ROLE_TIERS)[number];

/** The role that decides at a tier, at once; null where a person does. */
export function roleAt(tier: string): RoleTier | null {
  return rigOfWitness(tier) === null ? (ROLE_TIERS.find((role) => role === tier) ?? null) : 'witness';
}

export const isRoleTier = (tier: string): boolean => roleAt(tier) !== null;
