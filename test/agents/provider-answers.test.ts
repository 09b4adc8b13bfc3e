/** What a provider's answers tell as they pass: each provider in its own words, whole or as events, wherever the pieces end. */
import { expect, test } from 'vitest';
import { asksModel, PassingAnswer } from '../../src/agents/provider-answers.js';
import { ContextFull } from '../../src/agents/provider-status.js';
import type { Provider } from '../../src/town/agents.js';

const EVENTS = { 'content-type': 'text/event-stream; charset=utf-8' };
const JSON_TYPE = { 'content-type': 'application/json' };

const ASKED = 400;

function read(provider: Provider, body: string, status = 200, headers: Record<string, string> = JSON_TYPE, size = 7) {
  const answer = new PassingAnswer(provider, { status, headers: new Headers(headers) });
  const bytes = Buffer.from(body);
  for (let at = 0; at < bytes.length; at += size) answer.add(bytes.subarray(at, at + size));
  return answer.end(ASKED);
}

const events = (...all: object[]) => all.map((one) => `event: x\ndata: ${JSON.stringify(one)}\n\n`).join('');

const anthropicUsage = { input_tokens: 10, cache_read_input_tokens: 20, cache_creation_input_tokens: 30 };
const anthropicMessage = { type: 'message', model: 'claude-x', usage: { ...anthropicUsage, output_tokens: 1 } };
const response = {
  model: 'gpt-x',
  usage: { input_tokens: 30, input_tokens_details: { cached_tokens: 20 }, output_tokens: 5 },
};
const completion = {
  model: 'gpt-x',
  usage: { prompt_tokens: 30, prompt_tokens_details: { cached_tokens: 20 }, completion_tokens: 5 },
};
const gemini = {
  modelVersion: 'gemini-x',
  usageMetadata: { promptTokenCount: 30, cachedContentTokenCount: 20, candidatesTokenCount: 4, thoughtsTokenCount: 1 },
};
const OF_OTHERS = { turns: 1, inputTokens: 10, cacheReadTokens: 20, cacheWriteTokens: 0, outputTokens: 5 };
const OF_ANTHROPIC = { turns: 1, inputTokens: 10, cacheReadTokens: 20, cacheWriteTokens: 30, outputTokens: 1 };

test.each([
  ['anthropic', 'claude-x', JSON.stringify(anthropicMessage), JSON_TYPE, OF_ANTHROPIC],
  [
    'anthropic',
    'claude-x',
    events(
      { type: 'message_start', message: anthropicMessage },
      { type: 'content_block_delta', delta: { text: '– häppy' } },
      { type: 'message_delta', usage: { output_tokens: 42 } },
    ),
    EVENTS,
    { ...OF_ANTHROPIC, outputTokens: 42 },
  ],
  ['openai', 'gpt-x', JSON.stringify(response), JSON_TYPE, OF_OTHERS],
  [
    'openai',
    'gpt-x',
    events(
      { type: 'response.created', response: { model: 'gpt-x', usage: null, error: null } },
      { type: 'response.completed', response: { ...response, error: null } },
    ),
    EVENTS,
    OF_OTHERS,
  ],
  ['openai', 'gpt-x', events({ model: 'gpt-x', usage: null }, completion), EVENTS, OF_OTHERS],
  ['gemini', 'gemini-x', JSON.stringify([gemini]), JSON_TYPE, OF_OTHERS],
  ['gemini', 'gemini-x', events({ ...gemini, usageMetadata: { promptTokenCount: 30 } }, gemini), EVENTS, OF_OTHERS],
] as const)('tokens of %s, of %s', (provider, model, body, headers, tokens) => {
  for (const size of [1, 7, 100_000])
    expect(read(provider, body, 200, headers, size)).toEqual({ spent: { model, tokens }, failure: null });
});

test.each([
  // xAI counts what is thought into the sum alone, and OpenAI into what is said.
  [
    { prompt_tokens: 32, completion_tokens: 9, total_tokens: 135, completion_tokens_details: { reasoning_tokens: 94 } },
    103,
  ],
  [
    { prompt_tokens: 32, completion_tokens: 9, total_tokens: 41, completion_tokens_details: { reasoning_tokens: 8 } },
    9,
  ],
  [{ input_tokens: 32, output_tokens: 9, total_tokens: 135 }, 103],
  [{ prompt_tokens: 32, completion_tokens: 9 }, 9],
])('what is thought is paid for as what is said, wherever it is counted: %j', (usage, outputTokens) => {
  const { spent } = read('openai', JSON.stringify({ model: 'grok-x', usage }));
  expect(spent).toEqual({
    model: 'grok-x',
    tokens: { turns: 1, inputTokens: 32, cacheReadTokens: 0, cacheWriteTokens: 0, outputTokens },
  });
});

const gatewayError = {
  error: {
    code: 429,
    message: 'Provider returned error',
    metadata: { raw: 'grok-x is rate-limited upstream', provider_name: 'P' },
  },
  user_id: 'u',
};

