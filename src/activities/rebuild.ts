/** The sandbox of a host that is lost, on this one. */
import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { log } from '@temporalio/activity';
import type { Rebuilt, RebuildRequest, SandboxRef } from '../contract/activities.js';
import { lastAccepted, noteAccepted } from '../git/accepted.js';
import type { Author } from '../git/author.js';
import { deleteRemoteBranch, isAncestor, pushBranch, remoteSha } from '../git/branch.js';
import { commitAll, stepCommits } from '../git/commit.js';
import { Blocked } from '../git/git-error.js';
import { commitOf } from '../git/git.js';
import { fetchMirror, openMirror } from '../git/mirror.js';
import { madeFor, openWorktree, removeWorktree, worktreeState, type Place } from '../git/worktree.js';
import { isBranchName } from '../town/branch.js';
import { withoutCredentials } from '../town/credentials.js';
import { refuse } from './beating.js';
import { authorFor, moleculeOf, tellOfStray } from './publish.js';
import { bringUp, endSessions } from './take-back.js';

/** Brings the mirror up to date, or makes it, and sees that it has the target. */
export async function openRig({ mirror }: Place, rig: SandboxRef['rig']): Promise<void> {
  await openMirror({ path: mirror, url: rig.url });
  await fetchMirror(mirror);
  if ((await commitOf(mirror, `refs/remotes/origin/${rig.branch}`)) === null) {
    throw refuse(
      'BadTown',
      `rig "${rig.name}": ${withoutCredentials(rig.url)} has no branch "${rig.branch}"; correct town.toml or push it`,
    );
  }
  await ignoreHalfWritten(mirror);
}

/** Of new work, as a ref of the mirror: a branch of the remote and nothing else that the mirror has. */
export async function beginningOf(mirror: string, rig: SandboxRef['rig'], from = rig.branch): Promise<string> {
  const ref = `refs/remotes/origin/${from}`;
  if (isBranchName(from) && (await commitOf(mirror, ref)) !== null) return ref;
  throw refuse(
    'BadTown',
    `rig "${rig.name}": ${withoutCredentials(rig.url)} has no branch "${from}", from which the work was to begin: push it, or start the work without \`from\``,
  );
}

/** What a kill in the middle of writing leaves beside a file (see `agents/whole-file`) is nobody's work. */
async function ignoreHalfWritten(mirror: string): Promise<void> {
  await mkdir(join(mirror, 'info'), { recursive: true });
  await writeFile(join(mirror, 'info', 'exclude'), '.*.gt-part\n');
}

/**
 * May be asked again after a kill anywhere. The new branch is pushed at once, so that the next rebuild finds it, and the lost one is taken
 * from the remote: all of it is in the new one. Whoever wakes with the old sandbox cannot push over the new branch.
 */
export async function rebuildSandbox(place: Place, request: RebuildRequest): Promise<Rebuilt> {
  const { mirror } = place;
  const { rig, branch, lost, molecule, since, step, catchUp: target } = request;
  await leaveOlder(place, request);
  await openRig(place, rig);
  const from = await startOf(mirror, request);
  const { path } = await openWorktree({ ...place, branch, from });
  const start = (await begunAt(mirror, branch)) ?? from;
  if (!(await isAncestor({ mirror, ancestor: start, descendant: `refs/remotes/origin/${rig.branch}` })))
    await bringOut(mirror, branch, start);
  await takeAway(mirror, lost, start);
  const known = await stepCommits(mirror, since ?? start, start);
  if (since !== null && (await lastAccepted({ mirror, branch })) === null)
    await noteAccepted({ mirror, branch }, { from: since, to: since });
  if (target !== undefined) await bringUp(place, { branch, target, author: authorFor(request) });
  const hasStep = known.some((one) => one.molecule === molecule && one.step === step);
  return { path, branch, base: since ?? start, hasStep };
}

/**
 * Where the lost branch was known to be, or what others pushed after that. What is there of steps that the molecule knows nothing of is
 * done again; but the commit of the step whose checks were under way is what they were about.
 */
async function startOf(mirror: string, request: RebuildRequest): Promise<string> {
  const { rig, branch, lost, molecule, since, step } = request;
  const begun = await begunAt(mirror, branch);
  if (begun !== null) return begun;
  const tip = await commitOf(mirror, `refs/remotes/origin/${lost}`);
  if (since === null) return tip ?? beginningOf(mirror, rig, request.from);
  if ((await commitOf(mirror, since)) === null)
    throw new Blocked(
      `the commit ${since}, up to which the work of ${molecule} is known, is not on the remote: push it`,
    );
  if (tip === null || !(await isAncestor({ mirror, ancestor: since, descendant: tip }))) return since;
  const later = (await stepCommits(mirror, since, tip)).filter((one) => one.molecule === molecule);
  return later.every((one) => one.step === step) ? tip : since;
}

/** Where an earlier attempt of this act, here or on a host that was lost in it, let the new branch begin. */
async function begunAt(mirror: string, branch: string): Promise<string | null> {
  return (await commitOf(mirror, `refs/remotes/origin/${branch}`)) ?? commitOf(mirror, `refs/heads/${branch}`);
}

async function bringOut(mirror: string, branch: string, sha: string): Promise<void> {
  const pushed = await pushBranch({ mirror, branch, sha, expected: null });
  if (pushed.kind === 'refused') throw new Blocked(`the remote refuses the push of ${branch}: ${pushed.reason}`);
  if (pushed.kind === 'diverged') throw new Blocked(`somebody else has a branch ${branch} on the remote: take it away`);
}

/** What the new branch does not contain, or the remote keeps, stays and is in nobody's way. */
async function takeAway(mirror: string, lost: string, start: string): Promise<void> {
  const remote = await remoteSha({ mirror, branch: lost });
  if (remote === null) return;
  const isKnown = (await commitOf(mirror, remote)) !== null;
  const isInside = isKnown && (await isAncestor({ mirror, ancestor: remote, descendant: start }));
  const how = isInside ? await deleteRemoteBranch({ mirror, branch: lost, expected: remote }) : null;
  if (how?.kind !== 'deleted') log.warn(`${lost} stays on the remote`);
}

/** An earlier sandbox of the same polecat, which was lost with this host before, makes room. */
async function leaveOlder(place: Place, { branch, rig, name }: RebuildRequest): Promise<void> {
  const made = await madeFor(place);
  if (made === null || made === branch || moleculeOf(made) !== moleculeOf(branch)) return;
  await leave(place, made, authorFor({ rig, name }));
}

/** Takes a sandbox away in which nobody works any more. What lies in it stays as a commit of its branch in the mirror. */
export async function leave(place: Place, branch: string, author: Author): Promise<void> {
  await endSessions(branch);
  await tellOfStray(place, branch);
  if ((await worktreeState(place)) !== null)
    await commitAll({ ...place, author, message: `wip: what was not pushed when the host was lost\n` });
  await removeWorktree(place);
}
