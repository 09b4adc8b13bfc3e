/** How the whole town is held, as its deacon says, or those who have heard it from one who is gone. */
import { activityInfo } from '@temporalio/activity';
import { QueryNotRegisteredError, WorkflowNotFoundError } from '@temporalio/client';
import type { Client } from '@temporalio/client';
import type { TownActivities } from '../contract/activities.js';
import { keptHoldsQuery } from '../contract/polecat.js';
import { DEACON, rigOfWitness, witnessOf } from '../town/address.js';
import type { Hold } from '../town/pause.js';

/** Whoever does not answer soon has no worker, or hangs. */
const ANSWER_MS_MAX = 10_000;
const ASKED_MAX = 3;
/** Of one id. */
const RUNS_MAX = 20;

const WITNESSES = 'GtRole="witness" AND ExecutionStatus="Running"';

/** How the deacon holds the town, or has held it last. */
export async function findTownHold(client: Client): Promise<Hold | null> {
  return (await lastHolds(client, DEACON))?.[0] ?? null;
}

/** For a witness that begins. */
export async function findRigHolds(
  client: Client,
  { rig }: Parameters<TownActivities['findRigHolds']>[0],
): Promise<Awaited<ReturnType<TownActivities['findRigHolds']>>> {
  return { town: await findTownHold(client), before: await lastHolds(client, witnessOf(rig)) };
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
    rigs.map(async (rig) => ({ rig, hold: (await keptBy(client, witnessOf(rig)))?.find(isOfDeacon) })),
  );
  // A witness may have missed the last word of the one before.
  const before = await lastHolds(client, DEACON);
  const hold = before === null ? held.flatMap((one) => one.hold ?? [])[0] : before[0];
  return { hold: hold ?? null, told: held.flatMap((one) => (one.hold === undefined ? [] : [one.rig])) };
}

const isOfDeacon = ({ above }: Hold): boolean => above === DEACON;

/**
 * As the last of an id, open or closed, but for whoever asks, has known it: a query of one that has closed is answered by its history. Of some that died one
 * after the other, before they knew how the one before them held, none says it. Null: there is none that does.
 */
async function lastHolds(client: Client, id: string): Promise<readonly Hold[] | null> {
  for (const run of await lastRuns(client, id)) {
    const holds = await keptBy(client, id, run);
    if (holds !== null) return holds;
  }
  return null;
}

/** The last one first. The server's list may be a moment behind. */
async function lastRuns(client: Client, id: string): Promise<readonly string[]> {
  const own = activityInfo().workflowExecution?.runId;
  const runs: { readonly run: string; readonly atMs: number }[] = [];
  for await (const { runId, startTime } of client.workflow.list({
    query: `WorkflowId="${id}" AND ExecutionStatus != "ContinuedAsNew"`,
  })) {
    runs.push({ run: runId, atMs: startTime.getTime() });
    if (runs.length === RUNS_MAX) break;
  }
  const last = await client.workflow.getHandle(id).describe().catch(unlessNone);
  const all = [last?.runId ?? [], runs.toSorted((a, b) => b.atMs - a.atMs).map(({ run }) => run)].flat();
  return [...new Set(all)].filter((run) => run !== own);
}

async function keptBy(client: Client, id: string, run?: string): Promise<readonly Hold[] | null> {
  try {
    const ask = () => client.workflow.getHandle(id, run).query(keptHoldsQuery);
    return await client.withDeadline(Date.now() + ANSWER_MS_MAX, ask);
  } catch (error) {
    const isNone = error instanceof WorkflowNotFoundError || error instanceof QueryNotRegisteredError;
    if (!isNone && activityInfo().attempt < ASKED_MAX) throw error;
    return null;
  }
}

function unlessNone(error: unknown): null {
  if (error instanceof WorkflowNotFoundError) return null;
  throw error;
}
