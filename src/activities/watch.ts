/** Acts of boot and the deacon: how the town stands, as the server has it, and roles that are missing. */
import { createHash } from 'node:crypto';
import { activityInfo } from '@temporalio/activity';
import { ScheduleNotFoundError, WorkflowNotFoundError } from '@temporalio/client';
import type { Client, ScheduleDescription } from '@temporalio/client';
import { defineSearchAttributeKey } from '@temporalio/common';
import type { RoleRequest } from '../contract/activities.js';
import type { WatchActivities } from '../contract/watch-activities.js';
import { deaconKeptQuery, heartbeatQuery } from '../contract/deacon.js';
import { escalationQuery } from '../contract/escalation.js';
import { personKeptQuery } from '../contract/inbox.js';
import { deaconMessages } from '../contract/messages.js';
import { refineryKeptQuery } from '../contract/refinery.js';
import { attribute, startOfRole } from '../contract/search-attributes.js';
import { TOWN_QUEUE } from '../contract/task-queues.js';
import { DAEMON, DEACON, refineryOf, rigOfRefinery, rigOfWitness } from '../town/address.js';
import { atMost } from '../town/at-most.js';
import { own } from '../town/own.js';
import { withoutLadder, type Stir, type Survey } from '../town/patrol.js';
import type { Look } from '../town/watchdog.js';
import { refuse } from './beating.js';
import { keepDaemon } from './daemon.js';
import { isOpen } from './executions.js';
import { lastKept } from './kept.js';
import type { PluginKeeper } from './plugins.js';
import type { ReadTown } from './remotes.js';
import { ensureRole, told } from './roles.js';
import { findHoldBefore, findRigHolds, findRigs } from './town-hold.js';
import { INVALID_ARGUMENT, PERMISSION_DENIED, rpcOf, UNIMPLEMENTED } from './rpc.js';
import { endedUnheard } from './wishes.js';

const RUNNING = 'ExecutionStatus="Running"';
/** A boot that hangs is looked for by the schedule. */
const FAILING = `${RUNNING} AND GtRole IS NOT NULL AND GtRole != "boot" AND TemporalReportedProblems IS NOT NULL`;
/** What a polecat and its molecule wait for, their mission says. */
const ESCALATED = `${RUNNING} AND GtPhase="escalated" AND (GtRole IN ("mission", "refinery") OR (GtRole="molecule" AND GtMission IS NULL))`;
/** Whose clocks and tiers see to what they are asked. */
const ESCALATIONS = `${RUNNING} AND GtRole="escalation"`;
const QUEUED = `${RUNNING} AND GtRole="mission" AND GtPhase="queued"`;
const OPEN_WORK = `${RUNNING} AND GtRole IN ("mission", "polecat", "molecule")`;
/** By the server, of a workflow whose tasks fail. */
const PROBLEMS = defineSearchAttributeKey('TemporalReportedProblems', 'KEYWORD_LIST');
/** Of each kind of trouble so many are looked at; the others are, once these are mended. */
const LISTED_MAX = 100;
/** Most of them wait before the ladder, and are none of the deacon's. */
const ESCALATED_MAX = 2_000;
/** How the others do, their polecats show. */
const MOLECULES_MAX = 1_000;
const MARK_CHARS = 16;
/** Of open escalations, whom the others are told by. */
const ASKED_AT_ONCE = 10;
const ESCALATION_ANSWERS_MS = 5_000;
/** A deacon that does not answer soon does not answer. */
const answersMs = (patience: number): number => Math.min(10_000, Math.max(2_000, 60_000 * patience));
/** So many boots that failed one after the other are no chance; later ones may be under way still. */
const BOOTS_DEAD = 3;
const BOOTS_LOOKED_AT = 6;
const DEAD = ['FAILED', 'TIMED_OUT', 'TERMINATED'];

