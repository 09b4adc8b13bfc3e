/** A mission's dealings with one polecat: its start, what its end means, and what to do when it was terminated. */
import {
  ApplicationFailure,
  CancelledFailure,
  ChildWorkflowFailure,
  getExternalWorkflowHandle,
  isCancellation,
  ParentClosePolicy,
  rootCause,
  startChild,
  uuid4,
} from '@temporalio/workflow';
import type { ActivityOptions, ChildWorkflowHandle } from '@temporalio/workflow';
import type { Priority } from '@temporalio/common';
import type { SandboxRef } from '../contract/activities.js';
import type { Grant, MissionCarry, OpenPolecat, Plan } from '../contract/mission.js';
import type { PolecatInput } from '../contract/polecat.js';
import { attribute } from '../contract/search-attributes.js';
import { makeId, polecatAt } from '../town/address.js';
import { branchFor } from '../town/branch.js';
import { withFindings } from '../town/convoy.js';
import { modelsIn } from '../town/integration.js';
import type { Holder, Item, MissionState } from '../town/mission.js';
import { pickTarget } from '../town/mission.js';
import { PolecatReport, type Landing } from '../town/polecat-report.js';
import { findingsOf } from '../town/mission-findings.js';
import { withWords } from '../town/mission-words.js';
import type { Protomolecule } from '../town/protomolecule.js';
import { rigRef, type RigSnapshot } from '../town/rig.js';
import { lossOf, onHost, town, watcher } from './hands.js';
import { patched } from './patches.js';
import type { polecat } from './polecat.js';

export type StartedPolecat = {
  readonly holder: Holder;
  readonly workflowId: string;
  readonly runId: string;
  /** By a mission that was reset: an earlier run of it has started it, and told it what held then. */
  readonly isTakenOver: boolean;
  /** Resolves when it has closed: with its report, or null when it was terminated. Never rejects. */
  readonly ended: Promise<PolecatReport | null>;
};

/** One molecule id a claim: the branch, the journals and the merge requests of this attempt are named for it. */
export function holderFor(grant: Grant, rig: RigSnapshot, host: string): Holder {
  const { claim, name, incarnation } = grant;
  return { claim, name, incarnation, host, molecule: makeId(rig.prefix, uuid4()) };
}

/** What the polecat works: as it was cooked, with what was answered when it failed, and where it is part of a convoy, with the findings of the legs it reads. */
export function protoFor(state: MissionState, { leg, words }: Item, plan: Plan): Protomolecule {
  const proto = withWords(plan.proto, words);
  return leg === undefined ? proto : withFindings(proto, (step) => findingsOf(state, leg.item, step));
}

/** The one that runs under the claim already is taken over. Null: somebody else runs under the name. */
export async function startPolecat(
  mission: string,
  item: Item,
  holder: Holder,
  rig: RigSnapshot,
  proto: Protomolecule,
  { limits, sinceMs, state }: Pick<MissionCarry, 'limits' | 'sinceMs' | 'state'>,
): Promise<StartedPolecat | null> {
  const workflowId = polecatAt(rig.name, holder.name);
  const input: PolecatInput = {
    mission,
    claim: holder.claim,
    item: { id: item.id, title: item.title, priority: item.priority },
    name: holder.name,
    incarnation: holder.incarnation,
    host: holder.host,
    molecule: holder.molecule,
    rig,
    limits,
    proto,
    ...(item.from === undefined ? {} : { from: item.from }),
    ...pickTarget(item),
    ...(item.isWhole === undefined ? {} : { isWhole: item.isWhole, workedBy: [...modelsIn(state, item)] }),
    ...(item.isTogether === undefined ? {} : { isTogether: item.isTogether }),
    ...(sinceMs === undefined ? {} : { missionSinceMs: sinceMs }),
  };
  let child: ChildWorkflowHandle<typeof polecat>;
  try {
    child = await startChild<typeof polecat>('polecat', {
      workflowId,
      args: [input],
      parentClosePolicy: ParentClosePolicy.ABANDON,
      priority: priorityOf(item, mission),
      staticSummary: `${item.title} · ${item.formula}`,
      typedSearchAttributes: [
        { key: attribute.role, value: 'polecat' },
        { key: attribute.rig, value: [rig.name] },
        { key: attribute.mission, value: mission },
        { key: attribute.formula, value: item.formula },
        { key: attribute.agent, value: [workflowId] },
        { key: attribute.phase, value: 'working' },
      ],
    });
  } catch (error) {
    if (isCancellation(error)) throw error;
    return takesOver() ? takenOver(holder, rig, limits.patience) : null;
  }
  const ended = child.result().catch(reportOfEnd);
  return { holder, workflowId, runId: child.firstExecutionRunId, isTakenOver: false, ended };
}

