/** What a scripted model says: rules, each with its turns. Read from JSON that people write, so with problems in words. */
import { z } from 'zod';

const Usage = z.strictObject({
  input_tokens: z.number().int().nonnegative().optional(),
  output_tokens: z.number().int().nonnegative().optional(),
  cache_read_input_tokens: z.number().int().nonnegative().optional(),
  cache_creation_input_tokens: z.number().int().nonnegative().optional(),
});

/** A fault comes before the answer, `times` times. It is counted in memory only: a fault is temporary by nature. */
const times = z.number().int().positive().default(1);
const Fault = z.discriminatedUnion('kind', [
  z.strictObject({ kind: z.literal('rate-limit'), retry_after_seconds: z.number().nonnegative(), times }),
  z.strictObject({ kind: z.literal('overloaded'), times }),
  z.strictObject({ kind: z.literal('error-mid-stream'), times }),
  z.strictObject({ kind: z.literal('stall'), seconds: z.number().positive(), times }),
  z.strictObject({ kind: z.literal('cut'), times }),
]);
export type Fault = z.infer<typeof Fault>;

const Turn = z.strictObject({
  text: z.string().optional(),
  tools: z.array(z.strictObject({ name: z.string().min(1), input: z.record(z.string(), z.unknown()) })).optional(),
  usage: Usage.optional(),
  stop_reason: z.enum(['end_turn', 'tool_use', 'max_tokens', 'refusal']).optional(),
  fault: Fault.optional(),
});
export type Turn = z.infer<typeof Turn>;

export const ModelScript = z.strictObject({
  rules: z.array(
    z.strictObject({
      /** Every one of these must occur in the first user message. The first rule that fits answers. */
      when: z.array(z.string().min(1)),
      turns: z.array(Turn),
    }),
  ),
});
export type ModelScript = z.infer<typeof ModelScript>;
export type Rule = ModelScript['rules'][number];

export function readModelScript(
  raw: unknown,
): { readonly ok: true; readonly script: ModelScript } | { readonly ok: false; readonly problems: readonly string[] } {
  const read = ModelScript.safeParse(raw);
  if (read.success) return { ok: true, script: read.data };
  return { ok: false, problems: read.error.issues.map((issue) => `${issue.path.join('.')}: ${issue.message}`) };
}
