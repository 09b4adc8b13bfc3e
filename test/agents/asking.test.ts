/** Agents that are programs, as their models are asked through the worker: what that costs, where it ends, and what a provider's answers come to. */
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import { expect, test } from 'vitest';
import { accountsIn, Room } from '../../src/agents/account.js';
import type { Fault, ModelScript } from '../../src/dev/model-script.js';
import { askingAgent } from '../support/asking.js';
import type { Asking } from '../support/asking.js';
import { missingBubblewrap } from '../support/bubblewrap.js';
import { drawn } from '../support/sample.js';

const usage = { input_tokens: 1_000, cache_read_input_tokens: 2_000, output_tokens: 100 };
const MODEL: ModelScript = { rules: [{ when: [], turns: [{ text: 'yes', usage }] }] };
const failing = (fault: Fault): ModelScript => ({ rules: [{ when: [], turns: [{ text: 'yes', usage, fault }] }] });
const PRICES = async () => ({ scripted: { input: 1_000, output: 10_000, cacheRead: 100, cacheWrite: 0 } });
/** A thousand tokens at a thousand dollars for a million, two thousand at a hundred, a hundred at ten thousand. */
const TURN_USD = 1 + 0.2 + 1;

const textOf = ({ bench }: Asking, name: string) => readFile(join(bench.worktree, name), 'utf8').catch(() => '');

test('each answer is counted as it passes, by the prices of the town', async () => {
  const script = 'ask one; ask two stream; gt done x';
  const agent = await askingAgent({ script, model: MODEL, settings: { prices: PRICES } });
  const { usage: used } = await agent.run();
  expect(used).toMatchObject({ turns: 2, inputTokens: 2_000, cacheReadTokens: 4_000, outputTokens: 200 });
  expect(used.usd).toBeCloseTo(2 * TURN_USD);
  expect(used).not.toHaveProperty('unpricedTokens');
});

const missing = await missingBubblewrap();
if (missing !== null) console.warn(`nobody who asks is shut in: ${missing}`);

const it = drawn('limits of who asks', 14, 4);

it.skipIf(missing !== null)('shut in without a network it has none by its provider', async () => {
  const plan = {
    script: 'ask one > answer.txt; gt done x',
    model: MODEL,
    asks: { mcp_servers: [{ url: 'http://x' }] },
  };
  const closed = await askingAgent({ ...plan, network: 'none' });
  expect(await closed.run()).toMatchObject({ outcome: 'closed' });
  expect(await textOf(closed, 'answer.txt')).toBe('403 null\n');
  expect(closed.asked()).toBe(0);
  const open = await askingAgent({ ...plan, network: 'host' });
  expect(await open.run()).toMatchObject({ outcome: 'closed' });
  expect(await textOf(open, 'answer.txt')).toBe('200 null\n');
});

it('a model that has no price costs what its program says, and else is said to have none', async () => {
  const silent = await askingAgent({ script: 'ask one; gt done x', model: MODEL });
  expect((await silent.run()).usage).toMatchObject({ usd: 0, unpricedTokens: 3_100 });
  const tokens = { input_tokens: 7, cache_read_input_tokens: 0, cache_creation_input_tokens: 0, output_tokens: 7 };
  const result = (usd: number) =>
    `echo '${JSON.stringify({ type: 'result', num_turns: 1, total_cost_usd: usd, usage: tokens })}'`;
  const resume = `ask two; gt done x; ${result(0.75)}`;
  const telling = await askingAgent({ script: `ask one; ${result(0.5)}`, resume, model: MODEL, usage: 'claude' });
  const { usage: used } = await telling.run();
  expect(used).toMatchObject({ turns: 2, usd: 0.75, inputTokens: 2_000 });
  expect(used).not.toHaveProperty('unpricedTokens');
});

it('what a life that was killed has used is not lost, and is counted once', async () => {
  const script = '[ -e once ] && { ask two; gt done x; exit; }; ask one; touch once; sleep 100';
  const agent = await askingAgent({ script, model: MODEL, settings: { prices: PRICES } });
  const worker = new AbortController();
  const first = agent.run({ signal: worker.signal }).catch(String);
  await expect.poll(() => readFile(agent.bench.journal, 'utf8'), { timeout: 10_000 }).toContain('"kind":"spent"');
  await expect.poll(() => readFile(join(agent.bench.worktree, 'once'), 'utf8').catch(() => null)).toBe('');
  worker.abort(new Error('the worker was killed'));
  expect(await first).toContain('the worker was killed');
  const { usage: used } = await agent.run();
  expect(used).toMatchObject({ turns: 2, inputTokens: 2_000 });
  expect(used.usd).toBeCloseTo(2 * TURN_USD);
});

