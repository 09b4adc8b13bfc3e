/** What `npm run histories` records of people who are reached outside of the town: one way that fails for good, one that works; quiet hours, and what is urgent in them. */
import { appendFile } from 'node:fs/promises';
import { join } from 'node:path';
import { perform } from '../../src/calls.js';
import { deliveriesQuery, reachMessages } from '../../src/contract/reach.js';
import { OVERSEER } from '../../src/town/address.js';
import { until } from './live-town.js';
import type { LiveTown } from './live-town.js';

const WAYS = `
[reach.nowhere]
kind = "command"
program = "no-such-program"
[reach.own]
kind = "command"
program = "true"
[people.overseer]
reach = ["nowhere", "own"]
quiet = "00:00-23:59"
`;

export async function reachOverseer({ dir, client }: LiveTown): Promise<void> {
  await appendFile(join(dir, 'town.toml'), WAYS);
  const update = (name: string, content: object) =>
    perform(client, { kind: 'update', workflow: OVERSEER, name, content: { ...content }, updateId: `reached-${name}` });
  const mail = { id: 'burns', from: 'ci', to: OVERSEER, subject: 'the remote burns', body: '', priority: 'urgent' };
  await update('mail', mail);
  const overseer = client.workflow.getHandle(OVERSEER);
  await until('the overseer is told', async () =>
    (await overseer.query(deliveriesQuery)).some(({ outcome }) => outcome === 'told'),
  );
  await update(reachMessages.reach.name, { test: true });
}
