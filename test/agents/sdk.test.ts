/** Claude Code as the Agent SDK drives it, with a stand-in for the SDK: what is heard between turns, what stops it, and what is told of it. */
import { readFile, rm } from 'node:fs/promises';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { expect, onTestFinished, test } from 'vitest';
import { commandRuntime } from '../../src/agents/command.js';
import type { SessionContext } from '../../src/agents/runtime.js';
import { findSdk } from '../../src/agents/sdk.js';
import type { Call } from '../../src/contract/calls.js';
import { Agent, AGENTS } from '../../src/town/agents.js';
import { agentsFrom } from '../../src/town-toml-agents.js';
import type { SessionResult, SessionSpec } from '../../src/town/session.js';
import { installSdk } from '../support/sdk.js';
import { contextOf, makeBench, specOf } from '../support/sessions.js';
import type { Bench } from '../support/sessions.js';

type Ran = { readonly bench: Bench; readonly run: (more?: Partial<SessionContext>) => Promise<SessionResult> };

const LIMITS = { turnsMax: 20, minutesMax: 5, contextTokensMax: 100_000, quietSecondsMax: 5 };

async function sdkOf(script: string | null, limits: Partial<SessionSpec['limits']> = {}): Promise<Ran> {
  const bench = await makeBench();
  await installSdk(bench.folder, script);
  const agent = Agent.parse({ ...AGENTS['claude-code'], provider: null, command: 'sh', args: ['-c', 'gt done cli'] });
  const runtime = { kind: 'command' as const, model: '', agent };
  const spec = specOf(bench, null, { runtime, limits: { ...LIMITS, ...limits } });
  const sdk = commandRuntime({}, { sdkHere: () => findSdk(bench.folder) });
  return { bench, run: async (more) => sdk.run(spec, { ...(await contextOf(bench, spec)), ...more }) };
}

const textOf = ({ worktree }: Bench, name: string) => readFile(join(worktree, name), 'utf8');

test('what somebody tells it is heard between its turns, once, and that it was heard is told', async () => {
  const { bench, run } = await sdkOf(
    `echo '#turn'; read -r told; echo "$told" > told.txt; echo '#turn'; gt done "heard"`,
  );
  const heard: Call[] = [];
  const nudge = { id: 'n1', by: 'overseer', text: 'look at b.txt first', cycle: false, atMs: 1, heardBy: null };
  const call = async (one: Call) => {
    if (one.kind === 'update' && one.name === 'heard') heard.push(one);
    return { kind: 'result' as const, value: heard.length > 0 ? [] : [nudge] };
  };
  expect(await run({ call })).toMatchObject({ outcome: 'closed', summary: 'heard' });
  expect(await textOf(bench, 'told.txt')).toContain('look at b.txt first');
  expect(heard).toMatchObject([{ content: { nudges: ['n1'] } }]);
});

test('once it has ended its session it is stopped, in order: what it has used is known', async () => {
  const { run } = await sdkOf(`gt done "made it" > /dev/null; echo '#turn'; sleep 100`);
  const tokens = { inputTokens: 10, cacheReadTokens: 0, cacheWriteTokens: 0, outputTokens: 1 };
  const usage = { ...tokens, turns: 1, usd: 0.25 };
  expect(await run()).toMatchObject({ outcome: 'closed', summary: 'made it', usage });
});

/** At its limit in the first conversation; asked for a handoff it leaves one, or does not. */
const atLimit = (before: string, then: string) =>
  `case "$1" in *'Call handoff now'*) ${then};; *) ${before}; sleep 100;; esac`;
const TWO_TURNS = `echo '#turn 60'; echo '#turn 60'; echo '#turn 60'`;

test.each([
  ['turns', { turnsMax: 2 }],
  ['cost', { usdMax: 0.5 }],
  ['context', { contextTokensMax: 50 }],
  ['time', { minutesMax: 0.02 }],
] as const)('at its limit of %s it is asked for a handoff, and has its own note', async (reason, limit) => {
  const { run } = await sdkOf(atLimit(TWO_TURNS, 'gt handoff "the rest"'), limit);
  expect(await run()).toMatchObject({ outcome: 'handoff', note: 'the rest', reason });
});

const A_DOLLAR = async () => ({ big: { input: 10_000, output: 0, cacheRead: 0, cacheWrite: 0 } });

/** A provider whose answers cost a dollar, and an agent that asks it beside the SDK, one time after the other. */
async function askingBeside(limits: Partial<SessionSpec['limits']>) {
  let asked = 0;
  const provider = createServer((request, response) => {
    asked += 1;
    request.resume();
    const usage = { input_tokens: 100, output_tokens: 0 };
    response.writeHead(200, { 'content-type': 'application/json' });
    response.end(JSON.stringify({ type: 'message', model: 'big', usage }));
  });
  await new Promise<void>((resolve) => provider.listen(0, '127.0.0.1', resolve));
  onTestFinished(() => void provider.close());
  const bench = await makeBench();
  await installSdk(bench.folder, atLimit('node -e "$ASK"', 'gt handoff "the rest"'));
  const ask = `(async () => { for (let n = 0; n < 50; n++) await (await fetch(process.env.ANTHROPIC_BASE_URL + '/v1/messages', { method: 'POST', body: '{}' })).text(); })()`;
  const preset = AGENTS['claude-code'];
  const agent = Agent.parse({ ...preset, command: 'no-such-program', env: { ...preset.env, ASK: ask } });
  const spec = specOf(bench, null, {
    runtime: { kind: 'command', model: '', agent },
    limits: { ...LIMITS, ...limits },
  });
  const keys = { anthropic: { key: 'k', baseUrl: `http://127.0.0.1:${(provider.address() as AddressInfo).port}` } };
  const runtime = commandRuntime(keys, { sdkHere: () => findSdk(bench.folder), prices: A_DOLLAR });
  return { result: await runtime.run(spec, await contextOf(bench, spec)), asked };
}

