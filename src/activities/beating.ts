/**
 * The pulse of every activity: while its act is under way, Temporal hears a heartbeat each second, so that a dead worker is
 * noticed in seconds and not at the end of a long time-out. What a heartbeat carries is the act's last progress.
 */
import { Context } from '@temporalio/activity';
import { ApplicationFailure } from '@temporalio/common';

const BEAT_MS = 1_000;

export type Acts = { readonly [name: string]: (...args: never[]) => Promise<unknown> };

/** The same activities, each with a pulse. */
export function beating<A extends Acts>(acts: A): A {
  const entries = Object.entries(acts).map(([name, act]) => [
    name,
    async (...args: never[]) => {
      const context = Context.current();
      const beat = setInterval(() => context.heartbeat(progress.get(context)?.() ?? null), BEAT_MS);
      try {
        return await act(...args);
      } finally {
        clearInterval(beat);
      }
    },
  ]);
  return Object.fromEntries(entries) as A; // the same names with the same signatures
}

const progress = new WeakMap<Context, () => unknown>();

/** Takes what is asked, from now on, for what each heartbeat of this activity carries; from wherever it is called. */
export function progressHere(): (told: () => unknown) => void {
  const context = Context.current();
  return (told) => progress.set(context, told);
}

export function refuse(type: string, message: string): ApplicationFailure {
  return ApplicationFailure.create({ type, message, nonRetryable: true });
}
