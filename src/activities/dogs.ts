/** Acts of the town for its dogs: sent out, looked for, told whom an errand is about; and what has ended long ago is taken off the server. */
import { WorkflowExecutionAlreadyStartedError, WorkflowFailedError, WorkflowNotFoundError } from '@temporalio/client';
import type { Client } from '@temporalio/client';
import { CancelledFailure, rootCause } from '@temporalio/common';
import type { TownActivities } from '../contract/activities.js';
import type { DogFinding, ErrandPlan } from '../contract/dog-activities.js';
import { keptDogsQuery, type DogInput } from '../contract/dog.js';
import { attribute } from '../contract/search-attributes.js';
import { TOWN_QUEUE } from '../contract/task-queues.js';
import { isOpenStatus } from '../contract/open.js';
import { DEACON, dogAt } from '../town/address.js';
import { asSummary } from '../town/bytes.js';
import { DogReport } from '../town/dog-report.js';
import { aboutOf, dogEndsMs, DOG_NAMES, type Before } from '../town/dogs.js';
import { own } from '../town/own.js';
import { refuse } from './beating.js';
import { hostsThere } from './hosts.js';
import { keptBefore } from './kept.js';
import type { ReadTown } from './remotes.js';
import { told } from './roles.js';

type Asked<Name extends keyof TownActivities> = Parameters<TownActivities[Name]>[0];

const OF_HOSTS: readonly string[] = ['backup', 'verify', 'doctor'] satisfies readonly DogInput['job'][];

/** Which errand it was sent on: a name comes again. */
const SENT_ON = 'errand';

export async function planErrand(
  client: Client,
  readTown: ReadTown,
  { job, rig }: Asked<'planErrand'>,
): Promise<ErrandPlan> {
  // What is about hosts alone is done all the same when town.toml cannot be read.
  if (rig === null && OF_HOSTS.includes(job)) return { hosts: await hostsThere(client), rigs: [] };
  const readAtMs = Date.now();
  const read = await readTown();
  if (!read.ok) throw refuse('BadTown', read.problems);
  const { rigs } = read.town;
  const one = rig === null ? undefined : own(rigs, rig);
  if (rig !== null && one === undefined)
    throw refuse('BadTown', `town.toml has no rig "${rig}": it has ${Object.keys(rigs).join(', ') || 'none yet'}`);
  const all = one === undefined ? Object.values(rigs) : [one];
  return { hosts: await hostsThere(client), rigs: all.map((each) => told(each, readAtMs)) };
}

export async function startDog(client: Client, { errand, names, patience }: Asked<'startDog'>): Promise<string | null> {
  for (const name of DOG_NAMES) if ((await sentOn(client, name)) === errand.id) return name;
  for (const name of names) if (await begin(client, name, errand, patience)) return name;
  return null;
}

async function begin(
  client: Client,
  name: string,
  errand: Asked<'startDog'>['errand'],
  patience: number,
): Promise<boolean> {
  const { id, job, rig, dry, priority } = errand;
  const input: DogInput = { job, rests: false, dry, patience, errand: id, ...(rig === null ? {} : { rig }) };
  try {
    await client.workflow.start('dog', {
      taskQueue: TOWN_QUEUE,
      workflowId: dogAt(name),
      workflowIdConflictPolicy: 'FAIL',
      workflowExecutionTimeout: dogEndsMs(patience),
      staticSummary: asSummary(aboutOf({ job, rig })),
      memo: { [SENT_ON]: id },
      priority: { priorityKey: priority + 1 },
      typedSearchAttributes: [
        { key: attribute.role, value: 'dog' },
        { key: attribute.phase, value: 'working' },
        ...(rig === null ? [] : [{ key: attribute.rig, value: [rig] }]),
      ],
      args: [input],
    });
    return true;
  } catch (error) {
    if (error instanceof WorkflowExecutionAlreadyStartedError) return false;
    throw error;
  }
}

async function sentOn(client: Client, name: string): Promise<unknown> {
  const described = await client.workflow.getHandle(dogAt(name)).describe().catch(unlessGone);
  return described?.memo?.[SENT_ON] ?? null;
}

export async function findDogsBefore(client: Client): Promise<Before> {
  const before = await keptBefore(client, keptDogsQuery, DEACON);
  return before.kind === 'known' ? { kind: 'known', dogs: before.kept } : before;
}

export function lookAtDogs(client: Client, dogs: Asked<'lookAtDogs'>): Promise<readonly DogFinding[]> {
  return Promise.all(dogs.map((one) => lookAtDog(client, one)));
}

async function lookAtDog(client: Client, { dog, errand }: Asked<'lookAtDogs'>[number]): Promise<DogFinding> {
  const described = await client.workflow.getHandle(dogAt(dog)).describe().catch(unlessGone);
  if (described === null || described.memo?.[SENT_ON] !== errand)
    return { kind: 'gone', why: 'has ended, and the server does not know how' };
  if (isOpenStatus(described.status.name)) return { kind: 'out' };
  try {
    const handle = client.workflow.getHandle(dogAt(dog), described.runId, { followRuns: false });
    return { kind: 'home', report: DogReport.parse(await handle.result()) };
  } catch (error) {
    if (!(error instanceof WorkflowFailedError)) throw error;
    if (error.cause instanceof CancelledFailure) return { kind: 'called back' };
    return { kind: 'gone', why: `has ended: ${rootCause(error.cause) ?? error.message}` };
  }
}

function unlessGone(error: unknown): null {
  if (error instanceof WorkflowNotFoundError) return null;
  throw error;
}
