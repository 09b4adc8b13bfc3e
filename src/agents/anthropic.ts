/**
 * The runtime that works with Claude: an own loop over the Messages API, one conversation a session. Every answer of the model
 * is journaled before its tools run, every tool before and after: a session taken up again asks the model nothing it has
 * answered, and does nothing twice that it knows to have done.
 */
import Anthropic from '@anthropic-ai/sdk';
import { costOf } from '../town/prices.js';
import type { Prices } from '../town/prices.js';
import { addUsage, NO_USAGE } from '../town/session.js';
import type { SessionResult, SessionSpec, Usage } from '../town/session.js';
import { Account } from './account.js';
import { NO_KEY, troubleOf } from './anthropic-errors.js';
import { endOf } from './end.js';
import type { End } from './end.js';
import { mechanicalNote } from './mechanical-note.js';
import { ASK_HANDOFF, nudgesFor, tellHeard, toldText } from './nudges.js';
import { latest } from './notes.js';
import { resultIn } from './journal.js';
import { modelPrimer } from './primer.js';
import { CHARS_PER_TOKEN } from './provider-answers.js';
import { ContextFull } from './provider-status.js';
import type { Runtime, SessionContext } from './runtime.js';
import { nthKey, once } from './once.js';
import { inputSchemaOf, wrong } from './tool.js';
import type { Effect, Tool, ToolAnswer } from './tool.js';
import { toolsFor } from './tools.js';
import { RuntimeTrouble } from './trouble.js';

export type AnthropicSettings = {
  readonly apiKey: string | null;
  /** Null: Anthropic's own. */
  readonly baseUrl: string | null;
  /** As they are when a session begins; no model has one when this is absent. */
  readonly prices?: () => Promise<Prices>;
  /** Shared by all sessions that use the key. */
  readonly account?: Account;
};

type Message = Anthropic.Messages.Message;
type Limit = 'context' | 'turns' | 'time' | 'cost' | 'requested';
/** Beyond what follows from the conversation. */
type Told = { readonly nudges: string[]; readonly text: string; readonly cycle: boolean };
type Recorded = { readonly message: Message; readonly usage: Usage | null; readonly told: Told | null };
type Param = Anthropic.Messages.MessageParam;
type Block = Anthropic.Messages.ContentBlockParam;

const ANSWER_TOKENS_MAX = 16_000;
const NUDGES_MAX = 2;
const SECOND_MS = 1_000;
const MINUTE_MS = 60 * SECOND_MS;

const NUDGE =
  'The step is still open. Go on, or end it: close when it is done, handoff if another session should go on, escalate if only somebody else can decide.';

/** Why an answer ends in the middle. */
const CUTS: readonly unknown[] = ['max_tokens', 'model_context_window_exceeded'];
const CUT = 'Your answer was cut at its greatest length, so this call was not made. Make it again in smaller pieces.';

export function anthropicRuntime(settings: AnthropicSettings): Runtime {
  const { account = new Account() } = settings;
  return {
    kind: 'anthropic',
    run: async (spec, context) => {
      const ended = resultIn(context.journal);
      if (ended !== null) return ended;
      const { apiKey, baseUrl } = settings;
      if (apiKey === null) throw new RuntimeTrouble({ type: 'Llm.Auth', message: NO_KEY, retryable: false });
      const client = new Anthropic({ apiKey, maxRetries: 0, ...(baseUrl === null ? {} : { baseURL: baseUrl }) });
      const primer = await modelPrimer(spec);
      const prices = (await settings.prices?.()) ?? {};
      return new Conversation({ client, account, primer, prices }, spec, context).run();
    },
  };
}

/** What a session has from its worker. */
type Means = {
  readonly client: Anthropic;
  readonly account: Account;
  readonly primer: Awaited<ReturnType<typeof modelPrimer>>;
  readonly prices: Prices;
};

