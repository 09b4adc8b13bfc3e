/** The provider's failures, as the real SDK meets them over HTTP, and what each means. */
import { expect, onTestFinished, test } from 'vitest';
import { anthropicRuntime } from '../../src/agents/anthropic.js';
import { RuntimeTrouble } from '../../src/agents/trouble.js';
import type { Turn } from '../../src/dev/model-script.js';
import { startModelServer } from '../../src/dev/model-server.js';
import type { SessionSpec } from '../../src/town/session.js';
import { contextOf, makeBench, specOf } from '../support/sessions.js';

const CLOSE: Turn = { tools: [{ name: 'close', input: { summary: 'done', verdict: 'done' } }] };

async function serverWith(turns: Turn[], when = ['Step: work'], apiKey?: string) {
  const server = await startModelServer({
    script: { rules: [{ when, turns }] },
    ...(apiKey === undefined ? {} : { apiKey }),
  });
  onTestFinished(() => server.stop());
  return server;
}

async function session(url: string, more: Partial<SessionSpec> = {}, apiKey: string | null = 'test') {
  const bench = await makeBench();
  const spec = specOf(bench, null, { runtime: { kind: 'anthropic', model: 'scripted' }, ...more });
  const context = await contextOf(bench, spec);
  const runtime = anthropicRuntime({ apiKey, baseUrl: url });
  return { run: () => runtime.run(spec, context), context };
}

async function troubleOf(turns: Turn[], more: Partial<SessionSpec> = {}): Promise<RuntimeTrouble> {
  const { url } = await serverWith(turns);
  const error = await (await session(url, more)).run().catch((caught: unknown) => caught);
  expect(error).toBeInstanceOf(RuntimeTrouble);
  return error as RuntimeTrouble;
}

test('429 is tried again when the provider says', async () => {
  const trouble = await troubleOf([{ ...CLOSE, fault: { kind: 'rate-limit', retry_after_seconds: 7, times: 1 } }]);
  expect(trouble).toMatchObject({ type: 'Llm.RateLimited', retryable: true, retryAfterMs: 7_000 });
  expect(trouble.requestId).toMatch(/^req_/);
});

const MINUTE_MS = 60_000;
test.each([
  ['a date', { 'retry-after': new Date(Date.now() + MINUTE_MS).toUTCString() }, [1, MINUTE_MS]],
  ['milliseconds before seconds', { 'retry-after-ms': '1500', 'retry-after': '9' }, [1_500, 1_500]],
  ['more than a quarter of an hour', { 'retry-after': '86400' }, [900_000, 900_000]],
] as const)('%s says when', async (_, headers, [least, most]) => {
  const fault = { kind: 'status' as const, status: 503, message: 'later', headers, times: 1 };
  const { retryAfterMs } = await troubleOf([{ ...CLOSE, fault }]);
  expect(retryAfterMs).toBeGreaterThanOrEqual(least);
  expect(retryAfterMs).toBeLessThanOrEqual(most);
});

test.each([
  ['nothing', {}],
  ['no time at all', { 'retry-after': '0' }],
  ['less than none', { 'retry-after-ms': '-5' }],
  ['a date that is over', { 'retry-after': 'Thu, 01 Jan 2026 00:00:00 GMT' }],
  ['no sense', { 'retry-after': 'soon' }],
])('%s says not when: the town has a pause of its own', async (_, headers) => {
  const fault = { kind: 'status' as const, status: 503, message: 'later', headers, times: 1 };
  expect((await troubleOf([{ ...CLOSE, fault }])).retryAfterMs).toBeNull();
});

test.each([
  ['529', { kind: 'overloaded', times: 1 }, 'Llm.Overloaded'],
  ['an error in the middle of a stream', { kind: 'error-mid-stream', times: 1 }, 'Llm.Overloaded'],
] as const)('%s is overload, and tried again', async (_, fault, type) => {
  expect(await troubleOf([{ ...CLOSE, fault }])).toMatchObject({ type, retryable: true });
});

test('a connection that is cut, refused or ended too early is tried again', async () => {
  const cut = await troubleOf([{ ...CLOSE, fault: { kind: 'cut', times: 1 } }]);
  expect(cut).toMatchObject({ type: 'Llm.Connection', retryable: true });
  const ended = await troubleOf([{ ...CLOSE, fault: { kind: 'end-early', times: 1 } }]);
  expect(ended).toMatchObject({ type: 'Llm.StreamEnded', retryable: true });
  const error = await (await session('http://127.0.0.1:9')).run().catch((caught: unknown) => caught);
  expect(error).toMatchObject({ type: 'Llm.Connection', retryable: true });
});

