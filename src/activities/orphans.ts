/**
 * What lies in a rig on this host and is nobody's: sandboxes whose polecat has closed, and branches of polecats without a sandbox. Whatever a polecat,
 * a mission that is open, or a person may still want is left to them, and so is all of which nobody can tell. Nothing is changed here.
 */
import { readdir, stat } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';
import type { Client } from '@temporalio/client';
import { attachedMark, isAttached } from '../agents/attached.js';
import type { Lying, Orphan, Orphans } from '../contract/dog-activities.js';
import { isAncestor } from '../git/branch.js';
import { ignoreMissing } from '../git/discard.js';
import { commitOf, gitText } from '../git/git.js';
import { fetchMirror, openMirror } from '../git/mirror.js';
import { madeFor } from '../git/worktree.js';
import { findMarked } from '../process/mark.js';
import { isAtWork, judged, type Had, type Known } from '../town/orphans.js';
import type { RigRef } from '../town/rig.js';
import { askedOnce } from './asked-once.js';
import { isOpen } from './executions.js';
import type { Places } from './places.js';
import { everUnder, sandboxesIn } from './polecats.js';
import { touchedSince } from './touched.js';

const HOUR_MS = 60 * 60_000;
/** Of one rig; what is left is found the next time, when others are the first. */
const ORPHANS_MAX = 25;
/** A path at which no sandbox lies: those of polecats are counted from 1. */
const NOWHERE = 0;
/** Names that are asked for at once. */
const AT_ONCE = 10;
/** Who has changed a file so lately may be at work there, and be about to go on. */
const LATELY_MS = 2 * HOUR_MS;
/** So old a folder is not being made any more. */
const MADE_MS = HOUR_MS;

/** `only`: of this one alone, directly before something is done to it. */
export async function findOrphans(client: Client, places: Places, rig: RigRef, only?: Lying): Promise<Orphans> {
  const lying = await lyingIn(places, rig.name);
  const isAsked = (one: Lying) =>
    only === undefined || (one.branch === only.branch && one.incarnation === only.incarnation);
  const candidates = lying.candidates.filter(isAsked);
  const untold = only === undefined ? lying.untold : [];
  const known = await knownUnder(client, rig.name, [...candidates, ...untold]);
  const wrong: string[] = [];
  const left: Omit<Orphan, 'landed'>[] = [];
  for (const one of candidates) {
    const finding = judged(one, known(one.name));
    if (finding.kind === 'unknown') wrong.push(untellable(places, rig.name, one));
    if (finding.kind !== 'orphan') continue;
    const busy = await somebodyIn(client, places, rig.name, one, finding.molecule);
    if (busy === null) left.push({ ...one, molecule: finding.molecule });
    else wrong.push(`${one.branch} in ${rig.name} stays for now: ${busy}`);
  }
  for (const one of untold)
    if (!isAtWork(one, known(one.name)) && !(await isBeingMade(one.path))) wrong.push(half(one.path));
  const mirror = places.mirror(rig.name);
  if (left.length > 0 && only === undefined) {
    await openMirror({ path: mirror, url: rig.url });
    await fetchMirror(mirror);
  }
  const orphans: Orphan[] = [];
  for (const one of turned(left).slice(0, ORPHANS_MAX))
    orphans.push({ ...one, landed: await hasLanded(mirror, one.branch, rig.branch) });
  return { orphans, wrong };
}

/** One that cannot be cleared is not the first each time. */
function turned<T>(all: readonly T[]): readonly T[] {
  const first = Math.floor(Date.now() / HOUR_MS) % Math.max(1, all.length);
  return [...all.slice(first), ...all.slice(0, first)];
}

function untellable(places: Places, rig: string, { name, incarnation, branch }: Lying): string {
  const mirror = places.mirror(rig);
  const look = `git -C ${mirror} log ${branch} shows what is on it`;
  const why = `${branch} in ${rig} stays: no polecat that the server still has was made for it`;
  if (incarnation === NOWHERE) return `${why}; ${look}, git -C ${mirror} branch -D ${branch} takes it away`;
  const path = places.sandbox(rig, name, incarnation);
  return `${why}, and its sandbox is ${path}; ${look}, and when nobody wants it, git -C ${mirror} worktree remove ${path} takes the sandbox away`;
}

const half = (path: string): string =>
  `${path} is no sandbox of a polecat, or was never made whole: look what is in it, then move it out of that folder, or rm -r it`;

type Untold = { readonly name: string; readonly incarnation: number; readonly path: string };

