/** The real `gt` as a child process, as a user runs it. */
import { execFile, spawn } from 'node:child_process';
import type { ChildProcess } from 'node:child_process';
import { promisify } from 'node:util';
import { builtGt } from './built.js';

const GT = builtGt();

export type Output = { readonly code: number; readonly stdout: string; readonly stderr: string };

/** Runs to the end. Variables of `env` are added to this process's; undefined takes one away. */
export async function gt(
  args: readonly string[],
  env: Readonly<Record<string, string | undefined>> = {},
): Promise<Output> {
  const options = { env: { ...process.env, ...env }, maxBuffer: 64 * 1024 * 1024 };
  try {
    const { stdout, stderr } = await promisify(execFile)(process.execPath, [GT, ...args], options);
    return { code: 0, stdout, stderr };
  } catch (error) {
    return error as Output; // what execFile rejects with has the same fields
  }
}

export type Running = {
  readonly child: ChildProcess;
  readonly output: () => string;
  /** Waits until the output has this. */
  readonly says: (pattern: RegExp, seconds?: number) => Promise<RegExpExecArray>;
  /** The exit code, once it has ended; null after a signal. */
  readonly exited: Promise<number | null>;
  /** Sends the signal and waits for the end; answers the exit code. */
  readonly end: (signal: NodeJS.Signals) => Promise<number | null>;
};

export function startGt(args: readonly string[], env: Readonly<Record<string, string | undefined>> = {}): Running {
  const child = spawn(process.execPath, [GT, ...args], {
    env: { ...process.env, ...env },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  let output = '';
  const listeners = new Set<() => void>();
  const hear = (piece: Buffer) => {
    output += piece.toString();
    for (const listener of listeners) listener();
  };
  child.stdout.on('data', hear);
  child.stderr.on('data', hear);
  const exited = new Promise<number | null>((resolve) => child.once('exit', (code) => resolve(code)));
  return {
    child,
    output: () => output,
    exited,
    says: (pattern, seconds = 60) =>
      new Promise((resolve, reject) => {
        const timer = setTimeout(
          () => reject(new Error(`${seconds} s without ${pattern}; it said:\n${output}`)),
          seconds * 1_000,
        );
        const look = () => {
          const match = pattern.exec(output);
          if (match === null) return;
          clearTimeout(timer);
          listeners.delete(look);
          resolve(match);
        };
        listeners.add(look);
        look();
      }),
    end: (signal) => {
      child.kill(signal);
      return exited;
    },
  };
}
