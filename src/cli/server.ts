/** Temporal's own client, for commands that need more of the server than calls. */
import type { Client } from '@temporalio/client';
import { Connection, isGrpcServiceError, ServiceError, WorkflowNotFoundError } from '@temporalio/client';
import { messageOf, unanswered } from '../calls.js';
import { clientOf } from '../client.js';
import { townPaths } from '../town/paths.js';
import { CliError } from './command.js';
import { findServer, noExecution, refusedBy } from './server-place.js';
import type { ServerPlace, ServerValues } from './server-place.js';

const CONNECT_MS_MAX = 10_000;

/** Connects, does the work, and lets go. What the server refuses comes as CliError, in its own words. */
export async function withServer(values: ServerValues, work: (client: Client) => Promise<void>): Promise<void> {
  const place = await findServer(values);
  const { client, close } = await openClient(place);
  try {
    await work(client);
  } catch (error) {
    throw serverSays(place, error);
  } finally {
    await close();
  }
}

/** As CliError, when the trouble is the server's. */
export function serverSays(place: ServerPlace, error: unknown): unknown {
  if (isGrpcServiceError(error)) return refusedBy(place, error.details);
  return error instanceof ServiceError ? refusedBy(place, messageOf(error)) : error;
}

export type OpenClient = { readonly client: Client; readonly close: () => Promise<void> };

/** Throws CliError when no server answers there. */
export async function openClient({
  address,
  namespace,
  metadata,
  tls,
  apiKey,
  town,
}: ServerPlace): Promise<OpenClient> {
  const connection = await Connection.connect({
    address,
    connectTimeout: CONNECT_MS_MAX,
    metadata,
    ...(tls === null ? {} : { tls }),
    ...(apiKey === null ? {} : { apiKey }),
  }).catch((error: unknown) => {
    throw new CliError(
      `no Temporal server answers at ${address} (${messageOf(error)}): start the town with \`gt up\`, or name another by --address or TEMPORAL_ADDRESS`,
    );
  });
  const payloads = town === null ? null : townPaths(town).payloads;
  return { client: clientOf({ connection, namespace, payloads }), close: () => connection.close() };
}

/** `work`, with a sentence for an execution that is not there, or does not answer. */
export async function ofExecution<T>(id: string, work: () => Promise<T>): Promise<T> {
  try {
    return await work();
  } catch (error) {
    if (error instanceof WorkflowNotFoundError) throw noExecution(id);
    const why = unanswered(id, error);
    throw why === null ? error : new CliError(why);
  }
}

/** For a call's `catch`: null where there is no such execution. */
export function unlessGone(error: unknown): null {
  if (error instanceof WorkflowNotFoundError) return null;
  throw error;
}
