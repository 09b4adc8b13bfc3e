/** Acts on sandboxes: open, check and push, hand in, salvage, nuke. Git does the work; what counts as done is decided here. */
import { Context } from '@temporalio/activity';
import { endAttached } from '../agents/attached.js';
import type {
  At,
  GoBackRequest,
  HostActivities,
  Nuke,
  NukeRequest,
  Salvage,
  SandboxRef,
  Submission,
  WentBack,
} from '../contract/activities.js';
import type { Sandbox } from '../contract/polecat.js';
import { forgetAccepted } from '../git/accepted.js';
import {
  bornAt,
  deleteRemoteBranch,
  everHeld,
  forgetRetired,
  isAncestor,
  isOnRemote,
  remoteSha,
  retireBranch,
  retiredAt,
} from '../git/branch.js';
import { Blocked } from '../git/git-error.js';
import { commitOf } from '../git/git.js';
import { aboutStrays, strayLinks } from '../git/gitlinks.js';
import { fetchMirror, openMirror } from '../git/mirror.js';
import { salvage } from '../git/salvage.js';
import { aboutUnpushed, unpushedSubmodules } from '../git/submodules.js';
import type { Place, WorktreeState } from '../git/worktree.js';
import { isForeign, madeFor, openWorktree, removeWorktree, worktreeState } from '../git/worktree.js';
import { unreachable } from '../town/unreachable.js';
import { acceptStep, checkLoop, filesExist } from './accept.js';
import { afterResetBetween } from './after-reset.js';
import { leakIn } from './leaks.js';
import { needsPerson, orRefuse } from './git-trouble.js';
import { clearMerges } from './merge.js';
import type { Places } from './places.js';
import type { Since } from './publish.js';
import { authorFor, commit, moleculeOf, push, tellOfStray } from './publish.js';
import { beginningOf, openRig, rebuildSandbox } from './rebuild.js';
import type { Remotes } from './remotes.js';
import { lookInside } from './shell.js';
import { bringUp, endSessions, takeBack } from './take-back.js';

type SandboxActivities = Pick<
  HostActivities,
  | 'openSandbox'
  | 'rebuildSandbox'
  | 'catchUp'
  | 'acceptStep'
  | 'goBack'
  | 'submit'
  | 'filesExist'
  | 'runCheck'
  | 'salvage'
  | 'nuke'
>;

/** Of the activity that is under way. */
const signalNow = () => Context.current().cancellationSignal;

/** `settle`: records what is left of those who were attached to a molecule. */
export function sandboxActivities(
  places: Places,
  { urlOf, letIn }: Remotes,
  settle: (molecule: string) => Promise<void> = async () => undefined,
): SandboxActivities {
  const inRig = <T>(ref: SandboxRef, act: (place: Place) => Promise<T>): Promise<T> => {
    const place = placeOf(places, ref);
    return orRefuse(ref.rig.name, () => letIn(place.mirror, ref.rig, () => act(place)));
  };
  /** On the sandbox as its molecule knows it. */
  const asKnown = <T>(ref: SandboxRef & { readonly at?: At }, act: (place: Place) => Promise<T>): Promise<T> =>
    inRig(ref, async (place) => {
      const { at, branch } = ref;
      if (at !== undefined) await afterResetBetween(place, { ...at, branch, author: authorFor(ref) });
      return act(place);
    });
  const whole = async <R extends SandboxRef>(ref: R): Promise<R> => ({
    ...ref,
    rig: { ...ref.rig, url: await urlOf(ref.rig) },
  });
  return {
    openSandbox: async (ref) => orRefuse(ref.rig.name, async () => openSandbox(places, await whole(ref))),
    rebuildSandbox: (request) =>
      orRefuse(request.rig.name, async () => rebuildSandbox(placeOf(places, request), await whole(request))),
    catchUp: (ref) =>
      inRig(ref, (place) => bringUp(place, { branch: ref.branch, target: ref.rig.branch, author: authorFor(ref) })),
    acceptStep: async (request) => {
      // What is committed is not to change meanwhile.
      await endAttached(places.attached(request.molecule), request.molecule);
      await settle(request.molecule);
      return inRig(request, (place) => acceptStep(place, request, signalNow()));
    },
    goBack: (request) => inRig(request, (place) => back(place, request)),
    submit: (ref) => asKnown(ref, (place) => submit(place, ref)),
    filesExist: (request) => asKnown(request, (place) => filesExist(place, request.paths)),
    runCheck: (request) => asKnown(request, (place) => checkLoop(place, request, signalNow())),
    salvage: async (ref) => salvageSandbox(placeOf(places, ref), await whole(ref)).catch(left),
    nuke: (request) => {
      const place = placeOf(places, request);
      const gone = letIn(place.mirror, request.rig, () => nuke(places, request));
      return gone.catch((error: unknown) => stays(place, request.branch, error));
    },
  };
}

