/** A session as people read it: what the model said, what it called, what came of it. Made of its journal, which holds no secret. */
import type Anthropic from '@anthropic-ai/sdk';
import * as z from 'zod';
import { spentText } from '../town/prices.js';
import { unreachable } from '../town/unreachable.js';
import type { JournalEntry } from './journal.js';

const INPUT_CHARS = 2_000;
const ANSWER_CHARS = 2_000;

const Call = z.object({ name: z.string(), input: z.unknown() });
const Answer = z.object({ text: z.string(), isError: z.boolean() });
const Ended = z.object({ outcome: z.string() }).catchall(z.unknown());

/** A paragraph for each thing that happened. */
export function transcriptOf(sessionId: string, entries: readonly JournalEntry[]): string {
  return [`# ${sessionId}`, ...entries.flatMap(paragraphs)].map((one) => `${one}\n`).join('\n');
}

function paragraphs(entry: JournalEntry): readonly string[] {
  switch (entry.kind) {
    case 'message': {
      const { content } = entry.message as Anthropic.Messages.Message; // written by the SDK's own words alone
      const told = entry.told === undefined ? [] : [`> ${entry.told.text.replaceAll('\n', '\n> ')}`];
      return [...told, ...content.flatMap(block), ...costs(entry.usage)];
    }
    case 'begun': {
      const call = Call.safeParse(entry.before);
      return call.success ? [called(call.data.name, call.data.input)] : [];
    }
    case 'done': {
      const answer = Answer.safeParse(entry.outcome);
      if (!answer.success) return [];
      const { text, isError } = answer.data;
      return [`${isError ? '✗' : '←'} ${shortened(text, ANSWER_CHARS)}`];
    }
    case 'spent':
      return [];
    case 'ended': {
      const result = Ended.safeParse(entry.result);
      return result.success ? [`## ${result.data.outcome}: ${wordOf(result.data)}`] : [];
    }
    default:
      return unreachable(entry);
  }
}

function block(one: Anthropic.Messages.ContentBlock): readonly string[] {
  if (one.type === 'text') return [one.text];
  return one.type === 'tool_use' ? [called(one.name, one.input)] : [];
}

function called(name: string, input: unknown): string {
  return `→ ${name} ${shortened(JSON.stringify(input), INPUT_CHARS)}`;
}

function costs(usage: Extract<JournalEntry, { kind: 'message' }>['usage']): readonly string[] {
  if (usage === undefined) return [];
  const { inputTokens, cacheReadTokens, cacheWriteTokens, outputTokens } = usage;
  const money = spentText(usage);
  const read = `${inputTokens} tokens in, ${cacheReadTokens} from the cache, ${cacheWriteTokens} into it, ${outputTokens} out`;
  return [`(${read}${money === '' ? '' : `; ${money}`})`];
}

function wordOf({ summary, note, detail }: z.infer<typeof Ended>): string {
  return [summary, note, detail].filter((one) => typeof one === 'string').join(' ');
}

function shortened(text: string, most: number): string {
  return text.length <= most ? text : `${text.slice(0, most)}… (${text.length - most} characters more)`;
}