export const takesOver = (): boolean => patched('a polecat that runs under the claim is taken over', '0.6');

/**
 * A mission that was reset to before it started a polecat comes by the same claim, which no other mission has: whoever has that is the
 * polecat of before. One that has closed in this moment has its work looked for, as one that was terminated. Null: there is none.
 */
export async function takenOver(
  { claim, name }: Pick<Grant, 'claim' | 'name'>,
  rig: RigSnapshot,
  patience: number,
): Promise<StartedPolecat | null> {
  const how = { summary: `who runs as ${polecatAt(rig.name, name)}` };
  // The name came with the grant, and may be newer than the rig's plan.
  const { polecats } = await town(patience).findPolecats.executeWithOptions(how, [{ ...rig, names: [name] }]);
  const found = polecats.find((one) => one.claim === claim);
  if (found?.firstRunId === undefined) return null;
  const { incarnation, host, molecule, firstRunId: runId } = found;
  const holder = { claim, name: found.name, incarnation, host, molecule };
  const workflowId = polecatAt(rig.name, found.name);
  const ended = untilClosed({ workflowId, runId }, patience).then(() => null);
  return { holder, workflowId, runId, isTakenOver: true, ended };
}

/** The end of a polecat that an earlier run of its mission started. */
export function untilClosed(
  { workflowId, runId: firstRunId }: Pick<OpenPolecat, 'workflowId' | 'runId'>,
  patience: number,
): Promise<void> {
  const summary = `wait for ${workflowId}`;
  return watcher(patience).awaitClosed.executeWithOptions({ summary }, [{ workflowId, firstRunId }]);
}

/** Temporal's own keys; everything that the polecat starts has them from it. Their most is 64 bytes. */
function priorityOf({ priority }: Item, mission: string): Priority {
  return { priorityKey: priority + 1, fairnessKey: mission.replaceAll(/[^\x21-\x7e]/g, '_').slice(0, 64) };
}

/** A polecat that fails or is cancelled tells its report in the failure's details; a terminated one tells nothing. */
function reportOfEnd(error: unknown): PolecatReport | null {
  const cause = error instanceof ChildWorkflowFailure ? error.cause : error;
  if (cause instanceof ApplicationFailure || cause instanceof CancelledFailure) {
    const report = PolecatReport.safeParse(cause.details?.[0]);
    if (report.success) return report.data;
  }
  return null;
}

/**
 * One that has closed meanwhile needs no cancelling: its end is heard of in any case. An act asks for it, since a workflow can only name
 * a run, which is another one after a reset, or an id, which may be that of somebody else's polecat by now.
 */
export async function cancel(
  { workflowId, runId }: Pick<OpenPolecat, 'workflowId' | 'runId'>,
  patience: number,
): Promise<void> {
  if (patched('a polecat is cancelled whichever its run', '0.6')) {
    const how = { summary: `cancel ${workflowId}` };
    return town(patience).cancelExecution.executeWithOptions(how, [{ workflowId, firstRunId: runId }]);
  }
  await getExternalWorkflowHandle(workflowId, runId)
    .cancel()
    .catch(() => undefined);
}

/** `closedMs`: when its polecat has closed, by the server. What became of its work: `saved` on the remote, `left` in the sandbox, landed all the same, or there was none. */
export type Cleared = { readonly closedMs?: number } & What;

type What =
  | { readonly kind: 'none' | 'left'; readonly says: string }
  | { readonly kind: 'saved'; readonly says: string; readonly branch: string; readonly head: string }
  | { readonly kind: 'landed'; readonly says: string; readonly landing: Landing };

