/**
 * A session of an agent that is a program: run after run, until it has said by the door how its step ends, or has reached a limit, or says
 * nothing. What it may spend is looked at before each turn where its models are asked through the key proxy, and where it is driven by its SDK
 * by that.
 */
import { mkdir } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import type { RunResult } from '../process/run.js';
import { KEY_NAMES } from '../town/agents.js';
import type { Agent, Keys, Provider } from '../town/agents.js';
import type { Purse } from '../town/purse.js';
import { mayHavePrice, type Prices } from '../town/prices.js';
import type { SessionResult, SessionSpec, Usage } from '../town/session.js';
import { Account } from './account.js';
import type { Accounts } from './account.js';
import { commandOf, environmentOf, lineOf } from './agent-call.js';
import { takeOver } from './conversation.js';
import type { Door } from './door.js';
import type { End } from './end.js';
import { heldLimit, turnsHeld } from './held-limits.js';
import { openKeyProxy } from './key-proxy.js';
import type { Asker, KeyProxy } from './key-proxy.js';
import { mechanicalNote } from './mechanical-note.js';
import { Meter } from './meter.js';
import { latest } from './notes.js';
import { asArgument, callValues, GT, sdkOrder, withGt } from './program-call.js';
import { ProgramOutput } from './program-output.js';
import { ATTACHED, CUT_OFF, LEAVE_NOTE, NUDGE } from './program-words.js';
import { ContextFull, troubleOfStatus } from './provider-status.js';
import type { Failure } from './provider-answers.js';
import type { Pulse } from './pulse.js';
import { closedNetwork } from './reaching-out.js';
import { RunOfProgram } from './run-of-program.js';
import type { SessionContext } from './runtime.js';
import { SAID_FILE, SaidLog } from './said-log.js';
import { readableFor, SDK_PROGRAM, toldBySdk, usageBySdk } from './sdk.js';
import type { Sdk, SdkLimit, SdkOrder, SdkTold } from './sdk.js';
import { withoutSecrets } from './secrets.js';
import { UsageTold } from './told-usage.js';
import { RuntimeTrouble } from './trouble.js';

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
/** Kept for that: a secret that has lost its head here is not in it. */
const SHOWN_CHARS = 16 * 1024;

type ProgramMeans = {
  readonly agent: Agent;
  /** Null: it is called by its command. */
  readonly sdk: Sdk | null;
  readonly keys: Keys;
  readonly accounts: Accounts;
  readonly prices: Prices;
  readonly door: Door;
  readonly pulse: Pulse;
  readonly primer: string;
};

/** How the next run begins: by these words, in a conversation that is there already or not. */
type Next = { readonly prompt: string; readonly again: boolean };

export class Program {
  readonly #means: ProgramMeans;
  readonly #spec: SessionSpec;
  readonly #context: SessionContext;
  readonly #home: string;
  readonly #meter: Meter;
  readonly #account: Account;
  /** How long it may have worked by the journal's clock, which stands still while it waits for us. */
  #workMsMax: number;
  #runs = 0;
  /** The one under way; its key proxy stays open between two. */
  #run: RunOfProgram | null = null;
  /** Null: no models are asked through the worker. */
  #proxy: KeyProxy | null = null;
  /** Why it was stopped, and how many turns it had taken; its next words are its last. */
  #limit: { readonly kind: SdkLimit; readonly turns: number } | null = null;
  /** What the mission's budget left when it was last asked, and the budget. */
  #purse: Purse = null;
  /** The end of what it has written in this run, as people see it. */
  #shown = '';
  /** Whether it was tried both to begin and to take up a conversation. */
  #isTurnedRound = false;

  constructor(means: ProgramMeans, spec: SessionSpec, context: SessionContext) {
    const { agent, accounts, prices } = means;
    this.#means = means;
    this.#spec = spec;
    this.#context = context;
    this.#home = join(dirname(context.outputFile), 'home');
    this.#meter = new Meter({ journal: context.journal, prices, model: spec.runtime.model });
    this.#account = agent.provider === null ? new Account() : accounts[agent.provider];
    this.#workMsMax = spec.limits.minutesMax * MINUTE_MS;
  }

