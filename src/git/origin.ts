/** The way to a mirror's remote. It stands in a file of its own, because `git remote set-url` in an agent's worktree changes the shared config. */
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';

/** Each mirror has it, and nothing else. Nobody who is shut in can see it: there may be a password in it. */
export const ORIGIN_FILE = 'gt-origin';

/** The URL the mirror follows. */
export async function originOf(mirror: string): Promise<string> {
  return (await readFile(join(mirror, ORIGIN_FILE), 'utf8')).trim();
}
