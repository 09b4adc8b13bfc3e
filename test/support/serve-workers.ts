/** For tests that make workers of their own: apart, since to load the SDK's takes a second. */
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Client } from '@temporalio/client';
import { NativeConnection } from '@temporalio/worker';
import { onTestFinished } from 'vitest';
import { clientOf } from '../../src/client.js';
import { connectTo, serve } from './temporal.js';

/** A server of the test's own, with a client, and a connection for the workers that it makes itself. */
export async function serveWorkers(): Promise<{
  readonly address: string;
  readonly connection: NativeConnection;
  readonly client: Client;
}> {
  const folder = await mkdtemp(join(tmpdir(), 'gt-workers-'));
  onTestFinished(() => rm(folder, { recursive: true, force: true, maxRetries: 5 }));
  const { address } = await serve(folder);
  const connection = await NativeConnection.connect({ address });
  onTestFinished(() => connection.close());
  return { address, connection, client: clientOf({ connection: await connectTo(address), payloads: null }) };
}
