/** An Update to a workflow, sent again when the server could not hand it over. */
import { randomUUID } from 'node:crypto';
import { setTimeout as pause } from 'node:timers/promises';
import type { Client } from '@temporalio/client';
import { isGrpcServiceError } from '@temporalio/client';
import type { z } from 'zod';
import type { Message } from '../contract/messages.js';

const TRIES_MAX = 10;
const PAUSE_MS = 100;
/** gRPC's FAILED_PRECONDITION. */
const NOT_NOW = 9;

/**
 * The workflow's answer; rejects with WorkflowUpdateFailedError when it refuses. A signal that comes just as a run ends or goes on in a
 * next one makes the server take that task back, and with it every Update that it had: it was not taken, and is sent again.
 */
export async function told(
  client: Client,
  workflowId: string,
  { update }: Message<z.ZodType>,
  content: unknown,
  updateId: string = randomUUID(),
): Promise<string> {
  const handle = client.workflow.getHandle(workflowId);
  for (let tries = 1; ; tries += 1) {
    try {
      return await handle.executeUpdate(update, { args: [content], updateId });
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
