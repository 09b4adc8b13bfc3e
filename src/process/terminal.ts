/**
 * A program at the terminal of this process. It has a terminal of its own, which `script` of util-linux makes and passes on: into that of the
 * operator it could write what looks as if the operator had typed it.
 */
import { spawn } from 'node:child_process';
import { killMarked, MARK } from './mark.js';
import { tellThird } from './run.js';
import type { RunOptions } from './run.js';
import { watchTree } from './tree-limits.js';

const KILL_AFTER_MS = 2_000;
const SIGNALS = ['SIGINT', 'SIGTERM', 'SIGHUP'] as const;

export type AtTerminal = {
  /** As the shell takes it. */
  readonly command: string;
  readonly mark: string;
  /** Ends it. */
  readonly signal: AbortSignal;
} & Pick<RunOptions, 'cwd' | 'env' | 'limits' | 'third'>;

/** Resolves when nothing of it runs any more: with its exit code, or a sentence why it was ended or has not begun. */
export async function runAtTerminal({
  command,
  mark,
  signal,
  cwd,
  env,
  limits,
  third,
}: AtTerminal): Promise<number | string> {
  // Ctrl-C is the program's own; who ends this process otherwise ends it, too.
  const told = new AbortController();
  const heed = (name: NodeJS.Signals) => (name === 'SIGINT' ? undefined : told.abort());
  for (const name of SIGNALS) process.on(name, heed);
  try {
    return await new Promise<number | string>((resolve) => {
      const child = spawn('script', ['--quiet', '--return', '--flush', '--command', command, '/dev/null'], {
        cwd,
        env: { ...env, SHELL: '/bin/sh', [MARK]: mark },
        stdio: ['inherit', 'inherit', 'inherit', ...(third === undefined ? [] : ['pipe' as const])],
      });
      if (third !== undefined) tellThird(child, third);
      let why: string | null = null;
      const end = (because: string) => {
        why ??= because;
        child.kill('SIGTERM');
        setTimeout(() => void killMarked(mark), KILL_AFTER_MS).unref();
      };
      signal.addEventListener('abort', () => end('the worker wants its sandbox'), { once: true });
      told.signal.addEventListener('abort', () => end('gt was ended'), { once: true });
      const unwatch =
        limits === undefined || child.pid === undefined ? () => undefined : watchTree(child.pid, limits, end);
      child.once('error', ({ message }) => resolve(`script cannot be started (it is of util-linux): ${message}`));
      child.once('exit', (code, name) => {
        unwatch();
        resolve(why ?? code ?? `it was ended by ${name}`);
      });
    });
  } finally {
    await killMarked(mark);
    for (const name of SIGNALS) process.off(name, heed);
  }
}
