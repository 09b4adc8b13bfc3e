/** Acts on sandboxes: open, check and push, hand in, salvage, nuke. Git does the work; what counts as done is decided here. */
import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { Context } from '@temporalio/activity';
import type {
  AcceptRequest,
  Acceptance,
  HostActivities,
  Nuke,
  Salvage,
  SandboxRef,
  Submission,
} from '../contract/activities.js';
import type { Sandbox } from '../contract/polecat.js';
import { authorOf } from '../git/author.js';
import { deleteLocalBranch, deleteRemoteBranch, isAncestor, pushBranch, remoteSha } from '../git/branch.js';
import { catchUp, unresolved } from '../git/catch-up.js';
import { commitAll } from '../git/commit.js';
import { commitOf } from '../git/git.js';
import { fetchMirror, openMirror } from '../git/mirror.js';
import { salvage } from '../git/salvage.js';
import type { Place } from '../git/worktree.js';
import { openWorktree, removeWorktree, worktreeState } from '../git/worktree.js';
import { plainEnvironment } from '../process/environment.js';
import { findMarked, killMarked } from '../process/mark.js';
import { runShell } from '../process/run.js';
import type { RunResult } from '../process/run.js';
import { polecatAt } from '../town/address.js';
import { unreachable } from '../town/unreachable.js';
import { refuse } from './beating.js';
import { needsPerson, orRefuse } from './git-trouble.js';
import type { Places } from './places.js';

type SandboxActivities = Pick<HostActivities, 'openSandbox' | 'catchUp' | 'acceptStep' | 'submit' | 'salvage' | 'nuke'>;

export function sandboxActivities(places: Places): SandboxActivities {
  return {
    openSandbox: (ref) => orRefuse(ref.rig.name, () => openSandbox(places, ref)),
    catchUp: (ref) => catchUp({ ...placeOf(places, ref), target: ref.rig.branch, author: authorFor(ref) }),
    acceptStep: (request) => orRefuse(request.rig.name, () => acceptStep(placeOf(places, request), request)),
    submit: (ref) => orRefuse(ref.rig.name, () => submit(placeOf(places, ref), ref)),
    salvage: (ref) => salvageSandbox(placeOf(places, ref), ref).catch(left),
    nuke: (request) => nuke(placeOf(places, request), request),
  };
}

function placeOf(places: Places, { rig, name, incarnation }: SandboxRef): Place {
  return { mirror: places.mirror(rig.name), path: places.sandbox(rig.name, name, incarnation) };
}

function authorFor({ rig, name }: SandboxRef) {
  return authorOf(polecatAt(rig.name, name));
}

async function openSandbox(places: Places, ref: SandboxRef): Promise<Sandbox> {
  const place = placeOf(places, ref);
  await openMirror({ path: place.mirror, url: ref.rig.url });
  await fetchMirror(place.mirror);
  if ((await commitOf(place.mirror, `refs/remotes/origin/${ref.rig.branch}`)) === null) {
    throw refuse(
      'BadTown',
      `rig "${ref.rig.name}": ${ref.rig.url} has no branch "${ref.rig.branch}"; correct town.toml or push it`,
    );
  }
  await ignoreHalfWritten(place.mirror);
  const { path, branch, base } = await openWorktree({ ...place, branch: ref.branch, from: `origin/${ref.rig.branch}` });
  return { path, branch, base };
}

/** What a kill in the middle of writing leaves beside a file (see `agents/whole-file`) is nobody's work. */
async function ignoreHalfWritten(mirror: string): Promise<void> {
  await mkdir(join(mirror, 'info'), { recursive: true });
  await writeFile(join(mirror, 'info', 'exclude'), '.*.gt-part\n');
}

const rejected = (why: string): Acceptance => ({ kind: 'rejected', why });
const kept = (why: string): Nuke => ({ kind: 'kept', why });

async function acceptStep(place: Place, request: AcceptRequest): Promise<Acceptance> {
  const state = await worktreeState(place);
  if (state === null) return rejected(`the sandbox ${place.path} is gone`);
  if (state.rebasing) return rejected('a rebase is in progress: finish it (git rebase --continue) or abort it');
  if (state.branch !== request.branch) {
    return rejected(
      `the sandbox is on ${state.branch ?? 'no branch'}: go back to ${request.branch}, with the work on it`,
    );
  }
  const conflicts = await unresolved(place);
  if (conflicts.length > 0) return rejected(`conflict markers are left in ${conflicts.join(', ')}: resolve them`);
  if (request.mustMove && state.head === request.since && state.dirty.length === 0) {
    return rejected('the step was called done, but nothing changed: do the work, or close with the verdict no-changes');
  }
  const { title, summary, molecule, step, item } = request;
  const trailers = `Gt-Item: ${item}\nGt-Molecule: ${molecule}\nGt-Step: ${step}`;
  const message = `${title}\n\n${summary}\n\n${trailers}\n`;
  const head = await commitAll({ ...place, message, author: authorFor(request) });
  const red = request.command === null ? null : await runAcceptance(place, request, request.command);
  if (red !== null) return rejected(red);
  return push(place, request.branch, head, request.since);
}

/** A cancelled step waits for no command: whoever gave up the work wants its sandbox now. */
async function runAcceptance(place: Place, request: AcceptRequest, command: string): Promise<string | null> {
  const mark = `${request.molecule}/${request.step}/acceptance`;
  const signal = Context.current().cancellationSignal;
  await killMarked(mark);
  const { timeoutMs } = request;
  const env = plainEnvironment({ CI: 'true' });
  try {
    const result = await runShell(command, { cwd: place.path, env, mark, signal, timeoutMs });
    signal.throwIfAborted();
    if (result.end.kind === 'exited' && result.end.code === 0) return null;
    return `the acceptance command \`${command}\` ${howItEnded(result)}:\n${tailOf(result)}`;
  } finally {
    await killMarked(mark);
  }
}

