/** `gt` from its source, as a process of its own. */
import { execFile } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { plainEnvironment } from '../../src/process/environment.js';

const MAIN = new URL('../../src/cli/main.ts', import.meta.url).href;
const TSX = import.meta.resolve('tsx');

export type CliResult = { readonly code: number; readonly stdout: string; readonly stderr: string };

export type CliPlace = { readonly cwd: string; readonly env?: Readonly<Record<string, string>> };

export function runCli(args: readonly string[], { cwd, env = {} }: CliPlace): Promise<CliResult> {
  const program = `import { main } from ${JSON.stringify(MAIN)}; await main(process.argv.slice(1));`;
  const options = { cwd, env: plainEnvironment(env), timeout: 50_000 };
  return new Promise((resolve) => {
    execFile(
      process.execPath,
      ['--import', TSX, '--input-type=module', '-e', program, '--', ...args],
      options,
      (error, stdout, stderr) => resolve({ code: codeOf(error), stdout, stderr }),
    );
  });
}

/** Of the repository's own files. */
export const here = (path: string): string => fileURLToPath(new URL(`../../${path}`, import.meta.url));

function codeOf(error: { readonly code?: unknown } | null): number {
  if (error === null) return 0;
  return typeof error.code === 'number' ? error.code : -1;
}
