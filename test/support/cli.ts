/** `gt` as a user runs it, as a process of its own, in a folder and an environment of its own. */
import { execFile } from 'node:child_process';
import { plainEnvironment } from '../../src/process/environment.js';
import { builtGt } from './built.js';

const GT = builtGt();

export type CliResult = { readonly code: number; readonly stdout: string; readonly stderr: string };

export type CliPlace = { readonly cwd: string; readonly env?: Readonly<Record<string, string>> };

export function runCli(args: readonly string[], { cwd, env = {} }: CliPlace): Promise<CliResult> {
  const options = { cwd, env: plainEnvironment(env), timeout: 50_000 };
  return new Promise((resolve) => {
    execFile(process.execPath, [GT, ...args], options, (error, stdout, stderr) =>
      resolve({ code: codeOf(error), stdout, stderr }),
    );
  });
}

function codeOf(error: { readonly code?: unknown } | null): number {
  if (error === null) return 0;
  return typeof error.code === 'number' ? error.code : -1;
}
