/**
 * What a provider's answers tell while they pass to a program: the tokens that they cost, or what is wrong. Each provider in its own words, whole
 * or as a stream of events.
 */
import * as z from 'zod';
import type { Provider } from '../town/agents.js';
import { own } from '../town/own.js';
import { BY_TYPE, byStatus, ContextFull, isRetryable, retryAfterOf, saysTooLong, waitOf } from './provider-status.js';
import type { Kind } from './provider-status.js';
import { withoutSecrets } from './secrets.js';
import type { Spent, Tokens } from './told-usage.js';
import { RuntimeTrouble } from './trouble.js';

export type Failure = RuntimeTrouble | ContextFull;

/** Requests that a model answers, and that cost. */
const ASKS: Readonly<Record<Provider, RegExp>> = {
  anthropic: /^POST (\/v1)?\/messages$/,
  openai: /^POST (\/v1)?\/(chat\/completions|responses(\/compact)?)$/,
  gemini: /:(generateContent|streamGenerateContent)$/,
};

export function asksModel(provider: Provider, asked: string): boolean {
  return ASKS[provider].test(asked);
}

/** No event of an answer is longer; what is, is not read. */
const EVENT_CHARS_MAX = 32 * 1024 * 1024;
const WORDS_MAX = 1_000;

type Head = { readonly status: number; readonly headers: Headers };

/** Reads one answer as it passes. */
export class PassingAnswer {
  readonly #provider: Provider;
  readonly #head: Head;
  readonly #isStream: boolean;
  readonly #decoder = new TextDecoder();
  #text = '';
  /** What the model has said, in characters. */
  #said = 0;
  #spent: Spent | null = null;
  /** As its answer names it. */
  #model = '';
  #failure: Failure | null = null;
  #later: string | null = null;

  constructor(provider: Provider, head: Head) {
    this.#provider = provider;
    this.#head = head;
    this.#isStream = head.headers.get('content-type')?.startsWith('text/event-stream') === true;
  }

