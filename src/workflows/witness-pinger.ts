/** Second-order monitoring: a witness whose polecats are at work lets the deacon hear of it, each time it has looked at them. */
import { uuid4 } from '@temporalio/workflow';
import { mailMessage } from '../contract/messages.js';
import type { WitnessCarry } from '../contract/witness.js';
import { DEACON } from '../town/address.js';
import { writePing } from '../town/witness-ping.js';
import { town } from './hands.js';
import { sendToRole } from './outbox.js';
import { patched } from './patches.js';

export class Pinger {
  /** The deacon expects to hear more. */
  #isExpected: boolean;
  #sending: Promise<unknown> | null = null;

  constructor(isExpected: boolean) {
    this.#isExpected = isExpected;
  }

  get isExpected(): boolean {
    return this.#isExpected;
  }

  get isQuiet(): boolean {
    return this.#sending === null;
  }

  /** Beside the loop, which grants slots meanwhile. `nextMs`: when it is heard again. */
  ping(now: WitnessCarry, nextMs: number): void {
    if (!patched('a witness lets the deacon hear of it', '0.8')) return;
    this.#send(now, nextMs);
    this.#isExpected = true;
  }

  /** None is at work any more: nothing is heard until one is. */
  rest(now: WitnessCarry): void {
    if (this.#isExpected) this.#send(now, null);
    this.#isExpected = false;
  }

  #send({ rig, patience, slots }: WitnessCarry, nextMs: number | null): void {
    // The deacon may be away; the next ping says the same.
    if (this.#sending !== null) return;
    const ping = writePing(uuid4(), {
      Rig: rig.name,
      Held: slots.leases.length,
      Waiting: slots.queue.length,
      'Pinged-At': new Date().toISOString(),
      ...(nextMs === null ? {} : { 'Next-By': new Date(nextMs).toISOString() }),
    });
    const reason = `polecats are at work in ${rig.name}`;
    const ensure = () =>
      town(patience).startDeacon.executeWithOptions({ summary: `ensure the ${DEACON}` }, [{ patience, reason }]);
    this.#sending = sendToRole(DEACON, mailMessage, ping, ensure)
      .catch(() => undefined)
      .finally(() => (this.#sending = null));
  }
}
