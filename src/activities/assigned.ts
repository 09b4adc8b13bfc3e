/** Whoever has joined a crew is told which steps wait for them: the molecules, which know, are asked to. */
import { activityInfo } from '@temporalio/activity';
import { WorkflowNotFoundError, type Client } from '@temporalio/client';
import type { TownActivities } from '../contract/activities.js';
import { askAssigned } from '../contract/crew.js';
import { attribute } from '../contract/search-attributes.js';

export async function askMolecules(
  client: Client,
  { person, molecules }: Parameters<TownActivities['askAssigned']>[0],
): Promise<readonly string[]> {
  const { workflowExecution, activityId } = activityInfo();
  const id = `ask:${person}:${workflowExecution?.runId ?? ''}:${activityId}`;
  const found = new Set(molecules);
  const query = `${attribute.role.name}="molecule" AND ${attribute.agent.name}=${JSON.stringify(person)} AND ExecutionStatus="Running"`;
  for await (const { workflowId } of client.workflow.list({ query })) found.add(workflowId);
  const gone: string[] = [];
  for (const molecule of found) {
    try {
      await client.workflow.getHandle(molecule).signal(askAssigned.signal, { id, person });
    } catch (error) {
      if (!(error instanceof WorkflowNotFoundError)) throw error;
      gone.push(molecule);
    }
  }
  return gone;
}
