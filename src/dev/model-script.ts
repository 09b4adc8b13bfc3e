/** What a scripted model says: rules, each with its turns. Read from JSON that people write, so with problems in words. */
import * as z from 'zod';
import { nearest } from '../town/nearest.js';

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
  z.strictObject({ kind: z.literal('refuse-key'), times }),
  z.strictObject({
    kind: z.literal('status'),
    status: z.number().int().min(400).max(599),
    /** Of the error, as `api_error`; without it there is no error in the API's shape, as from a gateway. */
    type: z.string().min(1).optional(),
    message: z.string().default('the script answers so here'),
    headers: z.record(z.string().regex(/^[a-z0-9-]+$/i), z.string().regex(/^[\x20-\x7e]*$/)).default({}),
    times,
  }),
  z.strictObject({ kind: z.literal('no-answer'), seconds: z.number().positive(), times }),
  z.strictObject({ kind: z.literal('end-early'), times }),
]);
export type Fault = z.infer<typeof Fault>;

const Call = z
  .strictObject({
    name: z.string().min(1),
    input: z.record(z.string(), z.unknown()),
    /** The text field of `input` before which the last tool's answer is put: how a script can add to a file it does not know. */
    prepend_result_to: z.string().optional(),
  })
  .refine(({ input, prepend_result_to: field }) => field === undefined || typeof input[field] === 'string', {
    path: ['prepend_result_to'],
    message: 'must name a text field of the input',
  });
export type Call = z.infer<typeof Call>;

const StopReason = z.enum([
  'end_turn',
  'tool_use',
  'max_tokens',
  'stop_sequence',
  'pause_turn',
  'refusal',
  'model_context_window_exceeded',
]);

const Turn = z
  .strictObject({
    text: z.string().optional(),
    tools: z.array(Call).optional(),
    usage: Usage.optional(),
    stop_reason: StopReason.optional(),
    fault: Fault.optional(),
  })
  .refine((turn) => turn.stop_reason !== 'tool_use' || (turn.tools ?? []).length > 0, {
    path: ['stop_reason'],
    message: 'is tool_use, but the turn calls no tool',
  });
export type Turn = z.infer<typeof Turn>;

const Rule = z.strictObject({
  /** Every one of these must occur in the first user message. The first rule that fits answers. */
  when: z.array(z.string().min(1)),
  turns: z.array(Turn),
});
export type Rule = z.infer<typeof Rule>;

export const ModelScript = z.strictObject({ rules: z.array(Rule) });
export type ModelScript = z.infer<typeof ModelScript>;

/** Every key that a script may hold somewhere, for hints. */
const KEYS = [
  ...Object.keys({ ...ModelScript.shape, ...Rule.shape, ...Turn.shape, ...Call.shape, ...Usage.shape }),
  ...Fault.options.flatMap((option) => Object.keys(option.shape)),
];

/** All problems at once, each with its place, as in `rules[0].turns[2].fault.kind: …`. */
export function readModelScript(
  raw: unknown,
): { readonly ok: true; readonly script: ModelScript } | { readonly ok: false; readonly problems: readonly string[] } {
  const read = ModelScript.safeParse(raw);
  if (read.success) return { ok: true, script: read.data };
  return { ok: false, problems: read.error.issues.map((issue) => `${placeOf(issue.path)}: ${wordsOf(issue)}`) };
}

function placeOf(path: readonly PropertyKey[]): string {
  if (path.length === 0) return 'the script';
  return path
    .map((part) => (typeof part === 'number' ? `[${part}]` : `.${String(part)}`))
    .join('')
    .replace(/^\./, '');
}

function wordsOf(issue: z.core.$ZodIssue): string {
  if (issue.code === 'unrecognized_keys') return issue.keys.map(unknownKey).join('; ');
  if (issue.code === 'invalid_union' && issue.path.at(-1) === 'kind') {
    const kinds = Fault.options.map((option) => option.shape.kind.value);
    return `is no fault; the faults are ${kinds.join(', ')}`;
  }
  return issue.message;
}

function unknownKey(key: string): string {
  const near = nearest(key, KEYS);
  return `there is no "${key}" here${near === null || near === key ? '' : `; did you mean "${near}"?`}`;
}