  async run(): Promise<SessionResult> {
    const said = this.#means.door.end();
    if (said !== null) return this.#finish(said);
    await mkdir(this.#home, { recursive: true });
    await this.#openProxy();
    try {
      return await this.#finish(await this.#work(await this.#begin()));
    } finally {
      this.#proxy?.close();
    }
  }

  async #openProxy(): Promise<void> {
    const { agent, keys, door } = this.#means;
    const { provider } = agent;
    if (provider === null) return;
    const account = keys[provider];
    if (account === undefined) throw trouble('Llm.Auth', noKey(agent, provider));
    const way = { provider, account, asker: this.#asker(), closed: closedNetwork(this.#spec) };
    this.#proxy = await openKeyProxy(join(door.folder, 'model'), way);
  }

  async #begin(): Promise<Next> {
    const { agent, sdk } = this.#means;
    const { journal, folder } = this.#context;
    const wasBegun = journal.entries.some((entry) => entry.kind === 'begun' && entry.key === AGENT);
    if (wasBegun) {
      // Of a conversation in which nobody has answered there may be nothing.
      const isThere = sdk !== null || this.#proxy === null || this.#meter.usage.turns > 0;
      const again = agent.resume !== null && isThere;
      return { prompt: again ? CUT_OFF : this.#prompt(CUT_OFF), again };
    }
    const again = agent.resume !== null && (await takeOver(folder, this.#spec));
    if (again) this.#meter.forget();
    const by = sdk === null ? null : { name: 'claude-agent-sdk', input: { version: sdk.version } };
    await journal.append({ kind: 'begun', key: AGENT, before: by });
    return { prompt: this.#prompt(again ? ATTACHED : ''), again };
  }

  async #work(first: Next): Promise<End> {
    const { agent, door } = this.#means;
    let next = first;
    for (let nudges = 0; ;) {
      if ((await this.#limitReached()) === 'budget') return this.#handOver('budget');
      const run = this.#newRun();
      const result = await this.#once(run, next);
      run.throwIfBroken();
      const end = door.end();
      if (end !== null) return end;
      const other = this.#turnedRound(run, result, next);
      const last = other === null ? await this.#endOf(run, result, nudges) : null;
      if (last !== null) return last;
      if (other === null) nudges += 1;
      const again = agent.resume !== null;
      const more = this.#limit === null ? NUDGE : LEAVE_NOTE;
      next = other ?? { prompt: again ? more : this.#prompt(more), again };
    }
  }

  /** It could not begin a conversation that is there, or take up one that is not: then it is called the other way. */
  #turnedRound({ hasAsked, stopped }: RunOfProgram, { end }: RunResult, { again }: Next): Next | null {
    const { agent, sdk } = this.#means;
    const hasFailed = end.kind === 'exited' && end.code !== 0 && end.code !== MISSING;
    const isOurs = sdk === null && this.#proxy !== null && agent.resume !== null;
    if (!isOurs || !hasFailed || hasAsked || stopped !== null || this.#isTurnedRound) return null;
    this.#isTurnedRound = true;
    return { prompt: again ? this.#prompt(CUT_OFF) : CUT_OFF, again: !again };
  }

  #prompt(more = ''): string {
    return [this.#means.primer, more].filter((part) => part !== '').join('\n\n');
  }

  /** What asks between two runs is left over from the one before. */
  #asker(): Asker {
    const run = () => this.#run ?? this.#newRun();
    return {
      sign: () => run().sign(),
      enter: (gone) => run().enter(gone),
      answered: async (spent) => {
        await run().answered(spent);
        this.#beat();
      },
      failed: (failure) => run().failed(failure),
    };
  }

  #newRun(): RunOfProgram {
    const { agent, pulse } = this.#means;
    this.#run = new RunOfProgram({
      meter: this.#meter,
      pulse,
      account: this.#account,
      limit: () => this.#limitReached(),
      canBeStopped: agent.resume !== null,
      waited: (ms) => this.#context.journal.waited(ms),
    });
    return this.#run;
  }

  #leftMs(): number {
    return this.#workMsMax - this.#context.journal.workedMs();
  }

  /** Null: as much as it likes. */
  #leftUsd(): number | null {
    const { usdMax = Infinity } = this.#spec.limits;
    const usd = Math.min(usdMax - this.#meter.usage.usd, this.#purse?.leftUsd ?? Infinity);
    return Number.isFinite(usd) ? Math.max(CENT, usd) : null;
  }

  async #limitReached(): Promise<SdkLimit | 'budget' | null> {
    const { usage, contextTokens } = this.#meter;
    this.#purse = await this.#context.purse(usage.usd);
    if (this.#purse !== null && this.#purse.leftUsd <= 0) return 'budget';
    const bySdk = this.#means.sdk !== null;
    if (this.#limit === null) return heldLimit(this.#spec.limits, { ...usage, contextTokens }, bySdk);
    const turns = this.#limit.turns + turnsHeld(LAST_WORDS.turns, bySdk);
    return usage.turns >= turns ? this.#limit.kind : null;
  }

  async #once(run: RunOfProgram, next: Next): Promise<RunResult> {
    const { agent, sdk, door, pulse } = this.#means;
    const { signal, exec, folder } = this.#context;
    void door.ended.then(() => setTimeout(() => run.stop('ended'), LEAVE_MS).unref());
    const { quietSecondsMax } = this.#spec.limits;
    const said = new SaidLog(join(folder, SAID_FILE));
    const format = sdk === null ? agent.usage : 'claude';
    const told = new UsageTold(format);
    const output = new ProgramOutput(
      format,
      (text) => {
        said.add(text);
        this.#shown = (this.#shown + text).slice(-SHOWN_CHARS);
      },
      (event) => told.hear(event),
    );
    const prompt = await asArgument(next.prompt, agent, door);
    const looksItself = this.#limit === null && !mayHavePrice(this.#spec.runtime.model, this.#means.prices);
    const usd = looksItself ? this.#leftUsd() : null;
    const values = await callValues(prompt, this.#spec, { folder, home: this.#home, door, usd });
    const args = next.again ? (agent.resume ?? agent.args) : agent.args;
    const line =
      sdk === null ? commandOf(agent, args, values, this.#proxy) : lineOf([process.execPath, SDK_PROGRAM], this.#proxy);
    const input = sdk === null ? next.prompt : JSON.stringify(this.#order(sdk, next, values.session));
    this.#runs += 1;
    this.#shown = '';
    this.#beat();
    const unwatch = pulse.watch(quietSecondsMax * SECOND_MS, () => run.fallSilent());
    // The SDK stops by itself, if it can.
    const letGo = run.stopInTime(() => this.#leftMs() + (sdk === null ? 0 : STOP_MS));
    try {
      const result = await exec(withGt(line, this.#spec, { agent, home: this.#home }), {
        env: { ...environmentOf(agent, values, this.#proxy), ...door.env },
        readable: [door.folder, ...GT, ...(sdk === null ? [] : readableFor(sdk))],
        home: this.#home,
        signal: run.signal,
        ...(sdk !== null || agent.prompt === 'stdin' ? { input } : {}),
        onOutput: (piece, from) => {
          output.add(piece, from);
          this.#beat();
          pulse.sign();
        },
      });
      output.end();
      await run.settled();
      await this.#meter.ended(sdk === null ? told.told() : usageBySdk(result.stdout));
      signal.throwIfAborted();
      return result;
    } finally {
      unwatch();
      letGo();
      said.end();
    }
  }

  #order(sdk: Sdk, { prompt, again }: Next, session: string): SdkOrder {
    const { turnsMax, contextTokensMax } = this.#spec.limits;
    const left = {
      turns: Math.max(1, turnsMax - this.#meter.usage.turns),
      minutes: Math.max(SECOND_MS, this.#leftMs()) / MINUTE_MS,
      contextTokens: contextTokensMax,
      usd: this.#leftUsd(),
    };
    return sdkOrder(sdk, this.#spec, this.#means.door, {
      session,
      // The conversation that it is to go on with may not have begun.
      prompt: again ? this.#prompt(CUT_OFF) : prompt,
      again: again ? prompt : null,
      limits: this.#limit === null ? left : LAST_WORDS,
    });
  }

  #beat(): void {
    const { agent, door } = this.#means;
    const usage = this.#usage();
    this.#context.heartbeat({ turn: usage.turns, doing: agent.command, usage, notes: latest(door.notes()) });
  }

  #usage(): Usage {
    const { usage } = this.#meter;
    return { ...usage, turns: Math.max(usage.turns, this.#runs) };
  }

  /** What is to be said for an agent that has said nothing; null: it is asked once more. */
  async #endOf(run: RunOfProgram, { end, stdout }: RunResult, nudges: number): Promise<End | null> {
    const { agent, sdk } = this.#means;
    const { quietSecondsMax } = this.#spec.limits;
    const told = sdk === null ? null : toldBySdk(stdout);
    const tail = withoutSecrets(this.#shown).trim().slice(-TAIL_CHARS);
    if (end.kind === 'not-started' || (end.kind === 'exited' && end.code === MISSING)) {
      const why = end.kind === 'exited' ? tail : end.reason;
      throw trouble(
        'Agent.Missing',
        `${agent.command} cannot be started here: ${why}. Install it, or name another agent.`,
      );
    }
    const { stopped } = run;
    if (stopped === 'budget') return this.#handOver('budget');
    if (stopped === 'no-answer')
      throw trouble('Llm.Stalled', `the model was silent for ${quietSecondsMax} seconds`, true);
    if (stopped === 'silence') return stalled(`${agent.command} was silent for ${quietSecondsMax} seconds.`);
    if (run.failure !== null) return this.#afterFailure(run.failure);
    if (told !== null && (told.limit !== null || told.failure !== null)) return this.#endAt(told);
    if (this.#limit !== null) return this.#handOver(this.#limit.kind);
    const limit = stopped === 'time' ? stopped : await this.#limitReached();
    if (limit !== null) return this.#askForNote(limit);
    if (end.kind === 'over-limit') return stalled(`${agent.command} was ended: ${end.what}.`);
    if (nudges < NUDGES_MAX) return null;
    const how = end.kind === 'exited' ? `exit code ${end.code}` : end.kind === 'signalled' ? end.signal : end.kind;
    return stalled(`${agent.command} ended ${nudges + 1} times without an end (${how}): ${tail}`);
  }

  /** Its provider has answered it last that it will not, and it has given up. */
  async #afterFailure(failure: Failure): Promise<End> {
    if (failure instanceof ContextFull) return this.#handOver('context');
    throw failure;
  }

  /** The SDK has stopped it, or its provider has. */
  async #endAt({ limit, failure }: SdkTold): Promise<End | null> {
    if (failure !== null) return this.#afterFailure(troubleOfStatus(failure.status, withoutSecrets(failure.message)));
    if (limit === null || this.#limit !== null) return this.#handOver(this.#limit?.kind ?? 'time');
    const { usdMax = Infinity } = this.#spec.limits;
    // Not a turn more before somebody has raised it.
    const isBudget = limit === 'cost' && this.#purse !== null && this.#meter.usage.usd < usdMax;
    return isBudget ? this.#handOver('budget') : this.#askForNote(limit);
  }

  /** In the same conversation, if it can be taken up; null: it is asked. */
  async #askForNote(limit: SdkLimit | 'budget'): Promise<End | null> {
    if (limit === 'budget' || this.#means.agent.resume === null) return this.#handOver(limit);
    this.#limit = { kind: limit, turns: this.#meter.usage.turns };
    this.#workMsMax = this.#context.journal.workedMs() + LAST_WORDS.minutes * MINUTE_MS;
    return null;
  }

  /** It has left no note of its own. */
  async #handOver(reason: SdkLimit | 'budget'): Promise<End> {
    const note = await mechanicalNote(this.#spec, this.#context, []);
    const budget = reason === 'budget' && this.#purse !== null ? { budgetUsd: this.#purse.budgetUsd } : {};
    return { outcome: 'handoff', note, reason, ...budget };
  }

  async #finish(end: End): Promise<SessionResult> {
    const isAsked = end.outcome === 'handoff' && end.reason === 'requested' && this.#limit !== null;
    const asked = isAsked && this.#limit !== null ? { reason: this.#limit.kind } : {};
    const result = {
      usage: this.#usage(),
      notes: [...this.#means.door.notes()],
      ...end,
      ...asked,
    } satisfies SessionResult;
    await this.#context.journal.append({ kind: 'ended', result });
    return result;
  }
}

const AGENT = 'agent';
/** The SDK takes no limit of nothing. */
const CENT = 0.01;
/** Of a shell that finds no such command. */
const MISSING = 127;

function noKey({ command }: Agent, provider: Provider): string {
  return `${command} needs a key of ${provider}: set ${KEY_NAMES[provider]} in the environment of gt up, or close the step yourself`;
}

function stalled(detail: string): End {
  return { outcome: 'stalled', detail };
}

function trouble(type: string, message: string, retryable = false): RuntimeTrouble {
  return new RuntimeTrouble({ type, message, retryable });
}
