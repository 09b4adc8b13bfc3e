/**
 * Finds and ends what a dead worker left running. Every program of a session carries the session's mark in its environment,
 * children inherit it, also those that left the process group: so nothing has to be recorded beforehand, a reused process id
 * is never hit by mistake, and there is no moment at which a started program is not yet known.
 */
import { execFile } from 'node:child_process';
import { readdirSync, readFileSync } from 'node:fs';
import { setTimeout as pause } from 'node:timers/promises';
import { promisify } from 'node:util';

export const MARK = 'GT_MARK';
const ROUNDS_MAX = 50;

/** Kills (SIGKILL) every process that carries the mark and returns how many there were, once none is left. */
export async function killMarked(mark: string): Promise<number> {
  const killed = new Set<number>();
  for (let round = 0; round < ROUNDS_MAX; round += 1) {
    const found = await findMarked((value) => value === mark);
    if (found.length === 0) return killed.size;
    for (const { pid } of found) {
      killed.add(pid);
      kill(pid);
    }
    await pause(20);
  }
  throw new Error(`processes marked ${mark} do not end: ${[...killed].join(', ')}`);
}

/** The same for every mark that satisfies `matches`. */
export async function killAllMarked(matches: (mark: string) => boolean): Promise<void> {
  const found = await findMarked(matches);
  for (const mark of new Set(found.map((one) => one.mark))) await killMarked(mark);
}

export type Marked = { readonly pid: number; readonly mark: string };
type ReadMarks = () => Promise<readonly Marked[]>;

let readElsewhere: ReadMarks | null = null;

/** From now on the marks are read so; null: by this process itself. */
export function readMarksBy(read: ReadMarks | null): void {
  readElsewhere = read;
}

/** Every process of this machine whose mark satisfies `matches`; zombies are not counted. */
export async function findMarked(matches: (mark: string) => boolean): Promise<readonly Marked[]> {
  const all = await (readElsewhere ?? readMarksHere)();
  return all.filter((one) => one.pid !== process.pid && matches(one.mark));
}

/** The processes of this machine that carry a mark. */
export async function readMarksHere(): Promise<readonly Marked[]> {
  return process.platform === 'linux' ? readLinux() : readPs();
}

/** One after the other: to wait for each of some hundred files is five times the work. */
function readLinux(): readonly Marked[] {
  const pids = readdirSync('/proc').filter((name) => /^\d+$/.test(name));
  return pids.flatMap((pid) => {
    const entry = environmentOf(pid)
      .split('\0')
      .find((line) => line.startsWith(`${MARK}=`));
    return entry === undefined ? [] : [{ pid: Number(pid), mark: entry.slice(MARK.length + 1) }];
  });
}

function environmentOf(pid: string): string {
  try {
    return readFileSync(`/proc/${pid}/environ`, 'utf8');
  } catch {
    // It has ended, or is somebody else's.
    return '';
  }
}

async function readPs(): Promise<readonly Marked[]> {
  const { stdout } = await promisify(execFile)('ps', ['-axEww', '-o', 'pid=,command='], {
    maxBuffer: 64 * 1024 * 1024,
  });
  return stdout.split('\n').flatMap((line) => {
    const [, pid, mark] = new RegExp(`^\\s*(\\d+) .* ${MARK}=(\\S+)`).exec(line) ?? [];
    return pid === undefined || mark === undefined ? [] : [{ pid: Number(pid), mark }];
  });
}

function kill(pid: number): void {
  try {
    process.kill(pid, 'SIGKILL');
  } catch {
    // It ended by itself between the look and the kill.
  }
}
