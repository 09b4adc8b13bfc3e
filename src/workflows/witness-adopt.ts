/** Who is at work in the rig of a witness that begins: one before it may have been terminated. */
import type { FoundPolecat } from '../contract/activities.js';
import type { WitnessCarry } from '../contract/witness.js';
import type { Hold } from '../town/pause.js';
import { missionRunOf, type Lease } from '../town/slots.js';
import { town } from './hands.js';

type AtWork = {
  readonly leases: readonly Lease[];
  readonly incarnationMax: number;
  /** As the one before held them; null when they tell of no pause. */
  readonly held: Hold | null;
};

export async function whoWorks({ rig, patience }: Pick<WitnessCarry, 'rig' | 'patience'>): Promise<AtWork> {
  const summary = `who works in ${rig.name}`;
  const { polecats, incarnationMax } = await town(patience).findPolecats.executeWithOptions({ summary }, [rig]);
  const open = polecats.filter((one) => one.isOpen);
  return { leases: open.map(leaseOf), incarnationMax, held: open.flatMap(({ held }) => held ?? [])[0] ?? null };
}

function leaseOf({ claim, mission, item, priority, name, incarnation, sinceMs }: FoundPolecat): Lease {
  return { id: claim, mission, missionRun: missionRunOf(claim), item, priority, name, incarnation, sinceMs };
}
