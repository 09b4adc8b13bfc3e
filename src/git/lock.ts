/**
 * Git guards its files by `*.lock` files. A machine or a git that dies leaves them behind for ever, and every later command
 * fails on them. Only locks below the given roots are ever removed: a lock in somebody else's repository is theirs.
 */
import { realpath, rm, stat } from 'node:fs/promises';
import { basename, dirname, isAbsolute, join, resolve, sep } from 'node:path';

/** Removes the lock file that git complains of in `stderr`, if it is old enough; tells whether it is out of the way. */
export async function removeStaleLock(args: {
  readonly stderr: string;
  readonly roots: readonly string[];
  readonly staleMs: number;
}): Promise<boolean> {
  const path = lockIn(args.stderr, args.roots[0] ?? '/');
  if (path === null || !(await isBelow(path, args.roots))) return false;
  const found = await stat(path).catch(() => null);
  if (found === null) return true;
  if (Date.now() - found.mtimeMs < args.staleMs) return false;
  await rm(path, { force: true });
  return true;
}

function lockIn(stderr: string, cwd: string): string | null {
  const file = /^(?!remote:).*Unable to create '(.+\.lock)': File exists/m.exec(stderr)?.[1];
  if (file !== undefined) return isAbsolute(file) ? file : resolve(cwd, file);
  const config = /could not lock config file (.+): File exists/.exec(stderr)?.[1];
  return config === undefined ? null : `${resolve(cwd, config)}.lock`;
}

async function isBelow(path: string, roots: readonly string[]): Promise<boolean> {
  const file = join(await real(dirname(path)), basename(path));
  const folders = await Promise.all(roots.map(real));
  return folders.some((folder) => file.startsWith(folder + sep));
}

async function real(folder: string): Promise<string> {
  return realpath(folder).catch(() => folder);
}
