/** Work that somebody holds: nothing new begins until it is resumed; what people close, answer and approve counts all the same. */

/** By whom, and why. */
export type Hold = {
  readonly by: string;
  readonly why: string;
  /** The workflow above that was asked to and passes it on; absent when it was asked of this one itself. */
  readonly above?: string | undefined;
};

export type Pause = Hold & { readonly sinceMs: number };

/** On whom paused work waits. */
export const RESUME = 'operator: resume';

/** One more, or another word from where one came already. What is held from several sides goes on when all have let go. */
export function withHold<H extends Hold>(holds: readonly H[], hold: H): readonly H[] {
  const isKnown = holds.some(({ above }) => above === hold.above);
  return isKnown ? holds.map((one) => (one.above === hold.above ? hold : one)) : [...holds, hold];
}

export function withoutHold<H extends Hold>(holds: readonly H[], above: string | undefined): readonly H[] {
  return holds.filter((one) => one.above !== above);
}
