/** Agents that are programs of their own: real ones, small, that say by `gt` what came of their step, or do not. */
import { createServer } from 'node:http';
import type { IncomingHttpHeaders } from 'node:http';
import { readFile } from 'node:fs/promises';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import { expect, onTestFinished, test } from 'vitest';
import { commandRuntime } from '../../src/agents/command.js';
import type { ProgramSettings } from '../../src/agents/command.js';
import { Agent } from '../../src/town/agents.js';
import type { Keys } from '../../src/town/agents.js';
import type { SessionResult, SessionSpec } from '../../src/town/session.js';
import { contextOf, makeBench, specOf } from '../support/sessions.js';
import type { Bench } from '../support/sessions.js';

type Ran = { readonly bench: Bench; readonly run: (signal?: AbortSignal) => Promise<SessionResult> };

type More = Partial<SessionSpec> & {
  readonly keys?: Keys;
  readonly model?: string;
  readonly settings?: ProgramSettings;
};

async function agentOf(
  said: Partial<Agent> & { readonly script: string },
  { keys = {}, model = '', settings = {}, ...more }: More = {},
): Promise<Ran> {
  const bench = await makeBench();
  const { script, ...rest } = said;
  const agent = Agent.parse({ command: 'sh', args: ['-c', script, 'agent', '{prompt}'], ...rest });
  const spec = specOf(bench, null, { runtime: { kind: 'command', model, agent }, ...more });
  const run = async (signal?: AbortSignal) =>
    commandRuntime(keys, settings).run(spec, await contextOf(bench, spec, signal));
  return { bench, run };
}

test('it works in the worktree, leaves notes, and says that its step is done', async () => {
  const { bench, run } = await agentOf({
    script: 'echo "$1" > prompt.txt; gt current > current.txt; gt note "look here"; gt done "wrote two files"',
  });
  expect(await run()).toEqual({
    outcome: 'closed',
    verdict: 'done',
    summary: 'wrote two files',
    notes: ['look here'],
    usage: { turns: 1, inputTokens: 0, cacheReadTokens: 0, cacheWriteTokens: 0, outputTokens: 0, usd: 0 },
  });
  const prompt = await readFile(join(bench.worktree, 'prompt.txt'), 'utf8');
  expect(prompt).toContain('# Do the work');
  expect(prompt).toContain('gt done');
  expect(await readFile(join(bench.worktree, 'current.txt'), 'utf8')).toContain('# Do the work');
  // Asked again after its worker died, it is not run again.
  expect(await run()).toMatchObject({ summary: 'wrote two files' });
});

test('settings that it takes from nothing but files are in its home before it is called', async () => {
  const { bench, run } = await agentOf({
    script: 'cat "$OWN/.mine/settings.json" > seen.txt; gt done ok',
    env: { OWN: '{home}' },
    files: { '.mine/settings.json': `{"it's":"here"}` },
  });
  expect(await run()).toMatchObject({ outcome: 'closed', summary: 'ok' });
  expect(await readFile(join(bench.worktree, 'seen.txt'), 'utf8')).toBe(`{"it's":"here"}`);
});

test('that it exits, even well, is no end: it is asked twice more, and then it is stalled', async () => {
  const { bench, run } = await agentOf({ script: 'echo "$1" >> prompts.txt; echo finished' });
  expect(await run()).toMatchObject({
    outcome: 'stalled',
    detail: 'sh ended 3 times without an end (exit code 0): finished',
    usage: { turns: 3 },
  });
  const prompts = await readFile(join(bench.worktree, 'prompts.txt'), 'utf8');
  expect(prompts.match(/the step is still open/g)).toHaveLength(2);
});

test('the last word counts, whatever the exit code; a program that does not leave is ended', async () => {
  const failing = await agentOf({ script: 'gt handoff "the rest"; exit 3' });
  expect(await failing.run()).toMatchObject({ outcome: 'handoff', note: 'the rest', reason: 'requested' });
  const staying = await agentOf({ script: 'gt escalate "may I?"; sleep 100' });
  expect(await staying.run()).toMatchObject({ outcome: 'blocked', detail: 'may I?' });
});

test('silence and time are limits', async () => {
  const limits = { turnsMax: 20, minutesMax: 5, contextTokensMax: 100_000, quietSecondsMax: 1 };
  const silent = await agentOf({ script: 'sleep 100' }, { limits });
  expect(await silent.run()).toMatchObject({ outcome: 'stalled', detail: 'sh was silent for 1 seconds.' });
  const busy = await agentOf(
    { script: 'echo begun > a.txt; while :; do echo busy; sleep 0.2; done' },
    { limits: { ...limits, minutesMax: 0.03 } },
  );
  expect(await busy.run()).toMatchObject({
    outcome: 'handoff',
    reason: 'time',
    note: expect.stringContaining('a.txt') as string,
  });
});

async function calledWith(more: More): Promise<string> {
  const script = 'echo "$*" > args.txt; gt done "done"';
  const { bench, run } = await agentOf({ script, args: ['-c', script, 'agent', '--most={usd}', 'x'] }, more);
  await run();
  return (await readFile(join(bench.worktree, 'args.txt'), 'utf8')).trim();
}

