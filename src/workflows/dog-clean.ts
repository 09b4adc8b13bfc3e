/** Clears what nobody has any more in a rig on a host: work that is not on the remote is brought there first, and what cannot be stays. */
import { isCancellation } from '@temporalio/workflow';
import type { SandboxRef } from '../contract/activities.js';
import type { Findings, Orphan } from '../contract/dog-activities.js';
import { asSummary } from '../town/bytes.js';
import { rigRef, type RigSnapshot } from '../town/rig.js';
import { reasonOf } from './failing.js';
import { onHost } from './hands.js';
import { leaveQueue } from './mission-polecat.js';
import { dogAct } from './patience.js';

type How = { readonly dry: boolean; readonly patience: number };

export async function cleanRig(rig: RigSnapshot, host: string, { dry, patience }: How): Promise<Findings> {
  const summary = asSummary(`orphans · ${rig.name} on ${host}`);
  const ref = rigRef(rig);
  const options = { ...dogAct(patience), summary };
  const { orphans, wrong } = await onHost(patience, host).findOrphans.executeWithOptions(options, [{ rig: ref }]);
  if (dry) return { did: orphans.map(({ branch }) => `would clear ${branch} in ${rig.name} on ${host}`), wrong };
  const found: { did: string[]; wrong: string[] } = { did: [], wrong: [...wrong] };
  for (const orphan of orphans) {
    const { isGone, says } = await clear(orphan, rig, host, patience).catch((error: unknown): Cleared => {
      if (isCancellation(error)) throw error;
      return { isGone: false, says: `${orphan.branch} in ${rig.name} on ${host} stays: ${reasonOf(error)}` };
    });
    if (isGone) found.did.push(says);
    else found.wrong.push(says);
  }
  return found;
}

type Cleared = { readonly isGone: boolean; readonly says: string };

async function clear(
  { name, incarnation, branch, molecule, landed }: Orphan,
  rig: RigSnapshot,
  host: string,
  patience: number,
): Promise<Cleared> {
  const ref: SandboxRef = { rig: rigRef(rig), name, incarnation, branch };
  const where = `${branch} in ${rig.name} on ${host}`;
  const hands = onHost(patience, host);
  const named = (act: string) => ({ ...dogAct(patience), summary: asSummary(`${act} · ${branch}`) });
  // What nobody waits for any more must not land by itself.
  const landing = landed ? null : await leaveQueue(rig, ref, molecule, patience);
  const salvage = await hands.salvage.executeWithOptions(named('salvage'), [ref]);
  if (salvage.kind === 'unpushed') return { isGone: false, says: `${where} stays: ${salvage.why}` };
  const isLanded = salvage.kind === 'clean' && (landed || landing !== null);
  const nuke = await hands.nuke.executeWithOptions(named('nuke'), [{ ...ref, landed: isLanded }]);
  return nuke.kind === 'gone'
    ? { isGone: true, says: `cleared ${where}: ${nuke.where}` }
    : { isGone: false, says: `${where} stays: ${nuke.why}` };
}
