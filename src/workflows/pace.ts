/** What is said to others ever so often, though it changes more often: of what comes too early the last is said when it is time. */
import { CancellationScope, sleep } from '@temporalio/workflow';
import { patched } from './patches.js';

export class Pace {
  readonly #summary: string;
  readonly #patch: string;
  #saidAt = 0;
  #saidNow = 0;
  #say: (() => void) | null = null;

  /** `summary` is of the timer; what is said by histories from before `patch` is said as it comes. */
  constructor(summary: string, patch: string) {
    this.#summary = summary;
    this.#patch = patch;
  }

  /** How often something was said in this task of the workflow, in which no time goes by. */
  get saidNow(): number {
    return this.#saidAt === Date.now() ? this.#saidNow : 0;
  }

  /** Says it now, or the last of all such when `ms` have gone by since something was said. */
  say(say: () => void, ms: number): void {
    const early = this.#saidAt + ms - Date.now();
    if (early <= 0 || !patched(this.#patch)) return this.#now(say);
    const isDue = this.#say !== null;
    this.#say = say;
    if (!isDue) void CancellationScope.nonCancellable(() => this.#later(early));
  }

  async #later(ms: number): Promise<void> {
    await sleep(ms, { summary: this.#summary });
    const say = this.#say;
    this.#say = null;
    if (say !== null) this.#now(say);
  }

  #now(say: () => void): void {
    this.#saidNow = this.saidNow + 1;
    this.#saidAt = Date.now();
    say();
  }
}
