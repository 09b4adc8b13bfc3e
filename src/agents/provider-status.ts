/** What a provider's answer means by its status alone, as what stands between us and it, and programs, tell it. */
import { RuntimeTrouble } from './trouble.js';

export type Kind = { readonly type: string; readonly retryable: boolean };

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

export function byStatus(status: number | undefined): Kind {
  if (status === undefined || status >= 500) return BY_STATUS[status ?? 0] ?? { type: 'Llm.Server', retryable: true };
  return BY_STATUS[status] ?? { type: 'Llm.BadRequest', retryable: false };
}

export function saysTooLong(message: string): boolean {
  return /prompt is too long|context (window|limit)/i.test(message);
}

/** Where nothing is known but the status, and what stood beside it. */
export function troubleOfStatus(status: number, message: string): RuntimeTrouble | ContextFull {
  if (status === 413 || (status === 400 && saysTooLong(message))) return new ContextFull(message);
  return new RuntimeTrouble({ ...byStatus(status), message });
}
