/**
 * What a worker writes on its standard error: warnings and errors, one line each, those of Temporal's native code among them. That code
 * adds a whole history to some of them, again at each try: of one entry only the beginning is of use.
 */
import { formatWithOptions } from 'node:util';
import { DefaultLogger } from '@temporalio/worker';
import type { LogEntry, RuntimeOptions } from '@temporalio/worker';

const ENTRY_CHARS_MAX = 4_000;

export const WORKER_LOG = {
  logger: new DefaultLogger('WARN', (entry) => void process.stderr.write(`${lineOf(entry)}\n`)),
  telemetryOptions: { logging: { filter: { core: 'WARN', other: 'WARN' }, forward: {} } },
} satisfies RuntimeOptions;

/** A line of its own, whatever the entry holds. */
export function lineOf({ level, message, meta = {}, timestampNanos }: LogEntry): string {
  const at = new Date(Number(timestampNanos / 1_000_000n)).toISOString();
  const more = Object.keys(meta).length === 0 ? [] : [formatWithOptions({ breakLength: Infinity }, meta)];
  const entry = [at, `[${level}]`, message, ...more].join(' ');
  const left = entry.length - ENTRY_CHARS_MAX;
  // Cut first: what is looked through has a bound.
  const line = entry.slice(0, ENTRY_CHARS_MAX).replaceAll(/\s*\n\s*/g, ' ');
  return left <= 0 ? line : `${line}… (${left} more characters)`;
}
