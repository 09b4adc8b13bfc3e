/** What was said to a workflow, from its histories of all runs, in the order in which it took effect. */
import type { Client, WorkflowHandle } from '@temporalio/client';
import { defaultPayloadConverter } from '@temporalio/common';
import type { Payload } from '@temporalio/common';
import type { Said } from './molecule-model.js';

export type Event = NonNullable<Awaited<ReturnType<WorkflowHandle['fetchHistory']>>['events']>[number];

export type Heard = Said & {
  /** How an Update was answered; null for a Signal, which nobody answers, and for an Update that is not answered yet. */
  readonly answer: 'taken' | 'refused' | null;
  /** The id that an Update was asked under; null for a Signal. */
  readonly updateId: string | null;
};

export async function heardBy(client: Client, id: string): Promise<readonly Heard[]> {
  return (await runsOf(client, id)).flatMap(heardIn);
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

/** Signals and accepted Updates stand in a history as their handlers were called. */
function heardIn(events: readonly Event[]): readonly Heard[] {
  const answers = new Map(
    events.flatMap(({ workflowExecutionUpdateCompletedEventAttributes: end }) =>
      end === null || end === undefined
        ? []
        : [[String(end.acceptedEventId), end.outcome?.success ? ('taken' as const) : ('refused' as const)] as const],
    ),
  );
  return events.flatMap((event): readonly Heard[] => {
    const { workflowExecutionSignaledEventAttributes: signal, workflowExecutionUpdateAcceptedEventAttributes: update } =
      event;
    if (signal) return [{ ...saidIn(signal.signalName, signal.input?.payloads?.[0]), answer: null, updateId: null }];
    const input = update?.acceptedRequest?.input;
    if (!input) return [];
    const answer = answers.get(String(event.eventId)) ?? null;
    return [{ ...saidIn(input.name, input.args?.payloads?.[0]), answer, updateId: update.protocolInstanceId ?? null }];
  });
}

function saidIn(name: string | null | undefined, payload: Payload | undefined): Said {
  // The test itself has sent it.
  return {
    name: name as Said['name'],
    content: payload === undefined ? {} : defaultPayloadConverter.fromPayload<Said['content']>(payload),
  };
}
