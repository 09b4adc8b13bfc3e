/** What a workflow could not note any more of its own end, in a sentence by its last event. */
import * as z from 'zod';

const text = z.string().nullish();
/** As JSON of the Temporal CLI, and as the client has it. */
const Last = z.looseObject({
  workflowExecutionTerminatedEventAttributes: z.looseObject({ reason: text, identity: text }).nullish(),
  workflowExecutionTimedOutEventAttributes: z.looseObject({}).nullish(),
  workflowExecutionContinuedAsNewEventAttributes: z.looseObject({ newExecutionRunId: text }).nullish(),
});

/** Null where what it shows is how it ended, or stands. */
export function endedBy(last: unknown): string | null {
  const event = Last.safeParse(last).data;
  const terminated = event?.workflowExecutionTerminatedEventAttributes ?? null;
  const next = event?.workflowExecutionContinuedAsNewEventAttributes?.newExecutionRunId ?? null;
  if (terminated !== null) {
    const { reason, identity } = terminated;
    const why = reason ? ` (${reason})` : '';
    return `It was ended from outside${identity ? `, by ${identity}` : ''}${why}, and goes on no more. What follows is how it stood then.`;
  }
  if ((event?.workflowExecutionTimedOutEventAttributes ?? null) !== null)
    return 'Its time was over, and it goes on no more. What follows is how it stood then.';
  return next === null
    ? null
    : `It goes on in another run, ${next}. What follows is how it stood at the end of this one.`;
}
