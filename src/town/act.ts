/** The acts of a scripted session, apart from the protomolecule: they are all of it that the compiler of formulas reads with. */
import * as z from 'zod';

/** Plain data that an author or an agent writes. */
export const Json = z.json();
export type Json = z.infer<typeof Json>;

/**
 * One act of a scripted session, in the order of the formula. `handoff` ends a session; the step's next session goes on
 * with the act behind it. `close`, `fail` and `block` end the step's work.
 */
export const Act = z.lazy(() =>
  z.union([
    z.strictObject({ write: z.string().min(1), text: z.string() }),
    z.strictObject({ append: z.string().min(1), text: z.string() }),
    z.strictObject({ replace: z.string().min(1), find: z.string().min(1), with: z.string() }),
    z.strictObject({ delete: z.string().min(1) }),
    z.strictObject({ run: z.string().min(1) }),
    z.strictObject({ sleep: z.number().positive().describe('seconds') }),
    z.strictObject({ note: z.string().min(1) }),
    z.strictObject({ handoff: z.string().min(1) }),
    z.strictObject({ block: z.string().min(1) }),
    z.strictObject({ fail: z.string().min(1), transient: z.boolean().optional() }),
    z.strictObject({ close: z.string().min(1), output: Json.optional() }),
  ]),
);
export type Act = z.infer<typeof Act>;
