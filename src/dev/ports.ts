/** Ports of this machine's loopback address. A port that is free now may be taken a moment later: whoever uses it finds out. */
import { createServer, type Server } from 'node:net';
import { CliError } from '../cli/command.js';

export const LOOPBACK = '127.0.0.1';

export type PortWish = {
  /** Asked for by hand: this one or an error. Null: the preferred one when it is free, else any that is. */
  readonly asked: number | null;
  /** 0 stands for any free one. */
  readonly preferred: number;
  /** What it is for, as in "the UI port 8233 is taken". */
  readonly what?: string;
  /** Told when it is not the preferred one. */
  readonly say?: (line: string) => void;
};

export async function choosePort({ asked, preferred, what = 'port', say }: PortWish): Promise<number> {
  const port = await tryPort(asked ?? preferred);
  if (port !== null) return port;
  if (asked !== null)
    throw new CliError(`the ${what} ${asked} is taken: ask for another one, or end what listens there`);
  const free = await freePort();
  say?.(`The usual ${what} ${preferred} is taken: using ${free}`);
  return free;
}

export async function freePort(): Promise<number> {
  const port = await tryPort(0);
  if (port === null) throw new CliError('no free port is left on this machine: end some programs that listen');
  return port;
}

export async function isFree(port: number): Promise<boolean> {
  return (await tryPort(port)) !== null;
}

/** The port, chosen by the system for 0; null when it is taken or not ours to take. */
async function tryPort(port: number): Promise<number | null> {
  const server = await listen(port);
  const address = server?.address();
  if (server !== null) await new Promise((resolve) => server.close(resolve));
  return typeof address === 'object' ? (address?.port ?? null) : null;
}

function listen(port: number): Promise<Server | null> {
  return new Promise((resolve) => {
    const server = createServer();
    server.once('error', () => resolve(null));
    server.listen({ port, host: LOOPBACK, exclusive: true }, () => resolve(server));
  });
}
