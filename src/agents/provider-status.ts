/** What a provider's answer means for a session: try again (when?), ask a person, or hand over to a fresh context. */
import { RuntimeTrouble } from './trouble.js';

export type Kind = { readonly type: string; readonly retryable: boolean };
type Headers = { get(name: string): string | null };

const WAIT_MS_MAX = 15 * 60_000;
const SECOND_MS = 1_000;

/** The conversation no longer fits the model's window: a reason to hand over, not a failure. */
export class ContextFull extends Error {
  override readonly name = 'ContextFull';
}

const BY_STATUS: Readonly<Record<number, Kind>> = {
  401: { type: 'Llm.Auth', retryable: false },
  402: { type: 'Llm.Billing', retryable: false },
  403: { type: 'Llm.Auth', retryable: false },
  404: { type: 'Llm.NotFound', retryable: false },
  408: { type: 'Llm.Busy', retryable: true },
  409: { type: 'Llm.Busy', retryable: true },
  429: { type: 'Llm.RateLimited', retryable: true },
  529: { type: 'Llm.Overloaded', retryable: true },
};

/** As Anthropic calls them. */
export const BY_TYPE: Readonly<Record<string, Kind>> = {
  rate_limit_error: { type: 'Llm.RateLimited', retryable: true },
  overloaded_error: { type: 'Llm.Overloaded', retryable: true },
  api_error: { type: 'Llm.Server', retryable: true },
  timeout_error: { type: 'Llm.Server', retryable: true },
  authentication_error: { type: 'Llm.Auth', retryable: false },
  permission_error: { type: 'Llm.Auth', retryable: false },
  billing_error: { type: 'Llm.Billing', retryable: false },
  not_found_error: { type: 'Llm.NotFound', retryable: false },
  invalid_request_error: { type: 'Llm.BadRequest', retryable: false },
};

export function byStatus(status: number | undefined): Kind {
  if (status === undefined || status >= 500) return BY_STATUS[status ?? 0] ?? { type: 'Llm.Server', retryable: true };
  return BY_STATUS[status] ?? { type: 'Llm.BadRequest', retryable: false };
}

/** What the provider says itself goes before what is known of its kind. */
export function isRetryable({ retryable }: Kind, headers: Headers | null | undefined): boolean {
  const said = headers?.get('x-should-retry');
  return said === 'true' || (said !== 'false' && retryable);
}

/**
 * Milliseconds are preferred to seconds, seconds to a date; what asks for more than 15 minutes is asked again after those. No time at
 * all, or one that is over, says nothing: taken at its word, a provider that goes on refusing would be asked without a pause.
 */
export function retryAfterOf(headers: Headers | null | undefined): number | null {
  const after = headers?.get('retry-after') ?? '';
  const waits = [
    Number(headers?.get('retry-after-ms') ?? Number.NaN),
    Number(after) * SECOND_MS,
    Date.parse(after) - Date.now(),
  ];
  return waitOf(waits.find((ms) => Number.isFinite(ms)));
}

export function waitOf(ms: number | undefined): number | null {
  return ms === undefined || !(ms > 0) ? null : Math.min(ms, WAIT_MS_MAX);
}

/** Of Anthropic and OpenAI, and of gateways to models of others. */
const TOO_LONG = /prompt is too long|context (window|limit)|maximum (context|prompt) length|available context size/i;

export function saysTooLong(message: string): boolean {
  return TOO_LONG.test(message);
}

/** Where nothing is known but the status, and what stood beside it. */
export function troubleOfStatus(status: number, message: string): RuntimeTrouble | ContextFull {
  if (status === 413 || (status === 400 && saysTooLong(message))) return new ContextFull(message);
  return new RuntimeTrouble({ ...byStatus(status), message });
}
