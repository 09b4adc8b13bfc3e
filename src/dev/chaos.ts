/** Kills a process now and then, for demos and tests of what survives it. */
import { setTimeout as pause } from 'node:timers/promises';

export type Chaos = {
  /** The process to kill, as it is then; null while there is none. */
  readonly pid: () => number | null;
  readonly kills: number;
  readonly seed: number;
  readonly say: (line: string) => void;
  readonly signal: AbortSignal;
};

const PAUSE_MIN_MS = 1_500;
const PAUSE_SPAN_MS = 1_500;

/** Ends after the last kill, or with the signal. */
export async function killNowAndThen({ pid, kills, seed, say, signal }: Chaos): Promise<void> {
  const random = randomOf(seed);
  for (let kill = 1; kill <= kills; kill += 1) {
    await pause(PAUSE_MIN_MS + random() * PAUSE_SPAN_MS, undefined, { signal }).catch(() => undefined);
    if (signal.aborted) return;
    const victim = pid();
    if (victim === null) continue;
    say(`kill -9 of the worker, process ${victim} (${kill} of ${kills}, seed ${seed})`);
    process.kill(victim, 'SIGKILL');
  }
}

/** Numbers from 0 to 1, the same for the same seed (mulberry32). */
export function randomOf(seed: number): () => number {
  let state = seed;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 4_294_967_296;
  };
}
