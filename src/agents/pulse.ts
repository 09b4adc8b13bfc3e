import type { Life } from './runtime.js';

/** The signs of life of an agent that is a program: what it writes, what it calls at its door, what passes between it and its models. */
export class Pulse {
  readonly #life: Life | null;
  #quietMs = 0;
  #silent: (() => void) | null = null;
  #timer: NodeJS.Timeout | undefined;
  /** By so many of its calls. */
  #held = 0;

  /** `life`: hears of all of it, too. */
  constructor(life: Life | null = null) {
    this.#life = life;
  }

  /** Calls `silent` once nothing was heard of it for so long. Answers what ends the watch. */
  watch(quietMs: number, silent: () => void): () => void {
    this.#quietMs = quietMs;
    this.#silent = silent;
    this.sign();
    return () => {
      this.#silent = null;
      clearTimeout(this.#timer);
    };
  }

  sign(): void {
    this.#life?.sign();
    clearTimeout(this.#timer);
    const silent = this.#silent;
    if (silent === null || this.#held > 0) return;
    this.#timer = setTimeout(silent, this.#quietMs);
  }

  /** While it waits for us it has nothing to say. Answers what ends that, once. */
  hold(): () => void {
    this.#held += 1;
    const release = this.#life?.hold();
    this.sign();
    let isHeld = true;
    return () => {
      if (!isHeld) return;
      isHeld = false;
      this.#held -= 1;
      release?.();
      this.sign();
    };
  }
}