/** The branch moves on from where the remote is known to be; what somebody else put there is never overwritten. */
async function push(place: Place, branch: string, head: string, since: string): Promise<Acceptance> {
  const { mirror } = place;
  const remote = await remoteSha({ mirror, branch });
  const mayMove =
    remote === null || remote === since || (await isAncestor({ mirror, ancestor: remote, descendant: head }));
  const result = mayMove
    ? await pushBranch({ mirror, branch, sha: head, expected: remote })
    : ({ kind: 'diverged', remote } as const);
  switch (result.kind) {
    case 'pushed':
      return { kind: 'accepted', head };
    case 'diverged':
      return rejected(`the remote's ${branch} is at ${result.remote}, which this sandbox does not have: merge it`);
    case 'refused':
      return rejected(`the remote refuses the push of ${branch}: ${result.reason}`);
    default:
      return unreachable(result);
  }
}

async function submit(place: Place, ref: SandboxRef & { readonly since: string }): Promise<Submission> {
  const { mirror } = place;
  const state = await worktreeState(place);
  if (state === null) return { kind: 'refused', why: `the sandbox ${place.path} is gone` };
  const head = await commitAll({ ...place, message: `Leftovers of ${ref.branch}\n`, author: authorFor(ref) });
  await fetchMirror(mirror);
  const target = await commitOf(mirror, `refs/remotes/origin/${ref.rig.branch}`);
  if (target !== null && (await isAncestor({ mirror, ancestor: head, descendant: target })))
    return { kind: 'nothing', head };
  const pushed = await push(place, ref.branch, head, ref.since);
  return pushed.kind === 'accepted' ? { kind: 'submitted', head } : { kind: 'refused', why: pushed.why };
}

async function salvageSandbox(place: Place, ref: SandboxRef): Promise<Salvage> {
  await endSessions(ref.branch);
  await openMirror({ path: place.mirror, url: ref.rig.url });
  const expected = await remoteSha({ mirror: place.mirror, branch: ref.branch });
  const saved = await salvage({ ...place, worktree: place.path, branch: ref.branch, author: authorFor(ref), expected });
  switch (saved.kind) {
    case 'clean':
      return saved;
    case 'pushed':
      return { kind: 'pushed', branch: saved.branch, head: saved.head };
    case 'unpushed':
      return { kind: 'unpushed', why: saved.reason };
    default:
      return unreachable(saved);
  }
}

/** A remote that only a person can bring back: the sandbox stays, and the work in it. */
function left(error: unknown): Salvage {
  if (!needsPerson(error)) throw error;
  return { kind: 'unpushed', why: error.message };
}

/** Sessions and acceptance commands carry marks that begin with their molecule, for which the branch is named. */
async function endSessions(branch: string): Promise<void> {
  const molecule = branch.slice(branch.lastIndexOf('/') + 1);
  const left = await findMarked((mark) => mark.startsWith(`${molecule}/`) || mark.startsWith(`${molecule}-r`));
  for (const mark of new Set(left.map((one) => one.mark))) await killMarked(mark);
}

async function nuke(place: Place, request: SandboxRef & { readonly landed: boolean }): Promise<Nuke> {
  const { mirror } = place;
  const { branch, rig, landed } = request;
  await endSessions(branch);
  const state = await worktreeState(place);
  const head = state?.head ?? (await commitOf(mirror, `refs/heads/${branch}`));
  if (state !== null && state.dirty.length > 0) return kept(`not committed: ${state.dirty.slice(0, 5).join(', ')}`);
  if (head === null) return { kind: 'gone', where: 'there was no work to keep' };
  const remote = await remoteSha({ mirror, branch });
  const isKnown = remote === head || (await isOnTarget(mirror, head, rig.branch));
  // A worktree that is gone was removed by an earlier attempt of this very act. What is not proved stays in the mirror.
  if (!isKnown && state !== null)
    return kept(`the commits up to ${head} are neither on the remote's ${branch} nor on ${rig.branch}`);
  await removeWorktree(place);
  if (landed && remote !== null) await deleteRemoteBranch({ mirror, branch, expected: head });
  if (isKnown) await deleteLocalBranch({ mirror, branch, expected: head });
  return { kind: 'gone', where: remote === null ? 'there was no work to keep' : `its work is on branch ${branch}` };
}

async function isOnTarget(mirror: string, head: string, target: string): Promise<boolean> {
  await fetchMirror(mirror);
  const now = await commitOf(mirror, `refs/remotes/origin/${target}`);
  if (now === null) return false;
  return isAncestor({ mirror, ancestor: head, descendant: now });
}

const TAIL_CHARS = 4_000;

export function tailOf(result: RunResult): string {
  return `${result.stdout}${result.stderr}`.trim().slice(-TAIL_CHARS);
}

export function howItEnded({ end }: RunResult): string {
  switch (end.kind) {
    case 'exited':
      return `exited with ${end.code}`;
    case 'signalled':
      return `was killed by ${end.signal}`;
    case 'timed-out':
      return 'ran out of time';
    case 'cancelled':
      return 'was cancelled';
    case 'not-started':
      return `could not be started: ${end.reason}`;
    default:
      return unreachable(end);
  }
}