/** Asks until it is stopped, and tells how often it was answered. */
const ON_AND_ON = 'for i in 1 2 3 4 5 6 7 8 9; do ask "turn $i" >> answers.txt; done; sleep 100';

it.each([
  ['turns', { turnsMax: 2 }, 2],
  ['context', { contextTokensMax: 3_000 }, 1],
  ['cost', { usdMax: 3 }, 2],
] as const)(
  'at its limit of %s it is stopped before it asks once more, and asked for a note',
  async (reason, limits, turns) => {
    const resume = 'printf %s "$1" > asked.txt; ask last >> answers.txt; gt handoff "the rest"';
    const agent = await askingAgent({ script: ON_AND_ON, resume, model: MODEL, limits, settings: { prices: PRICES } });
    expect(await agent.run()).toMatchObject({
      outcome: 'handoff',
      reason,
      note: 'the rest',
      usage: { turns: turns + 1 },
    });
    expect(agent.asked()).toBe(turns + 1);
    expect(await textOf(agent, 'answers.txt')).toBe('200 null\n'.repeat(turns + 1));
    expect(await textOf(agent, 'asked.txt')).toContain('This session is at its limit');
  },
);

it('at its limit of time it is asked, too; whoever then only talks has the note of the engine', async () => {
  const resume = 'touch again.txt; for i in 1 2 3 4 5; do ask "$i"; done; sleep 100';
  const agent = await askingAgent({ script: 'sleep 100', resume, model: MODEL, limits: { minutesMax: 0.02 } });
  const note = expect.stringContaining('again.txt') as string;
  expect(await agent.run()).toMatchObject({ outcome: 'handoff', reason: 'time', note });
  expect(agent.asked()).toBe(3);
});

it('one that cannot be taken up leaves the note of the engine', async () => {
  const agent = await askingAgent({ script: ON_AND_ON, model: MODEL, limits: { turnsMax: 2 } });
  const note = expect.stringContaining('answers.txt') as string;
  expect(await agent.run()).toMatchObject({ outcome: 'handoff', reason: 'turns', note });
  expect(agent.asked()).toBe(2);
});

it('one that ends by itself at its limit is asked for a note, and not to go on', async () => {
  const resume = 'gt handoff "the rest"';
  const agent = await askingAgent({ script: 'ask one; ask two', resume, model: MODEL, limits: { turnsMax: 2 } });
  expect(await agent.run()).toMatchObject({ outcome: 'handoff', reason: 'turns', note: 'the rest' });
});

const purse = async (usd: number) => ({ budgetUsd: 5, leftUsd: 5 - usd });

it('the budget of its mission is looked at before each turn, and nobody asks for a note', async () => {
  const resume = 'gt handoff "asked"';
  const agent = await askingAgent({ script: ON_AND_ON, resume, model: MODEL, settings: { prices: PRICES } });
  expect(await agent.run({ purse })).toMatchObject({
    outcome: 'handoff',
    reason: 'budget',
    budgetUsd: 5,
    usage: { turns: 3 },
  });
  expect(agent.asked()).toBe(3);
});

it('a provider that wants to be left alone for long stops who can be taken up, and nobody asks meanwhile', async () => {
  const accounts = accountsIn(new Room(null));
  const model = failing({ kind: 'rate-limit', retry_after_seconds: 60, times: 1 });
  const resume = 'ask two; gt done x';
  const agent = await askingAgent({ script: 'ask one; sleep 100', resume, model, settings: { accounts } });
  const limited = { type: 'Llm.RateLimited', retryable: true };
  await expect(agent.run()).rejects.toMatchObject({ ...limited, retryAfterMs: 60_000 });
  expect(agent.asked()).toBe(1);
  const held = { ...limited, message: expect.stringContaining('is held until') as string };
  await expect(agent.run()).rejects.toMatchObject(held);
  const other = await askingAgent({ script: 'ask one > answer.txt', model: MODEL, settings: { accounts } });
  await expect(other.run()).rejects.toMatchObject(held);
  expect(await textOf(other, 'answer.txt')).toMatch(/^429 \d\d\n$/);
  expect([agent.asked(), other.asked()]).toEqual([1, 0]);
});