class Conversation {
  readonly #means: Means;
  readonly #spec: SessionSpec;
  readonly #context: SessionContext;
  readonly #tools: readonly Tool[];
  readonly #messages: Param[];
  /** Answers that an earlier life of this session had already. */
  readonly #recorded: Recorded[];
  #usage: Usage;
  #notes: readonly string[] = [];
  #nudges = 0;
  /** Why a handoff was asked for; the next answer is the last one. */
  #limit: Limit | null = null;
  /** How many calls had each id: some gateways give the same to many. */
  readonly #calls = new Map<string, number>();
  /** Nudges that it was told; by whom and when stands in the journal. */
  readonly #heard = new Set<string>();

  constructor(means: Means, spec: SessionSpec, context: SessionContext) {
    this.#means = means;
    this.#spec = spec;
    this.#context = context;
    this.#tools = toolsFor(spec);
    this.#usage = brokenIn(context.journal);
    this.#messages = [{ role: 'user', content: [{ type: 'text', text: means.primer.message }] }];
    this.#recorded = context.journal.entries.flatMap((entry) =>
      // Only `ask` writes messages, as the SDK gave them.
      entry.kind === 'message'
        ? [{ message: entry.message as Message, usage: entry.usage ?? null, told: entry.told ?? null }]
        : [],
    );
  }

  async run(): Promise<SessionResult> {
    for (;;) {
      this.#context.signal.throwIfAborted();
      const recorded = this.#recorded.shift();
      if (recorded === undefined) {
        // Answers that broke off have cost it, none of which was whole.
        if (this.#limit === null && this.#isSpent()) return this.#handOver('cost');
        const purse = await this.#context.purse(this.#usage.usd);
        if (purse !== null && purse.leftUsd <= 0) return this.#stop(purse.budgetUsd);
      }
      const reply = recorded === undefined ? await this.#ask() : this.#again(recorded);
      if (reply === null) return this.#handOver('context');
      this.#usage = addUsage(this.#usage, recorded?.usage ?? this.#usageOf(reply));
      // Asked again it would refuse again: a person decides.
      if (reply.stop_reason === 'refusal') return this.#finish({ outcome: 'blocked', detail: refusalOf(reply) });
      this.#messages.push({ role: 'assistant', content: reply.content });
      const effects = await this.#runTools(reply);
      const end = effects.map(endOf).find((one) => one !== null);
      if (end !== undefined) return this.#finish(end);
      if (this.#limit !== null) return this.#handOver(this.#limit);
      if (reply.stop_reason !== 'tool_use' && this.#nudges > NUDGES_MAX) {
        return this.#finish({
          outcome: 'stalled',
          detail: `the model ended its turn ${this.#nudges} times without an end`,
        });
      }
      this.#limit = this.#limitReached(reply);
      if (this.#limit !== null) this.#say(ASK_HANDOFF);
    }
  }

  /** An answer of an earlier life, and what the agent was told before it. */
  #again({ message, told }: Recorded): Message {
    if (told !== null) this.#hear(told);
    return message;
  }

  #hear(told: Told): void {
    this.#say(told.text);
    for (const id of told.nudges) this.#heard.add(id);
    if (told.cycle) this.#limit = 'requested';
  }

  /** The model's next message, in the journal before anything follows from it; null when the conversation is too long. */
  async #ask(): Promise<Message | null> {
    const { signal } = this.#context;
    const { account } = this.#means;
    const asked = Date.now();
    const release = this.#context.life?.hold();
    const leave = await account.enter(signal).finally(() => release?.());
    this.#context.journal.waited(Date.now() - asked);
    try {
      const told = await this.#told();
      if (told !== null) this.#hear(told);
      const reply = await this.#askNow(told);
      if (told !== null) await tellHeard(this.#spec, this.#context, told.nudges);
      return reply;
    } catch (error) {
      if (error instanceof RuntimeTrouble) account.hear(error);
      throw error;
    } finally {
      leave();
    }
  }

  /** What its agent is to hear before the next turn; null for nothing. */
  async #told(): Promise<Told | null> {
    const all = await nudgesFor(this.#spec, this.#context, this.#messages.length === 1);
    // A worker that died may have told it, and not said so.
    const untold = all.flatMap(({ id }) => (this.#heard.has(id) ? [id] : []));
    if (untold.length > 0) await tellHeard(this.#spec, this.#context, untold);
    const news = all.filter(({ id }) => !this.#heard.has(id));
    if (news.length === 0) return null;
    const cycle = news.some((one) => one.cycle);
    return { nudges: news.map(({ id }) => id), text: toldText(news), cycle };
  }

  async #askNow(told: Told | null): Promise<Message | null> {
    const { signal, journal } = this.#context;
    const silence = new AbortController();
    const quietMs = this.#spec.limits.quietSecondsMax * SECOND_MS;
    const answer: { begun: Message | null } = { begun: null };
    let timer = setTimeout(() => silence.abort(), quietMs);
    try {
      const stream = this.#means.client.messages.stream(this.#request(), {
        signal: AbortSignal.any([signal, silence.signal]),
      });
      stream.on('streamEvent', (_, soFar) => {
        answer.begun = soFar;
        clearTimeout(timer);
        timer = setTimeout(() => silence.abort(), quietMs);
        this.#beat('thinking');
      });
      const reply = await stream.finalMessage();
      answer.begun = null;
      const usage = this.#usageOf(reply);
      await journal.append({ kind: 'message', message: reply, usage, ...(told === null ? {} : { told }) });
      return reply;
    } catch (error) {
      if (answer.begun !== null) await this.#countBroken(answer.begun);
      signal.throwIfAborted();
      if (error instanceof RuntimeTrouble) throw error;
      if (silence.signal.aborted) {
        const message = `the model was silent for ${this.#spec.limits.quietSecondsMax} seconds`;
        throw new RuntimeTrouble({ type: 'Llm.Stalled', message, retryable: true, cause: error });
      }
      const trouble = troubleOf(error);
      if (trouble instanceof ContextFull) return null;
      throw trouble;
    } finally {
      clearTimeout(timer);
    }
  }

  /** An answer that broke off is paid for, but is no turn. What it had said is reckoned: its tokens are told with its end. */
  async #countBroken(message: Message): Promise<void> {
    const told = this.#usageOf(message);
    const said = Math.ceil(JSON.stringify(message.content).length / CHARS_PER_TOKEN);
    const output_tokens = Math.max(told.outputTokens, said);
    const usage = { ...this.#usageOf({ ...message, usage: { ...message.usage, output_tokens } }), turns: 0 };
    this.#usage = addUsage(this.#usage, usage);
    await this.#context.journal.append({ kind: 'spent', usage, estimatedUsd: usage.usd - told.usd });
  }

  #request(): Anthropic.Messages.MessageStreamParams {
    const cache_control = { type: 'ephemeral' as const };
    return {
      model: this.#spec.runtime.model,
      max_tokens: ANSWER_TOKENS_MAX,
      system: [{ type: 'text', text: this.#means.primer.system, cache_control }],
      messages: this.#messages,
      cache_control,
      tools: this.#tools.map((tool) => ({
        name: tool.name,
        description: tool.description,
        // A schema of an object, whatever its fields are.
        input_schema: inputSchemaOf(tool) as Anthropic.Messages.Tool.InputSchema,
      })),
    };
  }

  async #runTools(reply: Message): Promise<readonly Effect[]> {
    const calls = reply.content.filter((block) => block.type === 'tool_use');
    if (calls.length === 0) {
      this.#nudges += 1;
      this.#messages.push({ role: 'user', content: [{ type: 'text', text: NUDGE }] });
      return [];
    }
    const results: Block[] = [];
    const effects: Effect[] = [];
    for (const call of calls) {
      // Cut in the middle of a call, an answer may hold half of what was meant.
      const isWhole = !CUTS.includes(reply.stop_reason);
      const { text, isError, effect } = isWhole ? await this.#once(call) : wrong(CUT);
      results.push({ type: 'tool_result', tool_use_id: call.id, content: text, is_error: isError });
      effects.push(effect);
      if (effect.kind === 'note') this.#notes = [...this.#notes, effect.text];
    }
    this.#messages.push({ role: 'user', content: results });
    return effects;
  }

  #once({ id, name, input }: Anthropic.Messages.ToolUseBlock): Promise<ToolAnswer> {
    this.#beat(name);
    const nth = (this.#calls.get(id) ?? 0) + 1;
    this.#calls.set(id, nth);
    const key = nthKey(id, nth);
    return once({ key, name, input, isJournaled: true }, this.#tools, this.#spec, this.#context);
  }

  #usageOf({ usage }: Message): Usage {
    const tokens = {
      turns: 1,
      inputTokens: usage.input_tokens,
      cacheReadTokens: usage.cache_read_input_tokens ?? 0,
      cacheWriteTokens: usage.cache_creation_input_tokens ?? 0,
      outputTokens: usage.output_tokens,
    };
    return { ...tokens, ...costOf(tokens, this.#spec.runtime.model, this.#means.prices) };
  }

  #isSpent(): boolean {
    return this.#usage.usd >= (this.#spec.limits.usdMax ?? Infinity);
  }

  #limitReached({ usage, stop_reason }: Message): Limit | null {
    const { turnsMax, minutesMax, contextTokensMax } = this.#spec.limits;
    const cached = (usage.cache_read_input_tokens ?? 0) + (usage.cache_creation_input_tokens ?? 0);
    if (usage.input_tokens + cached + usage.output_tokens > contextTokensMax) return 'context';
    if (stop_reason === 'model_context_window_exceeded') return 'context';
    if (this.#usage.turns >= turnsMax) return 'turns';
    if (this.#isSpent()) return 'cost';
    // What an earlier life had answered is not gone through under a clock that has gone on since.
    const isNow = this.#recorded.length === 0;
    return isNow && this.#context.journal.workedMs() > minutesMax * MINUTE_MS ? 'time' : null;
  }

  /** Added to the last message of ours: two in a row would not be a conversation. */
  #say(text: string): void {
    const last = this.#messages.at(-1);
    if (last?.role === 'user' && typeof last.content !== 'string') last.content.push({ type: 'text', text });
    else this.#messages.push({ role: 'user', content: [{ type: 'text', text }] });
  }

  /** Asked for a handoff and none came, or no room to ask: the engine writes the note. */
  async #handOver(reason: Limit): Promise<SessionResult> {
    const note = await mechanicalNote(this.#spec, this.#context, this.#messages);
    return this.#finish({ outcome: 'handoff', note, reason });
  }

  /** Not a turn more before somebody has raised the budget, and so no note of the model's own. */
  async #stop(budgetUsd: number): Promise<SessionResult> {
    const note = await mechanicalNote(this.#spec, this.#context, this.#messages);
    return this.#finish({ outcome: 'handoff', note, reason: 'budget', budgetUsd });
  }

  async #finish(end: End): Promise<SessionResult> {
    const isAsked = end.outcome === 'handoff' && end.budgetUsd === undefined && this.#limit !== null;
    const asked = isAsked && this.#limit !== null ? { reason: this.#limit } : {};
    const result = { usage: this.#usage, notes: [...this.#notes], ...end, ...asked } satisfies SessionResult;
    await this.#context.journal.append({ kind: 'ended', result });
    return result;
  }

  #beat(doing: string): void {
    const usage = this.#usage;
    this.#context.heartbeat({ turn: usage.turns + 1, doing, usage, notes: latest(this.#notes) });
  }
}

/** What the answers that broke off in earlier lives have cost. */
function brokenIn({ entries }: SessionContext['journal']): Usage {
  return entries.flatMap((one) => (one.kind === 'spent' ? [one.usage] : [])).reduce(addUsage, NO_USAGE);
}

function refusalOf({ content, stop_details: details }: Message): string {
  const said = content.flatMap((block) => (block.type === 'text' ? [block.text] : []));
  const words = [...said, details?.explanation ?? ''].join(' ').trim();
  return `the model refuses to go on with this step${words === '' ? '; it gave no reason' : `: ${words}`}`;
}
