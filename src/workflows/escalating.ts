/** How a workflow brings trouble before the ladder, and says that it waits for an answer no more. */
import { WorkflowExecutionAlreadyStartedError } from '@temporalio/common';
import { CancellationScope, ParentClosePolicy, startChild, uuid4 } from '@temporalio/workflow';
import { escalationMessages, type EscalationInput } from '../contract/escalation.js';
import { startOfEscalation } from '../contract/search-attributes.js';
import { escalationOf } from '../town/escalation-id.js';
import { TEXT_CHARS_MAX, type Raised, type Waiter } from '../town/escalation-input.js';
import { send } from './outbox.js';

const WORDS_CHARS_MAX = 1_000;

/**
 * Starts the escalation of a trouble, or joins the one that is there; answers with its id. It outlives whoever asks, and a cancellation
 * does not keep it from being known. `nth`: see `escalationOf`.
 */
export async function raise(raised: Raised, patience: number, nth = 0): Promise<string> {
  return CancellationScope.nonCancellable(() => raiseOrJoin(bounded(raised), patience, nth));
}

/** It was answered another way, or has ended. One that is not there any more needs no telling. */
export async function settle(escalation: string, waiter: Waiter, by: string, how: string): Promise<void> {
  const words = { by: by.slice(0, WORDS_CHARS_MAX), how: how.slice(0, WORDS_CHARS_MAX) };
  const content = { id: `settled ${uuid4()}`, waiter, ...words };
  await CancellationScope.nonCancellable(() => send(escalation, escalationMessages.settled, content));
}

async function raiseOrJoin(raised: Raised, patience: number, first: number): Promise<string> {
  for (let nth = first; ;) {
    const id = escalationOf(raised, nth);
    if (await isStarted(id, { raised, patience, nth })) return id;
    const delivery = await send(id, escalationMessages.join, { id: `join ${uuid4()}`, raised });
    if (delivery === 'delivered') return id;
    // One that has closed meanwhile is begun anew; one that the server takes no more signals for has others after it.
    if (delivery === 'undeliverable') nth += 1;
  }
}

/** False: it is there already. */
async function isStarted(workflowId: string, input: EscalationInput): Promise<boolean> {
  const { summary, memo, priority, attributes } = startOfEscalation(input.raised);
  try {
    await startChild('escalation', {
      workflowId,
      args: [input],
      parentClosePolicy: ParentClosePolicy.ABANDON,
      workflowIdReusePolicy: 'ALLOW_DUPLICATE',
      priority,
      staticSummary: summary,
      memo,
      typedSearchAttributes: attributes,
    });
    return true;
  } catch (error) {
    if (error instanceof WorkflowExecutionAlreadyStartedError) return false;
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