  add(chunk: Uint8Array): void {
    const piece = this.#decoder.decode(chunk, { stream: true });
    // Looked for in what is new: a long line comes in many pieces.
    const end = this.#isStream && this.#head.status < 400 ? piece.lastIndexOf('\n') : -1;
    if (end === -1) this.#text += piece;
    else {
      for (const line of `${this.#text}${piece.slice(0, end)}`.split('\n')) this.#line(line);
      this.#text = piece.slice(end + 1);
    }
    if (this.#text.length > EVENT_CHARS_MAX) this.#text = '';
  }

  /** What its provider works on in the background, whoever is there; null for nothing. */
  get later(): string | null {
    return this.#later;
  }

  /** Also of one that broke off: as far as it came. `spent`: null when nothing was answered; `asked`: how many bytes it was asked. */
  end(asked: number): { readonly spent: Spent | null; readonly failure: Failure | null } {
    const { status } = this.#head;
    if (status >= 400)
      this.#failure = failureOf(this.#head, problemIn([parsed(this.#text)].flat()[0]) ?? NONE, this.#text);
    else if (this.#isStream) this.#line(this.#text);
    else for (const event of [parsed(this.#text)].flat()) this.#take(event);
    const unknown = status < 400 && this.#failure === null ? estimated(this.#model, asked, this.#said) : null;
    return { spent: this.#spent ?? unknown, failure: this.#failure };
  }

  #line(line: string): void {
    if (line.startsWith('data:')) this.#take(parsed(line.slice('data:'.length)));
  }

  #take(event: unknown): void {
    this.#spent = READ[this.#provider](event, this.#spent) ?? this.#spent;
    const said = Said.safeParse(event).data;
    this.#model = said?.model ?? said?.response?.model ?? this.#model;
    this.#said += charsIn(said?.choices) + charsIn(said?.delta) + charsIn(said?.output);
    if (this.#provider === 'openai') this.#later = laterIn(event, this.#later);
    const problem = problemIn(event);
    if (problem !== null) this.#failure = failureOf({ status: 0, headers: this.#head.headers }, problem, '');
  }
}

const Background = z.object({ id: z.string(), background: z.literal(true), status: z.string() });
const OfBackground = z.union([z.object({ response: Background }).transform(({ response }) => response), Background]);

function laterIn(event: unknown, before: string | null): string | null {
  const { data } = OfBackground.safeParse(event);
  if (data === undefined) return before;
  return data.status === 'queued' || data.status === 'in_progress' ? data.id : null;
}

/** Of text and of JSON, about. */
export const CHARS_PER_TOKEN = 4;
const Said = z.object({
  choices: z.unknown().optional(),
  delta: z.unknown().optional(),
  output: z.unknown().optional(),
  model: z.string().optional().catch(undefined),
  response: z.object({ model: z.string().optional() }).optional().catch(undefined),
});
/** Pictures are written large, and are few tokens; more than that fits into few windows. */
const ESTIMATED_TOKENS_MAX = 300_000;

/** Its tokens were not told: OpenAI tells them of a stream of completions only to who asks for that, and of no answer that broke off. */
function estimated(model: string, asked: number, said: number): Spent {
  const [inputTokens = 0, outputTokens = 0] = [asked, said].map((chars) =>
    Math.min(ESTIMATED_TOKENS_MAX, Math.ceil(chars / CHARS_PER_TOKEN)),
  );
  const tokens = { turns: 1, inputTokens, cacheReadTokens: 0, cacheWriteTokens: 0, outputTokens };
  return { model, tokens, isEstimated: true };
}

function charsIn(value: unknown): number {
  if (typeof value === 'string') return value.length;
  if (typeof value !== 'object' || value === null) return 0;
  return Object.values(value).reduce((sum: number, one) => sum + charsIn(one), 0);
}

const count = z
  .number()
  .nonnegative()
  .nullish()
  .transform((tokens) => tokens ?? 0);

/** By which it is known in whose words it is. */
const told = z.number().nonnegative();

const Anthropic = z.object({
  input_tokens: count,
  cache_read_input_tokens: count,
  cache_creation_input_tokens: count,
  output_tokens: count,
});
const soFar = z.number().nonnegative().nullish();
/** Of what it does not tell again stands what was told before. */
const AnthropicSoFar = z.object({
  input_tokens: soFar,
  cache_read_input_tokens: soFar,
  cache_creation_input_tokens: soFar,
  output_tokens: soFar,
});
const AnthropicMessage = z.object({ model: z.string(), usage: Anthropic });
const AnthropicEvent = z.union([
  z.object({ type: z.literal('message_start'), message: AnthropicMessage }),
  z.object({ type: z.literal('message_delta'), usage: AnthropicSoFar }),
  AnthropicMessage.extend({ type: z.literal('message') }),
]);
const Responses = z.object({
  model: z.string(),
  usage: z.object({
    input_tokens: told,
    input_tokens_details: z.object({ cached_tokens: count }).nullish(),
    output_tokens: count,
    total_tokens: count,
  }),
});
const Completion = z.object({
  model: z.string(),
  usage: z.object({
    prompt_tokens: told,
    prompt_tokens_details: z.object({ cached_tokens: count }).nullish(),
    completion_tokens: count,
    total_tokens: count,
  }),
});
const OpenAi = z.union([
  z.object({ response: Responses }).transform(({ response }) => response),
  Responses,
  Completion,
]);
const Gemini = z.object({
  modelVersion: z.string().default(''),
  usageMetadata: z.object({
    promptTokenCount: count,
    cachedContentTokenCount: count,
    candidatesTokenCount: count,
    thoughtsTokenCount: count,
  }),
});

/** What an event adds to what is known of its answer; null: nothing. */
const READ: Readonly<Record<Provider, (event: unknown, before: Spent | null) => Spent | null>> = {
  anthropic: (event, before) => {
    const read = AnthropicEvent.safeParse(event);
    if (!read.success) return null;
    if (read.data.type === 'message_delta') {
      if (before === null) return null;
      const { tokens } = before;
      const news = read.data.usage;
      const inputTokens = news.input_tokens ?? tokens.inputTokens;
      const cacheReadTokens = news.cache_read_input_tokens ?? tokens.cacheReadTokens;
      const cacheWriteTokens = news.cache_creation_input_tokens ?? tokens.cacheWriteTokens;
      const outputTokens = news.output_tokens ?? tokens.outputTokens;
      return { ...before, tokens: { turns: 1, inputTokens, cacheReadTokens, cacheWriteTokens, outputTokens } };
    }
    const { model, usage } = read.data.type === 'message_start' ? read.data.message : read.data;
    const tokens = {
      inputTokens: usage.input_tokens,
      cacheReadTokens: usage.cache_read_input_tokens,
      cacheWriteTokens: usage.cache_creation_input_tokens,
      outputTokens: usage.output_tokens,
    };
    return { model, tokens: { turns: 1, ...tokens } };
  },
  openai: (event) => {
    const read = OpenAi.safeParse(event);
    if (!read.success) return null;
    const { model, usage } = read.data;
    if ('input_tokens' in usage) {
      const { input_tokens: input, input_tokens_details: details, output_tokens: output } = usage;
      return { model, tokens: tokensOf(input, details?.cached_tokens ?? 0, saidIn(output, input, usage)) };
    }
    const { prompt_tokens: input, prompt_tokens_details: details, completion_tokens: output } = usage;
    return { model, tokens: tokensOf(input, details?.cached_tokens ?? 0, saidIn(output, input, usage)) };
  },
  gemini: (event) => {
    const read = Gemini.safeParse(event);
    if (!read.success) return null;
    const { modelVersion: model, usageMetadata: usage } = read.data;
    // What is thought is paid for as what is said.
    const output = usage.candidatesTokenCount + usage.thoughtsTokenCount;
    return { model, tokens: tokensOf(usage.promptTokenCount, usage.cachedContentTokenCount, output) };
  },
};

/** Others who speak so, as xAI, count what is thought, and paid for, into the sum alone. */
function saidIn(output: number, input: number, { total_tokens: all }: { readonly total_tokens: number }): number {
  return Math.max(output, all - input);
}

/** Of providers that count what they had in their cache into what they read. */
function tokensOf(input: number, cached: number, outputTokens: number): Tokens {
  const tokens = { cacheReadTokens: cached, cacheWriteTokens: 0, outputTokens };
  return { turns: 1, inputTokens: Math.max(0, input - cached), ...tokens };
}

const Problem = z.object({
  type: z.string().nullish(),
  code: z.union([z.string(), z.number()]).nullish(),
  message: z.string().nullish(),
  details: z
    .array(z.object({ reason: z.string().nullish(), retryDelay: z.string().nullish() }))
    .nullish()
    .catch(null),
  /** Of a gateway: what the provider behind it has said. */
  metadata: z.object({ raw: z.string().nullish() }).nullish().catch(null),
});
type Problem = z.infer<typeof Problem>;
/** Some tell it in words alone. */
const Wrong = z.union([
  Problem,
  z
    .string()
    .min(1)
    .transform((message): Problem => ({ message, details: null, metadata: null })),
]);
const Told = z.object({
  error: Wrong.nullish(),
  response: z.object({ error: Wrong.nullish() }).nullish(),
});
const ToldPlainly = Problem.extend({ type: z.literal('error') });

const NONE: Problem = { details: null, metadata: null };

/** An error that comes instead of an answer, or in the midst of one. */
function problemIn(event: unknown): Problem | null {
  const told = Told.safeParse(event).data;
  return told?.error ?? told?.response?.error ?? ToldPlainly.safeParse(event).data ?? null;
}

const BILLING: Kind = { type: 'Llm.Billing', retryable: false };
const RATE: Kind = { type: 'Llm.RateLimited', retryable: true };
const AUTH: Kind = { type: 'Llm.Auth', retryable: false };
const NOT_FOUND: Kind = { type: 'Llm.NotFound', retryable: false };
const BAD_REQUEST: Kind = { type: 'Llm.BadRequest', retryable: false };
const OVERLOADED: Kind = { type: 'Llm.Overloaded', retryable: true };
/** Words that say more than the status beside them, and stand alone in the midst of a stream. */
const BY_CODE: Readonly<Record<string, Kind>> = {
  ...allAre(BILLING, ['insufficient_quota', 'billing_hard_limit_reached', 'billing_not_active', 'usage_not_included']),
  ...allAre(BILLING, ['credit_balance_exhausted', 'organization_usage_limit_exceeded']),
  ...allAre(BILLING, ['organization_spend_limit_exceeded', 'project_spend_limit_exceeded']),
  ...allAre(RATE, ['rate_limit_exceeded']),
  ...allAre(AUTH, ['invalid_api_key', 'API_KEY_INVALID', 'account_deactivated', 'ip_not_authorized']),
  ...allAre(NOT_FOUND, ['model_not_found']),
  // Asked again, the same request would be answered the same.
  ...allAre(BAD_REQUEST, ['invalid_prompt', 'content_policy_violation', 'cyber_policy', 'bio_policy']),
  ...allAre(BAD_REQUEST, ['misalignment_policy_violation', 'image_content_policy_violation']),
  ...allAre(BAD_REQUEST, ['data_residency_mismatch', 'unsupported_country_region_territory']),
  ...allAre(BAD_REQUEST, ['invalid_image', 'invalid_image_format', 'invalid_base64_image', 'invalid_image_url']),
  ...allAre(BAD_REQUEST, ['invalid_image_mode', 'image_too_large', 'image_too_small', 'image_parse_error']),
  ...allAre(BAD_REQUEST, ['image_file_too_large', 'unsupported_image_media_type', 'empty_image_file']),
  ...allAre(BAD_REQUEST, ['failed_to_download_image', 'image_file_not_found']),
};
/** Where no status says it. */
const IN_STREAM: Readonly<Record<string, Kind>> = {
  ...BY_TYPE,
  ...allAre(OVERLOADED, ['server_is_overloaded', 'slow_down']),
};
const TOO_LONG = ['request_too_large', 'context_length_exceeded'];

function allAre(kind: Kind, words: readonly string[]): Readonly<Record<string, Kind>> {
  return Object.fromEntries(words.map((word) => [word, kind]));
}

/** `status`: 0 in the midst of a stream, where it may stand in the error. */
function failureOf({ status: ofHead, headers }: Head, problem: Problem, body: string): Failure {
  const { message: said = null, details = null, metadata = null } = problem;
  const words = [problem.code, problem.type, ...(details ?? []).map(({ reason }) => reason)]
    .flatMap((one) => one ?? [])
    .map(String);
  const status = ofHead || Number(words.find((word) => /^[45]\d\d$/.test(word)) ?? 0);
  const message = withoutSecrets([status || '', said ?? body, metadata?.raw ?? ''].join(' ').trim()).slice(
    0,
    WORDS_MAX,
  );
  const isTooLong = status === 413 || ((status === 400 || status === 0) && saysTooLong(message));
  if (isTooLong || words.some((word) => TOO_LONG.includes(word))) return new ContextFull(message);
  const known = words.flatMap((word) => own(BY_CODE, word) ?? [])[0];
  const inStream = words.flatMap((word) => own(IN_STREAM, word) ?? [])[0];
  const kind = known ?? (ofHead === 0 ? inStream : undefined) ?? byStatus(status === 0 ? undefined : status);
  const delay = details?.flatMap(({ retryDelay }) => /^([\d.]+)s$/.exec(retryDelay ?? '')?.[1] ?? [])[0];
  return new RuntimeTrouble({
    type: kind.type,
    message,
    retryable: isRetryable(kind, headers),
    retryAfterMs: retryAfterOf(headers) ?? waitOf(delay === undefined ? undefined : Number(delay) * 1_000),
    requestId: headers.get('request-id') ?? headers.get('x-request-id'),
  });
}

function parsed(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return null;
  }
}
