/** Takes executions off the server, for what is not to leave anything behind: a wisp after its squash. */
import { isGrpcServiceError, WorkflowNotFoundError } from '@temporalio/client';
import type { Client } from '@temporalio/client';
import type { Execution } from '../contract/activities.js';
import { isOpenStatus } from '../contract/open.js';
import { refuse } from './beating.js';

/** Of gRPC. */
const NOT_FOUND = 5;

/**
 * All runs of the execution, the last one first: cut off in the middle, the chain still begins where `firstRunId` says. Another
 * execution under the same id is never touched, and one that is still open is refused.
 */
export async function deleteExecution(client: Client, { workflowId, firstRunId }: Execution): Promise<void> {
  const runs = await runsOf(client, workflowId, firstRunId);
  for (const runId of runs.toReversed()) {
    const request = { namespace: client.options.namespace, workflowExecution: { workflowId, runId } };
    await client.workflowService.deleteWorkflowExecution(request).catch(unlessGone);
  }
}

async function runsOf(client: Client, workflowId: string, firstRunId: string | null): Promise<readonly string[]> {
  const runs: string[] = [];
  let next = firstRunId ?? (await firstRunOf(client, workflowId));
  while (next !== null) {
    const status = await statusOf(client, workflowId, next);
    if (status === null) break;
    if (isOpenStatus(status)) {
      throw refuse('Refused', `${workflowId} is still open: it can be deleted when it has closed`);
    }
    runs.push(next);
    next = status === 'CONTINUED_AS_NEW' ? await successorOf(client, workflowId, next) : null;
  }
  return runs;
}

async function firstRunOf(client: Client, workflowId: string): Promise<string | null> {
  const description = await client.workflow.getHandle(workflowId).describe().catch(unlessGone);
  return description?.raw.workflowExecutionInfo?.firstRunId ?? null;
}

async function statusOf(client: Client, workflowId: string, runId: string): Promise<string | null> {
  const description = await client.workflow.getHandle(workflowId, runId).describe().catch(unlessGone);
  return description?.status.name ?? null;
}

/** The run that this one continued as, by the last event of its history. */
async function successorOf(client: Client, workflowId: string, runId: string): Promise<string | null> {
  const { namespace } = client.options;
  const request = { namespace, execution: { workflowId, runId }, maximumPageSize: 1 };
  const page = await client.workflowService.getWorkflowExecutionHistoryReverse(request).catch(unlessGone);
  const last = page?.history?.events?.[0]?.workflowExecutionContinuedAsNewEventAttributes;
  return last?.newExecutionRunId ?? null;
}

function unlessGone(error: unknown): null {
  const code: number | null = isGrpcServiceError(error) ? error.code : null;
  if (!(error instanceof WorkflowNotFoundError) && code !== NOT_FOUND) throw error;
  return null;
}
