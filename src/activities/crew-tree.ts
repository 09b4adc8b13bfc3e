/** The worktree of a member of a crew: made when it is asked for, left as it is while there is anything in it that is nowhere else. */
import { stat } from 'node:fs/promises';
import type { HostActivities } from '../contract/activities.js';
import { authorOf } from '../git/author.js';
import { everHeld, remoteSha } from '../git/branch.js';
import { ignoreMissing } from '../git/discard.js';
import { commitOf, gitText } from '../git/git.js';
import { fetchMirror, openMirror } from '../git/mirror.js';
import { salvage } from '../git/salvage.js';
import { unpushedBranches } from '../git/visited.js';
import { madeFor, openWorktree, removeWorktree, worktreeState, type Place } from '../git/worktree.js';
import { crewAt } from '../town/address.js';
import { crewBranch } from '../town/branch.js';
import { whyKept, type OpenedTree } from '../town/crew-tree.js';
import { listed } from '../town/listed.js';
import { own } from '../town/own.js';
import type { RigSnapshot } from '../town/rig.js';
import { refuse } from './beating.js';
import { needsPerson, orRefuse } from './git-trouble.js';
import { leakIn } from './leaks.js';
import type { Places } from './places.js';
import { openRig } from './rebuild.js';
import type { ReadTown } from './remotes.js';

type Acts = Pick<HostActivities, 'openCrewTree' | 'closeCrewTree'>;
type Closed = Awaited<ReturnType<Acts['closeCrewTree']>>;

/** Of polecats, and of other members of crews. */
const OF_OTHERS = ['polecat/', crewBranch('')];

export function crewTreeActivities(places: Places, readTown: ReadTown): Acts {
  const placeOf = (rig: string, name: string): Place => ({ mirror: places.mirror(rig), path: places.crew(rig, name) });
  return {
    openCrewTree: async ({ rig: named, name, lost }) => {
      const rig = await rigNamed(readTown, named);
      return orRefuse(named, () => open(placeOf(named, name), rig, crewBranch(name), lost));
    },
    closeCrewTree: async ({ rig: named, name, force }) => {
      const place = placeOf(named, name);
      if ((await stat(place.path).catch(ignoreMissing)) === undefined) return { kind: 'gone', where: 'there was none' };
      const rig = await rigNamed(readTown, named);
      try {
        await openMirror({ path: place.mirror, url: rig.url });
        await fetchMirror(place.mirror);
        return await close(place, crewBranch(name), crewAt(named, name), force);
      } catch (error) {
        if (!needsPerson(error)) throw error;
        return { kind: 'kept', why: error.message };
      }
    },
  };
}

async function rigNamed(readTown: ReadTown, name: string): Promise<RigSnapshot> {
  const read = await readTown();
  if (!read.ok) throw refuse('BadTown', read.problems);
  const rig = own(read.town.rigs, name);
  if (rig === undefined) throw refuse('BadTown', `there is no rig "${name}" in town.toml any more`);
  return rig;
}

/** One that is there is left alone, whatever branch its owner is on by now. */
async function open(place: Place, rig: RigSnapshot, branch: string, lost?: string): Promise<OpenedTree> {
  const isThere = (await madeFor(place)) === branch && (await stat(place.path).catch(ignoreMissing)) !== undefined;
  if (!isThere || lost !== undefined) await openRig(place, rig);
  const from = isThere ? null : await beginning(place, rig, branch);
  if (from !== null) await openWorktree({ ...place, branch, from: refOf(from) });
  const commit = await commitOf(place.path, 'HEAD');
  return {
    path: place.path,
    branch,
    from,
    ...(commit === null ? {} : { commit }),
    ...(lost === undefined ? {} : { hasLost: await isOnRemote(place.mirror, lost) }),
  };
}

const refOf = (branch: string) => `refs/remotes/origin/${branch}`;

/** What they have pushed, or else the target. */
async function beginning({ mirror }: Place, rig: RigSnapshot, branch: string): Promise<string> {
  return (await commitOf(mirror, refOf(branch))) === null ? rig.branch : branch;
}

async function isOnRemote(mirror: string, commit: string): Promise<boolean> {
  if ((await commitOf(mirror, commit)) === null) return false;
  return (await gitText(mirror, ['rev-list', '--max-count=1', commit, '--not', '--remotes'])) === '';
}

async function close(place: Place, branch: string, address: string, force: boolean): Promise<Closed> {
  const { mirror, path } = place;
  const state = await worktreeState(place);
  if (state === null)
    return { kind: 'kept', why: `${path} is no worktree of ${mirror}: look there, then take it away` };
  const unpushed = await unpushedBranches(place, { own: branch, others: OF_OTHERS });
  if (!force) {
    const beyond = Number(await gitText(mirror, ['rev-list', '--count', state.head, '--not', '--remotes']));
    const why = whyKept({ ...state, beyond, unpushed });
    if (why !== null) return { kind: 'kept', why: `${path} holds ${why}` };
    await removeWorktree(place);
    return { kind: 'gone', where: 'all that was committed in it is on the remote' };
  }
  const remote = await remoteSha({ mirror, branch });
  const isOurs = remote !== null && (await everHeld({ mirror, branch, commit: remote }));
  const saved = await salvage({
    mirror,
    worktree: path,
    branch,
    author: authorOf(address),
    expected: isOurs ? remote : null,
    besides: unpushed.map(({ head }) => head),
    refusal: (heads) => leakIn(mirror, { heads, since: null }),
  });
  if (saved.kind === 'unpushed') return { kind: 'kept', why: saved.reason };
  await removeWorktree(place);
  if (saved.kind === 'clean') return { kind: 'gone', where: 'its branch was on the remote, or had nothing new' };
  const branches = [saved, ...saved.aside].map((one) => one.branch);
  return { kind: 'gone', where: `what was in it is on branch ${listed(branches, 'and')}` };
}