test('a silent stream is given up by our own watch', async () => {
  const limits = { turnsMax: 5, minutesMax: 5, contextTokensMax: 100_000, quietSecondsMax: 0.3 };
  const trouble = await troubleOf([{ ...CLOSE, fault: { kind: 'stall', seconds: 20, times: 1 } }], { limits });
  expect(trouble).toMatchObject({ type: 'Llm.Stalled', retryable: true });
});

test('a fault that is over lets the same session go on', async () => {
  const { url } = await serverWith([{ ...CLOSE, fault: { kind: 'overloaded', times: 1 } }]);
  const { run } = await session(url);
  await expect(run()).rejects.toThrow('overloaded');
  await expect(run()).resolves.toMatchObject({ outcome: 'closed' });
});

test('a wrong key, no key, and a request nobody understands are not tried again', async () => {
  const { url } = await serverWith([CLOSE], ['Step: work'], 'the-key');
  await expect((await session(url)).run()).rejects.toMatchObject({ type: 'Llm.Auth', retryable: false });
  await expect((await session(url, {}, null)).run()).rejects.toMatchObject({
    type: 'Llm.Auth',
    message: expect.stringContaining('ANTHROPIC_API_KEY'),
  });
  const other = await serverWith([CLOSE], ['nothing like it']);
  await expect((await session(other.url)).run()).rejects.toMatchObject({ type: 'Llm.BadRequest', retryable: false });
});

test('a full context asks for a handoff; without one the engine writes the note', async () => {
  const usage = { input_tokens: 90_000, cache_read_input_tokens: 20_000 };
  const look = { tools: [{ name: 'list_files', input: { path: '.' } }], usage };
  const asked = await serverWith([look, { tools: [{ name: 'handoff', input: { note: 'go on there' } }] }]);
  await expect((await session(asked.url)).run()).resolves.toMatchObject({
    outcome: 'handoff',
    note: 'go on there',
    reason: 'context',
  });
  expect(JSON.stringify(asked.requests()[1]?.body)).toContain('This session is at its limit');
  const mute = await serverWith([look, { text: 'what?' }]);
  const result = await (await session(mute.url)).run();
  expect(result).toMatchObject({ outcome: 'handoff', reason: 'context' });
  expect(JSON.stringify(result)).toContain('list_files');
});

test('the most turns end in a handoff', async () => {
  const limits = { turnsMax: 2, minutesMax: 5, contextTokensMax: 1_000_000, quietSecondsMax: 5 };
  const look = { tools: [{ name: 'list_files', input: { path: '.' } }] };
  const { url } = await serverWith([look, look, { text: 'hm' }]);
  await expect((await session(url, { limits })).run()).resolves.toMatchObject({ outcome: 'handoff', reason: 'turns' });
});

test('a call that does not fit is answered in words, and the session goes on', async () => {
  const bad = {
    tools: [
      { name: 'read_file', input: { file: 'README.md' } },
      { name: 'shell', input: { cmd: 'ls' } },
    ],
  };
  const server = await serverWith([bad, CLOSE]);
  await expect((await session(server.url)).run()).resolves.toMatchObject({ outcome: 'closed' });
  const second = JSON.stringify(server.requests()[1]?.body);
  expect(second).toContain('read_file was not called right');
  expect(second).toContain('there is no tool shell');
});

test('secrets in tool output do not reach the model', async () => {
  const server = await serverWith([{ tools: [{ name: 'run_command', input: { name: 'leak' } }] }, CLOSE]);
  await (await session(server.url, { commands: { leak: 'echo sk-ant-abcdefgh12345678' } })).run();
  const second = JSON.stringify(server.requests()[1]?.body);
  expect(second).not.toContain('sk-ant-abcdefgh');
  expect(second).toContain('[secret taken out]');
});

test.each(['max_tokens', 'model_context_window_exceeded'] as const)(
  'a call in an answer that was cut by %s is not made',
  async (stop_reason) => {
    const half = { tools: [{ name: 'write_file', input: { path: 'half.txt', text: 'ha' } }], stop_reason };
    const server = await serverWith([half, CLOSE]);
    const { run, context } = await session(server.url);
    await expect(run()).resolves.toMatchObject({ outcome: 'closed' });
    expect(context.journal.entries.filter((entry) => entry.kind === 'begun')).toHaveLength(1);
    expect(JSON.stringify(server.requests()[1]?.body)).toContain('was not made');
  },
);
