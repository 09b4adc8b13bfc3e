/**
 * Runs inside, in the place of Claude Code's own program, and drives it by the Agent SDK: tells the agent between its turns what the door has
 * for it, and stops it in order at a limit or once it has ended its session. On its standard input is its order, on its output the messages of the SDK,
 * which are those of Claude Code itself, and in the last line what came of it. Where it runs there is nothing but Node and the SDK.
 */
import { connect } from 'node:net';
import { text } from 'node:stream/consumers';
import { pathToFileURL } from 'node:url';
import { greet, speaker } from '../process/json-rpc.js';
import { NEWS } from './news.js';
import type { News } from './news.js';
import type { SdkLimit, SdkOrder, SdkTold } from './sdk.js';

const MINUTE_MS = 60_000;
const SHOWN_CHARS = 1_000;
const MISSING = 127;
const NOTHING: News = { text: null, hasEnded: false };

// Of the SDK's own types what is used here: it is not there when this is compiled.
type UserMessage = {
  readonly type: 'user';
  readonly message: { readonly role: 'user'; readonly content: string };
  readonly parent_tool_use_id: null;
};
type Query = AsyncIterable<SdkMessage> & { interrupt(): Promise<unknown> };
type Ask = { readonly prompt: AsyncIterable<UserMessage>; readonly options: Readonly<Record<string, unknown>> };
type SdkModule = { readonly query: (ask: Ask) => Query };
type Said = {
  readonly parent_tool_use_id: string | null;
  readonly message: {
    readonly id?: string;
    readonly usage?: Readonly<Record<string, number | null>>;
  };
};
type SdkMessage =
  | ({ readonly type: 'assistant' } & Said)
  | ({ readonly type: 'user' } & Said)
  | ResultMessage
  | { readonly type: 'system'; readonly subtype: string }
  | { readonly type: 'tool_progress' };
type ResultMessage = {
  readonly type: 'result';
  readonly subtype: string;
  readonly is_error: boolean;
  readonly api_error_status?: number | null;
  readonly result?: string;
  readonly errors?: readonly string[];
  readonly total_cost_usd: number;
  readonly modelUsage: Readonly<Record<string, ModelUsage>>;
};
type ModelUsage = Readonly<
  Record<'inputTokens' | 'outputTokens' | 'cacheReadInputTokens' | 'cacheCreationInputTokens', number>
>;

/** What the agent is told: the prompt, and whatever comes until it is closed. */
class Input implements AsyncIterable<UserMessage> {
  readonly #waiting: string[];
  #isClosed = false;
  #wake: () => void = () => undefined;

  constructor(prompt: string) {
    this.#waiting = [prompt];
  }

  say(more: string): void {
    this.#waiting.push(more);
    this.#wake();
  }

  close(): void {
    this.#isClosed = true;
    this.#wake();
  }

