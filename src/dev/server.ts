/**
 * The embedded Temporal server: one child process, one database file, everything else of its life in memory. It is set up to be
 * fast and to remember. It sits in a process group of its own, so that Ctrl-C at the terminal does not take it away from the
 * workers that drain; it goes when `stop` is called or when this process exits, and if that is killed, at the next start.
 */
import { spawn, type ChildProcess } from 'node:child_process';
import { closeSync, mkdirSync, openSync, renameSync, statSync } from 'node:fs';
import { dirname } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import { CliError } from '../cli/command.js';
import { orStopped } from '../cli/stopping.js';
import { SEARCH_ATTRIBUTES } from '../contract/search-attributes.js';
import { plainEnvironment } from '../process/environment.js';
import { serverRecordOf } from '../town/paths.js';
import { claimRecord, endLeftover, forgetServer, recordServer } from './leftovers.js';
import { listensOn } from './listening.js';
import { endOf, tailOf, textSince } from './log-tail.js';
import { choosePort, isFree, LOOPBACK } from './ports.js';
import { rememberFor } from './retention.js';

export type ServerOrder = {
  /** Path of the Temporal CLI. */
  readonly cli: string;
  readonly dbFile: string;
  /** An asked port is used or refused; without one the usual port is used when it is free, else any free one. */
  readonly port?: number;
  readonly uiPort?: number;
  /** The usual ports of this town, when they are others than Temporal's. */
  readonly usual?: Ports;
  readonly namespace: string;
  /** More of Temporal's dynamic configuration, `key=value`. */
  readonly dynamicConfig?: readonly string[];
  /** The server's output is appended here. */
  readonly log: string;
  readonly say: (line: string) => void;
  /** Ends the start: the server is stopped, and `startServer` rejects with its reason. */
  readonly signal?: AbortSignal;
};

type ServerEnd = { readonly code: number | null; readonly signal: NodeJS.Signals | null };

export type Server = {
  /** `host:port` for Temporal clients. */
  readonly address: string;
  readonly uiUrl: string;
  readonly pid: number;
  /** How it ended, whoever ended it. */
  readonly stopped: Promise<ServerEnd>;
  /** Returns when it is gone. May be called more than once. */
  stop(): Promise<void>;
};

const USUAL: Ports = { port: 7233, uiPort: 8233 };
const RETENTION_DAYS = 30;
const START_MS_MAX = 60_000;
const STOP_MS_MAX = 5_000;
const LOOK_EVERY_MS = 25;
/** How often another program may be quicker than this one to take a port that was free. */
const LOST_PORTS_MAX = 5;
const LOG_BYTES_MAX = 10_000_000;
const BEING_STARTED = 'this town is being started by another process at this very moment: use that one';

/** Polls per second of the one history shard's queues: the default of 20 makes every step take 50 ms. */
const FAST_QUEUES = ['transfer', 'timer', 'visibility', 'outbound'].map(
  (queue) => `history.${queue}ProcessorMaxPollRPS=2000`,
);
/** A closed execution can be deleted once its close has been noted, which is every 30 seconds by default. */
const QUICK_DELETION = ['transfer', 'visibility'].map((queue) => `history.${queue}ProcessorUpdateAckInterval="2s"`);
/**
 * Urgent work first, and between missions each in turn: where sessions wait for room, no mission waits for all of another's. That is so
 * in each partition of a queue, so there is one. It reads from all, since an earlier version may have left work in them.
 */
const FAIR_QUEUES = [
  'matching.useNewMatcher=true',
  'matching.enableFairness=true',
  'matching.numTaskqueueWritePartitions=1',
];
/** Twice as fast as the default, and as safe when the process dies; the machine's own crash may cost the last moments. */
const DATABASE = ['journal_mode=wal', 'synchronous=normal'];

/**
 * Returns when the server answers. What was under way in the database goes on. Throws CliError when an asked port is taken, when
 * the town is up already, and, with the end of the log, when the server does not come up.
 */
export async function startServer(order: ServerOrder): Promise<Server> {
  mkdirSync(dirname(order.dbFile), { recursive: true });
  const record = serverRecordOf(order.dbFile);
  const ended = await endLeftover(record);
  if (ended !== null) order.say(`Ended the server that an earlier run left behind (process ${ended})`);
  let ports = await choosePorts(order);
  for (let left = LOST_PORTS_MAX; ; left -= 1) {
    order.signal?.throwIfAborted();
    try {
      return await startOn(ports, record, order);
    } catch (error) {
      if (left === 0 || order.signal?.aborted === true || !(await isLost(ports, error))) throw error;
      ports = await choosePorts(order);
    }
  }
}

class NotUp extends CliError {
  /** All that the server said of this start: besides those it is given it takes ports of its own choice, which may be lost, too. */
  readonly log: string;

  constructor(message: string, log: string) {
    super(message);
    this.log = log;
  }
}

