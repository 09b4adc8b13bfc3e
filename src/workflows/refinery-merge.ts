/** One try to land one request, and the mail that says how it went. */
import { CancellationScope, condition, isCancellation } from '@temporalio/workflow';
import type { MergeTask, Prepared } from '../contract/merge-activities.js';
import { confined } from '../town/confinement.js';
import type { Letter } from '../town/mail.js';
import type { MergeRequest } from '../town/refinery.js';
import type { RigSnapshot } from '../town/rig.js';
import { unreachable } from '../town/unreachable.js';
import { inSessions, lossOf, onHost, town } from './hands.js';
import { commandMs } from './patience.js';

export type Outcome =
  | { readonly kind: 'merged'; readonly commit: string }
  | { readonly kind: 'conflict'; readonly files: readonly string[]; readonly base: string }
  | { readonly kind: 'gate-failed'; readonly gate: string; readonly log: string }
  | { readonly kind: 'missing' }
  | { readonly kind: 'removed'; readonly why: string }
  /** The target went on meanwhile: once more, from the new one. */
  | { readonly kind: 'moved' }
  /** Its host was lost meanwhile: once more on another one. `pushing`: what may have been pushed there. */
  | { readonly kind: 'host-lost'; readonly pushing: string | null }
  | { readonly kind: 'refused'; readonly reason: string }
  /** Nobody's work is at fault: somebody has to mend the gate first. */
  | { readonly kind: 'held'; readonly why: string };

export type Watcher = {
  /** An earlier try may have left its worktree. */
  readonly again: boolean;
  readonly stage: (stage: string) => void;
  readonly removed: () => string | null;
  /** What an earlier try, on a host that was lost then, may have pushed. */
  readonly pushing: string | null;
};

/** Its gates are known here, and asked for one by one. */
type Task = MergeTask & { readonly rig: RigSnapshot };

/** What one try works with. */
type Try = {
  readonly patience: number;
  readonly host: string;
  readonly watcher: Watcher;
  /** Of the gates. */
  readonly held: ReturnType<typeof confined>;
};

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
  const { pushing } = watcher;
  const task: Task = { rig, request: id, branch, head, target, ...(pushing === null ? {} : { pushing }) };
  // What is left on a host that is lost is in nobody's way.
  const clearUp = (landed: boolean) =>
    orLost(hands.closeMerge.executeWithOptions({ summary: `clear up · ${id}` }, [{ ...task, landed }]), undefined);
  if (unwanted !== null) {
    await clearUp(false);
    return { kind: 'removed', why: unwanted };
  }
  watcher.stage('rebasing');
  const lost = { kind: 'host-lost', pushing } as const;
  const summary = `rebase ${branch} on ${target}`;
  const prepared = await orLost(hands.prepareMerge.executeWithOptions({ summary }, [task]), lost);
  if (prepared.kind === 'host-lost') return prepared;
  // What they run a model may have written, whatever the rig's own runtime is.
  const held = confined(rig, [rig.runtime.kind, ...(request.workedBy ?? [])]);
  const outcome = await orLost(landPrepared(prepared, task, { patience, host, watcher, held }), lost);
  if (outcome.kind !== 'moved' && outcome.kind !== 'host-lost') await clearUp(outcome.kind === 'merged');
  return outcome;
}

async function landPrepared(prepared: Prepared, task: Task, how: Try): Promise<Outcome> {
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
      return verifyAndPush(prepared, task, how);
    default:
      return unreachable(prepared);
  }
}

async function verifyAndPush(
  { base, tip, worktree }: Extract<Prepared, { readonly kind: 'prepared' }>,
  task: Task,
  { patience, host, watcher, held }: Try,
): Promise<Outcome> {
  const { request, rig } = task;
  watcher.stage(`gates: ${rig.gates.map((gate) => gate.name).join(', ')}`);
  const target = { rig: rig.name, branch: task.target, base };
  const gates = { request, worktree, gates: rig.gates, timeoutMs: commandMs(patience), tip, target, ...held };
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
  const landing = onHost(patience, host).landMerge.executeWithOptions({ summary }, [{ ...task, base, tip }]);
  const landed = await orLost(landing, { kind: 'host-lost', pushing: tip } as const);
  switch (landed.kind) {
    case 'merged':
      return landed;
    case 'moved':
      return { kind: 'moved' };
    case 'refused':
    case 'host-lost':
      return landed;
    default:
      return unreachable(landed);
  }
}

/** `then` stands for what an act on a host gives that is lost meanwhile. */
function orLost<T, Then>(acting: Promise<T>, then: Then): Promise<T | Then> {
  return acting.catch((error: unknown) => {
    if (lossOf(error) === null) throw error;
    return then;
  });
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
    ...(keys['Worked-By'] === undefined ? {} : { workedBy: keys['Worked-By'] }),
  };
}

/** The verdict as the mail that goes back to the polecat by way of the witness. */
export function letterOf(
  request: MergeRequest,
  rig: string,
  outcome: Exclude<Outcome, { readonly kind: 'moved' | 'host-lost' | 'refused' | 'held' }>,
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
