/** The end of a log that outlives many starts: only what was written since one of them. */
import { readFileSync, statSync } from 'node:fs';

const LINES = 15;

/** Where the log ends now: what stands before it is of earlier runs. */
export function endOf(log: string): number {
  return statSync(log, { throwIfNoEntry: false })?.size ?? 0;
}

export function textSince(log: string, from: number): string {
  try {
    return readFileSync(log).subarray(from).toString('utf8').trimEnd();
  } catch {
    return '';
  }
}

/** The last lines; of a Go program that panicked those around its last words, since pages of its stack may follow them. */
export function tailOf(log: string, from: number): string {
  const lines = textSince(log, from).split('\n');
  const panic = lines.findLastIndex((line) => line.startsWith('panic: '));
  return (panic === -1 ? lines.slice(-LINES) : lines.slice(Math.max(0, panic - LINES / 3), panic + LINES)).join('\n');
}
