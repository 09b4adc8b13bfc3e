/**
 * What is said to others ever so often, though it changes more often: of what comes meanwhile the last is said when it is time. Timers tell
 * the time, and none fires for nothing.
 */
import { CancellationScope, isCancellation, sleep, workflowInfo } from '@temporalio/workflow';
import { patched } from './patches.js';

export class Pace {
  readonly #summary: string;
  readonly #patch: string;
  #saidAt = 0;
  #saidNow = 0;
  #saidIn = 0;
  #say: (() => void) | null = null;
  /** Of what is to be said. */
  #timer: CancellationScope | null = null;

  /** `summary` is of the timer; what is said by histories from before `patch` is said as it comes. */
  constructor(summary: string, patch: string) {
    this.#summary = summary;
    this.#patch = patch;
  }

  /** How often something was said in this task of the workflow. */
  get saidNow(): number {
    return this.#saidIn === workflowInfo().historyLength ? this.#saidNow : 0;
  }

  /** Says it now when `ms` are 0, else with the last of all such when they have gone by. */
  say(say: () => void, ms: number): void {
    if (ms === 0 || !patched(this.#patch)) {
      this.drop();
      return this.#now(say);
    }
    const waitMs = patched('a pace has no clock', '0.6') ? ms : this.#saidAt + ms - Date.now();
    if (waitMs <= 0) return this.#now(say);
    const isDue = this.#say !== null;
    this.#say = say;
    if (!isDue) void CancellationScope.nonCancellable(() => this.#begin(waitMs));
  }

  /** Nothing is left to be said later. */
  drop(): void {
    if (this.#timer === null) return;
    this.#timer.cancel();
    this.#timer = null;
    this.#say = null;
  }

  #begin(ms: number): Promise<void> {
    if (!patched('no timer fires for nothing', '0.11')) return this.#later(ms);
    const timer = new CancellationScope();
    this.#timer = timer;
    return timer
      .run(() => this.#later(ms))
      .catch((error: unknown) => {
        if (!isCancellation(error)) throw error;
      });
  }

  async #later(ms: number): Promise<void> {
    await sleep(ms, { summary: this.#summary });
    this.#timer = null;
    const say = this.#say;
    this.#say = null;
    if (say !== null) this.#now(say);
  }

  #now(say: () => void): void {
    this.#saidNow = this.saidNow + 1;
    this.#saidAt = Date.now();
    this.#saidIn = workflowInfo().historyLength;
    say();
  }
}
