/** The client of Temporal that everyone of ours has: it reads large payloads, and asks again when a worker that takes a workflow over says so. */
import { setTimeout as pause } from 'node:timers/promises';
import { Client } from '@temporalio/client';
import type { ClientOptions, WorkflowClientInterceptor, WorkflowQueryInput } from '@temporalio/client';
import { defaultPayloadConverter } from '@temporalio/common';
import type { Next } from '@temporalio/common';
import { ASK_AGAIN, IS_OVER } from './contract/ask-again.js';
import { isOpenStatus } from './contract/open.js';
import { largePayloads } from './large-payloads.js';

type Order = Required<Pick<ClientOptions, 'connection'>> & {
  readonly namespace?: string;
  /** Folder of the large ones, null where none is known. */
  readonly payloads: string | null;
};

export function clientOf({ connection, namespace, payloads }: Order): Client {
  const client: Client = new Client({
    connection,
    ...(namespace === undefined ? {} : { namespace }),
    dataConverter: largePayloads(payloads),
    interceptors: { workflow: [{ query: async (input, next) => answerOf(client, input, next) }] },
  });
  return client;
}

type Ask = Next<WorkflowClientInterceptor, 'query'>;

/** Each try reads the workflow anew. */
const TRIES_MAX = 20;
const AGAIN_MS = 100;

async function answerOf(client: Client, input: WorkflowQueryInput, ask: Ask): Promise<unknown> {
  for (let tries = 1; ; tries += 1) {
    try {
      return await ask(input);
    } catch (error) {
      const isTooSoon = error instanceof Error && error.message.includes(ASK_AGAIN);
      if (!isTooSoon || tries === TRIES_MAX) throw error;
    }
    const { workflowId, runId } = input.workflowExecution;
    const one = await client.workflow.getHandle(workflowId ?? '', runId ?? undefined).describe();
    if (!isOpenStatus(one.status.name)) {
      const headers = { ...input.headers, [IS_OVER]: defaultPayloadConverter.toPayload(true) };
      return ask({ ...input, headers, workflowExecution: { workflowId: one.workflowId, runId: one.runId } });
    }
    await pause(AGAIN_MS);
  }
}
