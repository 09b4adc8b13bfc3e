/** What a client asks the scripted model server, read and checked as the API would. */
import * as z from 'zod';
import { unfenced } from '../town/untrusted.js';

const Block = z.looseObject({
  type: z.string(),
  text: z.string().optional(),
  id: z.string().optional(),
  tool_use_id: z.string().optional(),
  content: z.unknown().optional(),
  is_error: z.boolean().nullish(),
});
const Content = z.union([z.string(), z.array(Block)], { error: 'must be a text or a list of blocks' });
type Content = z.infer<typeof Content>;

const MessagesRequest = z.looseObject({
  model: z.string().min(1),
  stream: z.boolean().optional(),
  system: Content.optional(),
  messages: z.array(z.looseObject({ role: z.enum(['user', 'assistant', 'system']), content: Content })).min(1),
  tools: z.array(z.looseObject({ name: z.string().optional(), input_schema: z.unknown().optional() })).optional(),
  tool_choice: z.looseObject({ type: z.string(), name: z.string().optional() }).optional(),
  thread: z.unknown().optional(),
});
export type MessagesRequest = z.infer<typeof MessagesRequest>;
type Message = MessagesRequest['messages'][number];

/** In a thread the server keeps the conversation; this one keeps none. Told so in these words, the SDK sends the whole. */
const NO_THREADS = 'thread: the scripted model server keeps no conversation; send all messages';
const UNTHREADED = { error_code: 'thread_unsupported_request', unsupported: ['thread'] };

type Read =
  | { readonly ok: true; readonly request: MessagesRequest }
  | { readonly ok: false; readonly problem: string; readonly details?: object };

export function readMessagesRequest(text: string): Read {
  const raw = parse(text);
  if (raw === undefined) return { ok: false, problem: 'the body is not JSON' };
  const read = MessagesRequest.safeParse(raw);
  if (!read.success) {
    const words = read.error.issues.map((issue) => `${issue.path.join('.') || 'the body'}: ${issue.message}`);
    return { ok: false, problem: words.join('; ') };
  }
  if (read.data.thread !== undefined) return { ok: false, problem: NO_THREADS, details: UNTHREADED };
  const problem = callProblem(read.data.messages) ?? choiceProblem(read.data);
  return problem === null ? { ok: true, request: read.data } : { ok: false, problem };
}

/** The text of the first user message. It ends in a newline, so that its last line can be matched whole like any other. */
export function openingOf({ messages }: MessagesRequest): string {
  const first = messages.find((message) => message.role === 'user');
  return first === undefined ? '' : `${textOf(first.content)}\n`;
}

/** How many times the model has answered in this conversation. */
export function turnOf({ messages }: MessagesRequest): number {
  return messages.filter((message) => message.role === 'assistant').length;
}

/** The text of the last tool's answer, as it is without a fence; empty when there is none, or the tool failed. */
export function lastResultOf({ messages }: MessagesRequest): string {
  const content = messages.findLast((message) => message.role === 'user')?.content ?? [];
  const result = typeof content === 'string' ? undefined : content.findLast((block) => block.type === 'tool_result');
  const read = Content.safeParse(result?.content);
  return read.success && result?.is_error !== true ? unfenced(textOf(read.data)) : '';
}

/**
 * About four characters a token. `cached` is the part that a client which asks for caching has sent before: all up to the
 * model's last answer.
 */
export function tokensOf(request: MessagesRequest): { readonly all: number; readonly cached: number } {
  const { system = '', tools = [], messages } = request;
  const last = messages.findLastIndex((message) => message.role === 'assistant');
  const tokens = (some: readonly Message[]) => Math.ceil(JSON.stringify([system, tools, some]).length / 4);
  return { all: tokens(messages), cached: last === -1 ? 0 : tokens(messages.slice(0, last)) };
}

export function asksForCaching({ system, tools, messages, ...request }: MessagesRequest): boolean {
  const places: readonly unknown[] = [request, system, tools, messages.map((message) => message.content)];
  return places.flat(2).some((place) => typeof place === 'object' && place !== null && 'cache_control' in place);
}

function parse(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

/** Every call of the model must be answered in the very next message. The API refuses what a careless client leaves out. */
function callProblem(messages: readonly Message[]): string | null {
  for (const [index, message] of messages.entries()) {
    const next = messages[index + 1];
    if (message.role !== 'assistant' || next === undefined) continue;
    const answered = new Set(blocksOf(next).map((block) => block.tool_use_id));
    const open = blocksOf(message).filter((block) => block.type === 'tool_use' && !answered.has(block.id));
    if (open.length > 0)
      return `messages.${index}: no tool_result in the next message for ${open.map((one) => one.id).join(', ')}`;
  }
  return null;
}

function choiceProblem({ tool_choice: choice, tools = [] }: MessagesRequest): string | null {
  if (choice?.type !== 'tool' || tools.some((tool) => tool.name === choice.name)) return null;
  return `tool_choice: there is no tool ${choice.name ?? 'without a name'} in tools`;
}

function blocksOf({ content }: Message): Exclude<Content, string> {
  return typeof content === 'string' ? [] : content;
}

function textOf(content: Content): string {
  return typeof content === 'string' ? content : content.map((block) => block.text ?? '').join('\n');
}
