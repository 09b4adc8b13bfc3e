/**
 * Brings an answer to whoever waits for it: the messages that it becomes, each taken once however often the act is tried. Who has taken
 * one in hand may be busy for long: that is waited for. Who does not even do that is given up after some tries.
 */
import { Context } from '@temporalio/activity';
import type { Client } from '@temporalio/client';
import type { QueryDefinition } from '@temporalio/common';
import type { EscalationActivities } from '../contract/escalation-activities.js';
import type { Answer, Call } from '../contract/calls.js';
import { mailMessage } from '../contract/messages.js';
import { progressQuery } from '../contract/mission.js';
import { stepsQuery } from '../contract/molecule.js';
import { queueQuery } from '../contract/refinery.js';
import { isInboxAddress } from '../town/address.js';
import { tellingTo, type Message } from '../town/escalation-answer.js';
import { resolutionText } from '../town/escalation-answering.js';
import type { Waiter } from '../town/escalation-input.js';
import { signed } from '../town/escalation-signature.js';
import { tokenOf } from '../town/molecule-refusal.js';
import { unreachable } from '../town/unreachable.js';
import { refuse } from './beating.js';

type Request = Parameters<EscalationActivities['answerWaiter']>[0];
type Said = Awaited<ReturnType<EscalationActivities['answerWaiter']>>;
/** Rejects where it is worth to try again. */
type MakeCall = (call: Call, whenAccepted?: () => void) => Promise<Answer>;
type Deps = { readonly client: Client; readonly call: MakeCall };

const BY_CHARS_MAX = 180;
const TRIES_MAX = 10;
const ACCEPTED_WITHIN_MS = 120_000;

/** Rejects where it is worth to try again, and for good where nobody has taken it in hand in ten tries. */
export async function answerWaiter(
  { client, call: make }: Deps,
  request: Request,
  acceptedWithinMs = ACCEPTED_WITHIN_MS,
): Promise<Said> {
  const { info, cancellationSignal } = Context.current();
  const late = new AbortController();
  const timer = setTimeout(() => late.abort(), acceptedWithinMs);
  let isAccepted = false;
  const whenAccepted = () => {
    isAccepted = true;
    clearTimeout(timer);
  };
  const call: MakeCall = (one) => make(one, whenAccepted);
  try {
    const signal = AbortSignal.any([cancellationSignal, late.signal]);
    return await client.withAbortSignal(signal, () => answered(call, request));
  } catch (error) {
    cancellationSignal.throwIfAborted();
    const why = late.signal.aborted ? new Error(nobodyTakes(request.waiter, acceptedWithinMs)) : error;
    if (isAccepted || info.attempt < TRIES_MAX) throw why;
    throw refuse('Unreached', String(why instanceof Error ? why.message : why));
  } finally {
    clearTimeout(timer);
  }
}

const nobodyTakes = ({ at }: Waiter, withinMs: number): string =>
  `${at} has not taken the answer in ${withinMs / 1_000} s: no worker takes its tasks, or they fail; \`temporal workflow describe -w ${at}\` shows which`;

async function answered(call: MakeCall, { escalation, waiter, resolution, by }: Request): Promise<Said> {
  const telling = tellingTo(waiter, resolution, signed(by.slice(0, BY_CHARS_MAX), escalation));
  if (!telling.ok) return { kind: 'refused', says: telling.why };
  const { workflowExecution, activityId } = Context.current().info;
  const key = `${escalation}:${workflowExecution?.runId ?? ''}:${activityId}`;
  const messages =
    waiter.kind === 'telling' ? lettersTo(waiter.at, { escalation, resolution, by }, key) : telling.messages;
  let says = 'it knows';
  for (const { to: workflow, name, content } of messages) {
    const answer = await call({ kind: 'update', workflow, name, content: { ...content, id: key }, updateId: key });
    switch (answer.kind) {
      case 'result':
        says = String(answer.value);
        break;
      case 'missing':
      case 'refused': {
        const why = answer.kind === 'missing' ? `there is no ${workflow}` : answer.why;
        // Another than who waits may be missing, such as its mission.
        const isGone = answer.kind === 'missing' && workflow === waiter.at;
        const waits = !isGone && waiter.kind !== 'telling' && (await waitsStill(call, waiter));
        return { kind: waits ? 'refused' : 'gone', says: why };
      }
      case 'failed':
      case 'unanswered':
        // It may have taken it: asked again under the same id it says so.
        throw new Error(`${workflow} has not taken the answer of ${by}: ${answer.why}`);
      default:
        return unreachable(answer);
    }
  }
  return { kind: 'taken', says };
}

/** Whoever has an inbox hears what became of what it has told. */
function lettersTo(
  to: string,
  { escalation, resolution, by }: Pick<Request, 'escalation' | 'resolution' | 'by'>,
  key: string,
): readonly Message[] {
  if (!isInboxAddress(to)) return [];
  const subject = `${escalation} is answered by ${by.slice(0, BY_CHARS_MAX)}`;
  const body = `${resolutionText(resolution)}\n\ngt explain ${escalation} shows all of it.`;
  return [{ to, name: mailMessage.name, content: { id: key, from: escalation, to, subject, body } }];
}

/** Whether one who refuses an answer waits for another: its wait may be over, or be another one. Who cannot be asked now may. */
async function waitsStill(call: MakeCall, waiter: Exclude<Waiter, { readonly kind: 'telling' }>): Promise<boolean> {
  const ask = async <T>({ name }: QueryDefinition<T>): Promise<T | null> => {
    const answer = await call({ kind: 'query', workflow: waiter.at, name });
    return answer.kind === 'result' ? (answer.value as T) : null; // as workflows of this version answer
  };
  switch (waiter.kind) {
    case 'step': {
      const steps = await ask(stepsQuery);
      return steps?.some((step) => step.id === waiter.step && tokenOf(step) === waiter.token) !== false;
    }
    case 'item': {
      const progress = await ask(progressQuery);
      return progress?.items.some(({ id, state }) => id === waiter.item && state.kind === 'failed') !== false;
    }
    case 'request': {
      const queue = await ask(queueQuery);
      return queue?.some(({ id }) => id === waiter.request) !== false;
    }
    case 'budget':
      return true;
    default:
      return unreachable(waiter);
  }
}