test.each([
  ['turns', { turnsMax: 2 }, 14],
  ['cost', { usdMax: 4 }, 5],
  ['context', { contextTokensMax: 40 }, 1],
] as const)('what it asks beside the SDK is held to its limit of %s, with room', async (reason, limit, most) => {
  const { result, asked } = await askingBeside(limit);
  expect(result).toMatchObject({ outcome: 'handoff', note: 'the rest', reason });
  expect(asked).toBeGreaterThanOrEqual(most);
  // The next one may come before the last is counted.
  expect(asked).toBeLessThanOrEqual(most + 1);
});

test('who leaves no note at the limit has that of the engine', async () => {
  const { bench, run } = await sdkOf(atLimit(`echo x > a.txt; ${TWO_TURNS}`, `echo '#turn'`), { turnsMax: 2 });
  const note = expect.stringContaining('a.txt') as string;
  expect(await run()).toMatchObject({ outcome: 'handoff', reason: 'turns', note });
  expect(await readFile(join(bench.folder, 'said.log'), 'utf8')).toContain('error_max_turns');
});

const purse = (leftUsd: number) => async () => ({ budgetUsd: 3, leftUsd });

test('it spends what the budget of its mission leaves, and not a turn more', async () => {
  const { run } = await sdkOf(atLimit(TWO_TURNS, 'gt handoff "asked"'), { usdMax: 5 });
  const budget = { outcome: 'handoff', reason: 'budget', budgetUsd: 3 };
  expect(await run({ purse: purse(0.5) })).toMatchObject({ ...budget, usage: { usd: 0.5 } });
  const broke = await sdkOf('touch ran.txt; gt done x');
  expect(await broke.run({ purse: purse(0) })).toMatchObject(budget);
  await expect(textOf(broke.bench, 'ran.txt')).rejects.toThrow('ENOENT');
});

test('what a conversation has used counts once, however often it is asked to end', async () => {
  const { run } = await sdkOf(`echo '#turn'`);
  expect(await run()).toMatchObject({ outcome: 'stalled', usage: { turns: 3, usd: 0.75, outputTokens: 3 } });
});

test.each([
  [401, { type: 'Llm.Auth', retryable: false }],
  [429, { type: 'Llm.RateLimited', retryable: true }],
  [529, { type: 'Llm.Overloaded', retryable: true }],
])('a provider that answers %i is trouble of the infrastructure', async (status, trouble) => {
  const { run } = await sdkOf(`echo '#fail ${status}'`);
  await expect(run()).rejects.toMatchObject(trouble);
});

test('a prompt that is too long is handed over to a fresh session', async () => {
  const { run } = await sdkOf(`echo '#fail 413'`);
  expect(await run()).toMatchObject({ outcome: 'handoff', reason: 'context' });
});

test('cut off before its conversation began, it begins with all that it has to know', async () => {
  const { bench, run } = await sdkOf(`printf %s "$1" > prompt.txt; gt done x`);
  const { journal } = await contextOf(bench, specOf(bench, null));
  await journal.append({ kind: 'begun', key: 'agent', before: null });
  await journal.close();
  expect(await run()).toMatchObject({ outcome: 'closed' });
  const prompt = await textOf(bench, 'prompt.txt');
  expect(prompt).toContain('# Do the work');
  expect(prompt).toContain('You were cut off');
});

test('without the SDK, or its program, it is called by its command; a broken one is for a person to mend', async () => {
  const absent = await sdkOf(null);
  expect(await absent.run()).toMatchObject({ summary: 'cli' });
  await rm(join(absent.bench.folder, 'node_modules'), { recursive: true });
  expect(await findSdk(absent.bench.folder)).toMatchObject({
    ok: false,
    why: expect.stringContaining('not installed'),
  });
  const broken = await sdkOf('exit 3');
  await rm(join(broken.bench.folder, 'node_modules', '@anthropic-ai', 'claude-agent-sdk', 'sdk.mjs'));
  expect(await findSdk(broken.bench.folder)).toMatchObject({ ok: false });
});

test('the SDK is found from the town, with its version; what comes without its program is not taken', async () => {
  const bench = await makeBench();
  const folder = await installSdk(bench.folder, null);
  expect(await findSdk(bench.folder)).toEqual({ ok: false, why: expect.stringContaining(folder) as string });
  await installSdk(bench.folder, 'true');
  expect(await findSdk(join(bench.folder, 'deeper', 'town'))).toMatchObject({
    ok: true,
    sdk: { version: '0.3.999', claudeCode: '2.1.999', folder },
  });
});

const sdkOfTables = (table: object) => agentsFrom({ 'claude-code': table }).agents?.['claude-code']?.sdk;

test('who says in town.toml how Claude Code is called has it called so', () => {
  expect(sdkOfTables({ model: 'claude-opus-5-5' })).toBe(true);
  expect(sdkOfTables({ sdk: false })).toBe(false);
  expect(sdkOfTables({ command: '/opt/claude' })).toBe(false);
  expect(agentsFrom({ mine: { args: ['{prompt}'] } }).agents?.['mine']).not.toHaveProperty('sdk');
});
