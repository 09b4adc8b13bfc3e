/** Trouble for tests: what is raised, by clients as askers raise it. */
import { randomUUID } from 'node:crypto';
import { WorkflowExecutionAlreadyStartedError } from '@temporalio/client';
import type { Client } from '@temporalio/client';
import { escalationMessages } from '../../src/contract/escalation.js';
import { startOfEscalation } from '../../src/contract/search-attributes.js';
import { TOWN_QUEUE } from '../../src/contract/task-queues.js';
import { escalationOf } from '../../src/town/escalation-id.js';
import { Raised } from '../../src/town/escalation-input.js';

/** A question of nobody in particular, if nothing else is said. */
export function trouble(more: Partial<Raised> = {}): Raised {
  return Raised.parse({
    category: 'help',
    severity: 'MEDIUM',
    source: 'asked',
    text: 'which of two ways?',
    waiter: { kind: 'telling', at: 'ada' },
    ...more,
  });
}

/** Starts its escalation or joins it, and answers with its id. `patience`: that of most towns of tests. */
export async function raiseBy(client: Client, raised: Raised, patience = 0.1): Promise<string> {
  const workflowId = escalationOf(raised);
  const { attributes, memo, priority, summary } = startOfEscalation(raised);
  try {
    await client.workflow.start('escalation', {
      taskQueue: TOWN_QUEUE,
      workflowId,
      args: [{ raised, patience }],
      workflowIdConflictPolicy: 'FAIL',
      staticSummary: summary,
      memo,
      priority,
      typedSearchAttributes: attributes,
    });
  } catch (error) {
    if (!(error instanceof WorkflowExecutionAlreadyStartedError)) throw error;
    await client.workflow.getHandle(workflowId).signal(escalationMessages.join.signal, { id: randomUUID(), raised });
  }
  return workflowId;
}
