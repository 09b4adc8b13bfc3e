/** A witness's looks at those who hold its slots: a lease whose mission and polecat are both gone was left, and is cleared. */
import type { WitnessCarry } from '../contract/witness.js';
import { polecatAt } from '../town/address.js';
import type { Lease } from '../town/slots.js';
import type { Desk } from './desk.js';
import { reasonOf } from './failing.js';
import { town } from './hands.js';
import { patched } from './patches.js';
import { clearUp } from './witness-clear.js';

/**
 * Since 0.1.1: adopts the polecats it finds, tells a grant once, looks at holders also when nobody waits, and clears the
 * sandbox of those that are gone.
 */
export const renewed = () => patched('witness-adopts');

type Witness = {
  readonly now: () => Pick<WitnessCarry, 'rig' | 'patience' | 'slots'>;
  readonly desk: Desk;
  readonly free: (claim: string) => void;
};

export class WitnessLeases {
  readonly #witness: Witness;
  /** Leases whose holders are gone, and whose sandboxes are being cleared. */
  readonly #clearing = new Set<string>();

  constructor(witness: Witness) {
    this.#witness = witness;
  }

  async look(): Promise<void> {
    const { rig, slots, patience } = this.#witness.now();
    const executions = slots.leases.flatMap((lease) => [
      { workflowId: lease.mission, firstRunId: lease.missionRun },
      { workflowId: polecatAt(rig.name, lease.name), firstRunId: null },
    ]);
    const how = { summary: 'look at the holders of slots' };
    const open = await town(patience).areOpen.executeWithOptions(how, [executions]);
    slots.leases.forEach((lease, index) => {
      const isMissionOpen = open[2 * index] ?? true;
      const isPolecatOpen = open[2 * index + 1] ?? true;
      if (!isMissionOpen && !isPolecatOpen) this.#left(lease);
    });
  }

  #left(lease: Lease): void {
    if (this.#clearing.has(lease.id)) return;
    if (renewed()) void this.#clear(lease);
    else this.#witness.free(lease.id);
  }

  /** Beside the loop, as it may take long. The slot is held until it is done: what fails is tried again with the next look. */
  async #clear(lease: Lease): Promise<void> {
    const { now, desk, free } = this.#witness;
    this.#clearing.add(lease.id);
    try {
      await clearUp(lease, now(), (text) => desk.drop('lease', lease, text));
      free(lease.id);
    } catch (error) {
      desk.drop('lease', lease, `what ${lease.name} left could not be cleared yet: ${reasonOf(error)}`);
    } finally {
      this.#clearing.delete(lease.id);
    }
  }
}
