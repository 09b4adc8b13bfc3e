/** Who waits for slots of which rigs, asked of their witnesses, which alone know it; one that does not answer soon is told of as such. */
import type { Client } from '@temporalio/client';
import { setTimeout as pause } from 'node:timers/promises';
import { slotsQuery } from '../contract/witness.js';
import { witnessOf } from '../town/address.js';
import type { Slots } from '../town/slots.js';
import { columns } from './columns.js';

const ANSWER_MS_MAX = 3_000;

/** Null: it did not answer in time, or is not there. */
export async function slotsOf(client: Client, rig: string): Promise<Slots | null> {
  const asked = client.workflow.getHandle(witnessOf(rig)).query(slotsQuery);
  return Promise.race([asked.catch(() => null), pause(ANSWER_MS_MAX, null, { ref: false })]);
}

export type Queue = { readonly rig: string; readonly slots: Slots | null };

export async function queuesOf(client: Client, rigs: readonly string[]): Promise<readonly Queue[]> {
  return Promise.all(rigs.map(async (rig) => ({ rig, slots: await slotsOf(client, rig) })));
}

/** In the order in which slots are given; '' when nobody waits. */
export function queuesText(queues: readonly Queue[]): string {
  const silent = queues.flatMap(({ rig, slots }) => (slots === null ? [`${rig}/witness does not answer now`] : []));
  const rows = queues.flatMap(({ rig, slots }) =>
    (slots?.queue ?? []).map(({ mission, item, priority, name }, at) => [
      rig,
      `${at + 1}`,
      mission,
      item,
      `${priority}`,
      name ?? 'any',
    ]),
  );
  const waits = rows.length === 0 ? [] : [columns([['rig', 'next', 'mission', 'item', 'priority', 'slot'], ...rows])];
  return [...waits, ...silent].join('\n');
}
