/**
 * Runs a program as the head of its own process group and never leaves it behind: time-out, cancellation and the end of the
 * program itself all end the whole group. Output is kept to a bounded head and tail, so that no program can fill memory.
 */
import { spawn } from 'node:child_process';
import type { ChildProcess, ChildProcessWithoutNullStreams } from 'node:child_process';
import type { Readable, Writable } from 'node:stream';
import { Clipped, shown } from './clipped.js';
import type { Kept } from './clipped.js';
import { MARK } from './mark.js';
import { watchTree } from './tree-limits.js';
import type { TreeLimits } from './tree-limits.js';

const KEEP_CHARS = 15_000;
const KILL_AFTER_MS = 2_000;
/** How long the output of a program that has ended is waited for: a child that left the group may hold it open for ever. */
const DRAIN_MS = 1_000;

export type RunOptions = {
  readonly cwd: string;
  /** The whole environment of the program; nothing is inherited but what stands here. */
  readonly env: Readonly<Record<string, string>>;
  /** Written into the environment so that `killMarked` finds the program and all it started, from any later process. */
  readonly mark?: string;
  readonly signal?: AbortSignal;
  readonly timeoutMs?: number;
  /** Of the program with all that it starts; whoever goes over one is ended. */
  readonly limits?: TreeLimits;
  readonly input?: string;
  /** What it reads at its descriptor 3, in base64. */
  readonly third?: string;
  /** How much of each stream's head, and of its tail, is kept; 15,000 characters if not given. */
  readonly keepChars?: number;
  /** The most that it may write to one of both; whoever goes over is ended. */
  readonly charsMax?: number;
  /** This program alone reads the output, and shows it to nobody: what is cut of it keeps even its secrets. */
  readonly isData?: boolean;
  /** Told every piece of output, of both streams as they come: a sign of life, and what people watch. */
  readonly onOutput?: (piece: string, from: Stream) => void;
  /** Asked after each piece of output: no more of it is read before that has passed. Null: whoever is told can take more. */
  readonly room?: () => Promise<void> | null;
};

export type Stream = 'stdout' | 'stderr';

export type RunResult = {
  readonly end:
    | { readonly kind: 'exited'; readonly code: number }
    | { readonly kind: 'signalled'; readonly signal: string }
    | { readonly kind: 'timed-out' }
    | { readonly kind: 'cancelled' }
    | { readonly kind: 'over-limit'; readonly what: string }
    /** The program could not be started at all: no such file, no such folder, no permission, too long a command. */
    | { readonly kind: 'not-started'; readonly reason: string };
  readonly stdout: string;
  readonly stderr: string;
  readonly ms: number;
};

/** With what is kept of the output, before it is cut: who starts the program need not know any secret. */
export type Ran = Omit<RunResult, 'stdout' | 'stderr'> & { readonly stdout: Kept; readonly stderr: Kept };
type Run = (file: string, args: readonly string[], options: RunOptions) => Promise<Ran>;

let runElsewhere: Run | null = null;

/** From now on programs are started so; null: by this process itself. */
export function startProgramsBy(run: Run | null): void {
  runElsewhere = run;
}

export async function run(file: string, args: readonly string[], options: RunOptions): Promise<RunResult> {
  const { keepChars = KEEP_CHARS, isData = false } = options;
  const { stdout, stderr, ...ran } = await (runElsewhere ?? runHere)(file, args, options);
  return { ...ran, stdout: shown(stdout, keepChars, isData), stderr: shown(stderr, keepChars, isData) };
}

/** Heads of the groups that run now: they go when this process exits, whatever it has not waited for. */
const running = new Set<number>();
process.once('exit', () => running.forEach((pid) => killGroup(pid, 'SIGKILL')));