/** `target`: absent where it is the rig's branch. */
type Lying = Omit<Holder, 'claim'> & { readonly item: string; readonly target?: string };

/**
 * The sandbox of a polecat that was terminated: its work is brought to the remote and the worktree removed, so that a
 * successor under the same name starts clean.
 */
export async function clearLost(
  { item, name, incarnation, molecule, host, target }: Lying,
  rig: RigSnapshot,
  patience: number,
): Promise<Cleared> {
  const aimed = rigRef({ ...rig, branch: target ?? rig.branch });
  const ref: SandboxRef = { rig: aimed, name, incarnation, branch: branchFor(name, molecule) };
  const lost = { ref, host };
  try {
    const { closedMs, ...now } = await sandboxNow(lost, patience);
    const cleared = await clearOn(now, rig, molecule, item, patience);
    return closedMs === undefined ? cleared : { ...cleared, closedMs };
  } catch (error) {
    const why = rootCause(error) ?? String(error);
    return { kind: 'left', says: `its polecat was terminated, and its sandbox could not be cleared: ${why}` };
  }
}

type Lost = { readonly ref: SandboxRef; readonly host: string };

/** Where the sandbox is by now: the polecat may have gone on on another host than it was started for. */
async function sandboxNow({ ref, host }: Lost, patience: number): Promise<Lost & { readonly closedMs?: number }> {
  if (!patched('the sandbox of a lost polecat is asked for', '0.6')) return { ref, host };
  const { rig, name, incarnation } = ref;
  const request = { rig: rig.name, name, incarnation };
  const summary = `where is the sandbox of ${name}`;
  const found = await town(patience).findSandbox.executeWithOptions({ summary }, [request]);
  if (found === null) return { ref, host };
  const { branch, host: itsHost, closedMs } = found;
  return { ref: { ...ref, branch }, host: itsHost, ...(closedMs === undefined ? {} : { closedMs }) };
}

async function clearOn(
  { ref, host }: Lost,
  rig: RigSnapshot,
  molecule: string,
  item: string,
  patience: number,
): Promise<Cleared> {
  const { name } = ref;
  const hands = onHost(patience, host);
  try {
    // First of all: what it handed in must not land beside its successor's work.
    const landing = await leaveQueue(rig, ref, molecule, patience);
    const summary = `salvage · ${name} · ${item}`;
    const salvage = await hands.salvage.executeWithOptions({ summary }, [ref]);
    const landed = landing !== null && salvage.kind === 'clean';
    const nuke =
      salvage.kind === 'unpushed'
        ? ({ kind: 'kept', why: salvage.why } as const)
        : await hands.nuke.executeWithOptions({ summary: `nuke · ${name}` }, [{ ...ref, landed }]);
    if (landing !== null) return { kind: 'landed', says: 'its work had landed', landing };
    if (nuke.kind === 'kept')
      return { kind: 'left', says: `its polecat was terminated; its work is left in the sandbox: ${nuke.why}` };
    if (salvage.kind !== 'pushed')
      return { kind: 'none', says: 'its polecat was terminated before there was work to keep' };
    const { branch, head } = salvage;
    return { kind: 'saved', says: `its polecat was terminated; its work is on branch ${branch}`, branch, head };
  } catch (error) {
    if (lossOf(error) === null) throw error;
    const says = `its polecat was terminated, and its host ${host} is lost; what had been pushed is on branch ${ref.branch}`;
    return { kind: 'left', says };
  }
}

/** Where the work landed, null when it has not: then it never will. `options`: of whoever does not wait for that as long as it takes. */
export async function leaveQueue(
  rig: RigSnapshot,
  { name, branch, rig: { branch: target } }: SandboxRef,
  molecule: string,
  patience: number,
  options: ActivityOptions = {},
): Promise<Landing | null> {
  if (!patched('a lost polecat leaves the merge queue')) return null;
  const summary = `leave the merge queue · ${name}`;
  const request = { rig, patience, molecule, ...(target === rig.branch ? {} : { target }) };
  const { commit } = await town(patience).abandonMerge.executeWithOptions({ ...options, summary }, [request]);
  return commit === null ? null : { commit, target, branch };
}
