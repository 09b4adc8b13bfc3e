/** What an agent can call: checked against its schema, and answered in words, so that a call that does not fit can be mended. */
import * as z from 'zod';
import type { Json } from '../town/act.js';
import type { Asked } from '../town/escalation-sources.js';
import type { SessionSpec } from '../town/session.js';
import { NO_FENCE, untrusted } from '../town/untrusted.js';
import type { SessionContext } from './runtime.js';

/** What a call leads to besides its answer. */
export type Effect =
  | { readonly kind: 'none' }
  | { readonly kind: 'note'; readonly text: string }
  | {
      readonly kind: 'close';
      readonly verdict: 'done' | 'no-changes' | 'failed';
      readonly summary: string;
      readonly output?: Json;
      readonly transient?: boolean;
    }
  | { readonly kind: 'handoff'; readonly note: string }
  | ({ readonly kind: 'blocked'; readonly detail: string } & Asked);

export type ToolAnswer = { readonly text: string; readonly isError: boolean; readonly effect: Effect };

export const said = (text: string, effect: Effect = { kind: 'none' }): ToolAnswer => ({ text, isError: false, effect });
/** What files and programs say, fenced; `before`: a line of ours. */
export const quoted = (origin: string, text: string, before = ''): ToolAnswer => {
  const fenced = untrusted(origin, text);
  const isAltered = fenced.includes(NO_FENCE) && !text.includes(NO_FENCE);
  const parts = [before, fenced, isAltered ? `(${NO_FENCE} stands where the text has that tag.)` : ''];
  return said(parts.filter((part) => part !== '').join('\n'));
};
export const wrong = (text: string): ToolAnswer => ({ text, isError: true, effect: { kind: 'none' } });

export type Tool = {
  readonly name: string;
  readonly description: string;
  readonly schema: z.ZodObject;
  /** JSON Schemas of single fields that the agent is shown instead of what zod makes of `schema`. */
  readonly shown?: Readonly<Record<string, unknown>>;
  /** Changes something outside: cut off in the middle, nobody knows whether it did. */
  readonly changes: boolean;
  readonly run: (input: unknown, spec: SessionSpec, context: SessionContext) => Promise<ToolAnswer>;
};

export function tool<Schema extends z.ZodObject>(
  name: string,
  description: string,
  schema: Schema,
  run: (input: z.infer<Schema>, spec: SessionSpec, context: SessionContext) => Promise<ToolAnswer>,
  changes = false,
): Tool {
  return {
    name,
    description,
    schema,
    changes,
    run: async (raw, spec, context) => {
      const input = schema.safeParse(raw);
      if (input.success) return run(input.data, spec, context);
      const problems = input.error.issues.map((issue) => `${issue.path.join('.')}: ${issue.message}`);
      return wrong(`${name} was not called right: ${problems.join('; ')}`);
    },
  };
}

/** JSON Schema of what a tool is called with. */
export function inputSchemaOf({ schema, shown = {} }: Tool): {
  readonly type: 'object';
  readonly properties: Readonly<Record<string, unknown>>;
} {
  const { $defs: _, $schema: _draft, properties, ...rest } = z.toJSONSchema(schema, { io: 'input' });
  return { ...rest, type: 'object', properties: { ...properties, ...shown } };
}