function placeOf(places: Places, { rig, name, incarnation }: SandboxRef): Place {
  return { mirror: places.mirror(rig.name), path: places.sandbox(rig.name, name, incarnation) };
}

async function openSandbox(places: Places, ref: SandboxRef & { readonly from?: string }): Promise<Sandbox> {
  const place = placeOf(places, ref);
  await openRig(place, ref.rig);
  const from = await beginningOf(place.mirror, ref.rig, ref.from);
  const { path, branch, base } = await openWorktree({ ...place, branch: ref.branch, from });
  return { path, branch, base };
}

const kept = (why: string): Nuke => ({ kind: 'kept', why });

async function back(place: Place, request: GoBackRequest): Promise<WentBack> {
  try {
    return { kind: 'back', kept: await takeBack(place, { ...request, author: authorFor(request) }) };
  } catch (error) {
    if (error instanceof Blocked) return { kind: 'refused', why: error.message };
    throw error;
  }
}

async function submit(place: Place, ref: SandboxRef & Since & { readonly at?: At }): Promise<Submission> {
  const { mirror } = place;
  const state = await worktreeState(place);
  if (state === null) return { kind: 'refused', why: `the sandbox ${place.path} is gone` };
  const known = { ...ref, accepted: ref.at?.since ?? null };
  const committed = await commit(place, known, `Leftovers of ${ref.branch}\n`, 'undone');
  if (committed.kind === 'refused') return committed;
  const { head } = committed;
  await fetchMirror(mirror);
  const target = await commitOf(mirror, `refs/remotes/origin/${ref.rig.branch}`);
  if (target !== null && (await isAncestor({ mirror, ancestor: head, descendant: target })))
    return { kind: 'nothing', head };
  const leak = await leakIn(mirror, { heads: [head], since: ref.since });
  if (leak !== null) return { kind: 'refused', why: leak };
  const pushed = await push(place, known, head);
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
  const refusal = (heads: readonly string[]) => leakIn(place.mirror, { heads, since: null });
  if ((await madeFor(place)) === branch) await tellOfStray(place, branch);
  const saved = await salvage({
    ...place,
    worktree: place.path,
    branch: ref.branch,
    author: authorFor(ref),
    expected,
    refusal,
  });
  if (saved.kind === 'unpushed') return { kind: 'unpushed', why: saved.reason };
  const modules = (await madeFor(place)) === branch ? await unpushedIn(place, branch) : null;
  if (modules !== null) return { kind: 'unpushed', why: modules };
  switch (saved.kind) {
    case 'clean':
      return saved;
    case 'pushed':
      return { kind: 'pushed', branch: saved.branch, head: saved.head };
    default:
      return unreachable(saved);
  }
}