type Watching = Omit<WatchActivities, 'redispatch' | 'lookAtHolders'>;
type Deps = { readonly client: Client; readonly readTown: ReadTown };

export function watchActivities({ client, readTown }: Deps, plugins: Pick<PluginKeeper, 'areChanged'>): Watching {
  return {
    lookAtDeacon: async ({ patience }) => {
      const look = await lookAtDeacon(client, answersMs(patience));
      return (await plugins.areChanged()) ? { ...look, arePluginsChanged: true } : look;
    },
    lookCloser: () => lookCloser(client),
    surveyTown: () => surveyTown(client),
    findRigHolds: (request) => findRigHolds(client, request),
    findRefineryBefore: ({ rig }) => lastKept(client, refineryKeptQuery, refineryOf(rig)),
    findPersonBefore: ({ address }) => lastKept(client, personKeptQuery, address),
    findDeaconBefore: () => lastKept(client, deaconKeptQuery, DEACON),
    findHoldBefore: () => findHoldBefore(client),
    findRigs: () => findRigs(client),
    startDeacon: (request) => startDeacon(client, request),
    startWitness: (request) => startRole('witness', { client, readTown }, request),
    startRefinery: (request) => startRole('refinery', { client, readTown }, request),
    startDaemon: ({ patience }) => keepDaemon(client, patience),
  };
}

async function startRole(
  role: RoleRequest['role'],
  { client, readTown }: Deps,
  { rig: name, patience }: Parameters<WatchActivities['startWitness']>[0],
): Promise<boolean> {
  // Before it is read: what changes in between is told again by the next one.
  const readAtMs = Date.now();
  const read = await readTown();
  if (!read.ok) throw refuse('BadTown', read.problems);
  const rig = own(read.town.rigs, name);
  if (rig === undefined) return false;
  await ensureRole(client, { role, rig: told(rig, readAtMs), patience });
  return true;
}

async function lookAtDeacon(client: Client, answerMs: number): Promise<Look> {
  const open = await openWork(client);
  if (!(await isOpen(client, { workflowId: DEACON, firstRunId: null }))) return { deacon: { kind: 'none' }, open };
  const ask = () => client.workflow.getHandle(DEACON).query(heartbeatQuery);
  const answer = await client.withDeadline(Date.now() + answerMs, ask).catch(() => null);
  if (answer === null) return { deacon: { kind: 'silent' }, open };
  const { pending, patience, ...beat } = answer;
  return { deacon: { kind: 'beating', beat, pending, patience }, open };
}

async function lookCloser(client: Client): Promise<readonly string[]> {
  const { raw, historyLength, startTime } = await client.workflow.getHandle(DEACON).describe();
  const acts = (raw.pendingActivities ?? []).map(({ activityType, attempt, lastHeartbeatTime, lastFailure }) => {
    const beat = lastHeartbeatTime ? `, its last heartbeat at ${timeOf(lastHeartbeatTime)}` : '';
    const failed = lastFailure?.message ? `, after a failure: ${lastFailure.message.slice(0, 300)}` : '';
    return `it waits for its act ${activityType?.name ?? ''}, attempt ${attempt ?? 1}${beat}${failed}`;
  });
  const { pendingWorkflowTask: task } = raw;
  return [
    `it has run since ${startTime.toISOString()}, with ${historyLength} events`,
    ...(task ? [`a task of its workflow is open, attempt ${task.attempt ?? 1}`] : []),
    ...acts,
  ];
}

const timeOf = (time: { readonly seconds?: unknown }): string => new Date(Number(time.seconds) * 1_000).toISOString();

async function openWork(client: Client): Promise<number> {
  return (await client.workflow.count(OPEN_WORK)).count;
}

