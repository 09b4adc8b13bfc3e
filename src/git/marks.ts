/** Every git that changes a worktree, or makes a mirror, carries a mark of its path, so that the next call can end it. */
import { createHash } from 'node:crypto';

/** Told from the path alone: a retry in another process computes the same. */
export function markOf(path: string): string {
  return `git-${createHash('sha256').update(path).digest('hex').slice(0, 24)}`;
}
