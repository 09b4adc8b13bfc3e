/** How the whole town is held, as its deacon says, or those who have heard it from one who is gone. */
import { activityInfo } from '@temporalio/activity';
import { WorkflowNotFoundError } from '@temporalio/client';
import type { Client } from '@temporalio/client';
import type { TownActivities } from '../contract/activities.js';
import { holdsQuery } from '../contract/polecat.js';
import { DEACON, rigOfWitness } from '../town/address.js';
import type { Hold } from '../town/pause.js';

/** Whoever does not answer soon has no worker, or hangs. */
const ANSWER_MS_MAX = 10_000;
const ASKED_MAX = 3;

const WITNESSES = 'GtRole="witness" AND ExecutionStatus="Running"';

/** Of the last deacon, open or closed: a query is answered by the history. */
export async function findTownHold(client: Client): Promise<Hold | null> {
  return (await holdsOf(client, DEACON))[0] ?? null;
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
    rigs.map(async (rig) => ({ rig, hold: (await holdsOf(client, `${rig}/witness`)).find(isOfDeacon) })),
  );
  const before = await runBefore(client);
  // A witness may have missed the last word of the one before.
  const said = before === null ? undefined : (await holdsOf(client, DEACON, before))[0];
  const heard = before === null ? held.flatMap(({ hold }) => hold ?? [])[0] : undefined;
  const told = held.flatMap(({ rig, hold }) => (hold === undefined ? [] : [rig]));
  return { hold: said ?? heard ?? null, told };
}

const isOfDeacon = ({ above }: Hold): boolean => above === DEACON;

/** The last run of a deacon that has closed; null: the server has none. */
async function runBefore(client: Client): Promise<string | null> {
  const own = activityInfo().workflowExecution?.runId;
  const query = `WorkflowId="${DEACON}" AND ExecutionStatus != "Running" AND ExecutionStatus != "ContinuedAsNew"`;
  const closed: { readonly run: string; readonly atMs: number }[] = [];
  for await (const { runId, closeTime } of client.workflow.list({ query }))
    if (runId !== own) closed.push({ run: runId, atMs: closeTime?.getTime() ?? 0 });
  return closed.toSorted((a, b) => b.atMs - a.atMs)[0]?.run ?? null;
}

async function holdsOf(client: Client, id: string, run?: string): Promise<readonly Hold[]> {
  try {
    const ask = () => client.workflow.getHandle(id, run).query(holdsQuery);
    return await client.withDeadline(Date.now() + ANSWER_MS_MAX, ask);
  } catch (error) {
    if (!(error instanceof WorkflowNotFoundError) && activityInfo().attempt < ASKED_MAX) throw error;
    return [];
  }
}
