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
import {
  deleteRemoteBranch,
  everHeld,
  forgetRetired,
  isAncestor,
  pushBranch,
  remoteSha,
  retireBranch,
  retiredAt,
} from '../git/branch.js';
import { catchUp, leaveOut, takeIn, unresolved } from '../git/catch-up.js';
import { commitAll } from '../git/commit.js';
import { Blocked } from '../git/git-error.js';
import { commitOf } from '../git/git.js';
import { aboutStrays, strayLinks } from '../git/gitlinks.js';
import { fetchMirror, openMirror } from '../git/mirror.js';
import { salvage } from '../git/salvage.js';
import type { Place, WorktreeState } from '../git/worktree.js';
import { isForeign, madeFor, openWorktree, removeWorktree, worktreeState } from '../git/worktree.js';
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
    catchUp: (ref) =>
      orRefuse(ref.rig.name, () =>
        catchUp({ ...placeOf(places, ref), target: ref.rig.branch, author: authorFor(ref) }),
      ),
    acceptStep: (request) => orRefuse(request.rig.name, () => acceptStep(placeOf(places, request), request)),
    submit: (ref) => orRefuse(ref.rig.name, () => submit(placeOf(places, ref), ref)),
    salvage: (ref) => salvageSandbox(placeOf(places, ref), ref).catch(left),
    nuke: (request) => {
      const place = placeOf(places, request);
      return nuke(place, request).catch((error: unknown) => stays(place, request.branch, error));
    },
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
  const committed = await commit(place, request, message, 'left');
  if (committed.kind === 'refused') return rejected(committed.why);
  const red = request.command === null ? null : await runAcceptance(place, request, request.command);
  if (red !== null) return rejected(red);
  return push(place, request.branch, committed.head, request.since);
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

type Since = { readonly since: string };
type Committed =
  | { readonly kind: 'committed'; readonly head: string }
  | { readonly kind: 'refused'; readonly why: string };

/**
 * Commits everything and takes in what somebody else pushed to the branch; what stands in the way is for the agent. Conflicts
 * are left in the files where somebody will work on.
 */
async function commit(
  place: Place,
  ref: SandboxRef & Since,
  message: string,
  conflicts: 'left' | 'undone',
): Promise<Committed> {
  try {
    const head = await commitAll({ ...place, message, author: authorFor(ref), since: ref.since });
    return await takeInOthers(place, ref, head, conflicts);
  } catch (error) {
    if (error instanceof Blocked) return { kind: 'refused', why: error.message };
    throw error;
  }
}

/**
 * What was pushed on top of our last push is merged, so that neither side is lost. A branch that was rewritten is left to a
 * person: what was taken out of it on purpose must not come back by itself.
 */
async function takeInOthers(
  place: Place,
  ref: SandboxRef & Since,
  head: string,
  then: 'left' | 'undone',
): Promise<Committed> {
  const { mirror } = place;
  const { branch, since } = ref;
  const remote = await remoteSha({ mirror, branch });
  if (remote === null || remote === since) return { kind: 'committed', head };
  if ((await commitOf(mirror, remote)) === null) await fetchMirror(mirror);
  if ((await commitOf(mirror, remote)) === null)
    return { kind: 'refused', why: `${branch} moves on the remote just now: close the step again` };
  if (await isAncestor({ mirror, ancestor: remote, descendant: head })) return { kind: 'committed', head };
  const told = `somebody pushed to ${branch}, which is at ${remote} on the remote`;
  const isOnTop =
    (await commitOf(mirror, since)) !== null && (await isAncestor({ mirror, ancestor: since, descendant: remote }));
  if (!isOnTop) {
    const why = `${told} and no longer holds what was pushed before (${since}): to keep both, git merge origin/${branch}`;
    return { kind: 'refused', why: `${why}; to drop theirs, git push --force origin ${head}:refs/heads/${branch}` };
  }
  const message = `Merge what was pushed to ${branch}`;
  const { conflicts } = await takeIn({ ...place, commit: remote, message, author: authorFor(ref) });
  if (conflicts.length > 0) {
    if (then === 'undone') await leaveOut(place);
    const why = `${told}; merged into the sandbox, that conflicts in ${conflicts.join(', ')}: resolve them`;
    return { kind: 'refused', why };
  }
  const now = await worktreeState(place);
  return { kind: 'committed', head: now?.head ?? head };
}

