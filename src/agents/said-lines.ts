/** What programs write for programs, as lines for people: what the agent says, what it calls, what comes of it. */
import * as z from 'zod';
import type { Agent } from '../town/agents.js';
import { cleaned } from './secrets.js';

const SHOWN_CHARS = 1_000;

const Block = z.object({
  type: z.string(),
  text: z.string().default(''),
  name: z.string().default(''),
  input: z.unknown().optional(),
  content: z.unknown().optional(),
});
type Block = z.infer<typeof Block>;
/** Of Claude Code, by its command (`--output-format stream-json`) and by its SDK. */
const ClaudeSaid = z.object({
  type: z.enum(['assistant', 'user']),
  message: z.object({ content: z.union([z.string(), z.array(Block)]) }),
});
const ClaudeResult = z.object({
  type: z.literal('result'),
  subtype: z.string(),
  errors: z.array(z.string()).default([]),
});
const ClaudeSystem = z.object({ type: z.literal('system'), subtype: z.string() });

/** Of `codex exec --json`. */
const CodexItem = z.object({
  type: z.enum(['item.started', 'item.updated', 'item.completed']),
  item: z.object({
    type: z.string(),
    text: z.string().default(''),
    message: z.string().default(''),
    command: z.string().default(''),
    aggregated_output: z.string().default(''),
    server: z.string().default(''),
    tool: z.string().default(''),
    arguments: z.unknown().optional(),
    result: z.unknown().optional(),
    changes: z.unknown().optional(),
  }),
});
type CodexItem = z.infer<typeof CodexItem>;
const CodexTrouble = z.object({
  type: z.enum(['error', 'turn.failed']),
  message: z.string().default(''),
  error: z.object({ message: z.string() }).optional(),
});

/** By its type alone, which is cheap: a program may write a hundred thousand lines a second. Null where it has none. */
export function typeIn(event: unknown): string | null {
  if (typeof event !== 'object' || event === null || !('type' in event)) return null;
  return typeof event.type === 'string' ? event.type : null;
}

/** Null for what is not understood, and is shown as it was written. */
export function linesOf(format: Agent['usage'], event: unknown): readonly string[] | null {
  const type = typeIn(event);
  if (type === null || (format !== 'claude' && format !== 'codex')) return null;
  return (format === 'claude' ? ofClaude(type, event) : ofCodex(type, event)) ?? [`(${type})`];
}

/** Null for what is told by its type alone. */
function ofClaude(type: string, event: unknown): readonly string[] | null {
  if (type === 'system') {
    const system = ClaudeSystem.safeParse(event);
    return system.success ? [`(${system.data.subtype})`] : null;
  }
  if (type === 'result') {
    const result = ClaudeResult.safeParse(event);
    return result.success ? [`(${result.data.subtype}: ${result.data.errors.join('; ') || 'it stops'})`] : null;
  }
  const said = type === 'assistant' || type === 'user' ? ClaudeSaid.safeParse(event) : null;
  if (said?.success !== true) return null;
  const { content } = said.data.message;
  return typeof content === 'string' ? [content] : content.flatMap(ofBlock);
}

function ofBlock({ type, text, name, input, content }: Block): readonly string[] {
  if (type === 'text') return [text];
  if (type === 'tool_use') return [`→ ${name} ${shortened(input)}`];
  return type === 'tool_result' ? [`← ${shortened(content)}`] : [];
}

function ofCodex(type: string, event: unknown): readonly string[] | null {
  if (type.startsWith('item.')) {
    const item = CodexItem.safeParse(event);
    return item.success ? ofItem(item.data) : null;
  }
  const trouble = type === 'error' || type === 'turn.failed' ? CodexTrouble.safeParse(event) : null;
  if (trouble?.success !== true) return null;
  const { message, error } = trouble.data;
  return [`(${type}: ${error?.message ?? message})`];
}

/** What takes time is told when it begins and when it has ended, all else when it is whole. */
function ofItem({ type: when, item }: CodexItem): readonly string[] {
  const { type, text, message, command, aggregated_output: output, server, tool } = item;
  if (when === 'item.started') {
    if (type === 'command_execution') return [`→ ${shortened(command)}`];
    return type === 'mcp_tool_call' ? [`→ ${server} ${tool} ${shortened(item.arguments)}`] : [];
  }
  if (when === 'item.updated') return [];
  if (type === 'command_execution') return [`← ${shortened(output)}`];
  if (type === 'mcp_tool_call') return [`← ${shortened(item.result)}`];
  if (type === 'file_change') return [`→ ${type} ${shortened(item.changes)}`];
  return [text || `(${type}${message === '' ? '' : `: ${message}`})`];
}

/** Half of a secret would be known for none. */
function shortened(value: unknown): string {
  const whole = cleaned(value);
  const words = typeof whole === 'string' ? whole : (JSON.stringify(whole) ?? '');
  return words.length <= SHOWN_CHARS ? words : `${words.slice(0, SHOWN_CHARS)}…`;
}
