/** How a session fails: what it has cost goes with each of its failures, and others are told once nobody tries it again. */
import { randomUUID } from 'node:crypto';
import { appendFile } from 'node:fs/promises';
import { expect, onTestFinished, test } from 'vitest';
import { placesIn } from '../../src/activities/places.js';
import { Purses } from '../../src/activities/purse.js';
import { sessionActivities } from '../../src/activities/sessions.js';
import { anthropicRuntime } from '../../src/agents/anthropic.js';
import { commandRuntime } from '../../src/agents/command.js';
import { scriptRuntime } from '../../src/agents/script.js';
import { findSdk } from '../../src/agents/sdk.js';
import { RuntimeTrouble } from '../../src/agents/trouble.js';
import type { Call } from '../../src/contract/calls.js';
import type { Fault } from '../../src/dev/model-script.js';
import { startModelServer } from '../../src/dev/model-server.js';
import { asActivity } from '../support/activity.js';
import { makeBench } from '../support/bench.js';
import { specOf } from '../support/sessions.js';

const PRICES = { scripted: { input: 1, output: 10, cacheRead: 0, cacheWrite: 0 } };

/** A session of a model whose first answer costs half a dollar, and whose provider is at fault then. */
async function makeSession(fault: Fault) {
  const bench = await makeBench();
  const { sandbox, state, ref } = bench;
  const turns = [
    {
      tools: [{ name: 'note', input: { text: 'half of it is there' } }],
      usage: { input_tokens: 400_000, output_tokens: 10_000 },
    },
    {
      fault,
      tools: [{ name: 'close', input: { summary: 'done', verdict: 'done' } }],
      usage: { input_tokens: 100_000, output_tokens: 0 },
    },
  ];
  const server = await startModelServer({ script: { rules: [{ when: [], turns }] } });
  onTestFinished(() => server.stop());
  const places = placesIn(state);
  const told: Call[] = [];
  const kept: string[] = [];
  let isTownAway = false;
  const call = async (one: Call) => {
    if (isTownAway) throw new RuntimeTrouble({ type: 'Town.Unreachable', message: 'no answer', retryable: true });
    if (one.kind === 'update') told.push(one);
    return { kind: 'result', value: null } as const;
  };
  const acts = sessionActivities(places, {
    runtimes: {
      script: scriptRuntime(),
      anthropic: anthropicRuntime({ apiKey: 'test', baseUrl: server.url, prices: async () => PRICES }),
      command: commandRuntime({}, { sdkHere: () => findSdk(state) }),
    },
    call,
    record: {
      ledger: { append: async ({ id }) => kept.push(id) > 0 },
      purses: new Purses(call),
      call,
      state,
    },
  });
  const plain = specOf({ folder: state, worktree: sandbox.path, journal: '', isShutIn: false }, null);
  const molecule = `se-${randomUUID()}`;
  const spec = {
    ...plain,
    sessionId: `${molecule}/work/1`,
    molecule,
    branch: ref.branch,
    base: sandbox.base,
    runtime: { kind: 'anthropic' as const, model: 'scripted' },
  };
  const info = { workflowExecution: { workflowId: molecule, runId: 'run' } };
  return {
    told,
    kept,
    spentId: `spent:${spec.sessionId}@run`,
    loseTown: () => void (isTownAway = true),
    journal: places.journal(spec.sessionId),
    attempt: () => asActivity(() => acts.runSession(spec), new AbortController(), info),
    settle: () => asActivity(() => acts.settleSession(spec), new AbortController(), info),
  };
}

const AWAY: Fault = { kind: 'overloaded', times: 1 };
const REFUSED: Fault = { kind: 'status', status: 400, message: 'said so', headers: {}, times: 1 };
const half = expect.objectContaining({ usd: 0.5, turns: 1 });
const NOTES = ['half of it is there'];

test('an attempt that is tried again tells nobody; the last one all that the session has cost', async () => {
  const { attempt, told, kept } = await makeSession(AWAY);
  await expect(attempt()).rejects.toMatchObject({ details: [{ usage: half, notes: NOTES, isOpen: true }] });
  expect([told, kept]).toEqual([[], []]);
  expect(await attempt()).toMatchObject({ outcome: 'closed', usage: { usd: 0.6, turns: 2 } });
  expect(told).toMatchObject([{ name: 'spent', content: { usage: { usd: 0.6 } } }]);
  expect(kept).toHaveLength(1);
});

test('one that nobody tries again tells what it has cost', async () => {
  const { attempt, told, kept } = await makeSession(REFUSED);
  const failure = await attempt().catch((error: unknown) => error);
  expect(failure).toMatchObject({ nonRetryable: true, details: [{ usage: half, notes: NOTES }] });
  expect(failure).not.toMatchObject({ details: [{ isOpen: true }] });
  expect(told).toMatchObject([{ name: 'spent', content: { usage: half } }]);
  expect(kept).toHaveLength(1);
});

test('so does one that cannot be taken up again', async () => {
  const { attempt, told, journal } = await makeSession(AWAY);
  await expect(attempt()).rejects.toMatchObject({ nonRetryable: false });
  await appendFile(journal, 'not a line of ours\n');
  await expect(attempt()).rejects.toMatchObject({ type: 'Journal.Unreadable', details: [{ usage: half }] });
  expect(told).toMatchObject([{ name: 'spent', content: { usage: half } }]);
});

test('one that was called off between two attempts is settled, once however often it is asked for', async () => {
  const { attempt, settle, told, kept, spentId } = await makeSession(AWAY);
  await expect(attempt()).rejects.toMatchObject({ nonRetryable: false });
  expect(await settle()).toEqual({ usage: half, notes: NOTES, spentId });
  expect(await settle()).toEqual({ usage: half, notes: NOTES, spentId });
  const updates = told.map((one) => (one.kind === 'update' ? one.updateId : ''));
  expect([new Set(updates).size, new Set(kept).size]).toEqual([1, 1]);
});

test('if its mission cannot be told, its molecule hears so, and tells it by the same id', async () => {
  const { attempt, settle, loseTown, spentId } = await makeSession(AWAY);
  await expect(attempt()).rejects.toMatchObject({ nonRetryable: false });
  loseTown();
  expect(await settle()).toEqual({ usage: half, notes: NOTES, spentId, isOpen: true });
});

test('one that never began has cost nothing', async () => {
  const { settle, told, kept } = await makeSession(AWAY);
  expect([await settle(), told, kept]).toEqual([{}, [], []]);
});
