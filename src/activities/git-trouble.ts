/** Git's troubles as operators must hear of them: what no retry mends (no access, no repository) is refused at once, in words. */
import { GitError } from '../git/git-error.js';
import { WorktreeTaken } from '../git/worktree.js';
import { refuse } from './beating.js';

/** Runs a git act; trouble that only a person can mend becomes a failure that is not retried. The rest is thrown as it is. */
export async function orRefuse<T>(rig: string, act: () => Promise<T>): Promise<T> {
  try {
    return await act();
  } catch (error) {
    if (needsPerson(error) || error instanceof WorktreeTaken) throw refuse('BadTown', `rig "${rig}": ${error.message}`);
    throw error;
  }
}

export function needsPerson(error: unknown): error is GitError {
  return error instanceof GitError && (error.kind === 'auth' || error.kind === 'not-found');
}
