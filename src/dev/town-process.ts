/**
 * A town on one machine: a server and a worker as children of this process, each started again when it dies. Their ports
 * stay, so that clients find them again. When this process itself is killed, the worker notices, ends the server and then
 * itself: nothing is left behind.
 */
import { fork } from 'node:child_process';
import type { ChildProcess } from 'node:child_process';
import { closeSync, mkdirSync, openSync } from 'node:fs';
import { dirname } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import { CliError } from '../cli/command.js';
import { GT } from '../cli/program.js';
import { orStopped } from '../cli/stopping.js';
import { endOf, tailOf } from './log-tail.js';
import type { Server } from './server.js';

const RESTART_PAUSE_MS = 300;
const RESTART_PAUSE_MS_MAX = 30_000;
const START_MS_MAX = 60_000;
const SERVER_RESTART_MS_MAX = 10_000;
const WORKER_STOP_MS = 15_000;

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
  const stopping = new AbortController();
  let worker = forkWorker(order);
  let current: ChildProcess | null = worker.child;
  await orStopped(polls(worker), order.signal).catch(async (error: unknown) => {
    await endGently(current);
    throw error;
  });
  const watch = async () => {
    for (let failures = 0; ;) {
      const problem = await polls(worker).then(() => null, reasonOf);
      await ended(worker.child);
      current = null;
      if (stopping.signal.aborted) return;
      failures = problem === null ? 0 : failures + 1;
      const waitMs = Math.min(RESTART_PAUSE_MS * 2 ** failures, RESTART_PAUSE_MS_MAX);
      say(
        problem === null
          ? 'The worker died; it is started again, and takes up what it was doing.'
          : `It is tried again in ${(waitMs / 1_000).toFixed(0)} s: ${problem}`,
      );
      await pause(waitMs, undefined, { signal: stopping.signal }).catch(() => undefined);
      if (stopping.signal.aborted) return;
      worker = forkWorker(order);
      current = worker.child;
    }
  };
  const watching = watch();
  return {
    current: () => current?.pid ?? null,
    stop: async () => {
      stopping.abort();
      await endGently(current);
      await watching;
    },
  };
}

type Worker = { readonly child: ChildProcess; readonly isReady: Promise<boolean>; readonly tail: () => string };

/** Rejects with the end of the log when the worker ends before it polls, or takes too long for it: then it is killed. */
async function polls({ child, isReady, tail }: Worker): Promise<void> {
  const patience = new AbortController();
  const late = pause(START_MS_MAX, 'late' as const, { signal: patience.signal, ref: false }).catch(
    () => 'late' as const,
  );
  const how = await Promise.race([isReady, late]);
  patience.abort();
  if (how === true) return;
  child.kill('SIGKILL');
  const why = how === 'late' ? `was not ready after ${START_MS_MAX / 1_000} s` : 'did not start';
  throw new CliError(`the worker ${why}. ${tail()}`);
}

function reasonOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}

function ended(child: ChildProcess): Promise<void> {
  return new Promise((resolve) => {
    if (child.exitCode !== null || child.signalCode !== null) resolve();
    else child.once('exit', () => resolve());
  });
}

/** For glibc: with an arena for each thread a worker of many sessions keeps much of what it has given back. */
const MALLOC_ARENA_MAX = '2';

/** In a process group of its own, so that Ctrl-C in the terminal reaches only this process, which then stops it in order. */
function forkWorker({ town, address, log, env }: WorkerOrder): Worker {
  mkdirSync(dirname(log), { recursive: true });
  const from = endOf(log);
  const output = openSync(log, 'a');
  const child = fork(GT, ['worker', '--embedded', '--town', town, '--address', address], {
    detached: true,
    stdio: ['ignore', output, output, 'ipc'],
    env: { MALLOC_ARENA_MAX, ...process.env, ...env },
  });
  closeSync(output);
  const ready = new Promise<boolean>((resolve) => child.once('message', () => resolve(true)));
  const isReady = Promise.race([ready, ended(child).then(() => false)]);
  return { child, isReady, tail: () => `The end of ${log}:\n${tailOf(log, from)}` };
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
