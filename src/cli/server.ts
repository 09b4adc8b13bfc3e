/** The Temporal server that a command talks to: the one named, that of Temporal's own configuration, or the town's own. */
import { randomUUID } from 'node:crypto';
import {
  Client,
  Connection,
  isGrpcServiceError,
  WorkflowNotFoundError,
  WorkflowUpdateFailedError,
} from '@temporalio/client';
import { readEnvironment } from '../config.js';
import { largePayloads } from '../large-payloads.js';
import { readRunningServer } from '../running-server.js';
import { makeId } from '../town/address.js';
import { townPaths } from '../town/paths.js';
import { CliError } from './command.js';
import { mustBeTown, townAround, TOWN_OPTION } from './town.js';

export const SERVER_OPTIONS = { ...TOWN_OPTION, address: { type: 'string' } } as const;

type ServerValues = { readonly town?: string | undefined; readonly address?: string | undefined };

const CONNECT_MS_MAX = 10_000;

/** Connects, does the work, and lets go. What the server refuses comes as CliError, in its own words. */
export async function withServer(values: ServerValues, work: (client: Client) => Promise<void>): Promise<void> {
  const { temporal } = readEnvironment();
  const dir = await townAround(values.town);
  const address = values.address ?? temporal.address ?? (await addressOfTown(dir, values.town));
  const connection = await Connection.connect({
    address,
    connectTimeout: CONNECT_MS_MAX,
    metadata: temporal.metadata,
    ...(temporal.tls === null ? {} : { tls: temporal.tls }),
    ...(temporal.apiKey === null ? {} : { apiKey: temporal.apiKey }),
  }).catch((error: unknown) => {
    throw new CliError(
      `no Temporal server answers at ${address} (${messageOf(error)}): start the town with \`gt up\`, or name another by --address or TEMPORAL_ADDRESS`,
    );
  });
  try {
    const dataConverter = largePayloads(dir === null ? null : townPaths(dir).payloads);
    await work(new Client({ connection, namespace: temporal.namespace, dataConverter }));
  } catch (error) {
    if (isGrpcServiceError(error)) throw new CliError(`the server at ${address} refuses: ${error.details}`);
    throw error;
  } finally {
    await connection.close();
  }
}

async function addressOfTown(dir: string | null, named: string | undefined): Promise<string> {
  const running = dir === null ? null : readRunningServer(townPaths(dir).server);
  if (running !== null) return running.address;
  if (dir !== null) await mustBeTown(dir);
  if (dir !== null && named !== undefined) throw new CliError(`the town ${dir} is not up: start it with: gt up ${dir}`);
  return 'localhost:7233';
}

/** `work`, with a sentence for an execution that is not there. */
export async function ofExecution<T>(id: string, work: () => Promise<T>): Promise<T> {
  try {
    return await work();
  } catch (error) {
    if (error instanceof WorkflowNotFoundError)
      throw new CliError(`there is no molecule ${id}: gt mol list --all shows those that are`);
    throw error;
  }
}

/** What a workflow says to a message that it does not take, as CliError. */
export function refused(error: unknown): never {
  if (error instanceof WorkflowUpdateFailedError) throw new CliError(messageOf(error));
  throw error;
}

export function newId(prefix: string): string {
  return makeId(prefix, randomUUID());
}

/** What is behind an error of the client, whose own message says only that a call has failed. */
export function messageOf(error: unknown): string {
  if (!(error instanceof Error)) return String(error);
  return error.cause instanceof Error ? messageOf(error.cause) : error.message;
}
