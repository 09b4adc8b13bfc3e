/**
 * What keeps a workflow the same for each worker that takes it over (docs/decisions/0055-takeover.md). The SDK's core tells one that does not
 * know the workflow yet two things otherwise than its history has them, and what is decided by that replays for nobody: the workflow is
 * stuck for good.
 *
 * Tasks without commands are joined with what follows, so that Updates come before what happened earlier, and all of it at a later time
 * (https://github.com/temporalio/sdk-rust/issues/1606). So every task has a command here.
 *
 * Asked by a query, it hands over what has happened since the last task, too, and at that task's time. This is left alone, and the query fails: the
 * workflow is then read anew with the task that is due, and whoever asks again is answered. If that task has begun already, with another worker that
 * dies, nothing tells it from a task of one's own until the next, which comes too early in the history: then the workflow is read anew, too.
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
  const tasks = new Tasks();
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
          if (wasAhead && !jobs.every(isOfOneOver)) throw refusal(ASK_AGAIN);
          if (isOn && !moments.isAhead && tasks.isTooEarly(input.activation)) throw refusal(NOT_OURS);
          if (wasAhead || !moments.isAhead) next(input);
        },
        concludeActivation(input, next) {
          const { commands: own } = next(input);
          const hasEvents = eventsOf(own) > 0;
          const commands = isOn && isTask && !hasEvents ? [...own, NOTHING_TO_DO] : own;
          if (isTask || hasEvents) tasks.end(commands);
          return { commands };
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

/**
 * A task that this worker was asked in, and another began, was given up: what it would have told the server is in no history. So the next one lies
 * nearer to it than it could if all that had been told were in between. What lies there is not handed over, but for what the workflow is to hear of.
 */
class Tasks {
  #length = 0;
  #told: readonly Command[] = [];
  #at = 0;

  isTooEarly({ historyLength, isReplaying, jobs }: Activation): boolean {
    if ((jobs ?? []).every(({ queryWorkflow, removeFromCache }) => queryWorkflow ?? removeFromCache)) return false;
    this.#at = historyLength ?? 0;
    // All of one task may come in several parts.
    if (isReplaying === true || this.#length === 0 || this.#at === this.#length) return false;
    const heard = (jobs ?? []).reduce((sum, job) => sum + eventsBehind(job), 0);
    return this.#at - this.#length < EVENTS_OF_TASK + eventsOf(this.#told) + heard;
  }

  /** What a task has told the server, in all of its parts: what one begins another may call off. */
  end(commands: readonly Command[]): void {
    this.#told = this.#at === this.#length ? [...this.#told, ...commands] : commands;
    this.#length = this.#at;
  }
}

/** The last one has been completed, the next was scheduled and has begun. */
const EVENTS_OF_TASK = 3;

const NOT_OURS = `what this worker knew of the workflow is not in its history: it is read anew, and goes on. ${ASK_AGAIN}`;

/** A worker logs it with its stack, which says nothing more. */
const refusal = (says: string): Error => Object.assign(new Error(says), { stack: says });

/** At least so many. What was called off is heard of without any. */
function eventsBehind({ fireTimer, signalWorkflow, cancelWorkflow, resolveActivity, ...others }: Job): number {
  if (fireTimer ?? signalWorkflow ?? cancelWorkflow) return 1;
  // It began, and ended.
  if (resolveActivity?.result?.completed) return 2;
  const isChild = others.resolveChildWorkflowExecution?.result?.completed;
  return isChild ? 1 : 0;
}

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

/** How many events these are in the history for certain. */
function eventsOf(commands: readonly Command[]): number {
  const count = (kind: keyof Command) => commands.filter((command) => command[kind]).length;
  const answers = commands.filter(({ updateResponse }) => updateResponse && !updateResponse.rejected).length;
  const begun = CALLED_OFF_BY.map(([kind, off]) => (count(off) === 0 ? count(kind) : 0));
  const all = [answers, ...ALWAYS.map(count), ...begun, count('cancelTimer') > 0 ? timersChanged(commands) : 0];
  return all.reduce((sum, events) => sum + events, 0);
}

/** Timers are called off and begun anew all the time. */
function timersChanged(commands: readonly Command[]): number {
  const begun = commands.flatMap(({ startTimer }) => startTimer?.seq ?? []);
  const off = commands.flatMap(({ cancelTimer }) => cancelTimer?.seq ?? []);
  return begun.filter((seq) => !off.includes(seq)).length + off.filter((seq) => !begun.includes(seq)).length;
}
