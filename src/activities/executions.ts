/** Workflows as the server has them: whether they are open, how they end, and the end that is asked of them. */
import { Context } from '@temporalio/activity';
import { WorkflowFailedError, WorkflowNotFoundError } from '@temporalio/client';
import type { Client, WorkflowExecutionDescription } from '@temporalio/client';
import { CancelledFailure, rootCause, TerminatedFailure } from '@temporalio/common';
import type { Execution, MissionEnd, MoleculeEnd, TownActivities } from '../contract/activities.js';
import type { Progress } from '../contract/mission.js';
import type { MoleculeResult } from '../contract/molecule.js';
import { attribute } from '../contract/search-attributes.js';
import { isOpenStatus } from '../contract/open.js';

export async function describe(
  client: Client,
  { workflowId, firstRunId }: Execution,
): Promise<WorkflowExecutionDescription | null> {
  try {
    const description = await client.workflow.getHandle(workflowId).describe();
    const first = description.raw.workflowExecutionInfo?.firstRunId ?? null;
    // Another execution under the same id means that ours has closed.
    return firstRunId !== null && first !== null && first !== '' && first !== firstRunId ? null : description;
  } catch (error) {
    if (error instanceof WorkflowNotFoundError) return null;
    throw error;
  }
}

export async function isOpen(client: Client, execution: Execution): Promise<boolean> {
  return (await openRun(client, execution)) !== null;
}

/** The run it is in by now, null when it has closed. */
async function openRun(client: Client, execution: Execution): Promise<string | null> {
  const description = await describe(client, execution);
  return description !== null && isOpenStatus(description.status.name) ? description.runId : null;
}

export async function howEnded(client: Client, workflowId: string): Promise<string> {
  const description = await describe(client, { workflowId, firstRunId: null });
  return description?.status.name.toLowerCase() ?? 'gone';
}

export async function awaitClosed(client: Client, execution: Execution): Promise<void> {
  const signal = Context.current().cancellationSignal;
  for (let run = await openRun(client, execution); run !== null; run = await openRun(client, execution)) {
    signal.throwIfAborted();
    // A long poll of the server; it ends with the workflow, whichever way that ends.
    await client.workflow
      .getHandle(execution.workflowId, run)
      .result()
      .catch(() => undefined);
  }
}

export async function cancelExecution(client: Client, { workflowId, firstRunId }: Execution): Promise<void> {
  const options = firstRunId === null ? {} : { firstExecutionRunId: firstRunId };
  await client.workflow
    .getHandle(workflowId, undefined, options)
    .cancel()
    .catch((error: unknown) => {
      if (!(error instanceof WorkflowNotFoundError)) throw error;
    });
}

/** The last run tells how it ended; the ones before went on in it, or were reset. */
export async function awaitMolecule(
  client: Client,
  { molecule, agent }: Parameters<TownActivities['awaitMolecule']>[0],
): Promise<MoleculeEnd> {
  const described = await describe(client, { workflowId: molecule, firstRunId: null });
  if (described === null) return { kind: 'failed', why: 'the server does not have it any more' };
  const isOurs = described.type === 'molecule' && described.typedSearchAttributes.get(attribute.agent)?.includes(agent);
  if (isOurs !== true) return { kind: 'failed', why: 'a workflow that is not on its hook runs under that id' };
  const firstRunId = described.raw.workflowExecutionInfo?.firstRunId || described.runId;
  await awaitClosed(client, { workflowId: molecule, firstRunId });
  try {
    return { kind: 'done', result: await client.workflow.getHandle<() => Promise<MoleculeResult>>(molecule).result() };
  } catch (error) {
    if (!(error instanceof WorkflowFailedError)) throw error;
    if (error.cause instanceof CancelledFailure) return { kind: 'cancelled' };
    return { kind: 'failed', why: rootCause(error.cause) ?? error.message };
  }
}

/** By the last run of its id, which nothing else ever has. */
export async function awaitMission(client: Client, mission: string): Promise<MissionEnd> {
  await awaitClosed(client, { workflowId: mission, firstRunId: null });
  try {
    const { landed, total } = await client.workflow.getHandle<() => Promise<MissionEnded>>(mission).result();
    return { kind: 'ended', landed, total };
  } catch (error) {
    if (error instanceof WorkflowNotFoundError) return { kind: 'failed', why: 'the server does not have it any more' };
    if (!(error instanceof WorkflowFailedError)) throw error;
    if (error.cause instanceof CancelledFailure) return { kind: 'cancelled', why: 'it was cancelled' };
    if (error.cause instanceof TerminatedFailure)
      return { kind: 'failed', why: `it was terminated (${error.cause.message})` };
    return { kind: 'failed', why: rootCause(error.cause) ?? error.message };
  }
}

/** What of a mission's result is read here. */
type MissionEnded = Pick<Progress, 'landed' | 'total'>;
