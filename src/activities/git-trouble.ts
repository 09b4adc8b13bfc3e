/** Git's troubles as operators must hear of them: what no retry mends (no access, no room) is refused at once, in words. */
import { log } from '@temporalio/activity';
import { Blocked, GitError } from '../git/git-error.js';
import { refuse } from './beating.js';

/** Runs a git act; trouble that only a person can mend becomes a failure that is not retried. The rest is thrown as it is. */
export async function orRefuse<T>(rig: string, act: () => Promise<T>): Promise<T> {
  try {
    return await act();
  } catch (error) {
    if (needsPerson(error)) throw refuse('BadTown', `rig "${rig}": ${error.message}`);
    throw error;
  }
}

const OF_PEOPLE: ReadonlySet<string> = new Set(['auth', 'not-found', 'host']);
/** What the file system says of a disk that is full, or that this program may not write to. */
const OF_DISKS: ReadonlySet<unknown> = new Set(['ENOSPC', 'EDQUOT', 'EROFS', 'EACCES', 'EPERM']);

export function needsPerson(error: unknown): error is Error {
  if (error instanceof Blocked) return true;
  if (error instanceof GitError) return OF_PEOPLE.has(error.kind);
  return error instanceof Error && 'code' in error && OF_DISKS.has(error.code);
}

/** What cannot be cleared up stays: it stands in nobody's way, and the merge queue goes on. */
export function leave(error: unknown): void {
  if (!needsPerson(error)) throw error;
  log.warn(`leftovers of a merge stay: ${error.message}`);
}