it('a short limit its program waits for itself', async () => {
  const model = failing({ kind: 'rate-limit', retry_after_seconds: 1, times: 1 });
  const script = 'ask one > answers.txt; sleep 1.5; ask one >> answers.txt; gt done x';
  const agent = await askingAgent({ script, model });
  expect(await agent.run()).toMatchObject({ outcome: 'closed', usage: { turns: 1 } });
  expect(await textOf(agent, 'answers.txt')).toBe('429 1\n200 null\n');
});

test.each([
  [
    { kind: 'refuse-key', times: 9 },
    { type: 'Llm.Auth', retryable: false },
  ],
  [
    { kind: 'status', status: 402, type: 'billing_error', message: 'no', headers: {}, times: 9 },
    { type: 'Llm.Billing', retryable: false },
  ],
  [
    { kind: 'overloaded', times: 9 },
    { type: 'Llm.Overloaded', retryable: true },
  ],
  [
    { kind: 'no-answer', seconds: 0.1, times: 9 },
    { type: 'Llm.Connection', retryable: true },
  ],
] as const)('a program that gives up on $kind is trouble of the infrastructure', async (fault, trouble) => {
  const agent = await askingAgent({ script: 'ask one; exit 1', model: failing(fault) });
  await expect(agent.run()).rejects.toMatchObject(trouble);
  expect(agent.asked()).toBe(1);
});

test('what it has said of its step counts, whatever its provider answered before', async () => {
  const agent = await askingAgent({ script: 'ask one; gt done x', model: failing({ kind: 'overloaded', times: 9 }) });
  expect(await agent.run()).toMatchObject({ outcome: 'closed' });
});

it('no more requests at once than the worker may make, and who waits for that is not silent', async () => {
  const room = new Room(1);
  const accounts = accountsIn(room);
  const leave = await room.enter(new AbortController().signal);
  const limits = { quietSecondsMax: 2 };
  const agent = await askingAgent({ script: 'ask one; gt done x', model: MODEL, limits, settings: { accounts } });
  const result = agent.run();
  await pause(4_500);
  expect(agent.asked()).toBe(0);
  leave();
  expect(await result).toMatchObject({ outcome: 'closed', usage: { turns: 1 } });
});

it('a provider that says nothing is trouble, and an agent that says nothing has stalled', async () => {
  const limits = { quietSecondsMax: 1 };
  const away = failing({ kind: 'no-answer', seconds: 60, times: 1 });
  const asking = await askingAgent({ script: 'ask one', model: away, limits });
  await expect(asking.run()).rejects.toMatchObject({ type: 'Llm.Stalled', retryable: true });
  const silent = await askingAgent({ script: 'ask one; sleep 100', model: MODEL, limits });
  expect(await silent.run()).toMatchObject({ outcome: 'stalled', detail: 'sh was silent for 1 seconds.' });
});

it('what it asks and what it calls are signs of life', async () => {
  const limits = { quietSecondsMax: 3 };
  const script = 'for i in 1 2 3; do sleep 1; ask "$i" > x.txt; sleep 1; gt note "$i" > x.txt; done; gt done x';
  const agent = await askingAgent({ script, model: MODEL, limits });
  expect(await agent.run()).toMatchObject({ outcome: 'closed', notes: ['1', '2', '3'] });
});

it('a conversation that is not there is begun with all that it has to know, one that is there taken up', async () => {
  const lost = await askingAgent({
    script: '[ -e begun ] || { touch begun; ask one; sleep 100; }; printf %s "$1" > prompt.txt; gt done x',
    resume: 'echo "no conversation found" >&2; exit 1',
    model: MODEL,
  });
  const worker = new AbortController();
  const first = lost.run({ signal: worker.signal }).catch(String);
  await expect.poll(() => readFile(lost.bench.journal, 'utf8'), { timeout: 10_000 }).toContain('"spent"');
  worker.abort(new Error('killed'));
  await first;
  expect(await lost.run()).toMatchObject({ outcome: 'closed' });
  const prompt = await textOf(lost, 'prompt.txt');
  expect(prompt).toContain('# Do the work');
  expect(prompt).toContain('You were cut off');
  const there = await askingAgent({
    script: 'echo "it is in use" >&2; exit 1',
    resume: 'printf %s "$1" > prompt.txt; gt done x',
    model: MODEL,
  });
  expect(await there.run()).toMatchObject({ outcome: 'closed' });
  expect(await textOf(there, 'prompt.txt')).toMatch(/^You were cut off/);
});
