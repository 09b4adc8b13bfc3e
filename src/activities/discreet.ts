/** What acts of a host tell, their results as their failures, stands in histories for good: without secrets. */
import { ApplicationFailure } from '@temporalio/common';
import { cleaned, withoutSecrets } from '../agents/secrets.js';
import type { Acts } from './beating.js';

/** The same activities, each discreet. */
export function discreet<A extends Acts>(acts: A): A {
  const entries = Object.entries(acts).map(([name, act]) => [
    name,
    async (...args: never[]) => {
      try {
        return cleaned(await act(...args));
      } catch (error) {
        throw cleanedError(error);
      }
    },
  ]);
  return Object.fromEntries(entries) as A; // the same names with the same signatures
}

/** As it was, but for its texts; the server is told of message, stack and causes, of a failure of ours its details, too. */
function cleanedError(error: unknown): unknown {
  if (!(error instanceof Error)) return cleaned(error);
  const clean = error instanceof ApplicationFailure ? cleanedFailure(error) : error;
  clean.message = withoutSecrets(error.message);
  if (error.stack !== undefined) clean.stack = withoutSecrets(error.stack);
  if (error.cause !== undefined) clean.cause = cleanedError(error.cause);
  return clean;
}

function cleanedFailure({ message, type, nonRetryable, details, nextRetryDelay, category }: ApplicationFailure): Error {
  return ApplicationFailure.create({
    message,
    nonRetryable: nonRetryable ?? false,
    details: cleaned(details ?? []),
    ...(type == null ? {} : { type }),
    ...(nextRetryDelay == null ? {} : { nextRetryDelay }),
    ...(category == null ? {} : { category }),
  });
}
