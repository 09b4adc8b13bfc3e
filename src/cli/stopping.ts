/** Ctrl-C, `kill`, and a terminal that is closed: all three mean "stop in order", from the first moment to the last. */
import { CliError } from './command.js';

const SIGNALS = ['SIGINT', 'SIGTERM', 'SIGHUP'] as const;

/** Somebody stopped the command before it had done its work. */
export class Stopped extends CliError {
  override readonly name = 'Stopped';
  override readonly exitCode = 130;
}

/** Aborts at the first signal, with Stopped. Later ones are swallowed, so that an impatient second Ctrl-C leaves nothing half stopped. */
export function hearStop(): AbortSignal {
  const over = new AbortController();
  for (const name of SIGNALS) process.on(name, () => over.abort(new Stopped('stopped')));
  return over.signal;
}

export function untilStopped(signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    if (signal.aborted) resolve();
    else signal.addEventListener('abort', () => resolve(), { once: true });
  });
}

/** What the work gives, or the signal's reason as soon as it aborts: the work then goes on unheard, and is for the caller to end. */
export async function orStopped<T>(work: Promise<T>, signal: AbortSignal | undefined): Promise<T> {
  if (signal === undefined) return work;
  const done = new AbortController();
  const stopped = new Promise<never>((_, reject) => {
    const onAbort = () => reject(signal.reason as Error); // hearStop aborts with nothing else
    if (signal.aborted) onAbort();
    else signal.addEventListener('abort', onAbort, { once: true, signal: done.signal });
  });
  try {
    return await Promise.race([work, stopped]);
  } finally {
    done.abort();
  }
}
