/**
 * What a session of a program has used, over all its runs and lives: each answer of a model as it passes, and where none passes here, what the
 * program tells itself. It is priced by town.toml; a model that has no price there costs what its program says. All of it is in the journal
 * at once: a run that is killed has cost what it has cost.
 */
import { costOf } from '../town/prices.js';
import type { Prices } from '../town/prices.js';
import { addUsage, NO_USAGE } from '../town/session.js';
import type { Usage } from '../town/session.js';
import { spentIn } from './journal.js';
import type { Journal, ToldOfAll } from './journal.js';
import type { Spent, Told, Tokens } from './told-usage.js';

type Means = {
  readonly journal: Journal;
  readonly prices: Prices;
  /** Where it is not told which; '' for none. */
  readonly model: string;
};

const NOTHING: ToldOfAll = { usage: NO_USAGE, usd: 0 };

export class Meter {
  readonly #means: Means;
  #usage: Usage;
  /** Of the run under way. */
  #run: Usage = NO_USAGE;
  /** What of that is estimated. */
  #estimated: Usage = NO_USAGE;
  #contextTokens = 0;
  /** Of all the conversation, as its program has told it last; null: not known, since others have gone on with it. */
  #told: ToldOfAll | null = NOTHING;

  constructor(means: Means) {
    this.#means = means;
    this.#usage = spentIn(means.journal);
    for (const entry of means.journal.entries) if (entry.kind === 'spent') this.#told = entry.told ?? this.#told;
  }

  get usage(): Usage {
    return this.#usage;
  }

  /** The most that a model has had before it in this run. */
  get contextTokens(): number {
    return this.#contextTokens;
  }

  begin(): void {
    this.#run = NO_USAGE;
    this.#estimated = NO_USAGE;
    this.#contextTokens = 0;
  }

  /** Somebody else has gone on with its conversation. */
  forget(): void {
    this.#told = null;
  }

  /** A model has answered. Throws RuntimeTrouble when that cannot be written. */
  async answered(spent: Spent): Promise<void> {
    const usage = this.#priced([spent]);
    this.#run = addUsage(this.#run, usage);
    if (spent.isEstimated === true) this.#estimated = addUsage(this.#estimated, usage);
    this.#contextTokens = Math.max(this.#contextTokens, sizeOf(spent.tokens));
    await this.#add(usage, null, spent.isEstimated === true ? usage.usd : 0);
  }

  /** A run has ended; null: without a word of what it has used. Throws RuntimeTrouble when that cannot be written. */
  async ended(told: Told | null): Promise<void> {
    if (told === null) return;
    const { usage, usd } = this.#since(told);
    const all = allOf(told, this.#priced(told.spent));
    this.#told = all ?? this.#told;
    const { unpricedTokens = 0 } = this.#run;
    // Its answers have been counted; what they cost may be known only now.
    if (sizeOf(this.#run) === sizeOf(this.#estimated)) {
      const isTold = sizeOf(usage) > 0 || sizeOf(this.#estimated) === 0;
      if (isTold) await this.#add(insteadOf(this.#run, usage), all, -this.#estimated.usd);
    } else if (unpricedTokens > 0 && usd !== null) {
      await this.#add(
        { ...NO_USAGE, usd: usd - this.#run.usd, unpricedTokens: -unpricedTokens },
        all,
        -this.#estimated.usd,
      );
    }
  }

  /** Of this run alone; `usd`: as the program reckons, null where that is not known. */
  #since(told: Told): { readonly usage: Usage; readonly usd: number | null } {
    const priced = this.#priced(told.spent);
    const before = this.#told ?? allOf(told, priced) ?? NOTHING;
    const usage = told.ofAll === 'everything' ? since(priced, before.usage) : priced;
    const usd = this.#usdSince(told);
    if ((usage.unpricedTokens ?? 0) === 0 || usd === null) return { usage, usd };
    const { unpricedTokens: _, ...tokens } = usage;
    return { usage: { ...tokens, usd }, usd };
  }

  #usdSince({ usd, ofAll }: Told): number | null {
    if (usd === null || ofAll === 'nothing') return usd;
    if (this.#told === null) return null;
    return usd < this.#told.usd ? usd : usd - this.#told.usd;
  }

  #priced(spent: readonly Spent[]): Usage {
    const { model: usual, prices } = this.#means;
    return spent
      .map(({ model, tokens }) => ({ ...tokens, ...costOf(tokens, model || usual, prices) }))
      .reduce(addUsage, NO_USAGE);
  }

  /** `estimatedUsd`: as much of its dollars as nobody has told the tokens of. */
  async #add(usage: Usage, told: ToldOfAll | null, estimatedUsd: number): Promise<void> {
    this.#usage = addUsage(this.#usage, usage);
    const more = { ...(told === null ? {} : { told }), ...(estimatedUsd === 0 ? {} : { estimatedUsd }) };
    await this.#means.journal.append({ kind: 'spent', usage, ...more });
  }
}

/** Of a window, after an answer. */
function sizeOf({ inputTokens, cacheReadTokens, cacheWriteTokens, outputTokens }: Tokens): number {
  return inputTokens + cacheReadTokens + cacheWriteTokens + outputTokens;
}

/** What a run has used, told after its end, in the place of what was estimated meanwhile. */
function insteadOf(estimated: Usage, told: Usage): Usage {
  return {
    turns: Math.max(0, told.turns - estimated.turns),
    inputTokens: told.inputTokens - estimated.inputTokens,
    cacheReadTokens: told.cacheReadTokens - estimated.cacheReadTokens,
    cacheWriteTokens: told.cacheWriteTokens - estimated.cacheWriteTokens,
    outputTokens: told.outputTokens - estimated.outputTokens,
    usd: told.usd - estimated.usd,
    unpricedTokens: (told.unpricedTokens ?? 0) - (estimated.unpricedTokens ?? 0),
  };
}

/** What is told of all the conversation; null: nothing, as of one that could not begin. */
function allOf({ ofAll, usd }: Told, priced: Usage): ToldOfAll | null {
  if (ofAll === 'nothing' || sizeOf(priced) === 0) return null;
  return { usage: ofAll === 'everything' ? priced : NO_USAGE, usd: usd ?? 0 };
}

/** Turns are told of this time alone. A conversation that has used less than before is another one. */
function since(now: Usage, before: Usage): Usage {
  if (now.outputTokens < before.outputTokens) return now;
  const { turns: _, unpricedTokens = 0, ...spent } = before;
  return {
    turns: now.turns,
    inputTokens: now.inputTokens - spent.inputTokens,
    cacheReadTokens: now.cacheReadTokens - spent.cacheReadTokens,
    cacheWriteTokens: now.cacheWriteTokens - spent.cacheWriteTokens,
    outputTokens: now.outputTokens - spent.outputTokens,
    usd: now.usd - spent.usd,
    unpricedTokens: (now.unpricedTokens ?? 0) - unpricedTokens,
  };
}
