/** How the whole town is held, as its deacon says, or those who have heard it from one who is gone. */
import type { Client } from '@temporalio/client';
import type { TownActivities } from '../contract/activities.js';
import { keptHoldsQuery } from '../contract/polecat.js';
import { witnessKeptQuery } from '../contract/witness.js';
import { DEACON, rigOfWitness, witnessOf } from '../town/address.js';
import type { Hold } from '../town/pause.js';
import { keptBy, lastKept } from './kept.js';

const WITNESSES = 'GtRole="witness" AND ExecutionStatus="Running"';

/** How the deacon holds the town, or has held it last. */
export async function findTownHold(client: Client): Promise<Hold | null> {
  return (await lastKept(client, keptHoldsQuery, DEACON))?.[0] ?? null;
}

/** For a witness that begins. */
export async function findRigHolds(
  client: Client,
  { rig }: Parameters<TownActivities['findRigHolds']>[0],
): Promise<Awaited<ReturnType<TownActivities['findRigHolds']>>> {
  const before = await lastKept(client, keptHoldsQuery, witnessOf(rig));
  // Of whom nobody knows how it held the rig, nobody knows the rest.
  const kept = before === null ? null : await lastKept(client, witnessKeptQuery, witnessOf(rig));
  return { town: await findTownHold(client), before, kept };
}

export async function findRigs(client: Client): Promise<readonly string[]> {
  const rigs: string[] = [];
  for await (const { workflowId } of client.workflow.list({ query: WITNESSES })) {
    const rig = rigOfWitness(workflowId);
    if (rig !== null) rigs.push(rig);
  }
  return rigs.toSorted();
}

/** For a deacon that begins: how the one before held the town, and which rigs have heard that of it. */
export async function findHoldBefore(client: Client): Promise<Awaited<ReturnType<TownActivities['findHoldBefore']>>> {
  const rigs = await findRigs(client);
  const held = await Promise.all(
    rigs.map(async (rig) => ({ rig, hold: (await keptBy(client, keptHoldsQuery, witnessOf(rig)))?.find(isOfDeacon) })),
  );
  // A witness may have missed the last word of the one before.
  const before = await lastKept(client, keptHoldsQuery, DEACON);
  const hold = before === null ? held.flatMap((one) => one.hold ?? [])[0] : before[0];
  return { hold: hold ?? null, told: held.flatMap((one) => (one.hold === undefined ? [] : [one.rig])) };
}

const isOfDeacon = ({ above }: Hold): boolean => above === DEACON;
