/** Hosts as the server sees them: who is there polls. No list of them is kept, and none is asked while all is well. */
import { Context } from '@temporalio/activity';
import type { Client } from '@temporalio/client';
import type { HostFinding, TownActivities } from '../contract/activities.js';
import { lifecycleQuery } from '../contract/polecat.js';
import { hostOf, hostQueue, isWorkerOn, sessionQueue, TOWN_QUEUE } from '../contract/task-queues.js';
import { polecatAt } from '../town/address.js';

/** By the numbers of Temporal's `TaskQueueType`. */
const KINDS = ['unspecified', 'workflows', 'activities'] as const;
type Kind = (typeof KINDS)[number];

/** A poll lasts a minute, and the server remembers who polled for longer than that. */
const SILENT_MS_MAX = 90_000;

/**
 * Whoever runs this is there, and so is its host: where the other one is gone, work goes on here. A host whose sessions are all taken
 * does not poll for more of them, but for short acts, or else for those of the town.
 */
export async function lookAtHost(client: Client, own: string, host: string): Promise<HostFinding> {
  if (host === own) return { kind: 'here' };
  const looks = await Promise.all([
    isPolled(client, hostQueue(host), 'activities'),
    isPolled(client, sessionQueue(host), 'activities'),
    isPolled(client, TOWN_QUEUE, 'activities', host),
    isPolled(client, TOWN_QUEUE, 'workflows', host),
  ]);
  return looks.includes(true) ? { kind: 'here' } : { kind: 'gone', to: own };
}

/** Those whose workers take acts of the town, in order. */
export async function hostsThere(client: Client): Promise<readonly string[]> {
  const pollers = await pollersOf(client, TOWN_QUEUE, 'activities');
  return [...new Set(pollers.flatMap((identity) => hostOf(identity) ?? []))].toSorted();
}

/** Whether a worker polls the queue; of that host, if it is given. */
export async function isPolled(client: Client, name: string, kind: Kind, host?: string): Promise<boolean> {
  const pollers = await pollersOf(client, name, kind);
  return pollers.some((identity) => host === undefined || isWorkerOn(host, identity));
}

/** Identities of those who have polled just now. */
async function pollersOf(client: Client, name: string, kind: Kind): Promise<readonly string[]> {
  const { pollers } = await client.workflowService.describeTaskQueue({
    namespace: client.options.namespace,
    taskQueue: { name },
    ...Object.fromEntries([['taskQueueType', KINDS.indexOf(kind)]]),
  });
  // The server's own clock, as the times of polls are.
  const now = Context.current().info.currentAttemptScheduledTimestampMs;
  return pollers.flatMap(({ identity, lastAccessTime }) => {
    const seenMs = Number(lastAccessTime?.seconds ?? 0) * 1_000;
    return now - seenMs < SILENT_MS_MAX ? [identity ?? ''] : [];
  });
}

const ANSWER_MS_MAX = 10_000;
const ASKED_MAX = 3;

/** The polecat itself knows best, closed or not; one that never answers must hold nobody up. */
export async function findSandbox(
  client: Client,
  { rig, name, incarnation }: Parameters<TownActivities['findSandbox']>[0],
): ReturnType<TownActivities['findSandbox']> {
  try {
    const polecat = client.workflow.getHandle(polecatAt(rig, name));
    const ask = () => polecat.query(lifecycleQuery);
    const { slot, sandbox } = await client.withDeadline(Date.now() + ANSWER_MS_MAX, ask);
    if (slot.incarnation !== incarnation || sandbox === null) return null;
    const { closeTime } = await polecat.describe();
    const { host, branch } = sandbox;
    return { host, branch, ...(closeTime === undefined ? {} : { closedMs: closeTime.getTime() }) };
  } catch (error) {
    if (Context.current().info.attempt < ASKED_MAX) throw error;
    return null;
  }
}
