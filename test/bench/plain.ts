/** What a molecule is measured against: the least that a hand-written workflow can be that does the same acts in the same order. */
import { condition, defineUpdate, proxyActivities, setHandler } from '@temporalio/workflow';
import type { HostActivities, SessionActivities, TownActivities } from '../../src/contract/activities.js';
import { hostQueue, sessionQueue } from '../../src/contract/task-queues.js';
import { BENCH_HOST } from './bench-host.js';

const OPTIONS = { startToCloseTimeout: '1 hour', heartbeatTimeout: '30 seconds' } as const;

/** Acts that do nothing take nothing. */
type Idle<Acts> = { readonly [Name in keyof Acts]: () => Promise<void> };

const { record } = proxyActivities<Idle<TownActivities>>(OPTIONS);
const { acceptStep } = proxyActivities<Idle<HostActivities>>({ ...OPTIONS, taskQueue: hostQueue(BENCH_HOST) });
const { runSession } = proxyActivities<Idle<SessionActivities>>({
  ...OPTIONS,
  taskQueue: sessionQueue(BENCH_HOST),
});

/** Each step is a session and its acceptance; the end is recorded. */
export async function plain(steps: number): Promise<void> {
  for (let step = 0; step < steps; step += 1) {
    await runSession();
    await acceptStep();
  }
  await record();
}

/** Answers `times` Updates. */
export async function bare(times: number): Promise<void> {
  let touched = 0;
  setHandler(defineUpdate<string>('touch'), () => `${(touched += 1)} of ${times}`);
  await condition(() => touched === times);
}
