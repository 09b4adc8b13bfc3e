/**
 * A town on one machine: a server and a worker as children of this process, each started again when it dies. Their ports
 * stay, so that clients find them again. When this process itself is killed, the worker notices, ends the server and then
 * itself: nothing is left behind.
 */
import { fork } from 'node:child_process';
import type { ChildProcess } from 'node:child_process';
import { closeSync, mkdirSync, openSync, readFileSync } from 'node:fs';
import { dirname } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { CliError } from '../cli/command.js';
import { orStopped } from '../cli/stopping.js';
import type { Server } from './server.js';

const RESTART_PAUSE_MS = 300;
const SERVER_RESTART_MS_MAX = 10_000;
const LOG_TAIL_LINES = 15;
const WORKER_STOP_MS = 15_000;
const GT = fileURLToPath(new URL('../../bin/gt.js', import.meta.url));

export type Say = (line: string) => void;

/** Something kept alive: `current` is null between a death and the next start. */
export type Kept<T> = { readonly current: () => T | null; stop(): Promise<void> };

/** Keeps a server running. `start` is asked for the first one, and again whenever it has died. */
export async function keepServer(start: (isFirst: boolean) => Promise<Server>, say: Say): Promise<Kept<Server>> {
  let server: Server | null = await start(true);
  let stopping = false;
  const watch = async () => {
    for (;;) {
      if (server !== null) await server.stopped;
      if (stopping) return;
      if (server !== null) say('The Temporal server died; it is started again.');
      server = null;
      server = await start(false).catch(async (error: unknown) => {
        say(`It did not start: ${error instanceof Error ? error.message : String(error)}`);
        await pause(RESTART_PAUSE_MS * 10);
        return null;
      });
    }
  };
  const watching = watch();
  // Stopped while it was being started again, it is stopped once it has started.
  const stopNow = async () => {
    await server?.stop();
  };
  return {
    current: () => server,
    stop: async () => {
      stopping = true;
      await stopNow();
      await Promise.race([watching, pause(SERVER_RESTART_MS_MAX, undefined, { ref: false })]);
      await stopNow();
    },
  };
}

export type WorkerOrder = {
  readonly town: string;
  readonly address: string;
  readonly log: string;
  readonly env?: Readonly<Record<string, string>>;
  /** Ends the start of the first one: it is stopped, and `keepWorker` rejects with its reason. */
  readonly signal?: AbortSignal;
};

/** Keeps a worker running. Returns when the first one polls; rejects when that one ends before, with the end of its log. */
export async function keepWorker(order: WorkerOrder, say: Say): Promise<Kept<number>> {
  let worker: ChildProcess | null = forkWorker(order);
  let stopping = false;
  await orStopped(polls(worker, order.log), order.signal).catch(async (error: unknown) => {
    await endGently(worker);
    throw error;
  });
  const watch = async (first: ChildProcess) => {
    for (let child = first; ; child = forkWorker(order)) {
      worker = child;
      await ended(child);
      worker = null;
      if (!stopping) await pause(RESTART_PAUSE_MS);
      if (stopping) return;
      say('The worker died; it is started again, and takes up what it was doing.');
    }
  };
  const watching = watch(worker);
  return {
    current: () => worker?.pid ?? null,
    stop: async () => {
      stopping = true;
      await endGently(worker);
      await watching;
    },
  };
}

async function polls(child: ChildProcess, log: string): Promise<void> {
  const isReady = await Promise.race([
    new Promise<boolean>((resolve) => child.once('message', () => resolve(true))),
    ended(child).then(() => false),
  ]);
  if (isReady) return;
  const lines = readFileSync(log, 'utf8').trim().split('\n').slice(-LOG_TAIL_LINES);
  throw new CliError(`the worker did not start. The end of ${log}:\n${lines.join('\n')}`);
}

function ended(child: ChildProcess): Promise<void> {
  return new Promise((resolve) => {
    if (child.exitCode !== null || child.signalCode !== null) resolve();
    else child.once('exit', () => resolve());
  });
}

/** In a process group of its own, so that Ctrl-C in the terminal reaches only this process, which then stops it in order. */
function forkWorker({ town, address, log, env }: WorkerOrder): ChildProcess {
  mkdirSync(dirname(log), { recursive: true });
  const output = openSync(log, 'a');
  const child = fork(GT, ['worker', '--embedded', '--town', town, '--address', address], {
    detached: true,
    stdio: ['ignore', output, output, 'ipc'],
    ...(env === undefined ? {} : { env: { ...process.env, ...env } }),
  });
  closeSync(output);
  return child;
}

async function endGently(child: ChildProcess | null): Promise<void> {
  if (child === null) return;
  child.kill('SIGTERM');
  const patience = new AbortController();
  const killed = pause(WORKER_STOP_MS, undefined, { signal: patience.signal }).then(
    () => child.kill('SIGKILL'),
    () => undefined,
  );
  await ended(child);
  patience.abort();
  await killed;
}
