/** What an agent's own output tells of its tokens and cost, event by event. Where it tells nothing that is understood, nothing is counted. */
import * as z from 'zod';
import type { Agent } from '../town/agents.js';
import type { Usage } from '../town/session.js';
import { typeIn } from './said-lines.js';

export type Tokens = Omit<Usage, 'usd' | 'unpricedTokens'>;
/** `model`: '' where it is not told. */
export type Spent = {
  readonly model: string;
  readonly tokens: Tokens;
  /** Nobody has told the tokens: they are reckoned from what was said. */
  readonly isEstimated?: true;
};
/** Of one run of a program. */
export type Told = {
  readonly spent: readonly Spent[];
  /** In dollars, as the program itself reckons; null: it does not. */
  readonly usd: number | null;
  /** What is told of the whole conversation, and not of this run alone. */
  readonly ofAll: 'nothing' | 'cost' | 'everything';
};

const count = z.number().nonnegative().default(0);

const ClaudeTokens = z.object({
  input_tokens: count,
  cache_read_input_tokens: count,
  cache_creation_input_tokens: count,
  output_tokens: count,
});
const ClaudeAnswer = z.object({
  type: z.literal('assistant'),
  message: z.object({ id: z.string(), model: z.string().default(''), usage: ClaudeTokens }),
});
/** The last that Claude Code writes. `usage` leaves out the agents of its own, and the cost is of the whole conversation. */
const ClaudeResult = z.object({
  type: z.literal('result'),
  num_turns: count,
  total_cost_usd: count,
  usage: ClaudeTokens,
  model_usage_since_last_result: z
    .record(
      z.string(),
      z.object({
        inputTokens: count,
        outputTokens: count,
        cacheReadInputTokens: count,
        cacheCreationInputTokens: count,
        costUSD: count,
      }),
    )
    .optional(),
});
/** Of `codex exec --json`, of the whole conversation. */
const CodexTurn = z.object({
  type: z.literal('turn.completed'),
  usage: z.object({
    input_tokens: count,
    cached_input_tokens: count,
    cache_write_input_tokens: count,
    output_tokens: count,
  }),
});
/** `-o json` of the Gemini CLI. */
const Gemini = z.object({
  stats: z.object({
    models: z.record(
      z.string(),
      z.object({
        api: z.object({ totalRequests: count }),
        tokens: z.object({ prompt: count, cached: count, candidates: count, thoughts: count }),
      }),
    ),
  }),
});

export class UsageTold {
  readonly #format: Agent['usage'];
  /** Of Claude Code, whose answers come in pieces: what it is killed before is told by them alone. */
  readonly #answers = new Map<string, Spent>();
  #last: Told | null = null;
  #turns = 0;

  constructor(format: Agent['usage']) {
    this.#format = format;
  }

  hear(event: unknown): void {
    if (this.#format === 'claude') this.#hearClaude(event);
    if (this.#format === 'codex') this.#hearCodex(event);
    if (this.#format === 'gemini') this.#last = ofGemini(event) ?? this.#last;
  }

  /** Null: nothing. */
  told(): Told | null {
    if (this.#last !== null || this.#answers.size === 0) return this.#last;
    return { spent: [...this.#answers.values()], usd: null, ofAll: 'nothing' };
  }

  #hearClaude(event: unknown): void {
    const type = typeIn(event);
    const answer = type === 'assistant' ? ClaudeAnswer.safeParse(event) : null;
    if (answer?.success === true) {
      const { id, model, usage } = answer.data.message;
      this.#answers.set(id, { model, tokens: tokensOf(1, usage) });
    }
    const result = type === 'result' ? ClaudeResult.safeParse(event) : null;
    if (result?.success === true) this.#last = ofClaude(result.data);
  }

  #hearCodex(event: unknown): void {
    const read = typeIn(event) === 'turn.completed' ? CodexTurn.safeParse(event) : null;
    if (read?.success !== true) return;
    this.#turns += 1;
    const { input_tokens: input, cached_input_tokens: cached, output_tokens: outputTokens } = read.data.usage;
    const written = read.data.usage.cache_write_input_tokens;
    const tokens = {
      turns: this.#turns,
      inputTokens: Math.max(0, input - cached - written),
      cacheReadTokens: cached,
      cacheWriteTokens: written,
      outputTokens,
    };
    this.#last = { spent: [{ model: '', tokens }], usd: null, ofAll: 'everything' };
  }
}

function ofClaude(result: z.infer<typeof ClaudeResult>): Told {
  const { num_turns: turns, total_cost_usd: usd, usage, model_usage_since_last_result: byModel } = result;
  if (byModel === undefined) return { spent: [{ model: '', tokens: tokensOf(turns, usage) }], usd, ofAll: 'cost' };
  const models = Object.entries(byModel);
  const spent = models.map(([model, one], at) => ({
    model,
    tokens: {
      turns: at === 0 ? turns : 0,
      inputTokens: one.inputTokens,
      cacheReadTokens: one.cacheReadInputTokens,
      cacheWriteTokens: one.cacheCreationInputTokens,
      outputTokens: one.outputTokens,
    },
  }));
  return { spent, usd: models.reduce((sum, [, { costUSD }]) => sum + costUSD, 0), ofAll: 'nothing' };
}

function tokensOf(turns: number, usage: z.infer<typeof ClaudeTokens>): Tokens {
  return {
    turns,
    inputTokens: usage.input_tokens,
    cacheReadTokens: usage.cache_read_input_tokens,
    cacheWriteTokens: usage.cache_creation_input_tokens,
    outputTokens: usage.output_tokens,
  };
}

function ofGemini(event: unknown): Told | null {
  const read = Gemini.safeParse(event);
  if (!read.success) return null;
  const spent = Object.entries(read.data.stats.models).map(([model, { api, tokens }]) => ({
    model,
    tokens: {
      turns: api.totalRequests,
      inputTokens: tokens.prompt - Math.min(tokens.cached, tokens.prompt),
      cacheReadTokens: tokens.cached,
      cacheWriteTokens: 0,
      // What is thought is paid for as what is said.
      outputTokens: tokens.candidates + tokens.thoughts,
    },
  }));
  return { spent, usd: null, ofAll: 'nothing' };
}
