/** The client of Temporal that everyone of ours has: it reads large payloads, and asks again when a worker that takes a workflow over says so. */
import { setTimeout as pause } from 'node:timers/promises';
import { Client } from '@temporalio/client';
import type { ClientOptions, WorkflowClientInterceptor } from '@temporalio/client';
import { ASK_AGAIN } from './contract/ask-again.js';
import { largePayloads } from './large-payloads.js';

type Order = Required<Pick<ClientOptions, 'connection'>> & {
  readonly namespace?: string;
  /** Folder of the large ones, null where none is known. */
  readonly payloads: string | null;
};

export function clientOf({ connection, namespace, payloads }: Order): Client {
  return new Client({
    connection,
    ...(namespace === undefined ? {} : { namespace }),
    dataConverter: largePayloads(payloads),
    interceptors: { workflow: [asksAgain] },
  });
}

/** Each try reads the workflow anew. */
const TRIES_MAX = 20;
const AGAIN_MS = 100;

const asksAgain: WorkflowClientInterceptor = {
  async query(input, next) {
    for (let tries = 1; ; tries += 1) {
      try {
        return await next(input);
      } catch (error) {
        const isSoon = error instanceof Error && error.message.includes(ASK_AGAIN);
        if (!isSoon || tries === TRIES_MAX) throw error;
        await pause(AGAIN_MS);
      }
    }
  },
};
