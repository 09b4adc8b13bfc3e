/** What an agent's own output tells of its tokens and cost. Where it tells nothing that is understood, nothing is counted. */
import * as z from 'zod';
import type { Agent } from '../town/agents.js';
import { addUsage, NO_USAGE } from '../town/session.js';
import type { Usage } from '../town/session.js';

const count = z.number().nonnegative().default(0);

/** `--output-format json` of Claude Code: its last line, or all of it. */
const Claude = z.object({
  type: z.literal('result'),
  num_turns: count,
  total_cost_usd: count,
  usage: z.object({
    input_tokens: count,
    cache_read_input_tokens: count,
    cache_creation_input_tokens: count,
    output_tokens: count,
  }),
});
/** Of `codex exec --json`, a line for each turn. */
const Codex = z.object({
  type: z.literal('turn.completed'),
  usage: z.object({ input_tokens: count, cached_input_tokens: count, output_tokens: count }),
});
/** `-o json` of the Gemini CLI. */
const Gemini = z.object({
  stats: z.object({
    models: z.record(
      z.string(),
      z.object({
        api: z.object({ totalRequests: count }),
        tokens: z.object({ prompt: count, cached: count, candidates: count }),
      }),
    ),
  }),
});

export function usageIn(told: Agent['usage'], output: string): Usage {
  if (told === 'none') return NO_USAGE;
  const all = [output, ...output.split('\n')].flatMap(readJson);
  if (told === 'claude') return last(all.flatMap(ofClaude));
  if (told === 'gemini') return last(all.flatMap(ofGemini));
  return all.flatMap(ofCodex).reduce(addUsage, NO_USAGE);
}

function ofClaude(value: unknown): readonly Usage[] {
  const read = Claude.safeParse(value);
  if (!read.success) return [];
  const { num_turns: turns, total_cost_usd: usd, usage } = read.data;
  return [
    {
      turns,
      usd,
      inputTokens: usage.input_tokens,
      cacheReadTokens: usage.cache_read_input_tokens,
      cacheWriteTokens: usage.cache_creation_input_tokens,
      outputTokens: usage.output_tokens,
    },
  ];
}

function ofCodex(value: unknown): readonly Usage[] {
  const read = Codex.safeParse(value);
  if (!read.success) return [];
  const { input_tokens: input, cached_input_tokens: cached, output_tokens: outputTokens } = read.data.usage;
  const tokens = { inputTokens: input - Math.min(cached, input), cacheReadTokens: cached, outputTokens };
  return [unpriced({ ...NO_USAGE, ...tokens, turns: 1 })];
}

function ofGemini(value: unknown): readonly Usage[] {
  const read = Gemini.safeParse(value);
  if (!read.success) return [];
  const models = Object.values(read.data.stats.models).map(({ api, tokens: { prompt, cached, candidates } }) => ({
    ...NO_USAGE,
    turns: api.totalRequests,
    inputTokens: prompt - Math.min(cached, prompt),
    cacheReadTokens: cached,
    outputTokens: candidates,
  }));
  return [unpriced(models.reduce(addUsage, NO_USAGE))];
}

/** The program does not say what they cost. */
function unpriced(usage: Usage): Usage {
  const { inputTokens, cacheReadTokens, cacheWriteTokens, outputTokens } = usage;
  return { ...usage, unpricedTokens: inputTokens + cacheReadTokens + cacheWriteTokens + outputTokens };
}

function last(all: readonly Usage[]): Usage {
  return all.at(-1) ?? NO_USAGE;
}

function readJson(text: string): readonly unknown[] {
  if (!text.trimStart().startsWith('{') && !text.trimStart().startsWith('[')) return [];
  try {
    return [JSON.parse(text)].flat() as readonly unknown[];
  } catch {
    return [];
  }
}
