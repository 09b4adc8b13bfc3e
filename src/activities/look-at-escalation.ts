/** How an escalation stands for one who waits there, as the server has it. */
import type { Client } from '@temporalio/client';
import { escalationQuery, type EscalationResult } from '../contract/escalation.js';
import type { EscalationActivities } from '../contract/escalation-activities.js';
import type { EscalationStand } from '../town/asks.js';
import { waiterKey } from '../town/escalation-id.js';
import { describe } from './executions.js';

type Request = Parameters<EscalationActivities['lookAtEscalation']>[0];

/** What ended before one came is none of theirs: another round of the id is another trouble's. */
export async function lookAtEscalation(
  client: Client,
  { escalation, waiter, sinceMs }: Request,
): Promise<EscalationStand> {
  const found = await describe(client, { workflowId: escalation, firstRunId: null });
  if (found === null) return { kind: 'gone' };
  const handle = client.workflow.getHandle<() => Promise<EscalationResult>>(escalation);
  const { name } = found.status;
  if (name === 'RUNNING' || name === 'PAUSED') {
    const { waiting } = await handle.query(escalationQuery);
    return { kind: waiting.some((one) => one.waiter === waiterKey(waiter)) ? 'open' : 'gone' };
  }
  const closedMs = found.closeTime?.getTime() ?? 0;
  if (closedMs < sinceMs) return { kind: 'gone' };
  if (name === 'COMPLETED') return { kind: 'answered', by: (await handle.result()).by, atMs: closedMs };
  return { kind: name === 'CANCELLED' ? 'cancelled' : 'gone' };
}
