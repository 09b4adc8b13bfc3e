/** Work that somebody holds: nothing new begins until it is resumed; what people close, answer and approve counts all the same. */

/** By whom, and why. */
export type Hold = { readonly by: string; readonly why: string };

export type Pause = Hold & { readonly sinceMs: number };

/** On whom paused work waits. */
export const RESUME = 'operator: resume';
