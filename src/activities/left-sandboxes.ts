/** A host that was taken for lost and is back: the sandboxes that were rebuilt elsewhere are in nobody's use here any more. */
import type { Client } from '@temporalio/client';
import { lifecycleQuery, type Lifecycle } from '../contract/polecat.js';
import { authorOf } from '../git/author.js';
import { madeFor } from '../git/worktree.js';
import { polecatAt } from '../town/address.js';
import type { Places } from './places.js';
import { sandboxesIn } from './polecats.js';
import { leave } from './rebuild.js';
import type { TownDeps } from './town.js';

type Deps = Pick<TownDeps, 'client' | 'host' | 'places' | 'readTown'>;

/** Once, when its worker starts: what a polecat says was lost with this host goes, and stays as a commit in the mirror. */
export async function clearLeft({ client, host, places, readTown }: Deps): Promise<void> {
  const read = await readTown();
  if (!read.ok) return;
  for (const rig of Object.keys(read.town.rigs)) {
    for (const { name, incarnation } of await sandboxesIn(places.sandboxes(rig))) {
      const life = await lifeOf(client, polecatAt(rig, name), incarnation);
      const isElsewhere = life?.lost?.includes(host) === true && life.sandbox?.host !== host;
      if (isElsewhere) await clear(places, rig, name, incarnation);
    }
  }
}

async function clear(places: Places, rig: string, name: string, incarnation: number): Promise<void> {
  const place = { mirror: places.mirror(rig), path: places.sandbox(rig, name, incarnation) };
  const branch = await madeFor(place);
  if (branch !== null) await leave(place, branch, authorOf(polecatAt(rig, name)));
}

const RUNS_MAX = 20;
const ANSWER_MS_MAX = 60_000;

/** What the polecat of that incarnation says; others may have had its name since. */
async function lifeOf(client: Client, workflowId: string, incarnation: number): Promise<Lifecycle | null> {
  let looked = 0;
  for await (const { runId } of client.workflow.list({ query: `WorkflowId="${workflowId}"` })) {
    if (looked === RUNS_MAX) return null;
    looked += 1;
    const ask = () => client.workflow.getHandle(workflowId, runId).query(lifecycleQuery);
    const life = await client.withDeadline(Date.now() + ANSWER_MS_MAX, ask).catch(() => null);
    if (life?.slot.incarnation === incarnation) return life;
  }
  return null;
}
