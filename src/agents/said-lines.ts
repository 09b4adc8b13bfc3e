/** What programs write for programs, as lines for people: what the agent says, what it calls, what comes of it. */
import * as z from 'zod';
import type { Agent } from '../town/agents.js';
import { cleaned } from './secrets.js';

const SHOWN_CHARS = 1_000;

const Typed = z.object({ type: z.string() });

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

/** Null for what is not understood, and is shown as it was written. */
export function linesOf(format: Agent['usage'], event: unknown): readonly string[] | null {
  if (format === 'claude') return ofClaude(event);
  return format === 'codex' ? ofCodex(event) : null;
}

function ofClaude(event: unknown): readonly string[] | null {
  const said = ClaudeSaid.safeParse(event);
  if (said.success) {
    const { content } = said.data.message;
    return typeof content === 'string' ? [content] : content.flatMap(ofBlock);
  }
  const result = ClaudeResult.safeParse(event);
  if (result.success) return [`(${result.data.subtype}: ${result.data.errors.join('; ') || 'it stops'})`];
  const system = ClaudeSystem.safeParse(event);
  return system.success ? [`(${system.data.subtype})`] : byType(event);
}

function ofBlock({ type, text, name, input, content }: Block): readonly string[] {
  if (type === 'text') return [text];
  if (type === 'tool_use') return [`→ ${name} ${shortened(input)}`];
  return type === 'tool_result' ? [`← ${shortened(content)}`] : [];
}

function ofCodex(event: unknown): readonly string[] | null {
  const item = CodexItem.safeParse(event);
  if (item.success) return ofItem(item.data);
  const trouble = CodexTrouble.safeParse(event);
  if (!trouble.success) return byType(event);
  const { type, message, error } = trouble.data;
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

function byType(event: unknown): readonly string[] | null {
  const typed = Typed.safeParse(event);
  return typed.success ? [`(${typed.data.type})`] : null;
}

/** Half of a secret would be known for none. */
function shortened(value: unknown): string {
  const whole = cleaned(value);
  const words = typeof whole === 'string' ? whole : (JSON.stringify(whole) ?? '');
  return words.length <= SHOWN_CHARS ? words : `${words.slice(0, SHOWN_CHARS)}…`;
}
