/** A word to an agent at work, told before its next turn. */
import * as z from 'zod';

export const Nudge = z.object({
  id: z.string(),
  by: z.string(),
  text: z.string(),
  /** It is also asked to hand over to a fresh session. */
  cycle: z.boolean(),
  atMs: z.number(),
  /** The session that has heard it; null while none has. */
  heardBy: z.string().nullable(),
});
export type Nudge = z.infer<typeof Nudge>;

export function nudgeText({ by, text }: Pick<Nudge, 'by' | 'text'>): string {
  return `A word from ${by}: ${text}`;
}
