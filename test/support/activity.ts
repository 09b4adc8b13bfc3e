/** An activity as a worker would run it, without a server: it may beat and log, and it can be cancelled. */
import { asyncLocalStorage, CancelledFailure, Context } from '@temporalio/activity';
import type { Info } from '@temporalio/activity';
import { ActivityCancellationDetails, noopMetricMeter } from '@temporalio/common';
import type { ActivityCancellationDetailsOptions } from '@temporalio/common';

const quiet = () => undefined;

export async function asActivity<T>(
  act: () => Promise<T>,
  cancel = new AbortController(),
  told: Partial<Info> = {},
  /** Why it is cancelled. */
  why: ActivityCancellationDetailsOptions = {},
): Promise<T> {
  const never = new Promise<never>(() => undefined);
  const log = { log: quiet, trace: quiet, debug: quiet, info: quiet, warn: quiet, error: quiet };
  // Few acts ask for any of it.
  const info = told as Info;
  const holder = { details: new ActivityCancellationDetails(why) };
  const context = new Context(info, never, cancel.signal, quiet, undefined, log, noopMetricMeter, holder);
  return asyncLocalStorage.run(context, act);
}

/** Cancels as Temporal does. */
export function cancelActivity(cancel: AbortController): void {
  cancel.abort(new CancelledFailure('CANCELLED'));
}
