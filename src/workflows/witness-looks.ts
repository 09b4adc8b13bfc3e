/** When the witness of a rig looks at those at work: later each time that it saw nothing new. News may bring a look forward, and never puts one off. */
import { leaseCheckMs } from './patience.js';
import { patched } from './patches.js';

export class LookTimes {
  #quiet = 0;
  #dueMs: number | null = null;

  /** For the board; null: nobody is to be looked at. */
  get dueMs(): number | null {
    return this.#dueMs;
  }

  /** Looks since the last news. */
  get quiet(): number {
    return this.#quiet;
  }

  /** In how long the next one is due. */
  plan(patience: number, isSoon: boolean): number {
    const planned = Date.now() + leaseCheckMs(patience, isSoon ? 0 : this.#quiet);
    const known = keepsTime() ? (this.#dueMs ?? Infinity) : Infinity;
    this.#dueMs = Math.min(known, planned);
    return Math.max(1, this.#dueMs - Date.now());
  }

  hear(): void {
    this.#quiet = 0;
    if (!keepsTime()) this.#dueMs = null;
  }

  /** One is due. */
  begin(): void {
    this.#quiet += 1;
    this.#dueMs = null;
  }

  /** Nobody is at work. */
  rest(): void {
    this.#dueMs = null;
  }
}

/** Where missions wait for slots there is always news within five minutes. */
const keepsTime = () => patched('news does not put off a look', '0.9');
