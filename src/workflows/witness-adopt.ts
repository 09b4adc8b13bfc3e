/** Who is at work in the rig of a witness that begins: one before it may have been terminated. */
import type { FoundPolecat } from '../contract/activities.js';
import type { WitnessCarry, WitnessKept } from '../contract/witness.js';
import type { Hold } from '../town/pause.js';
import { missionRunOf, type Lease } from '../town/slots.js';
import { town } from './hands.js';
import { patched } from './patches.js';

type AtWork = {
  readonly leases: readonly Lease[];
  readonly incarnationMax: number;
  /** As the one before held them; null when they tell of no pause. */
  readonly held: Hold | null;
  /** Those who tell of one. */
  readonly below: readonly Lease[];
  /** As the deacon holds all rigs. */
  readonly town: Hold | null;
  /** As the one before says itself; null when it does not. */
  readonly before: readonly Hold[] | null;
  /** What else the one before has known; null when it does not say. */
  readonly kept: WitnessKept | null;
};

export async function whoWorks({ rig, patience }: Pick<WitnessCarry, 'rig' | 'patience'>): Promise<AtWork> {
  const summary = `who works in ${rig.name}`;
  const { polecats, incarnationMax } = await town(patience).findPolecats.executeWithOptions({ summary }, [rig]);
  const open = polecats.filter((one) => one.isOpen);
  const below = open.filter((one) => one.held !== undefined);
  const held = below[0]?.held ?? null;
  const how = { summary: 'is the rig held, or the town' };
  const holds = patched('a witness asks whether the town is held', '0.9')
    ? await town(patience).findRigHolds.executeWithOptions(how, [{ rig: rig.name }])
    : { town: null, before: null };
  return { leases: open.map(leaseOf), incarnationMax, held, below: below.map(leaseOf), kept: null, ...holds };
}

function leaseOf({ claim, mission, item, priority, name, incarnation, sinceMs }: FoundPolecat): Lease {
  return { id: claim, mission, missionRun: missionRunOf(claim), item, priority, name, incarnation, sinceMs };
}
