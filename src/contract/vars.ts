/** Values of a formula's variables, and whose words they are where others wrote them: the text of an issue, say. */
import * as z from 'zod';
import { own } from '../town/own.js';

export const Vars = z.record(z.string(), z.union([z.string(), z.number(), z.boolean()]).transform(String));

export const Origins = z
  .record(z.string(), z.string().trim().min(1).max(200))
  .describe(
    'by name of a variable whose value somebody else wrote, where it comes from: agents are told it in a fence',
  );
export type Origins = z.infer<typeof Origins>;

type Given = { readonly vars: Readonly<Record<string, unknown>>; readonly origins?: Origins | undefined };

/** An origin of nothing would be a slip by which words stand unfenced. */
export function checkOrigins({ vars, origins = {} }: Given, context: z.RefinementCtx): void {
  for (const name of Object.keys(origins)) {
    if (own(vars, name) !== undefined) continue;
    const names = Object.keys(vars);
    const given = names.length === 0 ? 'no variable is given' : `the variables that are given are ${names.join(', ')}`;
    context.addIssue({ code: 'custom', path: ['origins'], message: `"${name}" has an origin and no value; ${given}` });
  }
}