async function startOn(ports: Ports, record: string, order: ServerOrder): Promise<Server> {
  const address = `${LOOPBACK}:${ports.port}`;
  const uiUrl = `http://${LOOPBACK}:${ports.uiPort}`;
  if (!claimRecord(record, { address, uiUrl })) throw new CliError(BEING_STARTED);
  const running = launchClaimed(record, order, ports);
  const stop = async () => {
    await running.stop();
    forgetServer(record, running.pid);
  };
  try {
    recordServer(record, { pid: running.pid, address, uiUrl });
    const prepare = () => rememberFor(RETENTION_DAYS, { address, namespace: order.namespace });
    await orStopped(answers(running, ports.port, prepare), order.signal);
  } catch (error) {
    await stop();
    order.signal?.throwIfAborted();
    const why = error instanceof Error ? error.message : String(error);
    throw new NotUp(
      `the Temporal server did not come up: ${why}. The end of ${order.log}:\n${tailOf(order.log, running.logFrom)}`,
      textSince(order.log, running.logFrom),
    );
  }
  return { address, uiUrl, pid: running.pid, stopped: running.stopped, stop };
}

async function choosePorts({ port, uiPort, usual = USUAL, say }: ServerOrder): Promise<Ports> {
  return {
    port: await choosePort({ what: 'port', asked: port ?? null, preferred: usual.port, say }),
    uiPort: await choosePort({ what: 'UI port', asked: uiPort ?? null, preferred: usual.uiPort, say }),
  };
}

/** Free a moment ago, and somebody else's now, or only then: another town that looks whether a port is free holds it for that moment. */
async function isLost({ port, uiPort }: Ports, error: unknown): Promise<boolean> {
  if (!(error instanceof NotUp)) return false;
  return error.log.includes('address already in use') || !(await isFree(port)) || !(await isFree(uiPort));
}

type Running = Pick<Server, 'pid' | 'stopped' | 'stop'> & { readonly logFrom: number };
export type Ports = { readonly port: number; readonly uiPort: number };

function launchClaimed(record: string, order: ServerOrder, ports: Ports): Running {
  try {
    return launch(order, ports);
  } catch (error) {
    forgetServer(record, process.pid);
    throw error;
  }
}

function launch(order: ServerOrder, ports: Ports): Running {
  const log = openLog(order.log);
  const logFrom = endOf(order.log);
  const child = spawn(order.cli, argumentsFor(order, ports), {
    cwd: dirname(order.dbFile),
    env: plainEnvironment(),
    detached: true,
    stdio: ['ignore', log, log],
  });
  closeSync(log);
  const stopped = new Promise<ServerEnd>((resolve) => {
    child.once('exit', (code, signal) => resolve({ code, signal }));
    child.once('error', () => resolve({ code: null, signal: null }));
  });
  if (child.pid === undefined)
    throw new CliError(`${order.cli} could not be started: is it a program of this machine?`);
  const endWithUs = () => child.kill('SIGINT');
  process.once('exit', endWithUs);
  void stopped.then(() => process.removeListener('exit', endWithUs));
  return { pid: child.pid, logFrom, stopped, stop: () => end(child, stopped) };
}

function argumentsFor(
  { dbFile, namespace, dynamicConfig = [] }: ServerOrder,
  { port, uiPort }: Ports,
): readonly string[] {
  const flags = {
    ip: LOOPBACK,
    port: String(port),
    'ui-port': String(uiPort),
    'db-filename': dbFile,
    namespace,
    'log-level': 'warn',
  };
  return [
    'server',
    'start-dev',
    '--ui-disable-news-fetch',
    ...Object.entries(flags).flatMap(([name, value]) => [`--${name}`, value]),
    ...DATABASE.flatMap((pragma) => ['--sqlite-pragma', pragma]),
    ...[...FAST_QUEUES, ...FAIR_QUEUES, ...QUICK_DELETION, ...dynamicConfig].flatMap((limit) => [
      '--dynamic-config-value',
      limit,
    ]),
    ...Object.entries(SEARCH_ATTRIBUTES).flatMap(([name, type]) => ['--search-attribute', `${name}=${type}`]),
  ];
}

async function end(child: ChildProcess, stopped: Promise<ServerEnd>): Promise<void> {
  child.kill('SIGINT');
  const giveUp = setTimeout(() => child.kill('SIGKILL'), STOP_MS_MAX);
  await stopped;
  clearTimeout(giveUp);
}

/**
 * Returns when the server itself listens on the port and `prepare` has been done on it; throws when it has ended before that.
 * Something else may have taken the port a moment before: that must never be taken for this town's server.
 */
async function answers(running: Running, port: number, prepare: () => Promise<void>): Promise<void> {
  const over = new AbortController();
  const ended = running.stopped.then((how) => {
    over.abort();
    throw new Error(`it ended before it answered (${describe(how)})`);
  });
  await Promise.race([ended, untilListening(running.pid, port, over.signal).then(prepare)]);
}

async function untilListening(pid: number, port: number, signal: AbortSignal): Promise<void> {
  const until = Date.now() + START_MS_MAX;
  while (!signal.aborted && !(await listensOn(pid, port))) {
    if (Date.now() > until) throw new Error(`no answer in ${START_MS_MAX / 1_000} seconds`);
    await pause(LOOK_EVERY_MS);
  }
}

function describe({ code, signal }: ServerEnd): string {
  return signal === null ? `exit ${code}` : signal;
}

/** One older log is kept beside it. */
function openLog(file: string): number {
  mkdirSync(dirname(file), { recursive: true });
  const bytes = statSync(file, { throwIfNoEntry: false })?.size ?? 0;
  if (bytes > LOG_BYTES_MAX) renameSync(file, `${file}.1`);
  return openSync(file, 'a');
}
