/** Who holds a rig. Those at work in it hear of it from its witness, and those who begin as soon as they are there. */
import { polecatMessages, witnessMessages } from '../contract/messages.js';
import { polecatAt } from '../town/address.js';
import type { Hold, Pause } from '../town/pause.js';
import type { Lease } from '../town/slots.js';
import type { Desk } from './desk.js';
import { patched } from './patches.js';
import { takePauses, Teller, wordFor, type Word } from './pausing.js';

/** A polecat that was granted its slot a moment before a pause has begun after that. */
const UNTOLD_MS = 2_000;
const UNTOLD_MS_MAX = 600_000;

type Rig = { readonly name: string; readonly leases: () => readonly Lease[]; readonly onChange: () => void };

export class WitnessHolds {
  readonly #rig: Rig;
  readonly #teller = new Teller(polecatMessages);
  #paused: Pause | null;
  /** Holders that were not there yet when the rig was paused: their molecules have still to hear of it. */
  #untold: readonly Lease[] = [];
  #untoldLooks = 0;

  constructor(paused: Pause | null, rig: Rig) {
    this.#paused = paused;
    this.#rig = rig;
  }

  serve(desk: Desk): void {
    takePauses(desk, {
      what: 'the rig',
      messages: witnessMessages,
      holds: () => [this.#paused ?? []].flat(),
      hold: (hold) => this.#set({ ...hold, sinceMs: Date.now() }),
      letGo: () => this.#set(null),
      tell: async (word) => {
        await this.#tell(this.#rig.leases(), word);
        // Those who were not there yet are told from the loop, which may have gone to rest meanwhile.
        this.#rig.onChange();
      },
      meanwhile: () => 'sessions under way end first, and what is handed in still lands',
    });
  }

  get paused(): Pause | null {
    return this.#paused;
  }

  get isUntold(): boolean {
    return this.#untold.length > 0;
  }

  /** Whoever works there was held by the witness before this one. */
  adopt(leases: readonly Lease[], held: Hold | null): void {
    if (this.#paused === null && held !== null) this.#set({ by: held.by, why: held.why, sinceMs: Date.now() });
    if ((this.#paused ?? held) !== null && patched('who is adopted hears of a pause', '0.6')) this.#untold = leases;
  }

  /** Until they are told once more. */
  nextMs(): number {
    const ms = Math.min(UNTOLD_MS * 2 ** this.#untoldLooks, UNTOLD_MS_MAX);
    this.#untoldLooks += 1;
    return ms;
  }

  async tellUntold(): Promise<void> {
    const leases = this.#rig.leases();
    const left = this.#untold.filter(({ id }) => leases.some((lease) => lease.id === id));
    this.#untold = [];
    if (this.#paused !== null) await this.#tell(left, wordFor(this.#paused, this.#paused.by));
  }

  async #tell(leases: readonly Lease[], word: Word): Promise<void> {
    const holders = leases.map((lease) => ({ ...lease, workflowId: polecatAt(this.#rig.name, lease.name) }));
    const missed = await this.#teller.tell(holders, word);
    if (word.verb === 'pause') this.#untold = [...this.#untold, ...missed];
  }

  #set(paused: Pause | null): void {
    this.#paused = paused;
    this.#untoldLooks = 0;
    this.#rig.onChange();
  }
}
