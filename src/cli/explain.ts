/** `gt explain`: how things stand with a workflow, of a server or of a history in a file. */
import type { Client, WorkflowExecutionDescription } from '@temporalio/client';
import { optionalTsToDate } from '@temporalio/common/lib/time.js';
import { explainQuery } from '../contract/messages.js';
import { shellWord } from '../town/shell-text.js';
import { timeAt } from '../town/wording.js';
import { withAges } from '../town/ages.js';
import { townPaths } from '../town/paths.js';
import { readArguments, refuseMore, takeOne, type Command } from './command.js';
import { endedBy } from './ended.js';
import { print } from './print.js';
import { ofExecution, withServer } from './server.js';
import { SERVER_OPTIONS } from './server-place.js';
import { townAround } from './town.js';

export const explain: Pick<Command, 'run'> = {
  run: async (args) => {
    const { values, positionals } = readArguments(args, { ...SERVER_OPTIONS, history: { type: 'string' } });
    if (values.history !== undefined) {
      refuseMore('explain --history FILE', positionals);
      const { explainHistory } = await import('./explain-history.js');
      return print(await explainHistory(values.history, await payloadsAround(values.town)));
    }
    const id = takeOne('explain', 'workflow id', positionals);
    await withServer(values, (client) => ofExecution(id, () => tell(client, id)));
  },
};

/** A history alone says enough where nothing in it was too large. */
async function payloadsAround(town: string | undefined): Promise<string | null> {
  const dir = await townAround(town);
  return dir === null ? null : townPaths(dir).payloads;
}

async function tell(client: Client, id: string): Promise<void> {
  const handle = client.workflow.getHandle(id);
  const { status, type, runId, raw } = await handle.describe();
  const all = raw.pendingActivities ?? [];
  const pending = all.filter((act) => act.paused !== true);
  const acts = [held(all, id), triedAgain(pending), notBegun(pending)]
    .filter((one) => one !== '')
    .map((one) => `\n\n${one}`);
  print(`${id} · ${type} · ${status.name.toLowerCase()}${acts.join('')}\n`);
  const end = await endOf(client, { workflowId: id, runId, status });
  if (end !== null) print(`${end}\n`);
  // Asked last: with no worker there it is the rest that counts.
  print(withAges(await handle.query(explainQuery), Date.now()));
}

type Ended = Pick<WorkflowExecutionDescription, 'workflowId' | 'runId' | 'status'>;

/** Who or what has ended it, where it could not note that itself. */
export async function endOf(client: Client, { workflowId, runId, status }: Ended): Promise<string | null> {
  if (status.name !== 'TERMINATED' && status.name !== 'TIMED_OUT') return null;
  return endedBy(await lastEvent(client, { workflowId, runId }));
}

async function lastEvent(client: Client, execution: { readonly workflowId: string; readonly runId: string }) {
  const { namespace } = client.options;
  const request = { namespace, execution, maximumPageSize: 1 };
  const { history } = await client.workflowService.getWorkflowExecutionHistoryReverse(request);
  return history?.events?.[0];
}

type Pending = NonNullable<WorkflowExecutionDescription['raw']['pendingActivities']>[number];

/** PENDING_ACTIVITY_STATE_SCHEDULED of Temporal's API. */
const SCHEDULED = 1;

/** What somebody holds by Temporal's own means, of which the workflow does not hear; '' when nobody holds anything. */
function held(pending: readonly Pending[], id: string): string {
  const lines = pending.flatMap(({ activityType, activityId, paused, pauseInfo }) => {
    if (paused !== true) return [];
    const at = optionalTsToDate(pauseInfo?.pauseTime);
    const since = at === undefined ? '' : ` since ${timeAt(at.getTime())}`;
    const { identity = '', reason = '' } = pauseInfo?.manual ?? {};
    const by = identity ? `, by ${identity}` : '';
    const why = reason ? ` (${reason})` : '';
    const letGo = `temporal activity unpause -w ${shellWord(id)} --activity-id ${activityId}`;
    return [`- ${activityType?.name}${since}${by}${why}: \`${letGo}\` lets it go on`];
  });
  return lines.length === 0 ? '' : `Paused, and not tried before it is let go:\n${lines.join('\n')}`;
}

/** What the workflow counts as under way, though no worker has begun with it; '' when all has begun. */
function notBegun(pending: readonly Pending[]): string {
  const lines = pending.flatMap(({ activityType, state, lastFailure, scheduledTime, activityOptions }) => {
    if (Number(state) !== SCHEDULED || lastFailure) return [];
    const at = optionalTsToDate(scheduledTime);
    const since = at === undefined ? '' : ` since ${timeAt(at.getTime())}`;
    const queue = activityOptions?.taskQueue?.name;
    return [`- ${activityType?.name}${since}${queue ? `, on task queue ${queue}` : ''}`];
  });
  return lines.length === 0 ? '' : `Waits for a worker that has room for it:\n${lines.join('\n')}`;
}

/** What failed and will be tried again, which the workflow itself does not hear of; '' when nothing did. */
function triedAgain(pending: readonly Pending[]): string {
  const lines = pending.flatMap(({ activityType, attempt, lastFailure, nextAttemptScheduleTime }) => {
    if (!lastFailure) return [];
    const at = optionalTsToDate(nextAttemptScheduleTime);
    const when = at === undefined ? 'now' : `at ${timeAt(at.getTime())}`;
    return [`- ${activityType?.name}, attempt ${attempt}, ${when}: ${lastFailure.message}`];
  });
  return lines.length === 0 ? '' : `Tried again:\n${lines.join('\n')}`;
}
