/** Work that somebody holds: nothing new begins until it is resumed; what people close, answer and approve counts all the same. */

export type Pause = { readonly by: string; readonly why: string; readonly sinceMs: number };

/** On whom paused work waits. */
export const RESUME = 'operator: resume';
