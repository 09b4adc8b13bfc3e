/** Missions that something else than a person starts: however often one is asked for under its key, there is one. */
import { createHash } from 'node:crypto';
import { WorkflowExecutionAlreadyStartedError, WorkflowNotFoundError } from '@temporalio/client';
import type { Client } from '@temporalio/client';
import { ApplicationFailure } from '@temporalio/common';
import { withoutSecrets } from '../agents/secrets.js';
import type { MissionPreview, MissionStart, PlanRequest, WorkPlan } from '../contract/activities.js';
import type { FailureType } from '../contract/failures.js';
import { MissionInput } from '../contract/mission.js';
import { read } from '../contract/read.js';
import { TOWN_QUEUE } from '../contract/task-queues.js';
import { makeId } from '../town/address.js';
import { asSummary } from '../town/bytes.js';
import { own } from '../town/own.js';
import type { MissionDraft } from '../town/mission-order.js';
import { INVALID_ARGUMENT, rpcOf } from './rpc.js';

/** Throws a failure that is not retried for work that does not fit. */
type Check = (items: PlanRequest['items']) => Promise<WorkPlan>;

/** What would begin, or everything that is wrong with it. */
export async function previewMission(check: Check, input: MissionDraft): Promise<MissionPreview> {
  const checked = await checkedBy(check, input);
  if (!checked.ok) return { kind: 'refused', why: checked.why };
  const { protos, convoys = {} } = checked.plan;
  const items = input.work.map(({ id }) => {
    const legs = own(convoys, id)?.map((part) => part.id);
    const steps = (legs ?? [id]).map((one) => own(protos, one)?.steps.length ?? 0);
    return {
      id,
      steps: steps.reduce((sum, one) => sum + one, 0),
      ...(legs === undefined ? {} : { legs: legs.length }),
    };
  });
  return { kind: 'fits', items };
}

type Checked = { readonly ok: true; readonly plan: WorkPlan } | { readonly ok: false; readonly why: string };

async function checkedBy(check: Check, input: unknown): Promise<Checked> {
  const asked = read(MissionInput, input);
  if (!asked.ok) return { ok: false, why: asked.problems.join('; ') };
  try {
    const items = asked.value.work.map(({ origins, ...item }) => ({
      ...item,
      ...(origins === undefined ? {} : { wordsOf: origins }),
    }));
    return { ok: true, plan: await check(items) };
  } catch (error) {
    if (!(error instanceof ApplicationFailure && REFUSALS.includes(error.type ?? ''))) throw error;
    return { ok: false, why: withoutSecrets(error.message) };
  }
}

/** `input` has still to be read. */
type Order = { readonly key: string; readonly input: { readonly title?: string | undefined } };

export async function startMission(client: Client, check: Check, { key, input }: Order): Promise<MissionStart> {
  const mission = makeId('hq-cv', createHash('sha256').update(key).digest('hex'));
  const before = await startedFor(client, mission);
  if (before !== null) return answerTo(mission, key, before);
  const checked = await checkedBy(check, input);
  if (!checked.ok) return { kind: 'refused', why: checked.why };
  try {
    await client.workflow.start('mission', {
      taskQueue: TOWN_QUEUE,
      workflowId: mission,
      workflowIdReusePolicy: 'REJECT_DUPLICATE',
      workflowIdConflictPolicy: 'FAIL',
      staticSummary: asSummary(input.title ?? key),
      memo: { [STARTED_FOR]: key },
      args: [input],
    });
    return { kind: 'started', mission };
  } catch (error) {
    const said = rpcOf(error);
    // What the server will never start, however often it is asked.
    if (said?.code === INVALID_ARGUMENT) return { kind: 'refused', why: said.details };
    if (!(error instanceof WorkflowExecutionAlreadyStartedError)) throw error;
    return answerTo(mission, key, (await startedFor(client, mission)) ?? '');
  }
}

/** In the memo of a mission. */
export const STARTED_FOR = 'startedFor';

/** What is wrong with the work itself. A town.toml that cannot be read is mended, and the work is as good as before. */
const REFUSALS: readonly string[] = ['BadMission', 'BadFormula'] satisfies readonly FailureType[];

/** The key that a mission was started for, '' for one of another kind; null when there is none. */
async function startedFor(client: Client, mission: string): Promise<string | null> {
  try {
    const { memo } = await client.workflow.getHandle(mission).describe();
    const key = memo?.[STARTED_FOR];
    return typeof key === 'string' ? key : '';
  } catch (error) {
    if (error instanceof WorkflowNotFoundError) return null;
    throw error;
  }
}

function answerTo(mission: string, key: string, startedUnder: string): MissionStart {
  if (startedUnder === key) return { kind: 'started', mission };
  return { kind: 'refused', why: `the id of its mission, ${mission}, is taken by another workflow` };
}
