/** What is due: which turn of which rule answers a request. Pure, so the same request always gets the same answer. */
import { createHash } from 'node:crypto';
import * as z from 'zod';
import { asksForCaching, lastResultOf, openingOf, tokensOf, turnOf } from './model-request.js';
import type { MessagesRequest } from './model-request.js';
import type { Call, Fault, ModelScript, Turn } from './model-script.js';

type ContentBlock =
  | { readonly type: 'text'; readonly text: string }
  | { readonly type: 'tool_use'; readonly id: string; readonly name: string; readonly input: unknown };

export type Due = {
  /** The same for the same conversation at the same turn: ids of messages and tool calls are made of it. */
  readonly id: string;
  readonly rule: number;
  readonly turn: number;
  readonly fault: Fault | null;
  readonly message: Message;
  readonly stream: boolean;
};

export type Message = ReturnType<typeof messageOf>;

const QUOTE_CHARS = 200;
const UNCACHED_TOKENS = 4;

/** Null: no rule fits. */
export function dueOf(script: ModelScript, request: MessagesRequest): Due | null {
  const opening = openingOf(request);
  const rule = script.rules.findIndex(({ when }) => when.every((text) => opening.includes(text)));
  const turns = script.rules[rule]?.turns;
  if (turns === undefined) return null;
  const turn = turnOf(request);
  const said = saidBy(turns[turn], request);
  const id = `${rule}_${turn}_${createHash('sha256').update(opening).digest('hex').slice(0, 8)}`;
  const message = messageOf(id, said, request);
  return { id, rule, turn, fault: said.fault ?? null, message, stream: request.stream === true };
}

export function noRule(request: MessagesRequest): string {
  const quoted = JSON.stringify(openingOf(request).slice(0, QUOTE_CHARS).trimEnd());
  return `no rule of the script fits the first user message, which begins: ${quoted}`;
}

/** What the script says; where it says nothing, the tool that the request insists on, or that the script has ended. */
function saidBy(turn: Turn | undefined, request: MessagesRequest): Turn {
  if (turn?.text !== undefined || (turn?.tools ?? []).length > 0) return turn ?? {};
  const forced = forcedTool(request);
  if (forced !== null) return { ...turn, tools: [forced] };
  return turn ?? { text: 'The script has ended.' };
}

function forcedTool({ tool_choice: choice, tools = [] }: MessagesRequest): Call | null {
  const tool =
    choice?.type === 'any' ? tools[0] : tools.find((one) => choice?.type === 'tool' && one.name === choice.name);
  if (tool?.name === undefined) return null;
  const input = Fields.safeParse(leastOf(tool.input_schema));
  return { name: tool.name, input: input.success ? input.data : {} };
}

const Fields = z.record(z.string(), z.unknown());

const Schema = z.looseObject({
  type: z.string().default(''),
  const: z.unknown().optional(),
  enum: z.array(z.unknown()).optional(),
  minLength: z.number().optional(),
  minimum: z.number().optional(),
  properties: Fields.optional(),
  required: z.array(z.string()).optional(),
});

/** The least that a JSON schema of the common kind allows: required fields only. */
function leastOf(raw: unknown): unknown {
  const read = Schema.safeParse(raw);
  if (!read.success) return null;
  const { type, enum: allowed, minLength = 0, minimum = 0, properties = {}, required = [] } = read.data;
  if (read.data.const !== undefined) return read.data.const;
  if (allowed !== undefined) return allowed[0];
  switch (type) {
    case 'object':
      return Object.fromEntries(required.map((name) => [name, leastOf(properties[name])]));
    case 'string':
      return 'scripted'.padEnd(minLength, '.');
    case 'number':
    case 'integer':
      return minimum;
    case 'boolean':
      return false;
    case 'array':
      return [];
    default:
      return null;
  }
}

function messageOf(id: string, turn: Turn, request: MessagesRequest) {
  const text: ContentBlock[] = turn.text === undefined ? [] : [{ type: 'text', text: turn.text }];
  const calls = (turn.tools ?? []).map((call, index): ContentBlock => {
    return { type: 'tool_use', id: `toolu_${id}_${index}`, name: call.name, input: inputOf(call, request) };
  });
  const content = [...text, ...calls];
  return {
    id: `msg_${id}`,
    type: 'message',
    role: 'assistant',
    model: request.model,
    content,
    stop_reason: turn.stop_reason ?? (calls.length > 0 ? 'tool_use' : 'end_turn'),
    stop_sequence: null,
    usage: usageOf(turn, content, request),
  };
}

function inputOf(
  { input, prepend_result_to: field }: Call,
  request: MessagesRequest,
): Readonly<Record<string, unknown>> {
  return field === undefined ? input : { ...input, [field]: lastResultOf(request) + String(input[field]) };
}

/** Made up where the script gives none; a client that asks for caching finds in the cache what it has sent before. */
function usageOf({ usage = {} }: Turn, content: readonly ContentBlock[], request: MessagesRequest) {
  const { all, cached } = tokensOf(request);
  const uncached = asksForCaching(request) ? Math.min(UNCACHED_TOKENS, all - cached) : all;
  const isGiven = Object.keys(usage).length > 0;
  const read = isGiven || uncached === all ? 0 : cached;
  return {
    input_tokens: usage.input_tokens ?? uncached,
    output_tokens: usage.output_tokens ?? Math.ceil(JSON.stringify(content).length / 4),
    cache_read_input_tokens: usage.cache_read_input_tokens ?? read,
    cache_creation_input_tokens: usage.cache_creation_input_tokens ?? (isGiven ? 0 : all - uncached - read),
  };
}
