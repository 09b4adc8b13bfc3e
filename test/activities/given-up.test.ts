/** What a session has cost that nobody waits for any more, on a worker that lives: its mission counts it, and this worker does not. */
import { expect, test } from 'vitest';
import { placesIn } from '../../src/activities/places.js';
import { Purses } from '../../src/activities/purse.js';
import { sessionActivities } from '../../src/activities/sessions.js';
import type { Means } from '../../src/activities/session-run.js';
import { RuntimeTrouble } from '../../src/agents/trouble.js';
import type { Runtime } from '../../src/agents/runtime.js';
import { asActivity, cancelActivity } from '../support/activity.js';
import { makeBench } from '../support/bench.js';
import { specOf } from '../support/sessions.js';

const call: Means['call'] = async () => ({ kind: 'result', value: { budgetUsd: 10, leftUsd: 10 } });

/** What is left for another session when one that has cost six dollars has ended so. */
async function leftAfter(end: (cancel: AbortController) => Promise<never>, why: Parameters<typeof asActivity>[3]) {
  const bench = await makeBench();
  const purses = new Purses(call);
  const cancel = new AbortController();
  const runtime: Runtime = {
    kind: 'script',
    run: async (_, { purse }) => {
      expect((await purse(6))?.leftUsd).toBe(4);
      return end(cancel);
    },
  };
  const runtimes = { script: runtime } as unknown as Means['runtimes']; // of no other kind
  const record = { ledger: { append: async () => true }, purses, call, state: bench.state };
  const acts = sessionActivities(placesIn(bench.state), { runtimes, call, record });
  const spec = specOf({ folder: bench.state, worktree: bench.sandbox.path, journal: '', isShutIn: false }, null, {
    sessionId: `se-1/work/${bench.sandbox.base}`,
    molecule: 'se-1',
    branch: bench.ref.branch,
    base: bench.sandbox.base,
  });
  await expect(asActivity(() => acts.runSession(spec), cancel, {}, why)).rejects.toThrow(/CANCELLED|later/);
  return (await purses.left({ mission: spec.mission, molecule: 'se-2', sessionId: 'se-2/work/1' }, 0))?.leftUsd;
}

const cancelled = async (cancel: AbortController): Promise<never> => {
  cancelActivity(cancel);
  throw cancel.signal.reason;
};
const failed = async (): Promise<never> => {
  throw new RuntimeTrouble({ type: 'Llm.Server', message: 'later', retryable: true });
};

test('a session that was given up is not counted here; one that is tried again is', async () => {
  expect(await leftAfter(cancelled, { notFound: true })).toBe(10);
  expect(await leftAfter(cancelled, { timedOut: true })).toBe(10);
  expect(await leftAfter(failed, {})).toBe(4);
  expect(await leftAfter(cancelled, { workerShutdown: true })).toBe(4);
});
