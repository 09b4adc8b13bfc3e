/** Each fault of a script, as the real SDK meets it: streamed and not, and the answer once it is over. */
import Anthropic, { APIConnectionTimeoutError, APIError, APIUserAbortError } from '@anthropic-ai/sdk';
import { describe, expect, onTestFinished, test } from 'vitest';
import type { Fault } from '../../src/dev/model-script.js';
import { startModelServer } from '../../src/dev/model-server.js';

const REQUEST = { model: 'scripted', max_tokens: 100, messages: [{ role: 'user' as const, content: 'hello' }] };
const CALL = { name: 'look', input: { at: 'the sky above the port', deep: [1, 2, 3] } };

async function serve(fault: Fault, options: Partial<ConstructorParameters<typeof Anthropic>[0]> = {}) {
  const script = { rules: [{ when: ['hello'], turns: [{ text: 'Looking.', tools: [CALL], fault }] }] };
  const server = await startModelServer({ script });
  onTestFinished(() => server.stop());
  return { server, client: new Anthropic({ apiKey: 'any', baseURL: server.url, maxRetries: 0, ...options }) };
}

/** In the words of the SDK, or of what carries its requests. */
const BROKEN = /Connection error|terminated|fetch failed/;

const WAYS = {
  streamed: (client: Anthropic) => client.messages.stream(REQUEST).finalMessage(),
  whole: (client: Anthropic) => client.messages.create(REQUEST),
};

describe.each(Object.entries(WAYS))('%s', (way, ask) => {
  test.each([
    [
      { kind: 'rate-limit', retry_after_seconds: 7, times: 1 },
      { status: 429, type: 'rate_limit_error' },
    ],
    [
      { kind: 'overloaded', times: 1 },
      { status: 529, type: 'overloaded_error' },
    ],
    [
      { kind: 'refuse-key', times: 1 },
      { status: 401, type: 'authentication_error' },
    ],
    [
      { kind: 'status', status: 402, type: 'billing_error', message: 'pay first', headers: {}, times: 1 },
      { status: 402, type: 'billing_error', message: expect.stringContaining('pay first') },
    ],
    [
      { kind: 'status', status: 502, message: 'no way through', headers: {}, times: 1 },
      { status: 502, type: null, message: expect.stringContaining('no way through') },
    ],
    // A stream has begun with 200, so its error has no status of its own.
    [
      { kind: 'error-mid-stream', times: 1 },
      { status: way === 'whole' ? 529 : undefined, type: 'overloaded_error' },
    ],
  ] as const)('%j is an error of the API, with the id of the request, and then it is over', async (fault, wanted) => {
    const { client, server } = await serve(fault);
    const error: unknown = await ask(client).catch((caught: unknown) => caught);
    expect(error).toBeInstanceOf(APIError);
    expect(error).toMatchObject({ ...wanted, requestID: expect.stringMatching(/^req_/) });
    expect((await ask(client)).content).toMatchObject([{ text: 'Looking.' }, CALL]);
    expect(server.requests().map((request) => request.fault)).toEqual([fault.kind, null]);
  });

  test('a cut is a broken connection, and then it is over', async () => {
    const { client } = await serve({ kind: 'cut', times: 1 });
    await expect(ask(client)).rejects.toThrow(BROKEN);
    expect((await ask(client)).stop_reason).toBe('tool_use');
  });

  test('a stall is silence that only the client can end, and then it is over', async () => {
    const { client } = await serve({ kind: 'stall', seconds: 60, times: 1 });
    const patience = AbortSignal.timeout(300);
    const asked =
      way === 'whole'
        ? client.messages.create(REQUEST, { signal: patience })
        : client.messages.stream(REQUEST, { signal: patience }).finalMessage();
    await expect(asked).rejects.toBeInstanceOf(APIUserAbortError);
    expect((await ask(client)).stop_reason).toBe('tool_use');
  });

  test('no answer is silence that only the client can end, and then it is over', async () => {
    const { client } = await serve({ kind: 'no-answer', seconds: 60, times: 1 }, { timeout: 300 });
    await expect(ask(client)).rejects.toBeInstanceOf(APIConnectionTimeoutError);
    expect((await ask(client)).stop_reason).toBe('tool_use');
  });

  test('no answer that nobody ends closes the connection', async () => {
    const { client } = await serve({ kind: 'no-answer', seconds: 0.05, times: 1 });
    await expect(ask(client)).rejects.toThrow(BROKEN);
  });

  test('a stall that nobody ends closes the connection', async () => {
    const { client } = await serve({ kind: 'stall', seconds: 0.05, times: 1 });
    await expect(ask(client)).rejects.toThrow(BROKEN);
    expect((await ask(client)).stop_reason).toBe('tool_use');
  });

  test('a fault of three times is met three times, and the retries of the SDK get over it', async () => {
    const { client, server } = await serve(
      { kind: 'rate-limit', retry_after_seconds: 0.01, times: 3 },
      { maxRetries: 3 },
    );
    expect((await ask(client)).stop_reason).toBe('tool_use');
    expect(server.requests().map((request) => request.fault)).toEqual(['rate-limit', 'rate-limit', 'rate-limit', null]);
  });
});

test('the rate limit says when to come again', async () => {
  const { client } = await serve({ kind: 'rate-limit', retry_after_seconds: 7, times: 1 });
  const error: unknown = await WAYS.whole(client).catch((caught: unknown) => caught);
  expect(error instanceof APIError ? error.headers?.get('retry-after') : null).toBe('7');
});

test('an answer by its status has the headers of the script', async () => {
  const headers = { 'retry-after-ms': '1500', 'X-Should-Retry': 'false' };
  const { client } = await serve({ kind: 'status', status: 503, message: 'later', headers, times: 1 });
  const error: unknown = await WAYS.whole(client).catch((caught: unknown) => caught);
  const told = error instanceof APIError ? error.headers : undefined;
  expect([told?.get('retry-after-ms'), told?.get('x-should-retry')]).toEqual(['1500', 'false']);
});

test('a stream that ends early holds its message but for the end', async () => {
  const { client } = await serve({ kind: 'end-early', times: 1 });
  await expect(WAYS.streamed(client)).rejects.toThrow('stream ended without producing a Message');
  expect((await WAYS.streamed(client)).stop_reason).toBe('tool_use');
});

test('a stream that breaks off has begun to call its tool', async () => {
  const { client } = await serve({ kind: 'error-mid-stream', times: 1 });
  const seen: string[] = [];
  const stream = client.messages.stream(REQUEST).on('streamEvent', (event) => seen.push(event.type));
  await expect(stream.finalMessage()).rejects.toThrow('breaks off');
  expect(seen.filter((type) => type === 'content_block_start')).toHaveLength(2);
  expect(seen).not.toContain('message_stop');
});

test('two conversations at the same turn each have the fault', async () => {
  const { client } = await serve({ kind: 'overloaded', times: 1 });
  const other = { ...REQUEST, messages: [{ role: 'user' as const, content: 'hello again' }] };
  await expect(client.messages.create(REQUEST)).rejects.toMatchObject({ status: 529 });
  await expect(client.messages.create(other)).rejects.toMatchObject({ status: 529 });
  await expect(client.messages.create(REQUEST)).resolves.toMatchObject({ stop_reason: 'tool_use' });
});

test('a stalled server can be stopped', async () => {
  const { client, server } = await serve({ kind: 'stall', seconds: 60, times: 1 });
  const asked = WAYS.streamed(client).catch((caught: unknown) => caught);
  await expect.poll(() => server.requests().length).toBe(1);
  await server.stop();
  expect(await asked).toBeInstanceOf(Error);
});