/** Commits in submodules that would be gone with the sandbox, in words; null when there are none. */
async function unpushedIn(place: Place, branch: string): Promise<string | null> {
  const look = (await lookInside(place)) ?? undefined;
  const names = await unpushedSubmodules(place, await bornAt({ mirror: place.mirror, branch }), look);
  return names.length === 0 ? null : aboutUnpushed(names);
}

/** A remote that only a person can bring back: the sandbox stays, and the work in it. */
function left(error: unknown): Salvage {
  if (!needsPerson(error)) throw error;
  return { kind: 'unpushed', why: error.message };
}

/** The same for the last act on a sandbox, which may have removed it already. */
async function stays(place: Place, branch: string, error: unknown): Promise<Nuke> {
  if (!needsPerson(error)) throw error;
  if ((await madeFor(place)) === branch) return kept(error.message);
  return { kind: 'gone', where: `its branch ${branch} may be left on the remote: ${error.message}` };
}

async function nuke(places: Places, request: NukeRequest): Promise<Nuke> {
  const place = placeOf(places, request);
  const { mirror } = place;
  const { branch, rig, landed, whole } = request;
  await endSessions(branch);
  await clearMerges(places, rig.name, moleculeOf(branch));
  if (landed && whole !== undefined && whole.branch !== rig.branch) await clearRemote(mirror, whole.branch, whole.head);
  if (request.discard === true) return discard(place, branch);
  const isMine = (await madeFor(place)) === branch;
  const state = isMine ? await worktreeState(place) : null;
  const loose = state === null ? null : await looseIn(place, state);
  const stays = loose ?? (isMine ? await unpushedIn(place, branch) : null);
  if (stays !== null) return kept(stays);
  const retired = await retiredAt({ mirror, branch });
  const head = state?.head ?? (await commitOf(mirror, `refs/heads/${branch}`)) ?? retired;
  if (head === null) return { kind: 'gone', where: 'there was no work to keep' };
  const remote = await remoteSha({ mirror, branch });
  const isKnown = retired === head || remote === head || (await isFetched(mirror, head));
  // A worktree that is gone was removed by an earlier attempt of this very act. What is not proved stays in the mirror.
  if (!isKnown) {
    if (state !== null) return kept(`the commits up to ${head} are on no branch of the remote`);
    return { kind: 'gone', where: `its work is on branch ${branch} of ${mirror} only`, isOnlyHere: true };
  }
  if (!(await isForeign(place, branch))) await removeWorktree(place);
  await retireBranch({ mirror, branch, expected: head });
  const where = landed
    ? await clearRemote(mirror, branch, head)
    : remote !== null
      ? `its work is on branch ${branch}`
      : (await isOnTarget(mirror, head, rig.branch))
        ? 'there was no work to keep'
        : 'its work is on other branches of the remote';
  await forgetAccepted({ mirror, branch });
  await forgetRetired({ mirror, branch });
  return { kind: 'gone', where };
}

/** May be asked again after a kill anywhere: each line finds what the one before has left. */
async function discard(place: Place, branch: string): Promise<Nuke> {
  const { mirror } = place;
  await removeWorktree(place);
  const remote = await remoteSha({ mirror, branch });
  if (remote !== null) await deleteRemoteBranch({ mirror, branch, expected: remote });
  const local = await commitOf(mirror, `refs/heads/${branch}`);
  if (local !== null) await retireBranch({ mirror, branch, expected: local });
  await forgetAccepted({ mirror, branch });
  await forgetRetired({ mirror, branch });
  return { kind: 'gone', where: 'its changes were not to be kept' };
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

/** As salvage asks. */
async function isFetched(mirror: string, head: string): Promise<boolean> {
  await fetchMirror(mirror);
  return isOnRemote({ mirror, heads: [head] });
}

async function isOnTarget(mirror: string, head: string, target: string): Promise<boolean> {
  const now = await commitOf(mirror, `refs/remotes/origin/${target}`);
  return now !== null && (await isAncestor({ mirror, ancestor: head, descendant: now }));
}
