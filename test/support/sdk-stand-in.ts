/**
 * A stand-in for Claude's Agent SDK: what its own types say of `query`, with a program of the shell in the place of Claude Code. The program
 * gets the whole conversation as its argument and hears on its standard input what it is told meanwhile. A line that it writes is what the agent
 * says; `#turn TOKENS` ends a turn with so much in the window, `#fail STATUS` is an answer of the provider. A turn costs a quarter of a dollar.
 */
import { spawn } from 'node:child_process';
import type { ChildProcessWithoutNullStreams } from 'node:child_process';
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { PassThrough } from 'node:stream';

type Options = {
  readonly sessionId?: string;
  readonly resume?: string;
  readonly maxTurns: number;
  readonly maxBudgetUsd?: number;
  readonly pathToClaudeCodeExecutable: string;
  readonly env: NodeJS.ProcessEnv;
};
type Ask = {
  readonly prompt: AsyncIterable<{ readonly message: { readonly content: string } }>;
  readonly options: Options;
};
type Kept = { readonly said: readonly string[]; readonly turns: number };

const TURN_USD = 0.25;

export function query({ prompt, options }: Ask) {
  const out = new PassThrough({ objectMode: true });
  const agent = new Agent(options, out);
  void agent.converse(prompt).then(
    () => out.end(),
    (error: Error) => out.destroy(error),
  );
  return Object.assign(out, { interrupt: async () => agent.stop('error_during_execution') });
}

class Agent {
  readonly #options: Options;
  readonly #out: PassThrough;
  readonly #file: string;
  #kept: Kept = { said: [], turns: 0 };
  #child: ChildProcessWithoutNullStreams | null = null;
  #turns = 0;
  #answers = 0;
  #subtype = 'success';
  #status: number | null = null;

  constructor(options: Options, out: PassThrough) {
    this.#options = options;
    this.#out = out;
    this.#file = join(options.env['CLAUDE_CONFIG_DIR'] ?? '', `${options.resume ?? options.sessionId}.json`);
  }

  async converse(prompt: Ask['prompt']): Promise<void> {
    const isThere = existsSync(this.#file);
    if (this.#options.resume === undefined && isThere) throw new Error('the session is already in use');
    if (this.#options.resume !== undefined && !isThere) this.#end('No conversation found');
    else if (isThere) this.#kept = JSON.parse(readFileSync(this.#file, 'utf8')) as Kept; // our own
    for await (const { message } of prompt) {
      if (this.#options.resume !== undefined && !isThere) continue;
      if (this.#child === null) this.#start(message.content);
      else this.#child.stdin.write(`${message.content}\n`);
    }
    if (this.#subtype !== 'success') throw new Error('Claude Code returned an error result');
  }

  stop(subtype: string): void {
    this.#subtype = subtype;
    this.#child?.kill('SIGKILL');
    // What it has started may hold them open.
    this.#child?.stdout.destroy();
    this.#child?.stderr.destroy();
  }

  #start(content: string): void {
    this.#turns = 0;
    this.#keep({ ...this.#kept, said: [...this.#kept.said, content] });
    this.#out.write({ type: 'system', subtype: 'init' });
    const { env, pathToClaudeCodeExecutable: program } = this.#options;
    const child = spawn(program, [this.#kept.said.join('\n\n')], { env });
    this.#child = child;
    child.stdin.on('error', () => undefined);
    child.stderr.pipe(process.stderr);
    createInterface({ input: child.stdout }).on('line', (line) => this.#hear(line));
    child.on('close', () => {
      this.#child = null;
      this.#end('it has ended');
    });
  }

  #hear(line: string): void {
    const [, word = 'say', number = '10'] = /^#(turn|fail) ?(\d+)?$/.exec(line) ?? [];
    if (this.#subtype !== 'success') return;
    if (word === 'fail') this.#status = Number(number);
    const content = [{ type: 'text', text: word === 'say' ? line : word }];
    this.#answers += 1;
    const message = { id: `msg_${this.#answers}`, content, usage: { input_tokens: Number(number), output_tokens: 1 } };
    this.#out.write({ type: 'assistant', parent_tool_use_id: null, message });
    if (word !== 'turn') return;
    this.#turns += 1;
    this.#keep({ ...this.#kept, turns: this.#kept.turns + 1 });
    this.#out.write({ type: 'user', parent_tool_use_id: null, message: { content: 'done' } });
    const { maxTurns, maxBudgetUsd = Infinity } = this.#options;
    if (this.#turns >= maxTurns) this.stop('error_max_turns');
    else if (this.#turns * TURN_USD >= maxBudgetUsd) this.stop('error_max_budget_usd');
  }

  #end(why: string): void {
    const isError = this.#subtype !== 'success' || why.startsWith('No') || this.#status !== null;
    const { turns } = this.#kept;
    const used = { inputTokens: 10 * turns, outputTokens: turns, cacheReadInputTokens: 0, cacheCreationInputTokens: 0 };
    this.#out.write({
      type: 'result',
      subtype: this.#subtype,
      is_error: isError,
      api_error_status: this.#status,
      result: why,
      total_cost_usd: turns * TURN_USD,
      modelUsage: { scripted: used },
    });
  }

  #keep(kept: Kept): void {
    this.#kept = kept;
    writeFileSync(this.#file, JSON.stringify(kept));
  }
}
