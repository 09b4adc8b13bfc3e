/**
 * The emergency stop: the deacon holds all rigs, those that begin later, too, since a witness that begins asks it. It goes on holding them whoever dies:
 * a deacon that begins asks how the one before it held the town.
 */
import { setHandler } from '@temporalio/workflow';
import { deaconMessages, witnessMessages } from '../contract/messages.js';
import { holdsQuery, keptHoldsQuery } from '../contract/polecat.js';
import { witnessOf } from '../town/address.js';
import type { Survey } from '../town/patrol.js';
import type { Pause } from '../town/pause.js';
import { done, refused, takenOnce, type Taking } from './desk.js';
import { town } from './hands.js';
import { patched } from './patches.js';
import { takePauses, Teller, wordFor } from './pausing.js';

type Deacon = { readonly patience: () => number; readonly onChange: () => void };
type Carried = { readonly paused: Pause | null; readonly rigs: readonly string[] };

export class DeaconHold {
  readonly #deacon: Deacon;
  readonly #teller = new Teller(witnessMessages);
  #paused: Pause | null;
  /** Rigs that have heard the last word of it. */
  #rigs: readonly string[];
  /** It is known how the one before held the town. */
  #isKnown: boolean;

  constructor({ paused, rigs }: Carried, isFresh: boolean, deacon: Deacon) {
    this.#paused = paused;
    this.#rigs = rigs;
    this.#isKnown = !isFresh;
    this.#deacon = deacon;
  }

  get paused(): Pause | null {
    return this.#paused;
  }

  get carry(): Carried {
    return { paused: this.#paused, rigs: this.#rigs };
  }

  serve(desk: Taking): void {
    const holds = () => [this.#paused ?? []].flat();
    setHandler(holdsQuery, holds, { description: 'Who holds the town, and why.' });
    setHandler(keptHoldsQuery, () => (this.#isKnown ? holds() : null), {
      description: 'The same, null as long as it is not known how the deacon before held it.',
    });
    takePauses(
      takenOnce(desk, () => this.#isKnown),
      {
        what: 'the town',
        messages: deaconMessages,
        holds,
        hold: (hold) => this.#set({ ...hold, sinceMs: Date.now() }),
        letGo: () => this.#set(null),
        tell: async () => this.#tellAll(),
        meanwhile: () =>
          `${this.#rigs.length} rigs are held, and those that begin later: sessions under way end first, and what is handed in still lands`,
      },
    );
    desk.on(deaconMessages.cycle, async (asked) => {
      const rigs = await this.#findRigs();
      if (rigs.length === 0) return refused('no rig is at work');
      await this.#teller.cycle(rigs.map(addressed), { by: asked.by, text: asked.reason, id: asked.id });
      return done(`those at work in ${rigs.length} rigs are asked to hand over`);
    });
  }

  /** First of all of a deacon that begins. */
  async adopt(): Promise<void> {
    if (!this.#isKnown && patched('how the town was held before is known', '0.9')) {
      const how = { summary: 'is the town held' };
      const { hold, told } = await town(this.#deacon.patience()).findHoldBefore.executeWithOptions(how, []);
      this.#rigs = told;
      if (hold !== null) this.#set({ by: hold.by, why: hold.why, sinceMs: Date.now() });
      if (hold !== null || told.length > 0) await this.#tellAll();
    }
    this.#isKnown = true;
  }

  /** Whose witnesses are there: one may have begun just as the others were told, or while nobody said that the town is held. */
  async keepUp({ witnessed, unheld }: Pick<Survey, 'witnessed' | 'unheld'>): Promise<void> {
    const isUnheld = (rig: string) => unheld?.includes(rig) === true;
    const isNew = (rig: string) => !this.#rigs.includes(rig);
    const isLetGo = this.#paused === null;
    // Where the town was never held there is nothing to be let go.
    if (isLetGo && (this.#rigs.length === 0 || unheld === undefined)) return;
    const late = witnessed.filter((rig) => (isLetGo ? isNew(rig) && !isUnheld(rig) : isNew(rig) || isUnheld(rig)));
    if (late.length > 0) this.#rigs = [...new Set([...this.#rigs, ...(await this.#tell(late))])];
  }

  #set(paused: Pause | null): void {
    this.#paused = paused;
    this.#deacon.onChange();
  }

  async #tellAll(): Promise<void> {
    const rigs = await this.#findRigs();
    // Meanwhile there may have been another word: each hears the last one.
    this.#rigs = await this.#tell([...new Set([...rigs, ...this.#rigs])]);
    this.#deacon.onChange();
  }

  /** Those that have heard it. */
  async #tell(rigs: readonly string[]): Promise<readonly string[]> {
    const word = wordFor(this.#paused ?? undefined, 'the deacon');
    const missed = await this.#teller.tell(rigs.map(addressed), word);
    return rigs.filter((rig) => missed.every(({ workflowId }) => workflowId !== witnessOf(rig)));
  }

  #findRigs(): Promise<readonly string[]> {
    return town(this.#deacon.patience()).findRigs.executeWithOptions({ summary: 'which rigs are at work' }, []);
  }
}

const addressed = (rig: string) => ({ workflowId: witnessOf(rig) });