test('what it may spend is told to a program whose model has no price, and to no other', async () => {
  const limits = { turnsMax: 20, minutesMax: 5, contextTokensMax: 100_000, quietSecondsMax: 5 };
  const price = { input: 1, output: 1, cacheRead: 1, cacheWrite: 1 };
  const model = 'big-1';
  const spends = { limits: { ...limits, usdMax: 2 } };
  expect(await calledWith({ model, ...spends })).toBe('--most=2.0000 x');
  expect(await calledWith({ ...spends })).toBe('--most=2.0000 x');
  expect(await calledWith({ model, limits })).toBe('x');
  expect(await calledWith({ model, ...spends, settings: { prices: async () => ({ big: price }) } })).toBe('x');
  // Which model it will be is not known.
  expect(await calledWith({ ...spends, settings: { prices: async () => ({ big: price }) } })).toBe('x');
});

/** How it was called: once, killed, and once more. */
async function cutOff(resume: readonly string[] | null): Promise<readonly string[]> {
  const script = 'echo "$1" >> how.txt; [ "$1" = again ] || [ -e once ] || { touch once; sleep 100; }; gt done "done"';
  const args = ['-c', script, 'agent', 'begin {session}'];
  const { bench, run } = await agentOf({ script, args, resume: resume === null ? null : ['-c', script, ...resume] });
  const worker = new AbortController();
  const first = run(worker.signal).catch(String);
  await expect
    .poll(() => readFile(join(bench.worktree, 'once'), 'utf8').catch(() => null), { timeout: 10_000 })
    .toBe('');
  worker.abort(new Error('the worker was killed'));
  expect(await first).toContain('the worker was killed');
  expect(await run()).toMatchObject({ outcome: 'closed', summary: 'done' });
  return (await readFile(join(bench.worktree, 'how.txt'), 'utf8')).trim().split('\n');
}

