/**
 * A server whose owner was killed lives on and holds its database. Whoever starts a server records both processes with the time
 * each began; the next start on the same database ends what is left, and no other process, however its id came about. The
 * record is claimed before the server is started, so that no two servers ever open one database.
 */
import { execFileSync } from 'node:child_process';
import { randomUUID } from 'node:crypto';
import { linkSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { setTimeout as pause } from 'node:timers/promises';
import { CliError } from '../cli/command.js';
import { readRunningServer, type RunningServer } from '../running-server.js';

const STOP_MS_MAX = 5_000;
const LOOK_EVERY_MS = 25;

/** When the process began, in words that no other process of this id will ever have; null when there is none (any more). */
export function startedAt(pid: number): string | null {
  try {
    return process.platform === 'linux' ? startedOnLinux(pid) : startedByPs(pid);
  } catch {
    return null;
  }
}

export function isAlive({ pid, started }: RunningServer['server']): boolean {
  return startedAt(pid) === started;
}

type ServerFacts = Pick<RunningServer, 'address' | 'uiUrl'>;

/**
 * Takes the record for a server that is about to be started; until then its owner stands in for it. Returns false when another
 * process was faster: there is a record already.
 */
export function claimRecord(file: string, facts: ServerFacts): boolean {
  const draft = writeDraft(file, { ...facts, pid: process.pid });
  try {
    // A link appears whole or not at all, and fails when the file is there.
    linkSync(draft, file);
    return true;
  } catch (error) {
    if (error instanceof Error && 'code' in error && error.code === 'EEXIST') return false;
    throw error;
  } finally {
    rmSync(draft, { force: true });
  }
}

/** Puts the server in the place that its owner has claimed. */
export function recordServer(file: string, facts: { readonly pid: number } & ServerFacts): void {
  renameSync(writeDraft(file, facts), file);
}

/** Removes the record that this process made for the server, or only claimed; one that is no longer its own stays. */
export function forgetServer(file: string, pid: number): void {
  const record = readRunningServer(file);
  const isOurs = record?.owner.pid === process.pid && [pid, process.pid].includes(record.server.pid);
  if (isOurs) rmSync(file, { force: true });
}

function writeDraft(file: string, { pid, address, uiUrl }: { readonly pid: number } & ServerFacts): string {
  const record: RunningServer = { server: identify(pid), owner: identify(process.pid), address, uiUrl };
  const draft = `${file}.${randomUUID()}`;
  writeFileSync(draft, `${JSON.stringify(record)}\n`);
  return draft;
}

/**
 * Makes room for a new server: ends one whose owner is dead, forgets one that is dead itself. Returns the id of the process
 * that was ended, null when there was none. Throws CliError when the server's owner is alive: that town is up.
 */
export async function endLeftover(file: string): Promise<number | null> {
  const text = readText(file);
  if (text === null) return null;
  const record = readRunningServer(file);
  const server = record !== null && isAlive(record.server) ? record.server : null;
  if (record !== null && isAlive(record.owner) && (server !== null || record.owner.pid !== process.pid)) {
    throw new CliError(
      `this town is up already: process ${record.owner.pid} runs its server at ${record.address}. Use that one, or stop it first`,
    );
  }
  if (server !== null) await endProcess(server);
  // While it ended, another start may have taken the record over: that one is not ours to remove.
  if (readText(file) === text) rmSync(file, { force: true });
  return server?.pid ?? null;
}

function readText(file: string): string | null {
  try {
    return readFileSync(file, 'utf8');
  } catch {
    return null;
  }
}

/** SIGINT, and SIGKILL when that is not obeyed in five seconds. Returns when the process is gone. */
export async function endProcess(one: RunningServer['server']): Promise<void> {
  for (const signal of ['SIGINT', 'SIGKILL'] as const) {
    send(one, signal);
    const until = Date.now() + STOP_MS_MAX;
    while (isAlive(one) && Date.now() < until) await pause(LOOK_EVERY_MS);
    if (!isAlive(one)) return;
  }
  throw new CliError(`the server left over in process ${one.pid} does not end: end it by hand (kill -9 ${one.pid})`);
}

function send(one: RunningServer['server'], signal: NodeJS.Signals): void {
  try {
    if (isAlive(one)) process.kill(one.pid, signal);
  } catch {
    // It ended by itself between the look and the signal.
  }
}

function identify(pid: number): RunningServer['server'] {
  return { pid, started: startedAt(pid) ?? 'gone' };
}

/** The field counts clock ticks since boot, so the boot belongs to it. A zombie has ended: it only waits to be looked at. */
function startedOnLinux(pid: number): string | null {
  const stat = readFileSync(`/proc/${pid}/stat`, 'utf8');
  // The program's name stands in parentheses and may hold anything, spaces and parentheses too.
  const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
  const [state, started] = [fields[0], fields[19]];
  if (state === 'Z' || state === 'X' || started === undefined) return null;
  return `${readFileSync('/proc/sys/kernel/random/boot_id', 'utf8').trim()}+${started}`;
}

function startedByPs(pid: number): string | null {
  const line = execFileSync('ps', ['-o', 'stat=,lstart=', '-p', String(pid)], {
    encoding: 'utf8',
    env: { LC_ALL: 'C' },
  }).trim();
  const [state, ...started] = line.split(/\s+/);
  return state === undefined || state.startsWith('Z') ? null : started.join(' ');
}
