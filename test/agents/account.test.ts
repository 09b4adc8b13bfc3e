/** Sessions that share a provider's account: its limit is everybody's, and so many requests at once are the most. */
import { setTimeout as pause } from 'node:timers/promises';
import { expect, onTestFinished, test } from 'vitest';
import { Account, Room } from '../../src/agents/account.js';
import { anthropicRuntime } from '../../src/agents/anthropic.js';
import { RuntimeTrouble } from '../../src/agents/trouble.js';
import type { Turn } from '../../src/dev/model-script.js';
import { startModelServer } from '../../src/dev/model-server.js';
import { contextOf, makeBench, specOf } from '../support/sessions.js';

const CLOSE: Turn = { tools: [{ name: 'close', input: { summary: 'done', verdict: 'done' } }] };

/** Sessions one behind the other on one runtime, each with a worktree of its own. */
async function sessionsWith(account: Account, turn: Turn) {
  const server = await startModelServer({ script: { rules: [{ when: ['Step: work'], turns: [turn] }] } });
  onTestFinished(() => server.stop());
  const runtime = anthropicRuntime({ apiKey: 'test', baseUrl: server.url, account });
  // Made before anybody asks: to make a repository takes longer than a limit may hold.
  const benches = await Promise.all(Array.from({ length: 4 }, () => makeBench()));
  const session = async () => {
    const bench = benches.pop();
    if (bench === undefined) throw new Error('there are no more benches');
    const spec = specOf(bench, null, { runtime: { kind: 'anthropic', model: 'scripted' } });
    return runtime.run(spec, await contextOf(bench, spec)).catch((error: unknown) => error);
  };
  return { server, session };
}

test('a 429 holds the account: until it is over nobody asks, and everybody is told why', async () => {
  const fault = { kind: 'rate-limit', retry_after_seconds: 3, times: 1 } as const;
  const { server, session } = await sessionsWith(new Account(), { ...CLOSE, fault });
  expect(await session()).toMatchObject({ type: 'Llm.RateLimited', retryAfterMs: 3_000 });
  const heard = Date.now();
  const others = [await session(), await session()] as RuntimeTrouble[];
  for (const other of others) {
    expect(other).toMatchObject({ type: 'Llm.RateLimited', retryable: true });
    expect(other.message).toMatch(/^the provider's account is held until \d{4}-.*Z: 429/);
  }
  expect(server.requests()).toHaveLength(1);
  await pause(Math.max(0, heard + 3_100 - Date.now()));
  expect(await session()).toMatchObject({ outcome: 'closed' });
  expect(server.requests()).toHaveLength(2);
});

test('a limit without a time, and other trouble, hold nobody', async () => {
  const account = new Account();
  const facts = { message: 'away', retryable: true };
  account.hear(new RuntimeTrouble({ ...facts, type: 'Llm.RateLimited' }));
  account.hear(new RuntimeTrouble({ ...facts, type: 'Llm.Overloaded', retryAfterMs: 60_000 }));
  const leave = await account.enter(new AbortController().signal);
  leave();
  account.hear(new RuntimeTrouble({ ...facts, type: 'Llm.RateLimited', retryAfterMs: 60_000 }));
  account.hear(new RuntimeTrouble({ ...facts, type: 'Llm.RateLimited', retryAfterMs: 10 }));
  await pause(20);
  await expect(account.enter(new AbortController().signal)).rejects.toThrow('is held until');
});

test('those who are turned away come back one after the other', async () => {
  const account = new Account();
  const holdMs = 60_000;
  account.hear(new RuntimeTrouble({ type: 'Llm.RateLimited', message: '429', retryable: true, retryAfterMs: holdMs }));
  const turnedAway = async () => {
    const error = await account.enter(new AbortController().signal).catch((caught: unknown) => caught);
    return (error as RuntimeTrouble).retryAfterMs ?? 0;
  };
  const times = [];
  for (let time = 0; time < 100; time += 1) times.push(await turnedAway());
  // The first comes back when the limit is over, the hundredth ten seconds after it.
  expect((times[99] ?? 0) - (times[0] ?? 0)).toBeGreaterThan(5_000);
  expect(times[99]).toBeGreaterThan(holdMs);
});

test('what waits for room goes in its order; who is cancelled leaves the row, and who is late is turned away', async () => {
  const account = new Account(new Room(1));
  const order: string[] = [];
  const never = new AbortController().signal;
  const cancelled = new AbortController();
  const enter = async (name: string, signal = never) => {
    const leave = await account.enter(signal);
    order.push(name);
    return leave;
  };
  const first = await enter('first');
  const second = enter('second');
  const gone = enter('gone', cancelled.signal).catch((error: unknown) => String(error));
  const third = enter('third');
  cancelled.abort(new Error('no more'));
  expect(await gone).toBe('Error: no more');
  first();
  (await second)();
  const leaveThird = await third;
  expect(order).toEqual(['first', 'second', 'third']);
  const late = enter('late');
  account.hear(new RuntimeTrouble({ type: 'Llm.RateLimited', message: '429', retryable: true, retryAfterMs: 1_000 }));
  leaveThird();
  await expect(late).rejects.toThrow('is held until');
  await pause(1_100);
  (await enter('after'))();
  expect(order.at(-1)).toBe('after');
});