test('cut off, it is taken up again under the same session where it can be, and else begins anew and is told', async () => {
  const [first, ...rest] = await cutOff(['agent', 'again', '{session}']);
  expect(first).toMatch(/^begin [0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-8[0-9a-f]{3}-[0-9a-f]{12}$/);
  expect(rest).toEqual(['again']);
  const anew = await cutOff(null);
  expect(new Set(anew).size).toBe(1);
});

test('a program that is not there, and a key that is not, are for a person to mend', async () => {
  const missing = await agentOf({ script: '', command: 'no-such-agent', args: [] });
  await expect(missing.run()).rejects.toMatchObject({ type: 'Agent.Missing', retryable: false });
  const keyless = await agentOf({ script: 'gt done "x"', provider: 'openai' });
  await expect(keyless.run()).rejects.toMatchObject({
    type: 'Llm.Auth',
    retryable: false,
    message: expect.stringContaining('OPENAI_API_KEY') as string,
  });
});

test('it reaches its provider, and never sees the key', async () => {
  const heard: { readonly url: string; readonly headers: IncomingHttpHeaders; readonly body: Promise<string> }[] = [];
  const provider = createServer((request, response) => {
    request.once('end', () => response.writeHead(429, { 'retry-after': '7' }).end('slow down'));
    heard.push({ url: request.url ?? '', headers: request.headers, body: text(request) });
  });
  await new Promise<void>((resolve) => provider.listen(0, '127.0.0.1', resolve));
  onTestFinished(() => void provider.close());
  const baseUrl = `http://127.0.0.1:${(provider.address() as AddressInfo).port}/base`;
  const ask =
    "fetch(process.env.AT + '/v1/messages?key=mine&beta=1', { method: 'POST', headers: { 'x-api-key': process.env.KEY }, body: 'hi' }).then(async (r) => console.log(r.status, r.headers.get('retry-after'), await r.text()))";
  const { bench, run } = await agentOf(
    {
      script: `env > env.txt; node -e "$ASK" > answer.txt; gt done "asked"`,
      provider: 'anthropic',
      env: { AT: '{model_url}', KEY: 'held-by-the-town', ASK: ask },
    },
    { keys: { anthropic: { key: 'sk-real-key', baseUrl } } },
  );
  expect(await run()).toMatchObject({ outcome: 'closed' });
  expect(heard).toMatchObject([{ url: '/base/v1/messages?beta=1', headers: { 'x-api-key': 'sk-real-key' } }]);
  expect(await heard[0]?.body).toBe('hi');
  expect(await readFile(join(bench.worktree, 'answer.txt'), 'utf8')).toBe('429 7 slow down\n');
  expect(await readFile(join(bench.worktree, 'env.txt'), 'utf8')).not.toContain('sk-real-key');
});

test('what others of the machine see of it leads to no model: neither the port nor its command has the token', async () => {
  const heard: string[] = [];
  const provider = createServer((request, response) => {
    heard.push(request.headers['x-api-key']?.toString() ?? '');
    response.end('{}');
  });
  await new Promise<void>((resolve) => provider.listen(0, '127.0.0.1', resolve));
  onTestFinished(() => void provider.close());
  const ask =
    "const [url] = process.argv.slice(1); const headers = { 'x-api-key': process.env.KEY }; const at = url + '/v1/messages'; Promise.all([fetch(at, { method: 'POST' }), fetch(at, { method: 'POST', headers })]).then((all) => console.log(...all.map((one) => one.status)))";
  const script =
    'node -e "$ASK" "$2" > answer.txt; env > env.txt; tr "\\0" " " < /proc/$$/cmdline > seen.txt; tr "\\0" " " < /proc/$PPID/cmdline >> seen.txt; gt done "asked"';
  const { bench, run } = await agentOf(
    {
      script,
      args: ['-c', script, 'agent', '{prompt}', '{model_url}', '{model_key}'],
      provider: 'anthropic',
      env: { AT: '{model_url}', KEY: '{model_key}', OLD: 'held-by-the-town', ASK: ask },
    },
    {
      keys: {
        anthropic: { key: 'sk-real-key', baseUrl: `http://127.0.0.1:${(provider.address() as AddressInfo).port}` },
      },
    },
  );
  expect(await run()).toMatchObject({ outcome: 'closed' });
  const textOf = (name: string) => readFile(join(bench.worktree, name), 'utf8');
  expect(await textOf('answer.txt')).toBe('401 200\n');
  expect(heard).toEqual(['sk-real-key']);
  const env = await textOf('env.txt');
  const [, token = ''] = /^KEY=([0-9a-f]{48})$/m.exec(env) ?? [];
  expect(env).toMatch(new RegExp(`^AT=http://127\\.0\\.0\\.1:\\d+/${token}$`, 'm'));
  expect(env).toContain(`OLD=${token}\n`);
  const seen = await textOf('seen.txt');
  expect(seen).toContain('--model');
  expect(seen).not.toContain(token);
});

test('what it tells of tokens and cost is counted', async () => {
  const result = {
    type: 'result',
    num_turns: 4,
    total_cost_usd: 0.25,
    usage: { input_tokens: 10, cache_read_input_tokens: 20, cache_creation_input_tokens: 30, output_tokens: 40 },
  };
  const { run } = await agentOf({ script: `gt done "x"; echo '${JSON.stringify(result)}'`, usage: 'claude' });
  expect((await run()).usage).toEqual({
    turns: 4,
    usd: 0.25,
    inputTokens: 10,
    cacheReadTokens: 20,
    cacheWriteTokens: 30,
    outputTokens: 40,
  });
});

function codexTurn(times: number): string {
  const usage = { input_tokens: 10 * times, cached_input_tokens: 4 * times, output_tokens: 5 * times };
  return `echo '${JSON.stringify({ type: 'turn.completed', usage })}'`;
}
const codexPrices = async () => ({
  'gpt-5': { input: 1_000_000, output: 100_000, cacheRead: 10_000, cacheWrite: 0 },
});

test('what Codex tells is of its whole conversation: it counts once, by the prices of the town', async () => {
  const plan = { script: codexTurn(1), resume: ['-c', `${codexTurn(2)}; gt done x`], usage: 'codex' as const };
  const tokens = { turns: 2, inputTokens: 12, cacheReadTokens: 8, outputTokens: 10 };
  const codex = await agentOf(plan);
  expect((await codex.run()).usage).toMatchObject({ ...tokens, usd: 0, unpricedTokens: 30 });
  const priced = await agentOf(plan, { model: 'gpt-5.6', settings: { prices: codexPrices } });
  const { usage } = await priced.run();
  expect(usage).toMatchObject(tokens);
  expect(usage.usd).toBeCloseTo(12 + 1 + 0.08);
});

const costing = (usd: number) =>
  JSON.stringify({
    type: 'result',
    num_turns: 1,
    total_cost_usd: usd,
    usage: { input_tokens: 10, cache_read_input_tokens: 0, cache_creation_input_tokens: 0, output_tokens: 4 },
  });

test('what Claude Code tells of a conversation that it has gone on with counts once', async () => {
  const resume = ['-c', `gt done "x"; echo '${costing(0.75)}'`];
  const { run } = await agentOf({ script: `echo '${costing(0.5)}'`, usage: 'claude', resume });
  expect((await run()).usage).toMatchObject({ turns: 2, usd: 0.75, inputTokens: 20, outputTokens: 8 });
});

test('an assignment that is too long for an argument is read from a file', async () => {
  const description = `${'All of it. '.repeat(20_000)}THE END`;
  const script =
    'file=$(echo "$1" | sed "s/.* in the file \\(.*\\)\\. Read.*/\\1/"); grep -c "THE END" "$file" > found.txt; gt done read';
  const step = { id: 'work', title: 'Long', description, acceptance: {}, script: null, run: null };
  const { bench, run } = await agentOf({ script }, { step });
  expect(await run()).toMatchObject({ outcome: 'closed', summary: 'read' });
  expect(await readFile(join(bench.worktree, 'found.txt'), 'utf8')).toBe('1\n');
});
