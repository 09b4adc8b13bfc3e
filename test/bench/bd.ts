/** Beads' `bd`, where it is on the PATH: what it takes for the same work. */
import { execFileSync } from 'node:child_process';

export const BD_ENV = { ...process.env, BD_NON_INTERACTIVE: '1' };

export function which(program: string): string | null {
  try {
    return execFileSync('sh', ['-c', 'command -v -- "$1"', 'sh', program], { encoding: 'utf8' }).trim() || null;
  } catch {
    return null;
  }
}

/** All commands of `bd` want a database, in a git repository. */
export function prepareBd(bd: string, folder: string): void {
  execFileSync('git', ['init', '--quiet', folder]);
  const init = ['init', '-p', 'demo', '--quiet', '--non-interactive', '--skip-agents'];
  execFileSync(bd, init, { cwd: folder, env: BD_ENV, stdio: 'ignore' });
}
