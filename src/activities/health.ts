/** How those who hold slots do, as the server describes them: no workflow is asked, and no worker has to answer. */
import { log } from '@temporalio/activity';
import { WorkflowNotFoundError } from '@temporalio/client';
import type { Client, WorkflowExecutionDescription } from '@temporalio/client';
import * as z from 'zod';
import type { HolderFacts, WatchActivities } from '../contract/watch-activities.js';
import { attribute } from '../contract/search-attributes.js';
import { isOpenStatus } from '../contract/open.js';
import { polecatAt } from '../town/address.js';
import { TIMED_OUT, type ActFacts, type Facts, type Signs } from '../town/health.js';
import { askedOnce } from './asked-once.js';
import { isOpen } from './executions.js';
import { isPolled } from './hosts.js';
import { contentOf } from './polecats.js';

/** Holders that are looked at at once. */
const AT_ONCE_MAX = 20;
/** Of one polecat, and of each of those. */
const MOLECULES_MAX = 10;

type Request = Parameters<WatchActivities['lookAtHolders']>[0];

/** Each by itself: one that cannot be looked at now keeps nobody from looking at the others. */
export async function lookAtHolders(client: Client, { rig, leases }: Request): Promise<readonly HolderFacts[]> {
  const found: HolderFacts[] = [];
  // Many acts wait on one queue.
  const isAsked = askedOnce((queue) => isPolled(client, queue, 'activities'));
  const lookAt = async ({ mission, missionRun, name }: Request['leases'][number]): Promise<HolderFacts> => {
    try {
      const isMissionOpen = await isOpen(client, { workflowId: mission, firstRunId: missionRun });
      return { isMissionOpen, facts: await factsOf(client, polecatAt(rig, name), isAsked) };
    } catch (error) {
      log.warn(`${polecatAt(rig, name)} could not be looked at`, { error });
      return { isMissionOpen: true, facts: null };
    }
  };
  for (let at = 0; at < leases.length; at += AT_ONCE_MAX)
    found.push(...(await Promise.all(leases.slice(at, at + AT_ONCE_MAX).map(lookAt))));
  return found;
}

type Ask = (queue: string) => Promise<boolean>;

const CLOSED: Facts = { isOpen: false, phase: '', waitsFor: '', failing: null, acts: [] };

/** Of a polecat, and of what it has on its hook: its molecule, and those of the legs of a fan-out. */
async function factsOf(client: Client, polecat: string, ask: Ask): Promise<Facts> {
  const own = await described(client, polecat);
  if (own === null) return CLOSED;
  const molecules = await moleculesOf(client, own);
  const legs = (await Promise.all(molecules.map((one) => moleculesOf(client, one)))).flat();
  const all = [own, ...molecules, ...legs.slice(0, MOLECULES_MAX)];
  const acts = await Promise.all(all.flatMap((one) => (one.raw.pendingActivities ?? []).map(actOf(client, ask))));
  const [molecule] = molecules;
  return {
    isOpen: true,
    // A molecule is the first to know for whom it waits, and whether it is held.
    phase: phaseOf(molecule ?? own) || phaseOf(own),
    waitsFor: waitOf(own) || (molecule === undefined ? '' : waitOf(molecule)),
    failing: all.flatMap(failingIn)[0] ?? null,
    acts,
  };
}

async function moleculesOf(
  client: Client,
  { raw }: WorkflowExecutionDescription,
): Promise<readonly WorkflowExecutionDescription[]> {
  const children = (raw.pendingChildren ?? []).filter(({ workflowTypeName }) => workflowTypeName === 'molecule');
  const ids = children.slice(0, MOLECULES_MAX).flatMap(({ workflowId }) => workflowId || []);
  return (await Promise.all(ids.map((id) => described(client, id)))).filter((one) => one !== null);
}

const phaseOf = (one: WorkflowExecutionDescription): string => one.typedSearchAttributes.get(attribute.phase) ?? '';
const waitOf = (one: WorkflowExecutionDescription): string => one.typedSearchAttributes.get(attribute.waitingFor) ?? '';

async function described(client: Client, id: string): Promise<WorkflowExecutionDescription | null> {
  try {
    const description = await client.workflow.getHandle(id).describe();
    return isOpenStatus(description.status.name) ? description : null;
  } catch (error) {
    if (error instanceof WorkflowNotFoundError) return null;
    throw error;
  }
}

function failingIn({ workflowId: id, raw }: WorkflowExecutionDescription): readonly NonNullable<Facts['failing']>[] {
  const attempt = raw.pendingWorkflowTask?.attempt ?? 1;
  return attempt > 1 ? [{ id, attempt }] : [];
}

type Pending = NonNullable<WorkflowExecutionDescription['raw']['pendingActivities']>[number];
/** As Temporal's `PendingActivityState` counts. */
const SCHEDULED = 1;

function actOf(client: Client, ask: Ask): (act: Pending) => Promise<ActFacts> {
  return async (act) => {
    const isRunning = Number(act.state) !== SCHEDULED;
    const queue = act.activityOptions?.taskQueue?.name;
    const [details] = act.heartbeatDetails?.payloads ?? [];
    // Of the attempt before, if this one has not beaten yet.
    const isBeaten = msOf(act.lastHeartbeatTime) !== null && isRunning;
    const told = isBeaten && details !== undefined ? Told.safeParse(await contentOf(client, details)) : null;
    return {
      name: act.activityType?.name ?? 'an act',
      attempt: act.attempt ?? 1,
      isRunning,
      sinceMs: msOf(isRunning ? act.lastStartedTime : act.scheduledTime) ?? 0,
      beatMs: isRunning ? msOf(act.lastHeartbeatTime) : null,
      signs: told?.data?.signs ?? null,
      failure: failureOf(act),
      queue: queue ?? '',
      isPolled: isRunning || !queue ? null : await ask(queue),
    };
  };
}

const Told = z.object({
  signs: z.object({
    effects: z.number(),
    bytes: z.number(),
    quietMs: z.number(),
    quietMsMax: z.number(),
    isBusy: z.boolean(),
  }) satisfies z.ZodType<Signs>,
});

/** When an attempt that nobody has ended was over, the server does not tell, but when the next one was due. */
function failureOf({
  lastFailure: failure,
  lastAttemptCompleteTime: endedAt,
  scheduledTime: at,
}: Pending): ActFacts['failure'] {
  if (!failure) return null;
  const type = failure.applicationFailureInfo?.type || (failure.timeoutFailureInfo ? TIMED_OUT : '');
  return { type, says: failure.message ?? '', atMs: msOf(endedAt) ?? msOf(at) ?? 0 };
}

function msOf(time: Pending['lastHeartbeatTime']): number | null {
  const seconds = Number(time?.seconds ?? 0);
  return seconds === 0 ? null : seconds * 1_000 + (time?.nanos ?? 0) / 1_000_000;
}
