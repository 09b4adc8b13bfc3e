/**
 * Who holds a rig: somebody who was asked for it itself, the deacon with the whole town, or both. Those at work in it hear of it from its witness, and
 * those who begin as soon as they are there.
 */
import { polecatMessages, witnessMessages } from '../contract/messages.js';
import { DEACON, polecatAt } from '../town/address.js';
import { withHold, withoutHold, type Hold, type Pause } from '../town/pause.js';
import type { Lease } from '../town/slots.js';
import { done, refused, type Desk } from './desk.js';
import { patched } from './patches.js';
import { takePauses, Teller, wordFor, type Word } from './pausing.js';

/** A polecat that was granted its slot a moment before a pause has begun after that. */
const UNTOLD_MS = 2_000;
const UNTOLD_MS_MAX = 600_000;

type Rig = {
  readonly name: string;
  readonly leases: () => readonly Lease[];
  readonly onChange: () => void;
  /** Whatever else keeps slots from being granted ends; whether anything did. */
  readonly goOn: () => boolean;
};

export class WitnessHolds {
  readonly #rig: Rig;
  readonly #teller = new Teller(polecatMessages);
  #holds: readonly Pause[];
  /** Holders that were not there yet when the rig was paused: their molecules have still to hear of it. */
  #untold: readonly Lease[] = [];
  #untoldLooks = 0;

  constructor(holds: readonly Pause[], rig: Rig) {
    this.#holds = holds;
    this.#rig = rig;
  }

  serve(desk: Desk): void {
    takePauses(desk, {
      what: 'the rig',
      messages: witnessMessages,
      holds: () => this.#holds,
      hold: (hold) => this.#set(withHold(this.#holds, { ...hold, sinceMs: Date.now() })),
      letGo: (above) => this.#set(withoutHold(this.#holds, above)),
      tell: async (word) => {
        await this.#tell(this.#rig.leases(), word);
        // Those who were not there yet are told from the loop, which may have gone to rest meanwhile.
        this.#rig.onChange();
      },
      goOn: () => this.#rig.goOn(),
      meanwhile: () => 'sessions under way end first, and what is handed in still lands',
    });
    desk.on(witnessMessages.cycle, async ({ by, reason, id }) => {
      const leases = this.#rig.leases();
      if (leases.length === 0) return refused('nobody is at work');
      await this.#teller.cycle(leases.map(this.#addressed), { by, text: reason, id });
      return done(`${leases.length} at work are asked to hand over before their next turn`);
    });
  }

  get all(): readonly Pause[] {
    return this.#holds;
  }

  /** The one that is shown, and passed on. */
  get first(): Pause | null {
    return this.#holds[0] ?? null;
  }

  get isUntold(): boolean {
    return this.#untold.length > 0;
  }

  /** Whoever works there was held by the witness before this one; `town`: as the deacon holds all rigs. */
  adopt(leases: readonly Lease[], held: Hold | null, town: Hold | null): void {
    const isOfTown = town !== null && held !== null && held.by === town.by && held.why === town.why;
    const own = held === null || isOfTown ? [] : [{ by: held.by, why: held.why }];
    const ofTown = town === null ? [] : [{ by: town.by, why: town.why, above: DEACON }];
    if (this.#holds.length === 0 && own.length + ofTown.length > 0)
      this.#set([...own, ...ofTown].map((hold) => ({ ...hold, sinceMs: Date.now() })));
    if (this.#holds.length > 0 && patched('who is adopted hears of a pause', '0.6')) this.#untold = leases;
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
    const { first } = this;
    if (first !== null) await this.#tell(left, wordFor(first, first.by));
  }

  readonly #addressed = (lease: Lease) => ({ ...lease, workflowId: polecatAt(this.#rig.name, lease.name) });

  async #tell(leases: readonly Lease[], word: Word): Promise<void> {
    const missed = await this.#teller.tell(leases.map(this.#addressed), word);
    if (word.verb === 'pause') this.#untold = [...this.#untold, ...missed];
  }

  #set(holds: readonly Pause[]): void {
    this.#holds = holds;
    this.#untoldLooks = 0;
    this.#rig.onChange();
  }
}