test.each([
  ['Llm.RateLimited', 429, gatewayError, '429 Provider returned error grok-x is rate-limited upstream'],
  // With 200, in the place of an answer.
  ['Llm.RateLimited', 200, gatewayError, '429 Provider returned error grok-x is rate-limited upstream'],
  ['Llm.Billing', 402, { error: { code: 402, message: 'Insufficient credits' } }, '402 Insufficient credits'],
  [
    'Llm.BadRequest',
    400,
    { code: 'Client specified an invalid argument', error: 'Incorrect API key' },
    '400 Incorrect API key',
  ],
  ['Llm.Server', 500, { code: 'x', error: { unknown: [1] } }, '500 {"code":"x","error":{"unknown":[1]}}'],
])('gateways have words of their own: %s of %i', (type, status, body, message) => {
  const { failure } = read('openai', JSON.stringify(body), status);
  expect(failure).toMatchObject({ type, message });
});

test.each([
  {
    error: {
      code: 400,
      message: "This endpoint's maximum context length is 128000 tokens. However, you requested 130000",
    },
  },
  {
    code: 'Client specified an invalid argument',
    error: "This model's maximum prompt length is 131072 but the request has 140000",
  },
  {
    error: { code: 400, message: 'the request exceeds the available context size', type: 'exceed_context_size_error' },
  },
])('a conversation that is too long is told as such by gateways, too: %j', (body) => {
  expect(read('openai', JSON.stringify(body), 400).failure).toBeInstanceOf(ContextFull);
});

const delta = (content: string) => ({ model: 'gpt-x', usage: null, choices: [{ index: 0, delta: { content } }] });

test.each([
  [
    'of a stream of completions without its usage',
    events(delta('0123456789'), delta('0123456789')),
    EVENTS,
    5,
    'gpt-x',
  ],
  [
    'of a stream that broke off',
    events({ response: { model: 'gpt-y' } }, { type: 'response.output_text.delta', delta: '01234567' }),
    EVENTS,
    2,
    'gpt-y',
  ],
  ['of one that tells none', JSON.stringify({ choices: [{ message: { content: '0123' } }] }), JSON_TYPE, 1, ''],
  ['that comes later', JSON.stringify({ status: 'queued', usage: null, error: null, output: [] }), JSON_TYPE, 0, ''],
] as const)(
  'an answer without its tokens counts by what was asked and said: %s',
  (_, body, headers, outputTokens, model) => {
    const tokens = { turns: 1, inputTokens: 100, cacheReadTokens: 0, cacheWriteTokens: 0, outputTokens };
    const { spent, failure } = read('openai', body, 200, headers);
    expect({ spent, failure }).toEqual({ spent: { model, tokens, isEstimated: true }, failure: null });
  },
);

test('what is written large, as pictures are, is not taken for more tokens than fit before a model', () => {
  const answer = new PassingAnswer('openai', { status: 200, headers: new Headers(JSON_TYPE) });
  expect(answer.end(10_000_000).spent?.tokens.inputTokens).toBe(300_000);
});

test('of an answer that breaks off counts what came of it', () => {
  const begun = events({ type: 'message_start', message: anthropicMessage });
  expect(read('anthropic', `${begun}data: {"type":"mess`, 200, EVENTS).spent?.tokens).toEqual(OF_ANTHROPIC);
});

const openAiError = (code: string | null, type = 'invalid_request_error') =>
  JSON.stringify({ error: { message: 'it will not', type, code } });
const anthropicError = (type: string) => JSON.stringify({ type: 'error', error: { type, message: 'it will not' } });

test.each([
  ['anthropic', 429, anthropicError('rate_limit_error'), 'Llm.RateLimited', true],
  ['anthropic', 529, anthropicError('overloaded_error'), 'Llm.Overloaded', true],
  ['anthropic', 401, anthropicError('authentication_error'), 'Llm.Auth', false],
  ['anthropic', 402, anthropicError('billing_error'), 'Llm.Billing', false],
  ['anthropic', 502, '<html>bad gateway</html>', 'Llm.Server', true],
  ['openai', 429, openAiError('rate_limit_exceeded', 'tokens'), 'Llm.RateLimited', true],
  ['openai', 429, openAiError('insufficient_quota', 'insufficient_quota'), 'Llm.Billing', false],
  ['openai', 401, openAiError('invalid_api_key'), 'Llm.Auth', false],
  ['openai', 404, openAiError('model_not_found'), 'Llm.NotFound', false],
  ['openai', 400, openAiError(null), 'Llm.BadRequest', false],
  ['gemini', 400, '{"error":{"code":400,"message":"no","details":[{"reason":"API_KEY_INVALID"}]}}', 'Llm.Auth', false],
  ['gemini', 503, '[{"error":{"code":503,"message":"it will not","status":"UNAVAILABLE"}}]', 'Llm.Server', true],
] as const)('%s answers %i: %s', (provider, status, body, type, retryable) => {
  const { spent, failure } = read(provider, body, status);
  expect(spent).toBeNull();
  expect(failure).toMatchObject({
    type,
    retryable,
    message: expect.stringMatching(new RegExp(`^${status} `)) as string,
  });
});

