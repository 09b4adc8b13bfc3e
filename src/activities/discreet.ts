/** What acts of a host tell, their results as their failures, stands in histories for good: without secrets. */
import { ApplicationFailure } from '@temporalio/common';
import { cleaned, withoutSecrets } from '../agents/secrets.js';
import type { Acts } from './beating.js';

/** The same activities, each discreet. */
export function discreet<A extends Acts>(acts: A): A {
  return each(acts, async (act) => cleaned(await act()));
}

/** The same activities, whose failures are discreet: what they answer is the town's own, which goes on as it is. */
export function failingDiscreetly<A extends Acts>(acts: A): A {
  return each(acts, (act) => act());
}

function each<A extends Acts>(acts: A, answer: (act: () => Promise<unknown>) => Promise<unknown>): A {
  const entries = Object.entries(acts).map(([name, act]) => [
    name,
    async (...args: never[]) => {
      try {
        return await answer(() => act(...args));
      } catch (error) {
        throw cleanedError(error);
      }
    },
  ]);
  return Object.fromEntries(entries) as A; // the same names with the same signatures
}

const CAUSES_MAX = 10;

/** As it was, but for its texts; the server is told of message, stack and causes, of a failure of ours its details, too. */
function cleanedError(error: unknown, left = CAUSES_MAX): unknown {
  if (!(error instanceof Error)) return typeof error === 'string' ? withoutSecrets(error) : error;
  const clean = error instanceof ApplicationFailure ? cleanedFailure(error) : error;
  change(clean, 'message', withoutSecrets(error.message));
  if (error.stack !== undefined) change(clean, 'stack', withoutSecrets(error.stack));
  if (error.cause !== undefined) change(clean, 'cause', left === 0 ? undefined : cleanedError(error.cause, left - 1));
  return clean;
}

/** Of some errors these are not for others to set, but may be put in front of what they have. */
function change(error: Error, name: 'message' | 'stack' | 'cause', value: unknown): void {
  if (error[name] === value || !Object.isExtensible(error)) return;
  Object.defineProperty(error, name, { value, configurable: true, writable: true, enumerable: false });
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
