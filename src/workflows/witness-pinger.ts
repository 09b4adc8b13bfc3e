/** Second-order monitoring: a witness whose polecats are at work lets the deacon hear of it, each time it has looked at them. */
import { uuid4 } from '@temporalio/workflow';
import type { WitnessCarry } from '../contract/witness.js';
import { writePing } from '../town/witness-ping.js';
import type { Delivery } from './outbox.js';
import { patched } from './patches.js';
import { tellDeacon } from './witness-deacon.js';

export class Pinger {
  /** The deacon expects to hear more. */
  #isExpected: boolean;
  /** When it is heard again at the latest, as it was told. */
  #nextMs = 0;
  #isSending = false;

  constructor(isExpected: boolean) {
    this.#isExpected = isExpected;
  }

  get isExpected(): boolean {
    return this.#isExpected;
  }

  /** Beside the loop, which grants slots meanwhile. `nextMs`: when it is heard again. */
  ping(now: WitnessCarry, nextMs: number): void {
    if (!patched('a witness lets the deacon hear of it', '0.8')) return;
    this.#isExpected = true;
    this.#nextMs = nextMs;
    void this.#send(now, nextMs);
  }

  /** News may keep a witness from looking at its holders: it lets itself be heard all the same. */
  keepUp(now: WitnessCarry, nextMs: number): void {
    if (this.#isExpected && Date.now() >= this.#nextMs && this.#nextMs > 0) this.ping(now, nextMs);
  }

  /** None is at work any more: nothing is heard until one is. */
  rest(now: WitnessCarry): void {
    if (!this.#isExpected || this.#isSending) return;
    void this.#sayRest(now);
  }

  async #sayRest(now: WitnessCarry): Promise<void> {
    if ((await this.#send(now, null)) === 'delivered') this.#isExpected = false;
  }

  async #send({ rig, patience, slots }: WitnessCarry, nextMs: number | null): Promise<Delivery | null> {
    // The deacon may be away; the next ping says the same.
    if (this.#isSending) return null;
    this.#isSending = true;
    const ping = writePing(uuid4(), {
      Rig: rig.name,
      Held: slots.leases.length,
      Waiting: slots.queue.length,
      'Pinged-At': new Date().toISOString(),
      ...(nextMs === null ? {} : { 'Next-By': new Date(nextMs).toISOString() }),
    });
    const reason = `polecats are at work in ${rig.name}`;
    return tellDeacon(ping, patience, reason).finally(() => (this.#isSending = false));
  }
}