test('what is wrong may be told in the midst of a stream', () => {
  const broken = events(
    { type: 'message_start', message: anthropicMessage },
    JSON.parse(anthropicError('overloaded_error')) as object,
  );
  expect(read('anthropic', broken, 200, EVENTS)).toMatchObject({
    spent: { tokens: OF_ANTHROPIC },
    failure: { type: 'Llm.Overloaded', retryable: true },
  });
  const error = { code: 'insufficient_quota', message: 'no more' };
  const failed = events({ type: 'response.failed', response: { model: 'gpt-x', usage: null, error } });
  expect(read('openai', failed, 200, EVENTS)).toMatchObject({ spent: null, failure: { type: 'Llm.Billing' } });
  const plain = events({ type: 'error', code: 'rate_limit_exceeded', message: 'slower' });
  expect(read('openai', plain, 200, EVENTS).failure).toMatchObject({ type: 'Llm.RateLimited', message: 'slower' });
});

const failedResponse = (code: string) => {
  const error = { code, message: 'it will not' };
  return events({ type: 'response.failed', response: { model: 'gpt-x', usage: null, error } });
};

test.each([
  ['openai', 'Llm.BadRequest', false, failedResponse('invalid_prompt')],
  ['openai', 'Llm.BadRequest', false, failedResponse('cyber_policy')],
  ['openai', 'Llm.BadRequest', false, failedResponse('image_too_large')],
  ['openai', 'Llm.NotFound', false, failedResponse('model_not_found')],
  ['openai', 'Llm.Billing', false, failedResponse('project_spend_limit_exceeded')],
  ['openai', 'Llm.Auth', false, failedResponse('account_deactivated')],
  ['openai', 'Llm.RateLimited', true, failedResponse('rate_limit_exceeded')],
  ['openai', 'Llm.Overloaded', true, failedResponse('server_is_overloaded')],
  ['openai', 'Llm.Server', true, failedResponse('server_error')],
  ['openai', 'Llm.Server', true, failedResponse('of_another_year')],
  ['openai', 'Llm.BadRequest', false, events(JSON.parse(openAiError(null)) as object)],
  ['openai', 'Llm.Billing', false, events({ error: { code: 402, message: 'it will not' }, choices: [] })],
  ['gemini', 'Llm.BadRequest', false, events({ error: { code: 400, message: 'it will not', status: 'X' } })],
  ['gemini', 'Llm.Server', true, events({ error: { code: 503, message: 'it will not', status: 'X' } })],
] as const)(
  'in the midst of a stream what is wrong says whether to ask again: %s, %s',
  (provider, type, again, body) => {
    expect(read(provider, body, 200, EVENTS).failure).toMatchObject({ type, retryable: again });
  },
);

test('when to ask again is told by a header, or beside the error', () => {
  const told = read('openai', openAiError('rate_limit_exceeded'), 429, { ...JSON_TYPE, 'retry-after': '7' });
  expect(told.failure).toMatchObject({ retryAfterMs: 7_000 });
  const details = [{ '@type': 'x' }, { retryDelay: '34.5s' }];
  const beside = JSON.stringify({ error: { code: 429, message: 'slower', details } });
  expect(read('gemini', beside, 429).failure).toMatchObject({ type: 'Llm.RateLimited', retryAfterMs: 34_500 });
  const forbidden = { ...JSON_TYPE, 'x-should-retry': 'false' };
  expect(read('anthropic', anthropicError('overloaded_error'), 529, forbidden).failure).toMatchObject({
    retryable: false,
  });
});

test.each([
  ['anthropic', 400, JSON.stringify({ error: { type: 'invalid_request_error', message: 'prompt is too long' } })],
  ['anthropic', 413, 'too large'],
  ['openai', 400, openAiError('context_length_exceeded')],
  ['gemini', 200, JSON.stringify({ error: { code: 413, message: 'too large' } })],
] as const)('a prompt that is too long is no failure: %s, %i', (provider, status, body) => {
  expect(read(provider, body, status).failure).toBeInstanceOf(ContextFull);
});

test('what costs are answers of models, and nothing else', () => {
  expect(asksModel('anthropic', 'POST /v1/messages')).toBe(true);
  expect(asksModel('anthropic', 'POST /v1/messages/count_tokens')).toBe(false);
  expect(asksModel('openai', 'POST /v1/responses')).toBe(true);
  expect(asksModel('openai', 'GET /v1/models')).toBe(false);
  expect(asksModel('gemini', 'POST /v1beta/models/gemini-x:streamGenerateContent')).toBe(true);
  expect(asksModel('gemini', 'POST /v1beta/models/gemini-x:countTokens')).toBe(false);
});
