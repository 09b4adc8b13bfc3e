/** What every start is asked before anything else: who started it, and under which id. */
import { workflowInfo } from '@temporalio/workflow';
import type { FailureType } from '../contract/failures.js';
import { isRoleAddress } from '../town/address.js';
import { failure } from './failing.js';

/**
 * What the run before handed over, null in a first run. Only a run of ours may hand over: a second argument from a client
 * would be taken for a whole state, and break the workflow's tasks for ever.
 */
export function carried<Carry>(carry: Carry | undefined, type: FailureType): Carry | null {
  if (workflowInfo().continuedFromExecutionRunId !== undefined) return carry ?? null;
  if (carry === undefined) return null;
  throw failure(type, 'one input is expected, a JSON object; a second one was given: put everything into one --input');
}

export function refuseRoleAddress(type: FailureType, what: string): void {
  const { workflowId } = workflowInfo();
  if (!isRoleAddress(workflowId)) return;
  throw failure(type, `the workflow id "${workflowId}" is the address of a role; choose another for the ${what}`);
}
