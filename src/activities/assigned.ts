/** Whoever has joined a crew is told which steps and items wait for them: the molecules and missions, which know, are asked to. */
import { activityInfo } from '@temporalio/activity';
import { WorkflowNotFoundError, type Client } from '@temporalio/client';
import type { TownActivities } from '../contract/activities.js';
import { askAssigned } from '../contract/crew.js';
import { attribute } from '../contract/search-attributes.js';
import { isOpen } from './executions.js';

export async function askMolecules(
  client: Client,
  { person, molecules }: Parameters<TownActivities['askAssigned']>[0],
): Promise<readonly string[]> {
  const { workflowExecution, activityId } = activityInfo();
  const id = `ask:${person}:${workflowExecution?.runId ?? ''}:${activityId}`;
  const found = new Set(molecules);
  const query = `${attribute.role.name} IN ("molecule", "mission") AND ${attribute.agent.name}=${JSON.stringify(person)} AND ExecutionStatus="Running"`;
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

/** Of people who are named: all members of crews there are, when one of them is not, else those that are named. */
export async function membersAmong(client: Client, named: readonly string[]): Promise<readonly string[]> {
  const are = await Promise.all(named.map((person) => isOpen(client, { workflowId: person, firstRunId: null })));
  const found = named.filter((_, at) => are[at] === true);
  if (found.length === named.length) return found;
  const listed: string[] = [];
  const query = `${attribute.role.name}="crew" AND ExecutionStatus="Running"`;
  for await (const { workflowId } of client.workflow.list({ query })) listed.push(workflowId);
  // The list may be a moment behind.
  return [...new Set([...found, ...listed.filter((person) => !named.includes(person))])];
}
