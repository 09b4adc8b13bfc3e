/**
 * The runtime of agents that are programs of their own: Claude Code, Codex, or whatever town.toml names. The program gets the step as its prompt and
 * the session's door to say what came of it; that it exits proves nothing. Cut off, it is taken up again where it can be, and else begins
 * anew, told that it was cut off. Claude Code is driven by its SDK where that is installed (`sdk.ts`), in the same place and by the same door.
 */
import { mkdir, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { RunResult } from '../process/run.js';
import { KEY_NAMES } from '../town/agents.js';
import type { Agent, Keys, Provider } from '../town/agents.js';
import type { Purse } from '../town/mission.js';
import { addUsage, NO_USAGE } from '../town/session.js';
import type { SessionResult, SessionSpec, Usage } from '../town/session.js';
import { commandOf, environmentOf, lineOf } from './agent-call.js';
import type { CallValues } from './agent-call.js';
import { conversationOf, takeOver } from './conversation.js';
import { openDoor } from './door.js';
import type { Door } from './door.js';
import type { End } from './end.js';
import { openKeyProxy } from './key-proxy.js';
import { mechanicalNote } from './mechanical-note.js';
import { latest } from './notes.js';
import { ASK_HANDOFF } from './nudges.js';
import { ContextFull, troubleOfStatus } from './provider-status.js';
import { resultIn } from './journal.js';
import { programPrimer } from './primer.js';
import type { Runtime, SessionContext } from './runtime.js';
import { SAID_FILE, SaidLog } from './said-log.js';
import { readableFor, SDK_PROGRAM, toldBySdk, usageAfter } from './sdk.js';
import type { Sdk, SdkFound, SdkLimit, SdkOrder, SdkTold } from './sdk.js';
import { withoutSecrets } from './secrets.js';
import { RuntimeTrouble } from './trouble.js';
import { usageIn } from './told-usage.js';

const PACKAGE = fileURLToPath(new URL('../..', import.meta.url));

const SECOND_MS = 1_000;
const MINUTE_MS = 60 * SECOND_MS;
/** For an agent that has ended its session to say its last words. */
const LEAVE_MS = 10 * SECOND_MS;
/** For the SDK to stop at its limit of time by itself. */
const STOP_MS = MINUTE_MS;
/** For what an agent at a limit leaves to the next session. */
const LAST_WORDS = { turns: 3, minutes: 2, contextTokens: Number.MAX_SAFE_INTEGER, usd: null };
const NUDGES_MAX = 2;
const TAIL_CHARS = 1_000;

const WITH_GT = 'export PATH="$GT_BIN:$PATH"';
/** An agent's shells may be shells of a login, which begin with a search path of their own. Written inside: outside its home may lead elsewhere. */
const AT_LOGIN = `for f in .profile .bash_profile; do echo '${WITH_GT}' > "$HOME/$f"; done`;
const CUT_OFF =
  'You were cut off in the midst of this step, and begin anew: what you changed is in the worktree; look at it before you go on.';
const ATTACHED =
  'Somebody at a terminal has gone on with this conversation since, and may have changed files: what is above was said before. The step is yours again.';
const NUDGE =
  'You have stopped, and the step is still open. Go on, or end it: `gt done "what you did"`, `gt handoff "note"` or `gt escalate "question"`.';

/** `sdkHere`: looked for when a session begins, since somebody may just have installed it. Absent: it is not used. */
export function commandRuntime(keys: Keys, sdkHere?: () => Promise<SdkFound>): Runtime {
  return {
    kind: 'command',
    run: async (spec, context) => {
      const ended = resultIn(context.journal);
      if (ended !== null) return ended;
      const { agent } = spec.runtime;
      if (agent === undefined) throw trouble('Agent.Unknown', 'a session of no agent was asked for');
      const door = await openDoor(spec, context);
      try {
        const { message: primer } = await programPrimer(spec);
        const found = agent.sdk === true ? await sdkHere?.() : undefined;
        const sdk = found?.ok === true ? found.sdk : null;
        return await new Program({ agent, sdk, keys, door, primer }, spec, context).run();
      } finally {
        await door.close();
      }
    },
  };
}

type Means = {
  readonly agent: Agent;
  /** Null: it is called by its command. */
  readonly sdk: Sdk | null;
  readonly keys: Keys;
  readonly door: Door;
  readonly primer: string;
};

class Program {
  readonly #means: Means;
  readonly #spec: SessionSpec;
  readonly #context: SessionContext;
  readonly #home: string;
  readonly #began = Date.now();
  #usage: Usage = NO_USAGE;
  #runs = 0;
  /** Why it was stopped; its next words are its last. */
  #limit: SdkLimit | null = null;
  /** What the mission's budget left when it began, and the budget. */
  #purse: Purse = null;

  constructor(means: Means, spec: SessionSpec, context: SessionContext) {
    this.#means = means;
    this.#spec = spec;
    this.#context = context;
    this.#home = join(dirname(context.outputFile), 'home');
  }

  async run(): Promise<SessionResult> {
    const { agent, sdk, keys, door } = this.#means;
    const { journal } = this.#context;
    const said = door.end();
    if (said !== null) return this.#finish(said);
    await mkdir(this.#home, { recursive: true });
    const account = agent.provider === null ? undefined : keys[agent.provider];
    if (agent.provider !== null && account === undefined) throw trouble('Llm.Auth', noKey(agent, agent.provider));
    const proxy = join(door.folder, 'model');
    const closeProxy =
      agent.provider === null || account === undefined ? null : await openKeyProxy(proxy, agent.provider, account);
    try {
      const wasBegun = journal.entries.some((entry) => entry.kind === 'begun' && entry.key === AGENT);
      const by = sdk === null ? null : { name: 'claude-agent-sdk', input: { version: sdk.version } };
      const isTakenOver = !wasBegun && agent.resume !== null && (await takeOver(this.#context.folder, this.#spec));
      if (!wasBegun) await journal.append({ kind: 'begun', key: AGENT, before: by });
      const kept = wasBegun && agent.resume !== null;
      let prompt = wasBegun ? (kept ? CUT_OFF : this.#prompt(CUT_OFF)) : this.#prompt(isTakenOver ? ATTACHED : '');
      for (let nudges = 0; ; nudges += 1) {
        if (sdk !== null) this.#purse = await this.#context.purse(this.#usage.usd);
        if (this.#purse !== null && this.#purse.leftUsd <= 0) return await this.#finish(await this.#handOver('budget'));
        const isAgain = kept || isTakenOver || nudges > 0;
        const result = await this.#once(prompt, isAgain, closeProxy === null ? null : proxy);
        const end = door.end() ?? (await this.#endOf(result, nudges));
        if (end !== null) return await this.#finish(end);
        if (this.#limit !== null) prompt = ASK_HANDOFF;
        else prompt = agent.resume === null ? this.#prompt(NUDGE) : NUDGE;
      }
    } finally {
      closeProxy?.();
    }
  }

  #prompt(more = ''): string {
    return [this.#means.primer, more].filter((part) => part !== '').join('\n\n');
  }

  /** What is too long for an argument is left in a file that it names. */
  async #asArgument(prompt: string): Promise<string> {
    const { agent, door } = this.#means;
    if (agent.prompt === 'stdin' || Buffer.byteLength(prompt) <= ARGUMENT_BYTES_MAX) return prompt;
    const file = join(door.folder, 'assignment.md');
    await writeFile(file, prompt);
    return `Your assignment is in the file ${file}. Read all of it, then do it.`;
  }

  async #once(prompt: string, again: boolean, proxy: string | null): Promise<RunResult> {
    const { agent, sdk, door } = this.#means;
    const { signal, exec, folder } = this.#context;
    const stop = new AbortController();
    void door.ended.then(() => setTimeout(() => stop.abort(), LEAVE_MS).unref());
    const { quietSecondsMax } = this.#spec.limits;
    let quiet = setTimeout(() => stop.abort(), quietSecondsMax * SECOND_MS);
    const said = new SaidLog(join(folder, SAID_FILE));
    const values = await this.#values(await this.#asArgument(prompt));
    const args = again ? (agent.resume ?? agent.args) : agent.args;
    const command =
      sdk === null ? commandOf(agent, args, values, proxy) : lineOf([process.execPath, SDK_PROGRAM], proxy);
    const input = sdk === null ? prompt : JSON.stringify(this.#order(sdk, prompt, again, values.session));
    this.#runs += 1;
    this.#beat();
    try {
      const before = this.#spec.confinement === undefined ? WITH_GT : `${WITH_GT}; ${AT_LOGIN}`;
      const result = await exec(`${before}; exec ${command}`, {
        timeoutMs: this.#leftMs() + (sdk === null ? 0 : STOP_MS),
        env: { ...environmentOf(agent, values), ...door.env },
        readable: [door.folder, ...GT, ...(sdk === null ? [] : readableFor(sdk))],
        home: this.#home,
        signal: stop.signal,
        ...(sdk !== null || agent.prompt === 'stdin' ? { input } : {}),
        onOutput: (piece) => {
          said.add(piece);
          this.#beat();
          clearTimeout(quiet);
          quiet = setTimeout(() => stop.abort(), quietSecondsMax * SECOND_MS);
        },
      });
      signal.throwIfAborted();
      const told = sdk === null ? null : toldBySdk(result.stdout);
      if (told !== null) this.#usage = usageAfter(this.#usage, told);
      else if (sdk === null) this.#usage = sumOf(agent, this.#usage, usageIn(agent.usage, result.stdout));
      return result;
    } finally {
      clearTimeout(quiet);
      said.end();
    }
  }

  #leftMs(): number {
    if (this.#limit !== null) return LAST_WORDS.minutes * MINUTE_MS;
    return Math.max(SECOND_MS, this.#spec.limits.minutesMax * MINUTE_MS - (Date.now() - this.#began));
  }

  #order({ module, program }: Sdk, prompt: string, again: boolean, session: string): SdkOrder {
    const { runtime, limits } = this.#spec;
    const { door } = this.#means;
    const { turnsMax, contextTokensMax, usdMax = Infinity } = limits;
    const usd = Math.min(usdMax - this.#usage.usd, this.#purse?.leftUsd ?? Infinity);
    const left = {
      turns: Math.max(1, turnsMax - this.#usage.turns),
      minutes: this.#leftMs() / MINUTE_MS,
      contextTokens: contextTokensMax,
      usd: Number.isFinite(usd) ? Math.max(CENT, usd) : null,
    };
    return {
      module,
      program,
      session,
      // The conversation that it is to go on with may not have begun.
      prompt: again ? this.#prompt(CUT_OFF) : prompt,
      again: again ? prompt : null,
      model: runtime.model === '' ? null : runtime.model,
      town: { command: join(door.folder, 'gt'), args: ['mcp'] },
      door: door.env['GT_PORT'] ?? '',
      limits: this.#limit === null ? left : LAST_WORDS,
    };
  }

  #beat(): void {
    const { agent, door } = this.#means;
    const usage = { ...this.#usage, turns: Math.max(this.#usage.turns, this.#runs) };
    this.#context.heartbeat({ turn: this.#runs, doing: agent.command, usage, notes: latest(door.notes()) });
  }

  async #values(prompt: string): Promise<CallValues> {
    const { model } = this.#spec.runtime;
    const { door } = this.#means;
    const town = { command: join(door.folder, 'gt'), args: ['mcp'], env: { GT_PORT: door.env['GT_PORT'] } };
    return {
      prompt,
      model: model === '' ? null : model,
      session: await conversationOf(this.#context.folder, this.#spec.sessionId),
      home: this.#home,
      mcp: JSON.stringify({ mcpServers: { town } }),
    };
  }

  /** What is to be said for an agent that has said nothing; null: it is asked once more. */
  async #endOf(result: RunResult, nudges: number): Promise<End | null> {
    const { end, stdout, stderr } = result;
    const { agent, sdk } = this.#means;
    const told = sdk === null ? null : toldBySdk(stdout);
    if (told !== null && (told.limit !== null || told.failure !== null)) return this.#endAt(told);
    if (this.#limit !== null) return this.#handOver(this.#limit);
    const tail = withoutSecrets(`${stdout}${stderr}`).trim().slice(-TAIL_CHARS);
    if (end.kind === 'not-started' || (end.kind === 'exited' && end.code === 127)) {
      const why = end.kind === 'exited' ? tail : end.reason;
      throw trouble(
        'Agent.Missing',
        `${agent.command} cannot be started here: ${why}. Install it, or name another agent.`,
      );
    }
    if (end.kind === 'timed-out') return this.#handOver('time');
    if (end.kind === 'cancelled')
      return {
        outcome: 'stalled',
        detail: `${agent.command} was silent for ${this.#spec.limits.quietSecondsMax} seconds.`,
      };
    if (end.kind === 'over-limit') return { outcome: 'stalled', detail: `${agent.command} was ended: ${end.what}.` };
    if (nudges < NUDGES_MAX) return null;
    const how = end.kind === 'exited' ? `exit code ${end.code}` : end.signal;
    return {
      outcome: 'stalled',
      detail: `${agent.command} ended ${nudges + 1} times without an end (${how}): ${tail}`,
    };
  }

  /** The SDK has stopped it, or its provider has. */
  async #endAt({ limit, failure }: SdkTold): Promise<End | null> {
    if (failure !== null) {
      const why = troubleOfStatus(failure.status, withoutSecrets(failure.message));
      if (why instanceof ContextFull) return this.#handOver('context');
      throw why;
    }
    if (this.#limit !== null) return this.#handOver(this.#limit);
    const { usdMax = Infinity } = this.#spec.limits;
    // Not a turn more before somebody has raised it.
    if (limit === 'cost' && this.#purse !== null && this.#usage.usd < usdMax) return this.#handOver('budget');
    this.#limit = limit;
    return null;
  }

  /** It has left no note of its own. */
  async #handOver(reason: SdkLimit | 'budget'): Promise<End> {
    const note = await mechanicalNote(this.#context, []);
    const budget = reason === 'budget' && this.#purse !== null ? { budgetUsd: this.#purse.budgetUsd } : {};
    return { outcome: 'handoff', note, reason, ...budget };
  }

  async #finish(end: End): Promise<SessionResult> {
    const usage = { ...this.#usage, turns: Math.max(this.#usage.turns, this.#runs) };
    const isAsked = end.outcome === 'handoff' && end.reason === 'requested' && this.#limit !== null;
    const asked = isAsked && this.#limit !== null ? { reason: this.#limit } : {};
    const result = { usage, notes: [...this.#means.door.notes()], ...end, ...asked } satisfies SessionResult;
    await this.#context.journal.append({ kind: 'ended', result });
    return result;
  }
}

const AGENT = 'agent';
const GT = ['bin', 'dist', 'package.json'].map((name) => join(PACKAGE, name));
/** The SDK takes no limit of nothing. */
const CENT = 0.01;
/** Linux takes 128 KiB, and quotes and the other arguments stand in it, too. */
const ARGUMENT_BYTES_MAX = 96 * 1024;

/** Claude Code tells the tokens of this time, and what the whole conversation has cost. */
function sumOf({ usage }: Agent, before: Usage, told: Usage): Usage {
  const sum = addUsage(before, told);
  return usage === 'claude' ? { ...sum, usd: Math.max(before.usd, told.usd) } : sum;
}

function noKey({ command }: Agent, provider: Provider): string {
  return `${command} needs a key of ${provider}: set ${KEY_NAMES[provider]} in the environment of gt up, or close the step yourself`;
}

function trouble(type: string, message: string): RuntimeTrouble {
  return new RuntimeTrouble({ type, message, retryable: false });
}