  async *[Symbol.asyncIterator](): AsyncIterator<UserMessage> {
    while (!this.#isClosed || this.#waiting.length > 0) {
      const content = this.#waiting.shift();
      if (content === undefined) await new Promise<void>((wake) => (this.#wake = wake));
      else yield { type: 'user', message: { role: 'user', content }, parent_tool_use_id: null };
    }
  }
}

/** In the midst of its work, and without a word of why. */
class BrokenOff extends Error {
  override readonly name = 'BrokenOff';
}

class Drive {
  readonly #order: SdkOrder;
  readonly #news: () => Promise<News>;
  readonly #isAgain: boolean;
  readonly #input: Input;
  #stop: () => Promise<unknown> = async () => undefined;
  #isStopped = false;
  #limit: SdkLimit | null = null;
  #hasBegun = false;
  #contextTokens = 0;
  /** Answers, which come in pieces. */
  readonly #answers = new Set<string>();
  #last: ResultMessage | null = null;

  constructor(order: SdkOrder, isAgain: boolean, news: () => Promise<News>) {
    this.#order = order;
    this.#isAgain = isAgain;
    this.#news = news;
    this.#input = new Input(isAgain && order.again !== null ? order.again : order.prompt);
  }

  /** Null: there is no conversation to be taken up. */
  async run({ query }: SdkModule): Promise<SdkTold | null> {
    const agent = query({ prompt: this.#input, options: optionsOf(this.#order, this.#isAgain) });
    this.#stop = () => agent.interrupt();
    const timer = setTimeout(
      () => void this.#stopAt('time').catch(() => undefined),
      this.#order.limits.minutes * MINUTE_MS,
    );
    try {
      for await (const message of agent) {
        tell(JSON.stringify(message));
        await this.#hear(message);
      }
    } catch (error) {
      // It throws what it has told as a result.
      if (this.#last === null) throw this.#hasBegun ? new BrokenOff(reasonOf(error), { cause: error }) : error;
    } finally {
      clearTimeout(timer);
      this.#input.close();
    }
    if (this.#last !== null && this.#hasBegun) return toldOf(this.#last, this.#answers.size, this.#limit);
    if (this.#isAgain) return null;
    throw new Error(this.#last?.errors?.join('; ') ?? 'it ends without a word');
  }

  async #hear(message: SdkMessage): Promise<void> {
    switch (message.type) {
      case 'system':
        this.#hasBegun ||= message.subtype === 'init';
        return undefined;
      case 'assistant':
        this.#answers.add(message.message.id ?? '');
        // Agents of its own have windows of their own.
        if (message.parent_tool_use_id === null) this.#contextTokens = sizeOf(message.message.usage ?? {});
        return undefined;
      case 'user':
        return message.parent_tool_use_id === null ? this.#betweenTurns() : undefined;
      case 'result':
        return this.#atEnd(message);
      case 'tool_progress':
        return undefined;
    }
  }

  async #betweenTurns(): Promise<void> {
    if (this.#isStopped) return;
    const { text: more, hasEnded } = await this.#news();
    if (hasEnded) await this.#stopAt(null);
    else if (this.#contextTokens > this.#order.limits.contextTokens) await this.#stopAt('context');
    else if (more !== null) this.#input.say(more);
  }

  /** That it stops is no end, and there may be something that it has not heard. */
  async #atEnd(result: ResultMessage): Promise<void> {
    this.#last = result;
    const { text: more, hasEnded } = this.#isStopped || result.is_error ? NOTHING : await this.#news();
    if (more === null || hasEnded) this.#input.close();
    else this.#input.say(more);
  }

  async #stopAt(limit: SdkLimit | null): Promise<void> {
    if (this.#isStopped) return;
    this.#isStopped = true;
    this.#limit = limit;
    await this.#stop();
  }
}

function optionsOf(order: SdkOrder, isAgain: boolean): Readonly<Record<string, unknown>> {
  const { session, model, town, door, limits, program } = order;
  return {
    ...(isAgain ? { resume: session } : { sessionId: session }),
    ...(model === null ? {} : { model }),
    ...(limits.usd === null ? {} : { maxBudgetUsd: limits.usd }),
    maxTurns: limits.turns,
    pathToClaudeCodeExecutable: program,
    // All of its own, as its program has it alone; shut in it may do what it can.
    systemPrompt: { type: 'preset', preset: 'claude_code' },
    settingSources: ['user', 'project', 'local'],
    permissionMode: 'bypassPermissions',
    allowDangerouslySkipPermissions: true,
    strictMcpConfig: true,
    mcpServers: { town: { type: 'stdio', ...town, env: { GT_PORT: door } } },
    mcpServersDelivery: 'argv',
    // What goes on failing is told, and the session is tried again when its provider may be there.
    env: { ...process.env, CLAUDE_CODE_MAX_RETRIES: '2' },
    stderr: (piece: string) => process.stderr.write(piece),
  };
}

/** Of the window, after an answer. */
function sizeOf(usage: Readonly<Record<string, number | null>>): number {
  const names = ['input_tokens', 'cache_read_input_tokens', 'cache_creation_input_tokens', 'output_tokens'];
  return names.reduce((sum, name) => sum + (usage[name] ?? 0), 0);
}

const LIMIT_OF: Readonly<Record<string, SdkLimit>> = { error_max_turns: 'turns', error_max_budget_usd: 'cost' };

function toldOf(result: ResultMessage, turns: number, limit: SdkLimit | null): SdkTold {
  const { subtype, is_error: isError, api_error_status: status, total_cost_usd: usd } = result;
  const models = Object.values(result.modelUsage);
  const sum = (name: keyof ModelUsage) => models.reduce((all, one) => all + one[name], 0);
  const message = result.result ?? result.errors?.join('; ') ?? '';
  return {
    type: 'gastown',
    limit: limit ?? LIMIT_OF[subtype] ?? null,
    failure: isError && typeof status === 'number' ? { status, message: shortened(message) } : null,
    usage: {
      turns,
      inputTokens: sum('inputTokens'),
      cacheReadTokens: sum('cacheReadInputTokens'),
      cacheWriteTokens: sum('cacheCreationInputTokens'),
      outputTokens: sum('outputTokens'),
      usd,
    },
  };
}

function tell(line: string): void {
  process.stdout.write(`${line}\n`);
}

function shortened(words: string): string {
  return words.length <= SHOWN_CHARS ? words : `${words.slice(0, SHOWN_CHARS)}…`;
}

function reasonOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}

/** A door that does not answer has nothing to tell. */
async function newsOf(door: string): Promise<{ readonly news: () => Promise<News>; readonly close: () => void }> {
  const socket = connect(door);
  const isGone = new Promise<News>((resolve) => {
    socket.once('close', () => resolve(NOTHING)).on('error', () => undefined);
  });
  const ask = speaker(socket);
  await Promise.race([greet(ask), isGone]);
  const asked = () => ask(NEWS, {}).catch(() => NOTHING) as Promise<News>; // as the door has it
  return { news: () => Promise.race([asked(), isGone]), close: () => socket.destroy() };
}

const order = JSON.parse(await text(process.stdin)) as SdkOrder; // `command.ts` alone writes it
try {
  const sdk = (await import(pathToFileURL(order.module).href)) as SdkModule;
  const { news, close } = await newsOf(order.door);
  const again = order.again === null ? null : await new Drive(order, true, news).run(sdk);
  const told = again ?? (await new Drive(order, false, news).run(sdk));
  close();
  tell(JSON.stringify(told));
} catch (error) {
  process.stderr.write(`the Agent SDK ${order.module} fails: ${reasonOf(error)}\n`);
  process.exitCode = error instanceof BrokenOff ? 1 : MISSING;
}