/** The branch moves on from where the remote is known to be; what somebody else put there is never overwritten. */
async function push(place: Place, branch: string, head: string, since: string): Promise<Acceptance> {
  const { mirror } = place;
  const remote = await remoteSha({ mirror, branch });
  const isKnown = remote === null || remote === since || (await commitOf(mirror, remote)) !== null;
  const mayMove =
    isKnown &&
    (remote === null || remote === since || (await isAncestor({ mirror, ancestor: remote, descendant: head })));
  const result = mayMove
    ? await pushBranch({ mirror, branch, sha: head, expected: remote })
    : ({ kind: 'diverged', remote } as const);
  switch (result.kind) {
    case 'pushed':
      return { kind: 'accepted', head };
    case 'diverged':
      return rejected(
        `somebody pushed to ${branch} just now, which is at ${result.remote} on the remote: close the step again, and it is taken in`,
      );
    case 'refused':
      return rejected(`the remote refuses the push of ${branch}: ${result.reason}`);
    default:
      return unreachable(result);
  }
}

async function submit(place: Place, ref: SandboxRef & Since): Promise<Submission> {
  const { mirror } = place;
  const state = await worktreeState(place);
  if (state === null) return { kind: 'refused', why: `the sandbox ${place.path} is gone` };
  const committed = await commit(place, ref, `Leftovers of ${ref.branch}\n`, 'undone');
  if (committed.kind === 'refused') return committed;
  const { head } = committed;
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
  const { branch } = ref;
  const { mirror } = place;
  const remote = await remoteSha({ mirror, branch });
  // What was pushed from here may be replaced by its rebased self, what somebody else pushed may not.
  const isOurs = remote !== null && (await everHeld({ mirror, branch, commit: remote }));
  const expected = isOurs ? remote : null;
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

/** The same for the last act on a sandbox, which may have removed it already. */
async function stays(place: Place, branch: string, error: unknown): Promise<Nuke> {
  if (!needsPerson(error)) throw error;
  if ((await madeFor(place)) === branch) return kept(error.message);
  return { kind: 'gone', where: `its branch ${branch} may be left on the remote: ${error.message}` };
}

async function nuke(place: Place, request: SandboxRef & { readonly landed: boolean }): Promise<Nuke> {
  const { mirror } = place;
  const { branch, rig } = request;
  await endSessions(branch);
  const state = (await madeFor(place)) === branch ? await worktreeState(place) : null;
  const loose = state === null ? null : await looseIn(place, state);
  if (loose !== null) return kept(loose);
  const retired = await retiredAt({ mirror, branch });
  const head = state?.head ?? (await commitOf(mirror, `refs/heads/${branch}`)) ?? retired;
  if (head === null) return { kind: 'gone', where: 'there was no work to keep' };
  const remote = await remoteSha({ mirror, branch });
  const isKnown = retired === head || remote === head || (await isOnRemote(mirror, head, [branch, rig.branch]));
  // A worktree that is gone was removed by an earlier attempt of this very act. What is not proved stays in the mirror.
  if (!isKnown) {
    if (state !== null)
      return kept(`the commits up to ${head} are neither on the remote's ${branch} nor on ${rig.branch}`);
    return { kind: 'gone', where: `its work is on branch ${branch} of ${mirror} only` };
  }
  if (!(await isForeign(place, branch))) await removeWorktree(place);
  await retireBranch({ mirror, branch, expected: head });
  const where = request.landed
    ? await clearRemote(mirror, branch, head)
    : remote === null
      ? 'there was no work to keep'
      : `its work is on branch ${branch}`;
  await forgetRetired({ mirror, branch });
  return { kind: 'gone', where };
}

/** What in a sandbox no commit holds, in words; null when there is nothing. */
async function looseIn(place: Place, state: WorktreeState): Promise<string | null> {
  if (state.dirty.length > 0) return `not committed: ${state.dirty.slice(0, 5).join(', ')}`;
  const strays = (await strayLinks(place)).filter((link) => link.inside !== 'nothing');
  return strays.length === 0 ? null : aboutStrays(strays.map((link) => link.path));
}

/** A branch that has landed goes, unless somebody pushed to it or the remote keeps it. */
async function clearRemote(mirror: string, branch: string, head: string): Promise<string> {
  const deletion = await deleteRemoteBranch({ mirror, branch, expected: head });
  switch (deletion.kind) {
    case 'deleted':
      return 'its work has landed';
    case 'diverged':
      return `its work has landed; somebody pushed to ${branch}, which is left on the remote`;
    case 'refused':
      return `its work has landed; the remote keeps ${branch}: ${deletion.reason}`;
    default:
      return unreachable(deletion);
  }
}

async function isOnRemote(mirror: string, head: string, branches: readonly string[]): Promise<boolean> {
  await fetchMirror(mirror);
  for (const branch of branches) {
    const now = await commitOf(mirror, `refs/remotes/origin/${branch}`);
    if (now !== null && (await isAncestor({ mirror, ancestor: head, descendant: now }))) return true;
  }
  return false;
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
