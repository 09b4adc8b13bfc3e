/** What a workflow of an id knew last: a query of one that has closed is answered by its history. */
import { activityInfo } from '@temporalio/activity';
import { QueryNotRegisteredError, WorkflowNotFoundError } from '@temporalio/client';
import type { Client } from '@temporalio/client';
import type { QueryDefinition } from '@temporalio/common';

/** Whoever does not answer soon has no worker, or hangs. */
const ANSWER_MS_MAX = 10_000;
const ASKED_MAX = 3;
/** Of one id. */
const RUNS_MAX = 20;

/** A query of what one who ends leaves to the next; null as long as it does not know that of the one before it. */
type Kept<T> = QueryDefinition<T | null>;

/** `none`: there was nobody of that id. `unknown`: of all that were nobody says it. */
export type KeptBefore<T> = { readonly kind: 'none' | 'unknown' } | { readonly kind: 'known'; readonly kept: T };

/** As the last of an id, open or closed, but for whoever asks, has known it. Of some that died one after the other, before they knew it, none says it. */
export async function keptBefore<T>(client: Client, query: Kept<T>, id: string): Promise<KeptBefore<T>> {
  const runs = await lastRuns(client, id);
  for (const run of runs) {
    const kept = await keptBy(client, query, id, run);
    if (kept !== null) return { kind: 'known', kept };
  }
  return { kind: runs.length === 0 ? 'none' : 'unknown' };
}

/** Null: there is none that says it. */
export async function lastKept<T>(client: Client, query: Kept<T>, id: string): Promise<T | null> {
  const before = await keptBefore(client, query, id);
  return before.kind === 'known' ? before.kept : null;
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

export async function keptBy<T>(client: Client, query: Kept<T>, id: string, run?: string): Promise<T | null> {
  try {
    const ask = () => client.workflow.getHandle(id, run).query(query);
    return await client.withDeadline(Date.now() + ANSWER_MS_MAX, ask);
  } catch (error) {
    const isNone =
      error instanceof WorkflowNotFoundError || (error instanceof QueryNotRegisteredError && isUnknown(error));
    if (!isNone && activityInfo().attempt < ASKED_MAX) throw error;
    return null;
  }
}

/** The client tells of any trouble with a query by that error. */
const isUnknown = ({ message }: Error): boolean => message.includes('did not register a handler');

function unlessNone(error: unknown): null {
  if (error instanceof WorkflowNotFoundError) return null;
  throw error;
}
