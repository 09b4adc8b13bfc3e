/** A provider's failure as what it means for the session: try again (when?), ask a person, or hand over to a fresh context. */
import { AnthropicError, APIConnectionError, APIError, APIUserAbortError } from '@anthropic-ai/sdk';
import { own } from '../town/own.js';
import { RuntimeTrouble } from './trouble.js';

const WAIT_MS_MAX = 15 * 60_000;
const SECOND_MS = 1_000;

export const NO_KEY =
  'there is no key for the Anthropic API: start the worker with ANTHROPIC_API_KEY set, then retry the step';

/** The conversation no longer fits the model's window: a reason to hand over, not a failure. */
export class ContextFull extends Error {
  override readonly name = 'ContextFull';
}

/** Never answers for a cancellation of ours: the caller has looked at its own signal before. */
export function troubleOf(error: unknown): RuntimeTrouble | ContextFull {
  if (error instanceof APIUserAbortError) return trouble('Llm.Aborted', 'the request was broken off', true, error);
  if (error instanceof APIConnectionError) return trouble('Llm.Connection', reasonOf(error), true, error);
  if (error instanceof APIError) return ofApi(error);
  if (error instanceof AnthropicError) return trouble('Llm.StreamEnded', error.message, true, error);
  if (error instanceof Error && error.message.includes('Could not resolve authentication')) {
    return trouble('Llm.Auth', NO_KEY, false, error);
  }
  return trouble('Llm.Unknown', error instanceof Error ? error.message : String(error), true, error);
}

type Kind = { readonly type: string; readonly retryable: boolean };

/** By the error's own type first: one that comes in the middle of a stream has no status. */
const BY_TYPE: Readonly<Record<string, Kind>> = {
  rate_limit_error: { type: 'Llm.RateLimited', retryable: true },
  overloaded_error: { type: 'Llm.Overloaded', retryable: true },
  api_error: { type: 'Llm.Server', retryable: true },
  timeout_error: { type: 'Llm.Server', retryable: true },
  authentication_error: { type: 'Llm.Auth', retryable: false },
  permission_error: { type: 'Llm.Auth', retryable: false },
  billing_error: { type: 'Llm.Billing', retryable: false },
  not_found_error: { type: 'Llm.NotFound', retryable: false },
  request_too_large: { type: 'Llm.TooLarge', retryable: false },
  invalid_request_error: { type: 'Llm.BadRequest', retryable: false },
};

function ofApi(error: APIError): RuntimeTrouble | ContextFull {
  const tooLong = error.status === 413 || /prompt is too long|context window/i.test(error.message);
  if (tooLong) return new ContextFull(error.message, { cause: error });
  const kind = own(BY_TYPE, error.type ?? '') ?? byStatus(error.status);
  const shouldRetry = error.headers?.get('x-should-retry');
  const retryable = shouldRetry === 'true' || (shouldRetry !== 'false' && kind.retryable);
  return new RuntimeTrouble({
    type: kind.type,
    message: error.message,
    retryable,
    retryAfterMs: retryAfterOf(error),
    requestId: error.requestID ?? null,
    cause: error,
  });
}

function byStatus(status: number | undefined): Kind {
  if (status === undefined || status >= 500) return { type: 'Llm.Server', retryable: true };
  if (status === 408 || status === 409 || status === 429) return { type: 'Llm.Busy', retryable: true };
  if (status === 401 || status === 403) return { type: 'Llm.Auth', retryable: false };
  return { type: 'Llm.BadRequest', retryable: false };
}

/** Milliseconds are preferred to seconds, seconds to a date; what asks for more than 15 minutes is asked again after those. */
function retryAfterOf({ headers }: APIError): number | null {
  const ms = Number(headers?.get('retry-after-ms') ?? Number.NaN);
  if (Number.isFinite(ms)) return Math.min(ms, WAIT_MS_MAX);
  const after = headers?.get('retry-after') ?? null;
  if (after === null) return null;
  const seconds = Number(after);
  const wait = Number.isFinite(seconds) ? seconds * SECOND_MS : Date.parse(after) - Date.now();
  return Number.isFinite(wait) ? Math.min(Math.max(0, wait), WAIT_MS_MAX) : null;
}

function trouble(type: string, message: string, retryable: boolean, cause: unknown): RuntimeTrouble {
  return new RuntimeTrouble({ type, message, retryable, cause });
}

function reasonOf(error: Error): string {
  const cause = error.cause instanceof Error ? `: ${error.cause.message}` : '';
  return `${error.message}${cause}`;
}
