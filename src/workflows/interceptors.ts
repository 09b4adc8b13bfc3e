/**
 * What keeps a workflow the same for each worker that takes it over (docs/decisions/0055-takeover.md). The SDK's core tells one that does not
 * know the workflow yet two things otherwise than its history has them, and what is decided by that replays for nobody: the workflow is
 * stuck for good.
 *
 * Tasks without commands are joined with what follows, so that Updates come before what happened earlier, and all of it at a later time
 * (https://github.com/temporalio/sdk-rust/issues/1606). So every task has a command here.
 *
 * Asked by a query, it hands over what has happened since the last task, too, and at that task's time. This is left alone, and the query fails: the
 * workflow is then read anew with the task that is due, and whoever asks again is answered.
 */
import { defaultPayloadConverter } from '@temporalio/common';
import { workflowInfo } from '@temporalio/workflow';
import type { ActivateInput, ConcludeActivationInput, WorkflowInterceptors } from '@temporalio/workflow';
import { ASK_AGAIN, IS_OVER } from '../contract/ask-again.js';
import { patched } from './patches.js';

type Activation = ActivateInput['activation'];
type Job = NonNullable<Activation['jobs']>[number];
type Command = ConcludeActivationInput['commands'][number];

/** What an operator reads in the history. It leaves nothing where the workflow is listed: null takes an entry away. */
const NOTHING_TO_DO: Command = {
  modifyWorkflowProperties: {
    upsertedMemo: { fields: { 'nothing to do in this task': defaultPayloadConverter.toPayload(null) } },
  },
};

/** Of one workflow. */
export function interceptors(): WorkflowInterceptors {
  const moments = new Moments();
  let isOn = false;
  let isTask = false;
  return {
    inbound: [
      {
        execute(input, next) {
          isOn = takesMessages() && patched('every task has a command', '0.11');
          return next(input);
        },
      },
    ],
    internals: [
      {
        activate(input, next) {
          const jobs = input.activation.jobs ?? [];
          const wasAhead = moments.isAhead;
          moments.see(input.activation);
          isTask = !moments.isAhead && jobs.some(isOfHistory);
          if (wasAhead && !jobs.every(isOfOneOver)) throw refusal();
          if (wasAhead || !moments.isAhead) next(input);
        },
        concludeActivation(input, next) {
          const { commands } = next(input);
          return { commands: isOn && isTask && !areEvents(commands) ? [...commands, NOTHING_TO_DO] : commands };
        },
      },
    ],
  };
}

/** Boot takes none, and is over in two tasks: a mark would be two more events every three minutes. */
const takesMessages = () => workflowInfo().workflowType !== 'boot';

/** What is handed over in one task has one time and one size of the history, and nothing else has both. By the time alone a clock that is set back would be taken for it. */
class Moments {
  #moment = '';
  #length = 0;
  /** More has happened, and no task has begun. */
  isAhead = false;

  see({ timestamp, historySizeBytes, historyLength, jobs }: Activation): void {
    if ((jobs ?? []).every(({ queryWorkflow }) => queryWorkflow)) return;
    const moment = [timestamp?.seconds, timestamp?.nanos, historySizeBytes].join(' ');
    const length = historyLength ?? 0;
    this.isAhead ||= moment === this.#moment && length !== this.#length;
    this.#moment = moment;
    this.#length = length;
  }
}

/** A worker logs it with its stack, which says nothing more. */
const refusal = (): Error => Object.assign(new Error(ASK_AGAIN), { stack: ASK_AGAIN });

/** Of a workflow that is over nothing more will be read: it answers as it stood when it was at work last. */
const isOfOneOver = ({ queryWorkflow }: Job): boolean => queryWorkflow?.headers?.[IS_OVER] !== undefined;

/** Queries are no tasks; one whose Updates were all refused is nowhere in the history. */
function isOfHistory({ queryWorkflow, doUpdate, removeFromCache }: Job): boolean {
  return !queryWorkflow && !doUpdate && !removeFromCache;
}

/** What is begun, and what calls it off: in the task that began it neither is an event. */
const CALLED_OFF_BY = [
  ['startTimer', 'cancelTimer'],
  ['scheduleActivity', 'requestCancelActivity'],
  ['startChildWorkflowExecution', 'cancelChildWorkflowExecution'],
  ['signalExternalWorkflowExecution', 'cancelSignalWorkflow'],
] as const;

const ALWAYS = [
  'setPatchMarker',
  'upsertWorkflowSearchAttributes',
  'modifyWorkflowProperties',
  'completeWorkflowExecution',
  'failWorkflowExecution',
  'cancelWorkflowExecution',
  'continueAsNewWorkflowExecution',
] as const;

/** Whether these are an event in the history for certain. */
function areEvents(commands: readonly Command[]): boolean {
  const has = (kind: keyof Command) => commands.some((command) => command[kind]);
  if (commands.some(({ updateResponse }) => updateResponse && !updateResponse.rejected)) return true;
  return ALWAYS.some(has) || CALLED_OFF_BY.some(([begun, off]) => has(begun) && !has(off)) || isTimerChanged(commands);
}

/** Timers are called off and begun anew all the time. */
function isTimerChanged(commands: readonly Command[]): boolean {
  const begun = commands.flatMap(({ startTimer }) => startTimer?.seq ?? []);
  const off = commands.flatMap(({ cancelTimer }) => cancelTimer?.seq ?? []);
  return begun.some((seq) => !off.includes(seq)) || off.some((seq) => !begun.includes(seq));
}
