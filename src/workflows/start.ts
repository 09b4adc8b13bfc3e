/** What every start is asked before anything else: who started it, and under which id. */
import { CancellationScope, makeContinueAsNewFunc, workflowInfo } from '@temporalio/workflow';
import type { Workflow } from '@temporalio/workflow';
import type { FailureType } from '../contract/failures.js';
import { undecodableReason } from '../contract/undecodable.js';
import { isRoleAddress } from '../town/address.js';
import { failure } from './failing.js';
import { patched } from './patches.js';

/**
 * What the run before handed over, null in a first run. Only a run of ours may hand over: a second argument from a client
 * would be taken for a whole state, and break the workflow's tasks for ever. With a cron line each time continues the time
 * before, with the same arguments; a run that one of ours handed over to has no cron line any more.
 */
export function carried<Carry>(carry: Carry | undefined, type: FailureType): Carry | null {
  const { continuedFromExecutionRunId: before } = workflowInfo();
  if (before !== undefined && !hasCron()) {
    const lost = undecodableReason(carry);
    if (lost !== null) throw failure(type, `what the run before handed over cannot be decoded: ${lost}`);
    return carry ?? null;
  }
  if (carry === undefined) return null;
  throw failure(type, 'one input is expected, a JSON object; a second one was given: put everything into one --input');
}

/** The server ends a workflow at 51,200 events. */
const CRON_EVENTS_MAX = 30_000;

/**
 * Whether the history has grown so long that a next run should go on. That one has no cron line, and nothing would start the
 * workflow again: with one it goes on as long as it can.
 */
export function isLong(): boolean {
  const { continueAsNewSuggested, historyLength } = workflowInfo();
  return continueAsNewSuggested && (!hasCron() || historyLength > CRON_EVENTS_MAX);
}

/**
 * Whether this run is bound to a version of the workers that is not the current one any more. Never where workers have no versions,
 * see docs/operating.md.
 */
export function isOutdated(): boolean {
  return workflowInfo().targetWorkerDeploymentVersionChanged && !hasCron();
}

/** Whether this run has become long, or is of an old version: it goes on in a next one as soon as it can. */
export const isDue = (): boolean => isLong() || isOutdated();

/** Goes on in a new run, with the current version of the workers when this one's is outdated. */
export async function goOn<Type extends Workflow>(...args: Parameters<Type>): Promise<never> {
  if (isCancelled()) return CancellationScope.current().cancelRequested;
  return makeContinueAsNewFunc<Type>(isOutdated() ? { initialVersioningBehavior: 'AUTO_UPGRADE' } : {})(...args);
}

/** A cancellation that comes in the very task in which a run is handed over is for this one: the next run would never hear of it. */
export function isCancelled(): boolean {
  return CancellationScope.current().consideredCancelled && patched('what is cancelled is not handed over', '0.11');
}

function hasCron(): boolean {
  return (workflowInfo().cronSchedule ?? '') !== '';
}

export function refuseRoleAddress(type: FailureType, what: string): void {
  const { workflowId } = workflowInfo();
  if (!isRoleAddress(workflowId)) return;
  throw failure(type, `the workflow id "${workflowId}" is the address of a role; choose another for the ${what}`);
}
