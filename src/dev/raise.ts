/** From a town's configuration to a running town. */
import { join } from 'node:path';
import { CliError } from '../cli/command.js';
import { orStopped } from '../cli/stopping.js';
import type { Town } from '../config.js';
import { machine } from './machine.js';
import { startServer } from './server.js';
import { lastPorts, rememberPorts } from './last-ports.js';
import { findTemporalCli } from './temporal-cli.js';
import type { Say } from './town-process.js';
import { keepServer, keepWorker } from './town-process.js';

export type RaisedTown = {
  readonly address: string;
  readonly uiUrl: string;
  /** The program that runs the server, for whoever wants to run its other commands. */
  readonly cli: string;
  readonly serverPid: () => number | null;
  readonly workerPid: () => number | null;
  stop(): Promise<void>;
};

export type RaiseOptions = {
  readonly say: Say;
  /** Asked for by hand: taken means an error. Null: the configured or the usual one, else a free one. */
  readonly port: number | null;
  readonly uiPort: number | null;
  /** More of the server's dynamic configuration, `key=value`. */
  readonly dynamicConfig?: readonly string[];
  /** For the worker only. */
  readonly env?: Readonly<Record<string, string>>;
  /** Ends the start: what is up by then is stopped, and `raiseTown` rejects with its reason. */
  readonly signal?: AbortSignal;
};

/** Throws CliError with what a person can do when the town cannot be brought up; nothing of it then runs. */
export async function raiseTown(town: Town, options: RaiseOptions): Promise<RaisedTown> {
  try {
    return await raise(town, options);
  } catch (error) {
    throw isOfTheSystem(error)
      ? new CliError(
          `${town.paths.state} cannot be used (${error.code}): what runs the town must be able to write there. It said: ${error.message}`,
        )
      : error;
  }
}

function isOfTheSystem(error: unknown): error is NodeJS.ErrnoException {
  return error instanceof Error && 'syscall' in error;
}

async function raise(town: Town, options: RaiseOptions): Promise<RaisedTown> {
  const { say, signal } = options;
  const { paths } = town;
  const cli = await orStopped(findTemporalCli({ machine: machine(), say }), signal);
  // The ports of the first start are those of every later one, so that clients find the server again.
  let ports = portsAsked(options.port ?? town.server.port, options.uiPort ?? town.server.uiPort);
  const { dynamicConfig = [] } = options;
  const order = {
    dynamicConfig,
    cli: cli.path,
    dbFile: paths.db,
    namespace: 'default',
    log: join(paths.logs, 'server.log'),
    say,
  };
  const last = lastPorts(paths.state);
  const usual = last === null ? {} : { usual: last };
  const start = async (until?: AbortSignal) => {
    const started = await startServer({
      ...order,
      ...ports,
      ...usual,
      ...(until === undefined ? {} : { signal: until }),
    });
    const used = { port: portOf(started.address), uiPort: portOf(started.uiUrl) };
    ports = used;
    rememberPorts(paths.state, used);
    return started;
  };
  const server = await keepServer((isFirst) => start(isFirst ? signal : undefined), say);
  const first = server.current();
  if (first === null) throw new Error('a server that started is there');
  const { address, uiUrl } = first;
  const log = join(paths.logs, 'worker.log');
  const env = options.env === undefined ? {} : { env: options.env };
  const until = signal === undefined ? {} : { signal };
  const worker = await keepWorker({ town: town.dir, address, log, ...env, ...until }, say).catch(
    async (error: unknown) => {
      await server.stop();
      throw error;
    },
  );
  return {
    address,
    uiUrl,
    cli: cli.path,
    serverPid: () => server.current()?.pid ?? null,
    workerPid: worker.current,
    stop: async () => {
      await worker.stop();
      await server.stop();
    },
  };
}

function portsAsked(port: number | null, uiPort: number | null): { readonly port?: number; readonly uiPort?: number } {
  return { ...(port === null ? {} : { port }), ...(uiPort === null ? {} : { uiPort }) };
}

function portOf(address: string): number {
  return Number(address.slice(address.lastIndexOf(':') + 1));
}
