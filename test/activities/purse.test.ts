import { setTimeout as pause } from 'node:timers/promises';
import { expect, test } from 'vitest';
import { Purses } from '../../src/activities/purse.js';
import type { Answer, Call } from '../../src/contract/calls.js';
import { NO_USAGE } from '../../src/town/session.js';

const AT_ONCE = 20;
const usage = { ...NO_USAGE, turns: 1, usd: 1 };
const sessions = Array.from({ length: AT_ONCE }, (_, at) => ({
  mission: at % 2 === 0 ? 'even' : 'odd',
  molecule: `m-${at}`,
  sessionId: `s-${at}`,
}));

/** A mission with ten dollars that takes its time, and the most calls that it has had at once. */
function slowMissions() {
  const open = new Map<string, number>();
  const heard: Call[] = [];
  let most = 0;
  const call = async (said: Call): Promise<Answer> => {
    const mission = 'workflow' in said ? said.workflow : '';
    open.set(mission, (open.get(mission) ?? 0) + 1);
    most = Math.max(most, open.get(mission) ?? 0);
    heard.push(said);
    await pause(5);
    open.set(mission, (open.get(mission) ?? 0) - 1);
    if (said.kind === 'update' && said.updateId === 'spent:s-4@r') throw new Error('lost');
    return { kind: 'result', value: said.kind === 'query' ? { budgetUsd: 10, leftUsd: 10 } : null };
  };
  return { call, heard, most: () => most };
}

test('sessions that ask at once share an answer, and each mission is asked by itself', async () => {
  const { call, heard, most } = slowMissions();
  const purses = new Purses(call);
  const left = await Promise.all(sessions.map((one) => purses.left(one, 0.1)));
  expect(most()).toBe(1);
  expect(heard.map((said) => 'workflow' in said && said.workflow)).toEqual(['even', 'odd']);
  // Each counts what all the sessions of its mission have cost so far.
  expect(left).toEqual(sessions.map(() => ({ budgetUsd: 10, leftUsd: 10 - (AT_ONCE / 2) * 0.1 })));
  await purses.left({ mission: 'even', molecule: 'm-0', sessionId: 's-0' }, 0.1);
  expect(heard).toHaveLength(3);
});

test('what sessions have cost is told one after the other, all of it, one that got lost or not', async () => {
  const { call, heard, most } = slowMissions();
  const purses = new Purses(call);
  const told = await Promise.allSettled(sessions.map((one) => purses.ended(one, 'r', usage)));
  expect(most()).toBe(1);
  expect(told.flatMap(({ status }, at) => (status === 'rejected' ? [at] : []))).toEqual([4]);
  const ids = heard.map((said) => said.kind === 'update' && said.updateId);
  expect(new Set(ids)).toEqual(new Set(sessions.map(({ sessionId }) => `spent:${sessionId}@r`)));
  expect(ids).toHaveLength(AT_ONCE);
});
