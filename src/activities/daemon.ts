/**
 * The Temporal Schedule `daemon`, which starts boot every three minutes: it stands on the server, and needs no process of ours to
 * be alive. A tick that finds the last boot still there is skipped, and ticks that were missed are not made up for.
 */
import { ScheduleAlreadyRunning, ScheduleOverlapPolicy } from '@temporalio/client';
import type { Client, ScheduleOptions } from '@temporalio/client';
import { attribute } from '../contract/search-attributes.js';
import { TOWN_QUEUE } from '../contract/task-queues.js';
import { BOOT, DAEMON } from '../town/address.js';
import { TICK_MS } from '../town/watchdog.js';

/** What the server takes. */
const EVERY_MS_MIN = 1_000;
const CATCH_UP_MS_MIN = 10_000;
/** A boot that finds no worker for so many ticks is ended, so that others come after it. */
const TICKS_MAX = 3;
const ENDS_MS_MIN = 60_000;

const everyMs = (patience: number): number => Math.max(EVERY_MS_MIN, TICK_MS * patience);

/** Makes it if there is none; one that there is gets the town's patience if it has another, and stays paused if it is. */
export async function keepDaemon(client: Client, patience: number): Promise<void> {
  const { spec, action, policies } = optionsOf(patience);
  try {
    await client.schedule.create({ scheduleId: DAEMON, spec, action, policies });
  } catch (error) {
    if (!(error instanceof ScheduleAlreadyRunning)) throw error;
    const handle = client.schedule.getHandle(DAEMON);
    const { action: known } = await handle.describe();
    if (JSON.stringify(known.args) === JSON.stringify(action.args)) return;
    await handle.update(({ state }) => ({ spec, action, policies, state }));
  }
}

function optionsOf(patience: number) {
  return {
    spec: { intervals: [{ every: everyMs(patience) }] },
    action: {
      type: 'startWorkflow',
      workflowType: BOOT,
      workflowId: BOOT,
      taskQueue: TOWN_QUEUE,
      args: [{ patience }],
      workflowExecutionTimeout: Math.max(ENDS_MS_MIN, TICKS_MAX * everyMs(patience)),
      staticSummary: 'is the deacon alive',
      typedSearchAttributes: [{ key: attribute.role, value: BOOT }],
    },
    policies: { overlap: ScheduleOverlapPolicy.SKIP, catchupWindow: Math.max(CATCH_UP_MS_MIN, everyMs(patience)) },
  } satisfies Omit<ScheduleOptions, 'scheduleId'>;
}
