/**
 * Who holds a rig: somebody who was asked for it itself, the deacon with the whole town, or both. Those at work in it hear of it from its witness, and
 * those who begin as soon as they are there.
 */
import { setHandler } from '@temporalio/workflow';
import { polecatMessages, witnessMessages } from '../contract/messages.js';
import { holdsQuery, keptHoldsQuery } from '../contract/polecat.js';
import { DEACON, polecatAt, witnessOf } from '../town/address.js';
import { holdsOfRig, withHold, withoutHold, type Hold, type Pause } from '../town/pause.js';
import type { Lease } from '../town/slots.js';
import { done, refused, takenOnce, type Taking } from './desk.js';
import { patched } from './patches.js';
import { takePauses, Teller, wordFor, type Word } from './pausing.js';

/** A polecat that was granted its slot a moment before a pause has begun after that. */
const UNTOLD_MS = 2_000;
const UNTOLD_MS_MAX = 600_000;

type Found = {
  /** Those at work. */
  readonly leases: readonly Lease[];
  /** As they are held, and who of them is. */
  readonly held: Hold | null;
  readonly below: readonly Lease[];
  readonly town: Hold | null;
  readonly before: readonly Hold[] | null;
};

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
  /** Held by the witness before, in a rig that is held no more. */
  #letGo: readonly Lease[] = [];
  /** It is known how the one before held the rig. */
  #isKnown: boolean;

  constructor(holds: readonly Pause[], isFresh: boolean, rig: Rig) {
    this.#holds = holds;
    this.#isKnown = !isFresh;
    this.#rig = rig;
  }

  serve(all: Taking): void {
    setHandler(holdsQuery, () => this.#holds, { description: 'Who holds the rig, and why.' });
    setHandler(keptHoldsQuery, () => (this.#isKnown ? this.#holds : null), {
      description: 'The same, null as long as it is not known how the witness before held it.',
    });
    const desk = takenOnce(all, () => this.#isKnown || !patched('what is said waits for what was held before', '0.9'));
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

  /** The witness before has held the rig, or the deacon holds all. */
  adopt({ leases, held, below, town, before }: Found): void {
    const holds = holdsOfRig({ before, town, below: held, deacon: DEACON });
    if (this.#holds.length === 0 && holds.length > 0)
      this.#set(holds.map((hold) => ({ ...hold, sinceMs: Date.now() })));
    if (this.#holds.length > 0) {
      if (patched('who is adopted hears of a pause', '0.6')) this.#untold = leases;
    } else this.#letGo = below;
  }

  /** From now on it is said here how the rig is held. */
  begin(): void {
    this.#isKnown = true;
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
    const free = this.#letGo;
    this.#letGo = [];
    if (first === null && free.length > 0) await this.#tell(free, wordFor(undefined, witnessOf(this.#rig.name)));
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
