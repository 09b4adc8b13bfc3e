/** Executions of a town as a list of the server has them: by their search attributes, without asking any. */
import type { Client, WorkflowExecutionInfo } from '@temporalio/client';
import { attribute } from '../contract/search-attributes.js';

export type Listed = {
  readonly id: string;
  /** `mission`, `polecat`, `molecule`, `witness`, `refinery`. */
  readonly role: string;
  readonly formula: string;
  readonly status: string;
  readonly phase: string;
  /** `person: <step>` or `overseer: <what>`: somebody is to answer. */
  readonly waitingFor: string;
  readonly rigs: readonly string[];
  readonly mission: string;
  readonly agents: readonly string[];
  readonly steps: readonly string[];
  readonly usd: number;
  readonly started: string;
};

export async function listed(client: Client, query: string): Promise<readonly Listed[]> {
  const found: Listed[] = [];
  for await (const one of client.workflow.list({ query })) found.push(listedOf(one));
  return found;
}

/** Whether a person is asked, and not a gate or another workflow. */
export function asksSomebody({ waitingFor }: Pick<Listed, 'waitingFor'>): boolean {
  return /^(person|overseer): /.test(waitingFor);
}

function listedOf(info: WorkflowExecutionInfo): Listed {
  const { workflowId, type, status, startTime, typedSearchAttributes: has } = info;
  return {
    id: workflowId,
    role: has.get(attribute.role) ?? type,
    formula: has.get(attribute.formula) ?? '',
    status: status.name.toLowerCase(),
    phase: has.get(attribute.phase) ?? '',
    waitingFor: has.get(attribute.waitingFor) ?? '',
    rigs: has.get(attribute.rig) ?? [],
    mission: has.get(attribute.mission) ?? '',
    agents: has.get(attribute.agent) ?? [],
    steps: has.get(attribute.step) ?? [],
    usd: has.get(attribute.costUsd) ?? 0,
    started: startTime.toISOString(),
  };
}
