/** `gt` at a terminal, which `script` of util-linux makes. */
import { spawn } from 'node:child_process';
import { onTestFinished } from 'vitest';
import { builtGt } from './built.js';
import { until } from './live-town.js';

export type Terminal = {
  readonly type: (text: string) => void;
  readonly says: (text: string) => Promise<string>;
  /** All that was shown, when it has ended. */
  readonly ended: Promise<string>;
};

/** Variables of `env` are added to this process's; undefined takes one away. */
export function atTerminal(args: readonly string[], env: Readonly<Record<string, string | undefined>>): Terminal {
  const line = [process.execPath, builtGt(), ...args].map((word) => `'${word}'`).join(' ');
  const child = spawn('script', ['-qefc', `stty rows 40 cols 120; ${line}`, '/dev/null'], {
    env: { ...process.env, TERM: 'xterm', ...env },
    stdio: ['pipe', 'pipe', 'inherit'],
  });
  onTestFinished(() => void child.kill('SIGKILL'));
  let said = '';
  child.stdout.setEncoding('utf8').on('data', (piece: string) => (said += piece));
  return {
    type: (text) => void child.stdin.write(text),
    says: (text) => until(`it says ${text}`, async () => (said.includes(text) ? said : null)),
    ended: new Promise((resolve) => child.once('close', () => resolve(said.replaceAll('\r', '')))),
  };
}
