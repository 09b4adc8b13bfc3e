/** What the last workflow of an id knew, for one that begins in its place. */
import { activityInfo } from '@temporalio/activity';
import { QueryNotRegisteredError, WorkflowNotFoundError } from '@temporalio/client';
import type { Client } from '@temporalio/client';
import type { QueryDefinition } from '@temporalio/common';

/** Whoever does not answer soon has no worker, or hangs. */
const ANSWER_MS_MAX = 10_000;
const ASKED_MAX = 3;
/** Of one id. */
const RUNS_MAX = 20;

type Query<T> = QueryDefinition<T | null>;

/**
 * The last of an id, open or closed, but for whoever asks: a query of one that has closed is answered by its history. Of some that died one after the other, before
 * they knew what the one before them did, none answers it. Null: there is none that does.
 */
export async function askBefore<T>(client: Client, id: string, query: Query<T>): Promise<T | null> {
  for (const run of await lastRuns(client, id)) {
    const answer = await askOf(client, id, query, run);
    if (answer !== null) return answer;
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

/** Null of one that does not know, or does not answer. */
export async function askOf<T>(client: Client, id: string, query: Query<T>, run?: string): Promise<T | null> {
  try {
    const ask = () => client.workflow.getHandle(id, run).query(query);
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
