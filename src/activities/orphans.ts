/**
 * What lies in a rig on this host and is nobody's: sandboxes whose polecat has closed, and branches of polecats without a sandbox. Whatever a polecat,
 * or a mission that is open, may still want is left to them. Nothing is changed here.
 */
import type { Client } from '@temporalio/client';
import type { FoundPolecat } from '../contract/activities.js';
import type { Orphan, Orphans } from '../contract/dog-activities.js';
import { isAncestor } from '../git/branch.js';
import { commitOf, gitText } from '../git/git.js';
import { fetchMirror, openMirror } from '../git/mirror.js';
import { madeFor } from '../git/worktree.js';
import { isHeld } from '../town/orphans.js';
import type { RigRef } from '../town/rig.js';
import { isOpen } from './executions.js';
import type { Places } from './places.js';
import { everUnder, sandboxesIn } from './polecats.js';
import { moleculeOf } from './publish.js';

/** Of one rig; what is left is found the next time. */
const ORPHANS_MAX = 100;
/** A path at which no sandbox lies: those of polecats are counted from 1. */
const NOWHERE = 0;

export async function findOrphans(client: Client, places: Places, rig: RigRef): Promise<Orphans> {
  const mirror = places.mirror(rig.name);
  const lying = await lyingIn(places, rig.name);
  const branches = lying.branches.flatMap((branch) => {
    const name = nameIn(branch);
    return name === null ? [] : [{ name, incarnation: NOWHERE, branch }];
  });
  const candidates = [...lying.sandboxes, ...branches];
  const names = [...new Set(candidates.map(({ name }) => name))];
  const asked = names.map(async (name) => [name, await holdersOf(client, rig.name, name)] as const);
  const heldBy = new Map(await Promise.all(asked));
  const left = candidates.filter((one) => !isHeld(one, heldBy.get(one.name) ?? [])).slice(0, ORPHANS_MAX);
  if (left.length > 0) {
    await openMirror({ path: mirror, url: rig.url });
    await fetchMirror(mirror);
  }
  const orphans: Orphan[] = [];
  for (const one of left) {
    const landed = await hasLanded(mirror, one.branch, rig.branch);
    orphans.push({ ...one, molecule: moleculeOf(one.branch), landed });
  }
  return { orphans, wrong: lying.wrong };
}

type Candidate = Pick<Orphan, 'name' | 'incarnation' | 'branch'>;

type Lying = {
  readonly sandboxes: readonly Candidate[];
  /** Of polecats, without a sandbox. */
  readonly branches: readonly string[];
  readonly wrong: readonly string[];
};

async function lyingIn(places: Places, rig: string): Promise<Lying> {
  const mirror = places.mirror(rig);
  const found = await Promise.all(
    (await sandboxesIn(places.sandboxes(rig))).map(async ({ name, incarnation }) => {
      const path = places.sandbox(rig, name, incarnation);
      return { name, incarnation, path, branch: await madeFor({ mirror, path }) };
    }),
  );
  const sandboxes = found.flatMap(({ name, incarnation, branch }) =>
    branch === null ? [] : [{ name, incarnation, branch }],
  );
  const made = new Set(sandboxes.map(({ branch }) => branch));
  const listed = await gitText(mirror, ['for-each-ref', '--format=%(refname:short)', 'refs/heads/polecat']).catch(
    () => '',
  );
  return {
    sandboxes,
    branches: listed.split('\n').filter((branch) => branch !== '' && !made.has(branch)),
    // Half made, or somebody's own: no program can tell.
    wrong: found.flatMap(({ path, branch }) =>
      branch === null ? [`${path} is no sandbox that can be told from others`] : [],
    ),
  };
}

/** Who may still want what lies under a name: a polecat at work, and one that has closed as long as its mission is open. */
async function holdersOf(client: Client, rig: string, name: string): Promise<readonly FoundPolecat[]> {
  const all = await everUnder(client, rig, name);
  const wanted = await Promise.all(
    all.map(async (one) => one.isOpen || (await isOpen(client, { workflowId: one.mission, firstRunId: null }))),
  );
  return all.filter((_, at) => wanted[at]);
}

async function hasLanded(mirror: string, branch: string, target: string): Promise<boolean> {
  const head = await commitOf(mirror, `refs/heads/${branch}`);
  const now = await commitOf(mirror, `refs/remotes/origin/${target}`);
  return head !== null && now !== null && (await isAncestor({ mirror, ancestor: head, descendant: now }));
}

function nameIn(branch: string): string | null {
  return /^polecat\/([^/]+)\/[^/]+$/.exec(branch)?.[1] ?? null;
}
