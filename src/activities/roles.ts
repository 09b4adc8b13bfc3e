/** Roles of a rig, which are started by whoever needs them. */
import { activityInfo } from '@temporalio/activity';
import type { Client } from '@temporalio/client';
import type { RoleRequest } from '../contract/activities.js';
import { witnessMessages } from '../contract/messages.js';
import { startOfRole } from '../contract/search-attributes.js';
import { TOWN_QUEUE } from '../contract/task-queues.js';
import { refineryOf, witnessOf } from '../town/address.js';
import { withoutPassword } from '../town/credentials.js';
import type { RigSnapshot } from '../town/rig.js';

/** A role that runs is only given its configuration; one that does not is started with it. Both in one call. */
export async function ensureRole(client: Client, { role, rig: given, patience }: RoleRequest): Promise<void> {
  // Of a plan that does not tell when it was made, by an earlier version: any other is newer.
  const rig = { readAtMs: 0, ...given };
  const workflowId = role === 'witness' ? witnessOf(rig.name) : refineryOf(rig.name);
  const id = `configure:${activityInfo().workflowExecution?.runId ?? ''}:${activityInfo().activityId}`;
  await client.workflow.signalWithStart(role, {
    workflowId,
    taskQueue: TOWN_QUEUE,
    args: [{ rig, patience }],
    signal: witnessMessages.configure.signal,
    signalArgs: [{ id, rig, patience }],
    staticSummary: `${role} of ${rig.name}`,
    typedSearchAttributes: startOfRole(role, rig.name),
  });
}

/** A rig of town.toml, as it stands in histories. */
export function told(rig: RigSnapshot, readAtMs: number): RigSnapshot {
  return { ...rig, url: withoutPassword(rig.url), readAtMs };
}
