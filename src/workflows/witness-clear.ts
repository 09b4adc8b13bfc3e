/** What is left of a polecat that held a slot, when nobody else is there to clear it. */
import type { WitnessCarry } from '../contract/witness.js';
import type { Lease } from '../town/slots.js';
import { town } from './hands.js';
import { clearLost } from './mission-polecat.js';

/** Its work is first brought to the remote, or `told` to be left. */
export async function clearUp(
  lease: Lease,
  { rig, patience }: Pick<WitnessCarry, 'rig' | 'patience'>,
  told: (text: string) => void,
): Promise<void> {
  const { id, name, mission, item } = lease;
  const { polecats } = await town(patience).findPolecats.executeWithOptions({ summary: `who held ${name}` }, [rig]);
  const lost = polecats.find((one) => one.claim === id && !one.isOpen);
  if (lost === undefined) return;
  const { kind, says } = await clearLost(lost, rig, patience);
  if (kind === 'none') return;
  const text = `item ${item} of mission ${mission}, which is gone: ${says}`;
  told(text);
  await town(patience).record.executeWithOptions({ summary: `record · ${says}`.slice(0, 200) }, [
    { id: `lost/${id}`, kind: 'notice', at: new Date().toISOString(), mission, item, text },
  ]);
}
