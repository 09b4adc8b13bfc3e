/**
 * Who is to be reached is told so: a person whose workflow knows of no way yet, when mail has come, and everybody whom town.toml names, when a worker starts. So
 * nobody else has anything of this in the history, and what came just before a worker died is told by the next one.
 */
import { WorkflowNotFoundError } from '@temporalio/client';
import type { Client } from '@temporalio/client';
import { reachMessages } from '../contract/reach.js';
import { personAt, reachable } from '../town/reach.js';
import type { ReadTown } from './remotes.js';

/** One look at a time for each: what comes meanwhile is in the inbox by then. */
export function tellsWhoIsReachable(
  client: Client,
  readTown: ReadTown,
  warn: (trouble: string) => void,
): (workflow: unknown, address: string) => void {
  const looking = new Set<string>();
  let reading: ReturnType<ReadTown> | null = null;
  // Many who have mail at once are looked up in one reading.
  const read = () =>
    (reading ??= readTown().finally(() => {
      reading = null;
    }));
  return (_workflow, address) => {
    if (looking.has(address)) return;
    looking.add(address);
    void read()
      .then((found) => {
        looking.delete(address);
        if (!found.ok) return warn(`${address} may be told of mail later: ${found.problems}`);
        return personAt(address, found.town.reach) === null ? undefined : tell(client, address);
      })
      .catch((error: Error) => {
        looking.delete(address);
        warn(`${address} is told of mail later: ${error.message}`);
      });
  };
}

export async function tellAllReachable(client: Client, readTown: ReadTown): Promise<void> {
  const read = await readTown();
  if (!read.ok || read.town.reach === undefined) return;
  for (const address of reachable(read.town.reach, Object.keys(read.town.rigs))) await tell(client, address);
}

async function tell(client: Client, address: string): Promise<void> {
  await client.workflow
    .getHandle(address)
    .signal(reachMessages.reach.signal, { by: 'worker' })
    .catch((error: unknown) => {
      // Whoever is not there has no mail.
      if (!(error instanceof WorkflowNotFoundError)) throw error;
    });
}
