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

type How = {
  readonly dry: boolean;
  readonly patience: number;
  /** After each that was cleared, or was not. */
  readonly tell: (soFar: Findings) => void;
};

export async function cleanRig(rig: RigSnapshot, host: string, { dry, patience, tell }: How): Promise<Findings> {
  const summary = asSummary(`orphans · ${rig.name} on ${host}`);
  const options = { ...dogAct(patience), summary };
  const request = { rig: rigRef(rig) };
  const { orphans, wrong } = await onHost(patience, host).findOrphans.executeWithOptions(options, [request]);
  if (dry) return { did: orphans.map(({ branch }) => `would clear ${branch} in ${rig.name} on ${host}`), wrong };
  const found: { did: string[]; wrong: string[] } = { did: [], wrong: [...wrong] };
  for (const [at, orphan] of orphans.entries()) {
    try {
      const { isGone, says } = await clear(orphan, rig, host, patience);
      (isGone ? found.did : found.wrong).push(says);
      tell({ did: [...found.did], wrong: [...found.wrong] });
    } catch (error) {
      if (isCancellation(error)) throw error;
      found.wrong.push(`${orphan.branch} in ${rig.name} on ${host} stays: ${reasonOf(error)}`);
      // What an hour of retries has not mended here is in the way of the others, too.
      const left = orphans.length - at - 1;
      if (left > 0) found.wrong.push(`${left} more in ${rig.name} on ${host} stay until the next time`);
      break;
    }
  }
  return found;
}

type Cleared = { readonly isGone: boolean; readonly says: string };

async function clear(
  { molecule, landed, ...lying }: Orphan,
  rig: RigSnapshot,
  host: string,
  patience: number,
): Promise<Cleared> {
  const { branch } = lying;
  const ref: SandboxRef = { rig: rigRef(rig), ...lying };
  const where = `${branch} in ${rig.name} on ${host}`;
  const hands = onHost(patience, host);
  const named = (act: string) => ({ ...dogAct(patience), summary: asSummary(`${act} · ${branch}`) });
  /** Others were cleared since it was found: a mission may have been reset, and somebody may have come. Null: it is nobody's still. */
  const held = async (): Promise<Cleared | null> => {
    const again = named('is it still nobody’s');
    const { orphans, wrong } = await hands.findOrphans.executeWithOptions(again, [{ rig: ref.rig, only: lying }]);
    const [why = `${where} stays: somebody has it again, or it is gone`] = wrong;
    return orphans.length > 0 ? null : { isGone: false, says: why };
  };
  const before = await held();
  if (before !== null) return before;
  // What nobody waits for any more must not land by itself.
  const landing = landed ? null : await leaveQueue(rig, ref, molecule, patience, dogAct(patience));
  const salvage = await hands.salvage.executeWithOptions(named('salvage'), [ref]);
  if (salvage.kind === 'unpushed') return { isGone: false, says: `${where} stays: ${salvage.why}` };
  const meanwhile = await held();
  if (meanwhile !== null) return meanwhile;
  const isLanded = salvage.kind === 'clean' && (landed || landing !== null);
  const nuke = await hands.nuke.executeWithOptions(named('nuke'), [{ ...ref, landed: isLanded }]);
  if (nuke.kind === 'kept') return { isGone: false, says: `${where} stays: ${nuke.why}` };
  if (nuke.isOnlyHere === true) return { isGone: false, says: `${where} stays: ${nuke.where}` };
  return { isGone: true, says: `cleared ${where}: ${nuke.where}` };
}
