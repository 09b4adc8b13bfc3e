/** Kills the worker now and then on a mission's way, for demos and tests of what survives it. */
import { setTimeout as pause } from 'node:timers/promises';

export type Chaos = {
  /** The process to kill, as it is then; null while there is none. */
  readonly pid: () => number | null;
  /** How much of the work is done, from 0 to 1; null while nobody answers. */
  readonly progress: () => Promise<number | null>;
  readonly kills: number;
  readonly seed: number;
  readonly say: (line: string) => void;
  readonly signal: AbortSignal;
};

const LOOK_MS = 100;

/** The shares of the work at which the kills fall due: one in each equal part of it, where in that part the seed decides. */
export function momentsOf({ kills, seed }: Pick<Chaos, 'kills' | 'seed'>): readonly number[] {
  const random = randomOf(seed);
  return Array.from({ length: kills }, (_, kill) => (kill + random()) / (kills + 0.5));
}

/** Ends after the last kill, or with the signal. A moment without a worker uses up no kill, and none is killed twice. */
export async function killOnTheWay(chaos: Chaos): Promise<void> {
  const { kills, seed, say } = chaos;
  let last: number | null = null;
  for (const [index, moment] of momentsOf(chaos).entries()) {
    const victim = await nextVictim(chaos, moment, last);
    if (victim === null) return;
    say(`kill -9 of the worker, process ${victim} (${index + 1} of ${kills}, seed ${seed})`);
    last = victim;
  }
}

/** Killed when it returns; null with the signal. */
async function nextVictim(
  { pid, progress, signal }: Chaos,
  moment: number,
  last: number | null,
): Promise<number | null> {
  while (!signal.aborted) {
    // An answer is also the proof that a worker works, and is not only starting.
    const done = await progress();
    const victim = pid();
    if (done !== null && done >= moment && victim !== null && victim !== last && !signal.aborted && isKilled(victim))
      return victim;
    await pause(LOOK_MS, undefined, { signal }).catch(() => undefined);
  }
  return null;
}

/** False when it had ended by itself. */
function isKilled(pid: number): boolean {
  try {
    return process.kill(pid, 'SIGKILL');
  } catch {
    return false;
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
