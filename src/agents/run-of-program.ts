/**
 * One run of an agent's program: when it is to be stopped, and why, and what its provider has answered it. Its key proxy asks here before a
 * model is asked, so that a limit ends it between two turns, and tells here what came of it.
 */
import { setTimeout as pause } from 'node:timers/promises';
import type { Account } from './account.js';
import type { Asker } from './key-proxy.js';
import type { Meter } from './meter.js';
import type { Failure } from './provider-answers.js';
import type { Pulse } from './pulse.js';
import type { SdkLimit } from './sdk.js';
import type { Spent } from './told-usage.js';
import { RuntimeTrouble } from './trouble.js';

/** `no-answer`: of its provider; `trouble`: of its provider, which wants to be left alone, or of ours. */
type Stop = SdkLimit | 'budget' | 'silence' | 'no-answer' | 'trouble' | 'ended';

type Means = {
  readonly meter: Meter;
  readonly pulse: Pulse;
  readonly account: Account;
  /** Why it may not take another turn; null: it may. */
  readonly limit: () => Promise<SdkLimit | 'budget' | null>;
  /** Whether it can be taken up again, when its provider wants to be left alone for longer. */
  readonly canBeStopped: boolean;
  /** What it only waited for us is none of its time. */
  readonly waited: (ms: number) => void;
};

/** A program waits so long by itself. */
const PATIENT_MS = 10_000;
/** Between two looks at its time, which stands still while it waits. */
const LOOK_MS_MIN = 100;
/** What it has started may hold a request open, and be out of reach. */
const SETTLE_MS_MAX = 1_000;

export class RunOfProgram implements Asker {
  readonly #means: Means;
  readonly #controller = new AbortController();
  #stopped: Stop | null = null;
  #asked = 0;
  /** Requests that wait for us, and those that its provider has. */
  #waiting = 0;
  #open = 0;
  /** Since when it only waits: it may ask several at once. */
  #idleSinceMs: number | null = null;
  /** Of its last request. */
  #failure: Failure | null = null;
  #broken: unknown = null;
  #whenLeft: () => void = () => undefined;

  constructor(means: Means) {
    this.#means = means;
    means.meter.begin();
  }

  /** Aborted when it is to stop. */
  get signal(): AbortSignal {
    return this.#controller.signal;
  }

  /** Why it was stopped; null: it was not. */
  get stopped(): Stop | null {
    return this.#stopped;
  }

  /** Whether any model was asked. */
  get hasAsked(): boolean {
    return this.#asked > 0;
  }

  /** What its provider answered last, when that was no answer. */
  get failure(): Failure | null {
    return this.#failure;
  }

  stop(why: Stop): void {
    this.#stopped ??= why;
    this.#controller.abort();
  }

  /** Answers what ends the watch. */
  stopInTime(leftMs: () => number): () => void {
    let timer: NodeJS.Timeout | undefined;
    const look = () => {
      this.#clock();
      const left = leftMs();
      if (left <= 0) this.stop('time');
      else timer = setTimeout(look, Math.max(left, LOOK_MS_MIN));
    };
    look();
    return () => clearTimeout(timer);
  }

  /** Nothing was heard of it for too long, or of its provider, if that is asked. */
  fallSilent(): void {
    this.stop(this.#open > 0 ? 'no-answer' : 'silence');
  }

  /** It has ended; resolves when what it has still asked for is counted. */
  async settled(): Promise<void> {
    if (this.#open === 0) return;
    const left = new Promise<void>((resolve) => (this.#whenLeft = resolve));
    await Promise.race([left, pause(SETTLE_MS_MAX, undefined, { ref: false })]);
  }

  /** Throws what of ours has failed meanwhile. */
  throwIfBroken(): void {
    if (this.#broken !== null) throw this.#broken as Error; // as it was thrown
  }

  sign(): void {
    this.#means.pulse.sign();
  }

  async enter(gone: AbortSignal): Promise<() => void> {
    const { account, limit, pulse } = this.#means;
    this.#asked += 1;
    const release = pulse.hold();
    this.#waiting += 1;
    this.#clock();
    try {
      const reached = await limit();
      if (reached !== null) {
        this.stop(reached);
        // Without an answer: in its conversation there is to be no word of it.
        await aborted(gone);
      }
      const leave = await account.enter(gone);
      this.#open += 1;
      return () => {
        this.#open -= 1;
        this.#clock();
        leave();
        if (this.#open === 0) this.#whenLeft();
      };
    } catch (error) {
      if (error instanceof RuntimeTrouble) this.#fail(error);
      throw error;
    } finally {
      this.#waiting -= 1;
      this.#clock();
      release();
    }
  }

  /** After each change of what waits: until then it only waited, or did not. */
  #clock(): void {
    const nowMs = Date.now();
    if (this.#idleSinceMs !== null) this.#means.waited(nowMs - this.#idleSinceMs);
    this.#idleSinceMs = this.#waiting > 0 && this.#open === 0 ? nowMs : null;
  }

  async answered(spent: Spent): Promise<void> {
    this.#failure = null;
    try {
      await this.#means.meter.answered(spent);
    } catch (error) {
      this.#broken ??= error;
      this.stop('trouble');
    }
  }

  failed(failure: Failure): void {
    if (failure instanceof RuntimeTrouble) this.#means.account.hear(failure);
    this.#fail(failure);
  }

  #fail(failure: Failure): void {
    this.#failure = failure;
    const isLong = failure instanceof RuntimeTrouble && failure.retryable && (failure.retryAfterMs ?? 0) > PATIENT_MS;
    if (isLong && this.#means.canBeStopped) this.stop('trouble');
  }
}

function aborted(signal: AbortSignal): Promise<never> {
  return new Promise((_, reject) => {
    const gone = () => reject(signal.reason instanceof Error ? signal.reason : new Error(String(signal.reason)));
    if (signal.aborted) gone();
    else signal.addEventListener('abort', gone, { once: true });
  });
}
