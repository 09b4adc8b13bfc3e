/** What a refinery reads of a hand-in, and the mail that says how it went. */
import type { Letter } from '../town/mail.js';
import type { MergeRequest, Queued } from '../town/refinery.js';
import { unreachable } from '../town/unreachable.js';
import type { Verdict } from './refinery-outcome.js';

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
    ...(keys['Mission-Since'] === undefined ? {} : { missionSinceMs: Date.parse(keys['Mission-Since']) }),
    ...(keys.Strategy === undefined ? {} : { strategy: keys.Strategy }),
    ...(keys['Only-Verify'] === undefined ? {} : { onlyVerify: true }),
  };
}

function keysOf(request: MergeRequest, rig: string) {
  return {
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
}

/** That it waits for the rest of its mission, to whoever asks; null where it does not. */
export function verifiedLetter(request: Queued, rig: string): Letter | null {
  if (request.verified === undefined) return null;
  const { base, atMs } = request.verified;
  const keys = { ...keysOf(request, rig), 'Verified-Base': base, 'Verified-At': new Date(atMs).toISOString() };
  return { type: 'VERIFIED', keys, text: '' };
}

/** The verdict as the mail that goes back to the polecat by way of the witness. */
export function letterOf(request: MergeRequest, rig: string, outcome: Verdict, at: string): Letter {
  const keys = keysOf(request, rig);
  const failed = (type: string, text: string, gate?: string): Letter => ({
    type: 'MERGE_FAILED',
    keys: { ...keys, 'Failure-Type': type, 'Failed-At': at, ...(gate === undefined ? {} : { Gate: gate }) },
    text,
  });
  switch (outcome.kind) {
    case 'merged':
      return { type: 'MERGED', keys: { ...keys, 'Merge-Commit': outcome.commit, 'Merged-At': at }, text: '' };
    case 'conflict': {
      const onto = `Rebase ${request.branch} on origin/${request.target} (${outcome.base})`;
      if (outcome.files.length === 0) return failed('not-fast-forward', `${onto}: as it is it cannot land there.`);
      const files = outcome.files.join(', ');
      const text = `${onto} and resolve: ${files}`;
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
