/** How a workflow brings trouble before the ladder, and says that it waits for an answer no more. */
import { TerminatedFailure, WorkflowExecutionAlreadyStartedError } from '@temporalio/common';
import { CancellationScope, ChildWorkflowFailure, ParentClosePolicy, startChild, uuid4 } from '@temporalio/workflow';
import type { ChildWorkflowHandle } from '@temporalio/workflow';
import { escalationMessages, type EscalationInput, type EscalationResult } from '../contract/escalation.js';
import { startOfEscalation } from '../contract/search-attributes.js';
import { escalationOf } from '../town/escalation-id.js';
import { TEXT_CHARS_MAX, type Raised, type Waiter } from '../town/escalation-input.js';
import type { EscalationEnd } from '../town/asks.js';
import { send } from './outbox.js';
import { patched } from './patches.js';

const WORDS_CHARS_MAX = 1_000;

/**
 * Starts the escalation of a trouble, or joins the one that is there. It outlives whoever asks, and a cancellation does not keep it from
 * being known. `nth`: see `escalationOf`.
 */
export async function raise(raised: Raised, patience: number, nth = 0): Promise<Brought> {
  return CancellationScope.nonCancellable(() => raiseOrJoin(bounded(raised), patience, nth));
}

export type Brought = {
  readonly escalation: string;
  /** Null of one that was joined, whose end this run does not hear; nothing of one that was cancelled, which is so meant. */
  readonly end: Promise<EscalationEnd | null> | null;
};

/** It was answered another way, or has ended. One that is not there any more needs no telling. */
export async function settle(escalation: string, waiter: Waiter, by: string, how: string): Promise<void> {
  const words = { by: by.slice(0, WORDS_CHARS_MAX), how: how.slice(0, WORDS_CHARS_MAX) };
  const content = { id: `settled ${uuid4()}`, waiter, ...words };
  await CancellationScope.nonCancellable(() => send(escalation, escalationMessages.settled, content));
}

async function raiseOrJoin(raised: Raised, patience: number, first: number): Promise<Brought> {
  for (let nth = first; ;) {
    const escalation = idOf(raised, nth);
    const child = await started(escalation, { raised, patience, nth });
    if (child !== null) return { escalation, end: endOf(child) };
    const delivery = await send(escalation, escalationMessages.join, { id: `join ${uuid4()}`, raised });
    if (delivery === 'delivered') return { escalation, end: null };
    // One that has closed meanwhile is begun anew; one that the server takes no more signals for has others after it.
    if (delivery === 'undeliverable') nth += 1;
  }
}

/** As `escalationOf`, by the version that this workflow follows. */
export function idOf(raised: Raised, nth: number): string {
  const isApart = raised.source !== 'security' || patched('another secret is another trouble', '0.13');
  return isApart ? escalationOf(raised, nth) : escalationOf(raised, nth, ['asked']);
}

type Escalate = (input: EscalationInput) => Promise<EscalationResult>;
type Child = ChildWorkflowHandle<Escalate>;

/** One that failed has never begun. */
async function endOf(child: Child): Promise<EscalationEnd | null> {
  try {
    const { by } = await child.result();
    return { kind: 'answered', by };
  } catch (error) {
    if (error instanceof ChildWorkflowFailure && error.cause instanceof TerminatedFailure)
      return { kind: 'terminated' };
    return null;
  }
}

/** Null: it is there already. */
async function started(workflowId: string, input: EscalationInput): Promise<Child | null> {
  const { summary, memo, priority, attributes } = startOfEscalation(input.raised);
  try {
    return await startChild<Escalate>('escalation', {
      workflowId,
      args: [input],
      parentClosePolicy: ParentClosePolicy.ABANDON,
      workflowIdReusePolicy: 'ALLOW_DUPLICATE',
      priority,
      staticSummary: summary,
      memo,
      typedSearchAttributes: attributes,
    });
  } catch (error) {
    if (error instanceof WorkflowExecutionAlreadyStartedError) return null;
    throw error;
  }
}

/** What somebody else has said may be of any length. */
function bounded(raised: Raised): Raised {
  const { text, tried } = raised;
  return {
    ...raised,
    text: text.slice(0, TEXT_CHARS_MAX) || 'no words were said of it',
    ...(tried === undefined ? {} : { tried: tried.slice(0, TEXT_CHARS_MAX) }),
  };
}