async function surveyTown(client: Client): Promise<Survey> {
  const [open, work, molecules, witnesses, refineries, queued, failing, waiting, escalations, silent, daemon] =
    await Promise.all([
      openWork(client),
      listed(client, `${RUNNING} AND GtRole IN ("mission", "polecat")`, Infinity),
      listed(client, `${RUNNING} AND GtRole="molecule"`, MOLECULES_MAX),
      listed(client, `${RUNNING} AND GtRole="witness"`, Infinity),
      listed(client, `${RUNNING} AND GtRole="refinery"`, Infinity),
      listed(client, QUEUED, LISTED_MAX),
      listed(client, FAILING, LISTED_MAX).catch(unlessBarred(null)),
      listed(client, ESCALATED, ESCALATED_MAX),
      listed(client, ESCALATIONS, Infinity),
      endedUnheard(client),
      lookAtDaemon(client).catch(unlessBarred({ kind: 'unseen' } as const)),
    ]);
  const ended = silent.filter(({ mission }) => !work.some(({ id }) => id === mission));
  const merging = sorted(work.flatMap(({ phase, rigs }) => (phase === 'merging' ? rigs : [])));
  const refined = refineries.flatMap(({ id }) => rigOfRefinery(id) ?? []);
  const idle = witnesses.filter(({ phase, waitsFor }) => phase === 'waiting' && waitsFor === 'claims');
  const free = idle.flatMap(({ id }) => rigOfWitness(id) ?? []);
  const witnessed = witnesses.flatMap(({ id }) => rigOfWitness(id) ?? []);
  return {
    open,
    rigs: sorted(work.flatMap(({ rigs }) => rigs)),
    witnessed: sorted(witnessed),
    unrefined: merging.filter((rig) => !refined.includes(rig)),
    unheld: sorted(witnesses.flatMap(({ id, phase }) => (phase === 'paused' ? [] : (rigOfWitness(id) ?? [])))),
    failing:
      failing === null ? null : failing.map(({ id, problems }) => ({ id, says: problems.join(', ') })).toSorted(byId),
    escalated: (await unescalated(client, waiting, escalations))
      .map(({ id, waitsFor }) => ({ id, waitsFor }))
      .toSorted(byId)
      .slice(0, LISTED_MAX),
    stranded: sorted(queued.flatMap(({ id, rigs }) => (isStranded(rigs, free) ? [id] : []))),
    ended,
    daemon,
    stir: stirOf(work, molecules),
  };
}

/** Of several who have the same trouble one has raised it; the others have joined, which only the escalation knows. */
async function unescalated(
  client: Client,
  waiting: readonly Listed[],
  escalations: readonly Listed[],
): Promise<Survey['escalated']> {
  const left = withoutLadder(waiting, escalations);
  if (left.length === 0) return left;
  const asked = await atMost(ASKED_AT_ONCE, escalations, async (one) => {
    const ask = () => client.workflow.getHandle(one.id).query(escalationQuery);
    const seen = await client.withDeadline(Date.now() + ESCALATION_ANSWERS_MS, ask).catch(() => null);
    const waits = (seen?.waiting ?? []).flatMap(({ at, mission }) => (mission === undefined ? [at] : [at, mission]));
    return { ...one, waits };
  });
  return withoutLadder(left, asked);
}

function stirOf(work: readonly Listed[], molecules: readonly Listed[]): Stir {
  const stands = [...work, ...molecules].map(({ id, phase, waitsFor, steps }) =>
    JSON.stringify([id, phase, waitsFor, steps]),
  );
  const mark = createHash('sha256').update(stands.toSorted().join('\n')).digest('hex').slice(0, MARK_CHARS);
  return { working: molecules.filter(({ phase }) => phase === 'working').length, mark };
}

/** One of whose rigs has no slot free, or is held, may wait for that. */
const isStranded = (rigs: readonly string[], free: readonly string[]): boolean =>
  rigs.length > 0 && rigs.every((rig) => free.includes(rig));

const sorted = (names: readonly string[]): string[] => [...new Set(names)].toSorted();
const byId = (a: { readonly id: string }, b: { readonly id: string }) => (a.id < b.id ? -1 : 1);

