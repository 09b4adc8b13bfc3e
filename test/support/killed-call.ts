/** Calls of src/git that are cut off at random points by the death of their process. */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { setTimeout as pause } from 'node:timers/promises';
import type { CallName, calls } from './git-call.js';
import { programOf } from './program.js';

const PROGRAM = await programOf('test/support/git-call.ts');

/**
 * Makes the call in a process of its own and kills that process (SIGKILL) so many milliseconds after the call began, or when
 * something has happened. Git programs that it started are left running, as they would be. Tells whether the call had ended before.
 */
export async function killedCall<Name extends CallName>(
  name: Name,
  args: Parameters<(typeof calls)[Name]>[0],
  when: number | Promise<unknown>,
): Promise<'killed' | 'ended'> {
  const child = spawn(process.execPath, [PROGRAM, name, JSON.stringify(args)], {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  const exit = once(child, 'exit');
  const begun = await Promise.race([once(child.stdout, 'data'), exit.then(() => null)]);
  if (begun === null) throw new Error(`the program that calls ${name} did not start`);
  await Promise.race([typeof when === 'number' ? pause(when) : when, exit]);
  child.kill('SIGKILL');
  const [, signal] = await exit;
  return signal === 'SIGKILL' ? 'killed' : 'ended';
}
