/** What is left of a polecat that held a slot, when nobody else is there to clear it. */
import type { FoundPolecat } from '../contract/activities.js';
import type { WitnessCarry } from '../contract/witness.js';
import { asSummary } from '../town/bytes.js';
import { branchFor } from '../town/branch.js';
import type { Mail } from '../town/mail.js';
import { recoveryMail } from '../town/recovery.js';
import type { Lease } from '../town/slots.js';
import { unreachable } from '../town/unreachable.js';
import { town } from './hands.js';
import { clearLost, type Cleared } from './mission-polecat.js';
import { patched } from './patches.js';
import { tellDeacon } from './witness-deacon.js';

type Told = {
  readonly told: (text: string) => void;
  readonly bury: (mail: Mail, why: string) => void;
  /** Around what is to be told of it: by then nothing is left to find, so a next run would find nothing. */
  readonly during: (act: () => Promise<void>) => Promise<void>;
};

/** Its work is first brought to the remote, or `told` to be left; the deacon hears of both. */
export async function clearUp(lease: Lease, now: Pick<WitnessCarry, 'rig' | 'patience'>, how: Told): Promise<void> {
  const { id, name } = lease;
  const { rig, patience } = now;
  const { polecats } = await town(patience).findPolecats.executeWithOptions({ summary: `who held ${name}` }, [rig]);
  const lost = polecats.find((one) => one.claim === id && !one.isOpen);
  if (lost === undefined) return;
  const cleared = await clearLost(lost, rig, patience);
  if (cleared.kind !== 'none') await how.during(() => tellOf(lease, lost, cleared, now, how));
}

async function tellOf(
  { id, mission, missionRun, item }: Lease,
  lost: FoundPolecat,
  cleared: Cleared,
  { rig, patience }: Pick<WitnessCarry, 'rig' | 'patience'>,
  { told, bury }: Told,
): Promise<void> {
  const { says } = cleared;
  const text = `item ${item} of mission ${mission}, which is gone: ${says}`;
  told(text);
  await town(patience).record.executeWithOptions({ summary: asSummary(`record · ${says}`) }, [
    { id: `lost/${id}`, kind: 'notice', at: new Date().toISOString(), mission, item, text },
  ]);
  const mail = mailOf(lost, missionRun, cleared, rig.name);
  if (mail === null || !patched('the deacon hears of what was left', '0.9')) return;
  const delivery = await tellDeacon(mail, patience, `work was left in ${rig.name}`);
  if (delivery !== 'delivered') bury(mail, `${mail.to} cannot be reached: ${delivery ?? 'it cannot be started'}`);
}

/** Null for work that has landed all the same. */
function mailOf(lost: FoundPolecat, missionRun: string, cleared: Cleared, rig: string): Mail | null {
  const { claim: id, name, incarnation, mission, item, molecule } = lost;
  const at = new Date().toISOString();
  const about = { id, rig, name, incarnation, mission, missionRun, item, at };
  switch (cleared.kind) {
    case 'saved':
      return recoveryMail({ ...about, branch: cleared.branch, work: { head: cleared.head } });
    case 'left':
      return recoveryMail({ ...about, branch: branchFor(name, molecule), work: { why: cleared.says } });
    case 'none':
    case 'landed':
      return null;
    default:
      return unreachable(cleared);
  }
}