/** By this very process. */
export async function runHere(file: string, args: readonly string[], options: RunOptions): Promise<Ran> {
  const started = Date.now();
  const stdout = new Clipped(options.keepChars ?? KEEP_CHARS);
  const stderr = new Clipped(options.keepChars ?? KEEP_CHARS);
  const end = await new Promise<RunResult['end']>((resolve) => {
    if (options.signal?.aborted === true) return resolve({ kind: 'cancelled' });
    const child = start(file, args, options);
    if (child instanceof Error) return resolve({ kind: 'not-started', reason: child.message });
    if (child.pid !== undefined) running.add(child.pid);
    let verdict: RunResult['end'] | undefined;
    const stop = (why: RunResult['end']) => {
      verdict ??= why;
      killGroup(child.pid, 'SIGTERM');
      setTimeout(() => killGroup(child.pid, 'SIGKILL'), KILL_AFTER_MS).unref();
    };
    const onAbort = () => stop({ kind: 'cancelled' });
    const timer =
      options.timeoutMs === undefined ? undefined : setTimeout(() => stop({ kind: 'timed-out' }), options.timeoutMs);
    options.signal?.addEventListener('abort', onAbort, { once: true });
    const { limits } = options;
    const over = (what: string) => {
      verdict ??= { kind: 'over-limit', what };
      killGroup(child.pid, 'SIGKILL');
    };
    const unwatch =
      limits === undefined || child.pid === undefined ? () => undefined : watchTree(child.pid, limits, over);
    const settle = (value: RunResult['end']) => {
      clearTimeout(timer);
      unwatch();
      options.signal?.removeEventListener('abort', onAbort);
      resolve(value);
    };
    const heard = [
      hear(child.stdout, 'stdout', stdout, options, over),
      hear(child.stderr, 'stderr', stderr, options, over),
    ];
    child.stdin.on('error', () => undefined); // a program may end without reading its input
    child.stdin.end(options.input ?? '');
    child.on('error', (error) => settle({ kind: 'not-started', reason: error.message }));
    // 'exit', then the group's stragglers are killed, which closes the pipes they may still hold.
    child.on('exit', () => {
      killGroup(child.pid, 'SIGKILL');
      const destroy = () => [child.stdout, child.stderr].forEach((stream) => stream.destroy());
      void Promise.all(heard.map((goesOn) => goesOn())).then(() => setTimeout(destroy, DRAIN_MS).unref());
      if (child.pid !== undefined) running.delete(child.pid);
    });
    child.on('close', (code, signal) =>
      settle(verdict ?? (signal === null ? { kind: 'exited', code: code ?? -1 } : { kind: 'signalled', signal })),
    );
  });
  return { end, stdout: stdout.kept(), stderr: stderr.kept(), ms: Date.now() - started };
}

/** Answers what is waited for before more is read. */
function hear(
  stream: Readable,
  from: Stream,
  kept: Clipped,
  { onOutput, room, charsMax = Infinity }: RunOptions,
  over: (what: string) => void,
): () => Promise<void> {
  let goesOn = Promise.resolve();
  let chars = 0;
  stream.setEncoding('utf8').on('data', (piece: string) => {
    chars += piece.length;
    if (chars > charsMax) return over(`it wrote more than ${charsMax} characters`);
    kept.add(piece);
    onOutput?.(piece, from);
    const full = room?.() ?? null;
    if (full === null) return undefined;
    stream.pause();
    goesOn = full.then(() => void stream.resume());
    return undefined;
  });
  return () => goesOn;
}

/** The error that some failures of `spawn` are thrown as; the others are told by an event. */
function start(file: string, args: readonly string[], options: RunOptions): ChildProcessWithoutNullStreams | Error {
  const env = options.mark === undefined ? { ...options.env } : { ...options.env, [MARK]: options.mark };
  try {
    const { cwd, third } = options;
    const more = third === undefined ? [] : ['pipe' as const];
    const child = spawn(file, args, { cwd, env, detached: true, stdio: ['pipe', 'pipe', 'pipe', ...more] });
    // Where no descriptors are left there are no streams; what is told of that comes later.
    if ((child.stdio as unknown) === undefined) {
      child.on('error', () => undefined);
      return new Error('this process has too many files open');
    }
    if (third !== undefined) tellThird(child, third);
    return child;
  } catch (error) {
    return error instanceof Error ? error : new Error(String(error));
  }
}

/** It may end without reading that. */
export function tellThird(child: ChildProcess, third: string): void {
  const pipe = child.stdio[3] as Writable; // what it was started with
  pipe.on('error', () => undefined).end(Buffer.from(third, 'base64'));
}

/** `run` through `sh -c`, for the commands that operators and formulas write as one line. */
export function runShell(command: string, options: RunOptions): Promise<RunResult> {
  return run('sh', ['-c', command], options);
}

function killGroup(pid: number | undefined, signal: NodeJS.Signals): void {
  if (pid === undefined) return;
  try {
    process.kill(-pid, signal);
  } catch {
    // The group is gone, which is what was wanted.
  }
}