/** `untold`: half made, or somebody's own; no program can tell. */
async function lyingIn(
  places: Places,
  rig: string,
): Promise<{ readonly candidates: readonly Lying[]; readonly untold: readonly Untold[] }> {
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
  const format = '--format=%(refname:lstrip=2)';
  const listed = await gitText(mirror, ['for-each-ref', format, 'refs/heads/polecat']).catch(() => '');
  const branches = listed.split('\n').flatMap((branch) => {
    const name = nameIn(branch);
    return name === null || made.has(branch) ? [] : [{ name, incarnation: NOWHERE, branch }];
  });
  return {
    candidates: [...sandboxes, ...branches],
    untold: found.flatMap(({ branch, ...one }) => (branch === null ? [one] : [])),
  };
}

type Named = { readonly name: string; readonly incarnation: number };

/** Who has had each of the names, and whose mission is open. */
async function knownUnder(client: Client, rig: string, lying: readonly Named[]): Promise<(name: string) => Known> {
  const isMissionOpen = askedOnce((workflowId) => isOpen(client, { workflowId, firstRunId: null }));
  const known = new Map<string, Known>();
  const ask = async (name: string): Promise<void> => {
    const oldest = Math.min(...lying.filter((one) => one.name === name).map(({ incarnation }) => incarnation));
    // Whose was before all that lies here is not asked for; a branch tells no incarnation.
    const { polecats, unreadable } = await everUnder(client, rig, name, (read) =>
      read.some(({ incarnation }) => incarnation < oldest),
    );
    const had = polecats.map(async ({ isOpen: isPolecatOpen, mission, incarnation, molecule }): Promise<Had> => {
      return { isOpen: isPolecatOpen, isMissionOpen: await isMissionOpen(mission), incarnation, molecule };
    });
    known.set(name, { had: await Promise.all(had), unreadable });
  };
  const names = [...new Set(lying.map(({ name }) => name))];
  for (let at = 0; at < names.length; at += AT_ONCE) await Promise.all(names.slice(at, at + AT_ONCE).map(ask));
  return (name) => known.get(name) ?? { had: [], unreadable: true };
}

/** Who may be at work there though its polecat has closed, in words; null: nobody. */
async function somebodyIn(
  client: Client,
  places: Places,
  rig: string,
  { name, incarnation }: Lying,
  molecule: string,
): Promise<string | null> {
  const open = await openMolecule(client, molecule);
  if (open !== null) return `its molecule ${open} is open: gt explain ${open}`;
  if (await isSomebodyAttached(places, molecule)) return `somebody is attached to ${molecule}`;
  if (incarnation === NOWHERE) return null;
  return touchedSince(places.sandbox(rig, name, incarnation), Date.now() - LATELY_MS);
}

/** Of a polecat's molecules those after rework are counted. */
async function openMolecule(client: Client, molecule: string): Promise<string | null> {
  if (await isOpen(client, { workflowId: molecule, firstRunId: null })) return molecule;
  const query = `ExecutionStatus="Running" AND WorkflowId STARTS_WITH "${molecule}-r"`;
  for await (const { workflowId } of client.workflow.list({ query })) return workflowId;
  return null;
}

async function isSomebodyAttached(places: Places, molecule: string): Promise<boolean> {
  const file = places.attached(molecule);
  const [folder, own] = [dirname(file), basename(file)];
  const names = (await readdir(folder).catch(ignoreMissing)) ?? [];
  for (const name of names)
    if ((name === own || name.startsWith(`${own}-r`)) && (await isAttached(join(folder, name)))) return true;
  // One that was killed may have left programs at work.
  const mark = attachedMark('');
  const isOurs = (one: string) =>
    one === `${molecule}${mark}` || (one.startsWith(`${molecule}-r`) && one.endsWith(mark));
  return (await findMarked(isOurs)).length > 0;
}

async function isBeingMade(path: string): Promise<boolean> {
  const found = await stat(path).catch(ignoreMissing);
  return found !== undefined && found.mtimeMs > Date.now() - MADE_MS;
}

async function hasLanded(mirror: string, branch: string, target: string): Promise<boolean> {
  const head = await commitOf(mirror, `refs/heads/${branch}`);
  const now = await commitOf(mirror, `refs/remotes/origin/${target}`);
  return head !== null && now !== null && (await isAncestor({ mirror, ancestor: head, descendant: now }));
}

function nameIn(branch: string): string | null {
  return /^polecat\/([^/]+)\/[^/]+$/.exec(branch)?.[1] ?? null;
}
