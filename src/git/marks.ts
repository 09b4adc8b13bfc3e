/** Every git that changes a worktree, or makes a mirror, carries a mark of its path, so that the next call can end it. */
import { createHash } from 'node:crypto';
import { setTimeout as pause } from 'node:timers/promises';
import { findMarked, killMarked } from '../process/mark.js';

const GRACE_MS = 2_000;
const LOOK_EVERY_MS = 20;

/** Told from the path alone: a retry in another process computes the same. */
export function markOf(path: string): string {
  return `git-${createHash('sha256').update(path).digest('hex').slice(0, 24)}`;
}

/**
 * Ends every git that carries the mark and returns how many there were. They are asked first (SIGTERM): git then removes its
 * lock files, also those of the mirror, which others would wait for.
 */
export async function endMarked(mark: string): Promise<number> {
  const find = () => findMarked((value) => value === mark);
  const found = await find();
  for (const { pid } of found) ask(pid);
  const deadline = Date.now() + GRACE_MS;
  let left = found.length;
  while (left > 0 && Date.now() < deadline) {
    await pause(LOOK_EVERY_MS);
    left = (await find()).length;
  }
  return Math.max(found.length, left === 0 ? 0 : await killMarked(mark));
}

/**
 * Waits until no program carries the mark, at most `limitMs`. Each is waited for once in the life of this process: one that
 * stays for good, as what a hook of the remote started, is not in the way for ever.
 */
export async function awaitMarked(mark: string, limitMs: number): Promise<void> {
  const deadline = Date.now() + limitMs;
  for (;;) {
    const left = (await findMarked((value) => value === mark)).filter(({ pid }) => !waitedFor.has(pid));
    if (left.length === 0) return;
    if (Date.now() >= deadline) {
      for (const { pid } of left) waitedFor.add(pid);
      return;
    }
    await pause(LOOK_EVERY_MS);
  }
}

const waitedFor = new Set<number>();

function ask(pid: number): void {
  try {
    process.kill(pid, 'SIGTERM');
  } catch {
    // It ended by itself between the look and the signal.
  }
}
