/** What was said to a workflow, from its histories of all runs, in the order in which it took effect. */
import type { Client, WorkflowHandle } from '@temporalio/client';
import { defaultPayloadConverter } from '@temporalio/common';
import type { Payload } from '@temporalio/common';
import type { Said } from './molecule-plans.js';

export type Event = NonNullable<Awaited<ReturnType<WorkflowHandle['fetchHistory']>>['events']>[number];

export type Heard = Said & {
  /** How an Update was answered; null for a Signal, which nobody answers, and for an Update that is not answered yet. */
  readonly answer: 'taken' | 'refused' | null;
  /** The id that an Update was asked under; null for a Signal. */
  readonly updateId: string | null;
};

/**
 * An Update, by its id, that was taken up, and is answered only later: perhaps refused as it stood when it came. `maybeAtOnce`: it was taken in that very
 * task, and no history tells whether it took effect before what came after it.
 */
export type Begun = Said & { readonly begun: string; readonly maybeAtOnce: boolean };

/** What the molecule does by itself when it has heard what came, at once or, when it continues as new, perhaps only after that. */
export type Rest = 'rests' | 'continues';

export type Told = Heard | Begun | Rest;

/** `isAnsweredLater`: in a sandbox most takes effect after a check, or a way back, when it is answered. */
export async function heardBy(client: Client, id: string, isAnsweredLater = false): Promise<readonly Told[]> {
  return (await runsOf(client, id)).flatMap((events) => heardIn(events, isAnsweredLater));
}

/** The histories of a workflow's runs, the first one first. */
export async function runsOf(client: Client, id: string): Promise<readonly (readonly Event[])[]> {
  let runId = (await client.workflow.getHandle(id).describe()).raw.workflowExecutionInfo?.firstRunId ?? undefined;
  const runs: (readonly Event[])[] = [];
  while (runId !== undefined) {
    const events = (await client.workflow.getHandle(id, runId).fetchHistory()).events ?? [];
    runs.push(events);
    runId = events.at(-1)?.workflowExecutionContinuedAsNewEventAttributes?.newExecutionRunId ?? undefined;
  }
  return runs;
}

/**
 * Signals and accepted Updates stand in a history as their handlers were called. A bond takes effect only when its formula is cooked: one that
 * is not answered in the task in which it came stands where it is answered.
 */
function heardIn(events: readonly Event[], isAnsweredLater: boolean): readonly Told[] {
  const tasks = tasksOf(events);
  const ends = new Map(
    events.flatMap(({ workflowExecutionUpdateCompletedEventAttributes: end }, at) =>
      end ? [[String(end.acceptedEventId), { at, isTaken: Boolean(end.outcome?.success) }] as const] : [],
    ),
  );
  const heard: { readonly at: number; readonly what: Heard | Begun }[] = events.flatMap(
    (event, at): { at: number; what: Heard | Begun }[] => {
      const {
        workflowExecutionSignaledEventAttributes: signal,
        workflowExecutionUpdateAcceptedEventAttributes: update,
      } = event;
      if (signal)
        return [
          { at, what: { ...saidIn(signal.signalName, signal.input?.payloads?.[0]), answer: null, updateId: null } },
        ];
      const input = update?.acceptedRequest?.input;
      if (!input) return [];
      const end = ends.get(String(event.eventId));
      const said = saidIn(input.name, input.args?.payloads?.[0]);
      const isAnotherTask =
        (isAnsweredLater || said.name === 'bond') && end !== undefined && tasks[end.at] !== tasks[at];
      // What is to be checked first may be outrun by what came after it, in the same task.
      const isOutrun = isAnsweredLater && said.name === 'close' && end !== undefined;
      const isLater = isAnotherTask || isOutrun;
      const answer = end === undefined ? null : end.isTaken ? 'taken' : 'refused';
      const updateId = update.protocolInstanceId ?? '';
      const one = { at: isLater ? end.at : at, what: { ...said, answer, updateId } } as const;
      const maybeAtOnce = !isAnotherTask && answer === 'taken';
      return isLater ? [{ at, what: { ...said, begun: updateId, maybeAtOnce } }, one] : [one];
    },
  );
  const last = tasks.at(-1);
  const isContinued = Boolean(events.at(-1)?.workflowExecutionContinuedAsNewEventAttributes);
  const rests = tasks.flatMap((task, at) => {
    const what = isContinued && task === last ? ('continues' as const) : ('rests' as const);
    return tasks[at + 1] === task ? [] : [{ at: at + 0.5, what }];
  });
  return [...heard, ...rests].toSorted((a, b) => a.at - b.at).map(({ what }) => what);
}

/** To each event the number of the task in which the workflow heard of it, or brought it about. */
function tasksOf(events: readonly Event[]): readonly number[] {
  let task = 0;
  let isDone = false;
  return events.map((event) => {
    // What comes behind what a task brought about is heard in the next one.
    if (isDone && (event.workflowExecutionSignaledEventAttributes || event.workflowTaskScheduledEventAttributes)) {
      isDone = false;
      task += 1;
    }
    if (event.workflowTaskCompletedEventAttributes) isDone = true;
    return task;
  });
}

function saidIn(name: string | null | undefined, payload: Payload | undefined): Said {
  // The test itself has sent it.
  return {
    name: name as Said['name'],
    content: payload === undefined ? {} : defaultPayloadConverter.fromPayload<Said['content']>(payload),
  };
}
