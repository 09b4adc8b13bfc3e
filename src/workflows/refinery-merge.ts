/** One try to land one request, and the mail that says how it went. */
import { CancellationScope, condition, isCancellation } from '@temporalio/workflow';
import type { Landed, MergeTask, Prepared } from '../contract/activities.js';
import { confined } from '../town/confinement.js';
import type { Letter } from '../town/mail.js';
import type { MergeRequest } from '../town/refinery.js';
import type { RigSnapshot } from '../town/rig.js';
import { unreachable } from '../town/unreachable.js';
import { inSessions, onHost, town } from './hands.js';
import { commandMs } from './patience.js';

export type Outcome =
  | { readonly kind: 'merged'; readonly commit: string }
  | { readonly kind: 'conflict'; readonly files: readonly string[]; readonly base: string }
  | { readonly kind: 'gate-failed'; readonly gate: string; readonly log: string }
  | { readonly kind: 'missing' }
  | { readonly kind: 'removed'; readonly why: string }
  /** The target went on meanwhile: once more, from the new one. */
  | { readonly kind: 'moved' }
  | { readonly kind: 'refused'; readonly reason: string }
  /** Nobody's work is at fault: somebody has to mend the gate first. */
  | { readonly kind: 'held'; readonly why: string };

export type Watcher = {
  /** An earlier try may have left its worktree. */
  readonly again: boolean;
  readonly stage: (stage: string) => void;
  readonly removed: () => string | null;
};

/** Its gates are known here, and asked for one by one. */
type Task = MergeTask & { readonly rig: RigSnapshot };

export async function mergeOnce(
  request: MergeRequest,
  rig: RigSnapshot,
  patience: number,
  watcher: Watcher,
): Promise<Outcome> {
  const unwanted = watcher.removed();
  if (unwanted !== null && !watcher.again) return { kind: 'removed', why: unwanted };
  const host = await town(patience).chooseHost.executeWithOptions({ summary: `host for ${request.id}` }, []);
  const hands = onHost(patience, host);
  const { id, branch, head, target } = request;
  const task: Task = { rig, request: id, branch, head, target };
  const clearUp = (landed: boolean) =>
    hands.closeMerge.executeWithOptions({ summary: `clear up · ${id}` }, [{ ...task, landed }]);
  if (unwanted !== null) {
    await clearUp(false);
    return { kind: 'removed', why: unwanted };
  }
  watcher.stage('rebasing');
  const prepared: Prepared = await hands.prepareMerge.executeWithOptions({ summary: `rebase ${branch} on ${target}` }, [
    task,
  ]);
  const outcome = await landPrepared(prepared, task, patience, host, watcher);
  if (outcome.kind !== 'moved') await clearUp(outcome.kind === 'merged');
  return outcome;
}

async function landPrepared(
  prepared: Prepared,
  task: Task,
  patience: number,
  host: string,
  watcher: Watcher,
): Promise<Outcome> {
  switch (prepared.kind) {
    case 'conflict':
    case 'missing':
    case 'refused':
      return prepared;
    case 'empty':
      // Every patch of the branch is on the target already.
      return { kind: 'merged', commit: prepared.base };
    case 'landed':
      return { kind: 'merged', commit: prepared.commit };
    case 'prepared':
      return verifyAndPush(prepared, task, patience, host, watcher);
    default:
      return unreachable(prepared);
  }
}

