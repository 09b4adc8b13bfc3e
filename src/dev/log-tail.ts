/** The end of a log that outlives many starts: only what was written since one of them. */
import { readFileSync, statSync } from 'node:fs';

const LINES = 15;

/** Where the log ends now: what stands before it is of earlier runs. */
export function endOf(log: string): number {
  return statSync(log, { throwIfNoEntry: false })?.size ?? 0;
}

export function tailOf(log: string, from: number): string {
  try {
    const text = readFileSync(log).subarray(from).toString('utf8');
    return text.trimEnd().split('\n').slice(-LINES).join('\n');
  } catch {
    return '';
  }
}