type Listed = {
  readonly id: string;
  readonly parent: string | null;
  readonly mission: string;
  readonly rigs: readonly string[];
  readonly phase: string;
  readonly waitsFor: string;
  readonly steps: readonly string[];
  readonly problems: readonly string[];
};

async function listed(client: Client, query: string, max: number): Promise<readonly Listed[]> {
  const found: Listed[] = [];
  for await (const one of client.workflow.list({ query })) {
    const { workflowId: id, typedSearchAttributes: pairs, parentExecution } = one;
    const parent = parentExecution?.workflowId ?? null;
    const mission = pairs.get(attribute.mission) ?? '';
    const problems = pairs.get(PROBLEMS) ?? [];
    const waitsFor = pairs.get(attribute.waitingFor) ?? '';
    const phase = pairs.get(attribute.phase) ?? '';
    const [rigs, steps] = [pairs.get(attribute.rig) ?? [], pairs.get(attribute.step) ?? []];
    found.push({ id, parent, mission, rigs, phase, waitsFor, steps, problems });
    if (found.length >= max) break;
  }
  return found;
}

async function lookAtDaemon(client: Client): Promise<Survey['daemon']> {
  try {
    const described = await client.schedule.getHandle(DAEMON).describe();
    const { paused, note = '' } = described.state;
    if (paused) return { kind: 'paused', note };
    return await lookAtBoots(client, described);
  } catch (error) {
    if (error instanceof ScheduleNotFoundError) return { kind: 'missing' };
    throw error;
  }
}

async function lookAtBoots(client: Client, { info }: ScheduleDescription): Promise<Survey['daemon']> {
  const boots = info.recentActions.slice(-BOOTS_LOOKED_AT).map(({ action }) => action.workflow);
  const statuses = await Promise.all(
    boots.map(async ({ workflowId, firstExecutionRunId }) => {
      const described = client.workflow.getHandle(workflowId, firstExecutionRunId).describe();
      return described.then(({ status }) => status.name).catch(unlessGone);
    }),
  );
  const ended = boots.filter((_, at) => statuses[at] !== 'RUNNING' && statuses[at] !== 'GONE').slice(-BOOTS_DEAD);
  const isDead = ({ workflowId }: (typeof boots)[number]) =>
    DEAD.includes(statuses[boots.findIndex((one) => one.workflowId === workflowId)] ?? '');
  const last = ended.at(-1)?.workflowId;
  if (last === undefined || ended.length < BOOTS_DEAD || !ended.every(isDead)) return { kind: 'runs' };
  return { kind: 'dying', last };
}

/** An older server knows no such attribute, and not every key may look at schedules. */
const BARRED: readonly number[] = [INVALID_ARGUMENT, PERMISSION_DENIED, UNIMPLEMENTED];

/** Instead of what this server does not tell us: a patrol sees the rest. */
function unlessBarred<T>(instead: T): (error: unknown) => T {
  return (error) => {
    const said = rpcOf(error);
    if (said !== null && BARRED.includes(said.code)) return instead;
    throw error;
  };
}

function unlessGone(error: unknown): string {
  if (error instanceof WorkflowNotFoundError) return 'GONE';
  throw error;
}

async function startDeacon(
  client: Client,
  { patience, reason }: Parameters<WatchActivities['startDeacon']>[0],
): Promise<void> {
  const { activityId, workflowExecution } = activityInfo();
  const id = `patrol:${workflowExecution?.runId ?? ''}:${activityId}`;
  await client.workflow.signalWithStart(DEACON, {
    workflowId: DEACON,
    taskQueue: TOWN_QUEUE,
    args: [{ patience }],
    signal: deaconMessages.patrol.signal,
    signalArgs: [{ id, by: 'town', reason, patience }],
    staticSummary: 'the deacon of the town',
    typedSearchAttributes: startOfRole(DEACON),
  });
}