async function verifyAndPush(
  { base, tip, worktree }: Extract<Prepared, { readonly kind: 'prepared' }>,
  task: Task,
  patience: number,
  host: string,
  watcher: Watcher,
): Promise<Outcome> {
  const { request, rig } = task;
  watcher.stage(`gates: ${rig.gates.map((gate) => gate.name).join(', ')}`);
  const target = { rig: rig.name, branch: task.target, base };
  const held = confined(rig, [rig.runtime.kind]);
  const gates = { request, worktree, gates: rig.gates, timeoutMs: commandMs(patience), target, ...held };
  const verdict = await unlessRemoved(watcher, () =>
    inSessions(patience, host).runGates.executeWithOptions({ summary: `gates · ${request}` }, [gates]),
  );
  if (verdict === null) return { kind: 'removed', why: watcher.removed() ?? 'removed' };
  if (verdict.kind === 'failed') return { kind: 'gate-failed', gate: verdict.gate, log: verdict.log };
  if (verdict.kind === 'could-not-run')
    return { kind: 'held', why: `gate "${verdict.gate}" could not run: ${verdict.log}` };
  const why = watcher.removed();
  if (why !== null) return { kind: 'removed', why };
  watcher.stage('landing');
  const summary = `push ${tip.slice(0, 10)} to ${task.target}`;
  const landed: Landed = await onHost(patience, host).landMerge.executeWithOptions({ summary }, [
    { ...task, base, tip },
  ]);
  switch (landed.kind) {
    case 'merged':
      return landed;
    case 'moved':
      return { kind: 'moved' };
    case 'refused':
      return landed;
    default:
      return unreachable(landed);
  }
}

/** What `act` gives, or null when the request was taken out of the queue before: then the act is cancelled, and has ended. */
function unlessRemoved<T>(watcher: Watcher, act: () => Promise<T>): Promise<T | null> {
  return CancellationScope.cancellable(async () => {
    const acting = act().then(
      (value) => ({ value }),
      (error: unknown) => {
        if (isCancellation(error) && watcher.removed() !== null) return null;
        throw error;
      },
    );
    await Promise.race([acting, condition(() => watcher.removed() !== null)]);
    // Ends whichever of the two is still going.
    CancellationScope.current().cancel();
    return (await acting)?.value ?? null;
  });
}

export function requestOf({ keys }: Extract<Letter, { readonly type: 'MERGE_READY' }>, sinceMs: number): MergeRequest {
  return {
    id: keys.Request,
    branch: keys.Branch,
    head: keys.Head,
    target: keys.Target,
    issue: keys.Issue,
    mission: keys.Mission,
    polecat: keys.Polecat,
    incarnation: keys.Incarnation,
    priority: keys.Priority,
    round: keys.Round,
    sinceMs,
  };
}

/** The verdict as the mail that goes back to the polecat by way of the witness. */
export function letterOf(
  request: MergeRequest,
  rig: string,
  outcome: Exclude<Outcome, { readonly kind: 'moved' | 'refused' | 'held' }>,
  at: string,
): Letter {
  const keys = {
    Request: request.id,
    Branch: request.branch,
    Head: request.head,
    Target: request.target,
    Issue: request.issue,
    Mission: request.mission,
    Polecat: request.polecat,
    Incarnation: request.incarnation,
    Rig: rig,
  };
  const failed = (type: string, text: string, gate?: string): Letter => ({
    type: 'MERGE_FAILED',
    keys: { ...keys, 'Failure-Type': type, 'Failed-At': at, ...(gate === undefined ? {} : { Gate: gate }) },
    text,
  });
  switch (outcome.kind) {
    case 'merged':
      return { type: 'MERGED', keys: { ...keys, 'Merge-Commit': outcome.commit, 'Merged-At': at }, text: '' };
    case 'conflict': {
      const files = outcome.files.join(', ');
      const text = `Rebase ${request.branch} on origin/${request.target} (${outcome.base}) and resolve: ${files}`;
      return { type: 'REWORK_REQUEST', keys: { ...keys, 'Conflict-Files': files, 'Requested-At': at }, text };
    }
    case 'gate-failed':
      return failed('gate', outcome.log, outcome.gate);
    case 'missing':
      return failed('not-pushed', `The remote does not have ${request.branch} at ${request.head}.`);
    case 'removed':
      return failed('removed', outcome.why);
    default:
      return unreachable(outcome);
  }
}
