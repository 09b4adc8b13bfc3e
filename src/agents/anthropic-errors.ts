/** A provider's failure as what it means for the session: try again (when?), ask a person, or hand over to a fresh context. */
import { AnthropicError, APIConnectionError, APIError, APIUserAbortError } from '@anthropic-ai/sdk';
import { own } from '../town/own.js';
import { BY_TYPE, byStatus, ContextFull, isRetryable, retryAfterOf, saysTooLong } from './provider-status.js';
import { RuntimeTrouble } from './trouble.js';

export const NO_KEY =
  'there is no key for the Anthropic API: start the worker with ANTHROPIC_API_KEY set, then retry the step';

/** Never answers for a cancellation of ours: the caller has looked at its own signal before. */
export function troubleOf(error: unknown): RuntimeTrouble | ContextFull {
  if (error instanceof APIUserAbortError) return trouble('Llm.Aborted', 'the request was broken off', true, error);
  if (error instanceof APIConnectionError) return trouble('Llm.Connection', reasonOf(error), true, error);
  if (error instanceof APIError) return ofApi(error);
  if (error instanceof AnthropicError) {
    // What breaks while a stream is read, the SDK puts into an error of its own.
    const isBroken = error.cause instanceof Error;
    return trouble(isBroken ? 'Llm.Connection' : 'Llm.StreamEnded', reasonOf(error), true, error);
  }
  if (error instanceof Error && error.message.includes('Could not resolve authentication')) {
    return trouble('Llm.Auth', NO_KEY, false, error);
  }
  return trouble('Llm.Unknown', error instanceof Error ? error.message : String(error), true, error);
}

/** By the error's own type first: one that comes in the middle of a stream has no status. */
function ofApi(error: APIError): RuntimeTrouble | ContextFull {
  if (isTooLong(error)) return new ContextFull(error.message, { cause: error });
  const kind = own(BY_TYPE, error.type ?? '') ?? byStatus(error.status);
  return new RuntimeTrouble({
    type: kind.type,
    message: error.message,
    retryable: isRetryable(kind, error.headers),
    retryAfterMs: retryAfterOf(error.headers),
    requestId: error.requestID ?? null,
    cause: error,
  });
}

function isTooLong({ status, type: known, message }: APIError): boolean {
  // The SDK's list of types does not have all that the API sends.
  const type: string | null = known;
  if (status === 413 || type === 'request_too_large') return true;
  const isRefused = status === 400 || type === 'invalid_request_error';
  return isRefused && saysTooLong(message);
}

function trouble(type: string, message: string, retryable: boolean, cause: unknown): RuntimeTrouble {
  return new RuntimeTrouble({ type, message, retryable, cause });
}

function reasonOf(error: Error): string {
  const causes = [error.cause, error.cause instanceof Error ? error.cause.cause : null];
  const words = [error, ...causes].flatMap((one) => (one instanceof Error && one.message !== '' ? [one.message] : []));
  return [...new Set(words)].join(': ');
}
