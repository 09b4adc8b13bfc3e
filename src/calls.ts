/** A call of `gt`, made to the server. */
import { setTimeout as pause } from 'node:timers/promises';
import { isGrpcServiceError, WorkflowNotFoundError, WorkflowUpdateFailedError } from '@temporalio/client';
import type { Client } from '@temporalio/client';
import type { Answer, Call } from './contract/calls.js';

const TRIES_MAX = 10;
const PAUSE_MS = 100;
/** gRPC's FAILED_PRECONDITION. */
const NOT_NOW = 9;

/** Rejects with what is neither the workflow's answer nor the server's: a connection that is lost, a fault of ours. */
export async function perform(client: Client, call: Call): Promise<Answer> {
  try {
    return { kind: 'result', value: await resultOf(client, call) };
  } catch (error) {
    if (error instanceof WorkflowNotFoundError) return { kind: 'missing' };
    if (error instanceof WorkflowUpdateFailedError) return { kind: 'refused', why: messageOf(error) };
    if (isGrpcServiceError(error)) return { kind: 'failed', why: error.details };
    throw error;
  }
}

async function resultOf(client: Client, call: Call): Promise<unknown> {
  if (call.kind === 'update') return updated(client, call);
  if (call.kind === 'query') return client.workflow.getHandle(call.workflow).query(call.name);
  const found: string[] = [];
  for await (const { workflowId } of client.workflow.list({ query: call.filter })) found.push(workflowId);
  return found;
}

/**
 * A signal that comes just as a run ends or goes on in a next one makes the server take that task back, and with it every Update that
 * it had: it was not taken, and is sent again.
 */
async function updated(client: Client, { workflow, name, content, updateId }: Extract<Call, { kind: 'update' }>) {
  const handle = client.workflow.getHandle(workflow);
  for (let tries = 1; ; tries += 1) {
    try {
      return await handle.executeUpdate<unknown, [unknown]>(name, { args: [content], updateId });
    } catch (error) {
      if (!wasTakenBack(error) || tries === TRIES_MAX) throw error;
      await pause(PAUSE_MS * tries);
    }
  }
}

function wasTakenBack(error: unknown): boolean {
  const cause = error instanceof Error ? error.cause : null;
  return (
    isGrpcServiceError(cause) && (cause.code as number) === NOT_NOW && cause.details.includes('workflow task failure')
  );
}

/** What is behind an error of the client, whose own message says only that a call has failed. */
export function messageOf(error: unknown): string {
  if (!(error instanceof Error)) return String(error);
  return error.cause instanceof Error ? messageOf(error.cause) : error.message;
}
