/** A real disk that is soon full, for whoever may mount one. */
import { execFileSync } from 'node:child_process';
import { onTestFinished } from 'vitest';

export const PAGE_BYTES = 4_096;

/** Why there can be none here; null when there can. */
export const whyNoDisk =
  process.platform !== 'linux' || process.getuid?.() !== 0 ? 'only root on Linux can mount a small disk' : null;

const sizeOf = (pages: number) => `size=${pages * PAGE_BYTES}`;

/** Mounted over the folder until the test has ended. Answers what gives it another size. */
export function smallDisk(folder: string, pages: number): (pages: number) => void {
  execFileSync('mount', ['-t', 'tmpfs', '-o', sizeOf(pages), 'gt-test', folder]);
  onTestFinished(() => void execFileSync('umount', ['--lazy', folder]));
  return (count) => void execFileSync('mount', ['-o', `remount,${sizeOf(count)}`, folder]);
}
