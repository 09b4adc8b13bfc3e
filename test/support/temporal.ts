/** The real Temporal CLI and servers of it for tests; they end with the test. */
import { Connection } from '@temporalio/client';
import { onTestFinished } from 'vitest';
import { machine } from '../../src/dev/machine.js';
import { startServer, type Server, type ServerOrder } from '../../src/dev/server.js';
import { findTemporalCli } from '../../src/dev/temporal-cli.js';

export async function temporalCli(): Promise<string> {
  return (await findTemporalCli({ machine: machine(), say: () => undefined })).path;
}

/** A server on a database in `folder`, with whatever else is asked for. */
export async function serve(folder: string, order: Partial<ServerOrder> = {}): Promise<Server> {
  const server = await startServer({
    cli: await temporalCli(),
    dbFile: `${folder}/state/temporal.db`,
    namespace: 'default',
    log: `${folder}/logs/server.log`,
    say: () => undefined,
    ...order,
  });
  onTestFinished(() => server.stop());
  return server;
}

export async function connectTo(address: string): Promise<Connection> {
  const connection = await Connection.connect({ address });
  onTestFinished(() => connection.close());
  return connection;
}
