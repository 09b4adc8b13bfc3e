import { setTimeout as pause } from 'node:timers/promises';
import { expect, test } from 'vitest';
import { placesIn } from '../../src/activities/places.js';
import { sandboxActivities } from '../../src/activities/sandbox.js';
import { sessionActivities } from '../../src/activities/sessions.js';
import type { Runtimes } from '../../src/activities/sessions.js';
import { findMarked } from '../../src/process/mark.js';
import { asActivity, cancelActivity } from '../support/activity.js';
import { makeBench } from '../support/bench.js';

const running = (mark: string) => findMarked((one) => one === mark);

test('a cancelled step ends its acceptance command at once, with everything that it started', async () => {
  const bench = await makeBench();
  const acts = sandboxActivities(placesIn(bench.state));
  const cancel = new AbortController();
  const command = 'setsid sleep 60 & sleep 60';
  const accepting = asActivity(() => acts.acceptStep(bench.step({ command })), cancel);
  const failure = accepting.catch(String);
  const mark = 'se-1/work/acceptance';
  while ((await running(mark)).length < 3) await pause(20);
  const before = Date.now();
  cancelActivity(cancel);
  expect(await failure).toContain('CANCELLED');
  expect(Date.now() - before).toBeLessThan(15_000);
  expect(await running(mark)).toEqual([]);
});

test('cancelled gates end at once, with everything that they started', async () => {
  const bench = await makeBench();
  // Gates use no runtime.
  const acts = sessionActivities(placesIn(bench.state), {} as Runtimes);
  const cancel = new AbortController();
  const gates = [{ name: 'slow', command: 'setsid sleep 60 & sleep 60' }];
  const request = { request: 'se-1.0', worktree: bench.sandbox.path, gates, timeoutMs: 60_000 };
  const failure = asActivity(() => acts.runGates(request), cancel).catch(String);
  const mark = 'gates/se-1.0';
  while ((await running(mark)).length < 3) await pause(20);
  cancelActivity(cancel);
  expect(await failure).toContain('CANCELLED');
  expect(await running(mark)).toEqual([]);
});
