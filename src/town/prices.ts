/**
 * What tokens cost: US dollars for a million, by the beginning of a model's id. No provider tells its prices to a program, so they stand
 * in town.toml. Tokens of a model without a price are counted and said to be without one: a made-up figure would be worse.
 */
import * as z from 'zod';
import { agentNamed } from './agents.js';
import type { Agent } from './agents.js';
import type { Protomolecule } from './protomolecule.js';
import type { Usage } from './session.js';

export const Price = z.strictObject({
  input: z.number().nonnegative(),
  output: z.number().nonnegative(),
  cacheRead: z.number().nonnegative(),
  cacheWrite: z.number().nonnegative(),
});
type Price = z.infer<typeof Price>;
export type Prices = Readonly<Record<string, Price>>;

const MILLION = 1_000_000;

type Tokens = Pick<Usage, 'inputTokens' | 'outputTokens' | 'cacheReadTokens' | 'cacheWriteTokens'>;

export function costOf(tokens: Tokens, model: string, prices: Prices): Pick<Usage, 'usd' | 'unpricedTokens'> {
  const { inputTokens, outputTokens, cacheReadTokens, cacheWriteTokens } = tokens;
  const price = priceOf(model, prices);
  if (price === null)
    return { usd: 0, unpricedTokens: inputTokens + outputTokens + cacheReadTokens + cacheWriteTokens };
  const sum =
    inputTokens * price.input +
    outputTokens * price.output +
    cacheReadTokens * price.cacheRead +
    cacheWriteTokens * price.cacheWrite;
  return { usd: sum / MILLION };
}

/** Of several names that the model's id begins with, the longest counts. */
function priceOf(model: string, prices: Prices): Price | null {
  const name = Object.keys(prices)
    .filter((one) => model.startsWith(one))
    .toSorted((a, b) => b.length - a.length)[0];
  return name === undefined ? null : (prices[name] ?? null);
}

/** Whether it is known here what its answers cost; of a model that a program chooses, whether that may be. */
export function mayHavePrice(model: string, prices: Prices): boolean {
  return model === '' ? Object.keys(prices).length > 0 : priceOf(model, prices) !== null;
}

type Work = {
  readonly rig: {
    readonly runtime: { readonly kind: string; readonly model: string; readonly agent?: string | undefined };
    readonly agents?: Readonly<Record<string, Agent>> | undefined;
  };
  readonly proto: Pick<Protomolecule, 'steps'>;
};

/** The models that may work on this and have no price, each once; '' for those that a program chooses, of which nobody knows that before. */
export function unpricedModels(work: readonly Work[], prices: Prices): readonly string[] {
  const models = work.filter(mayUseModel).map(({ rig }) => rig.runtime.model);
  return [...new Set(models)].filter((model) => priceOf(model, prices) === null).toSorted();
}

/** Where a rig's steps are worked by a model, so is its rework, whatever the steps are. */
function mayUseModel({ rig, proto }: Work): boolean {
  const steps = proto.steps.flatMap((step) => [step, ...(step.fanOut?.steps ?? [])]);
  return rig.runtime.kind === 'anthropic' || isCounted(rig) || steps.some(({ agent }) => agent === 'anthropic');
}

/** A program whose tokens are counted here; Claude Code says itself what it costs. */
function isCounted({ runtime, agents }: Work['rig']): boolean {
  if (runtime.kind !== 'command') return false;
  const agent = agentNamed(runtime.agent ?? '', agents);
  return agent !== null && agent.usage !== 'claude' && (agent.provider !== null || agent.usage !== 'none');
}

/** What was spent, for people: '' when nothing was that could be counted. */
export function spentText({ usd, unpricedTokens = 0 }: Pick<Usage, 'usd' | 'unpricedTokens'>): string {
  const dollars = usd > 0 ? [`$${usd.toFixed(2)}`] : [];
  const rest = unpricedTokens > 0 ? [`${unpricedTokens} tokens of a model without a price`] : [];
  return [...dollars, ...rest].join(' and ');
}

/** That a model had none; '' as `unpricedModels` has it. */
export function withoutPrice(model: string): string {
  if (model !== '') return `the model ${model} had no price when the work was planned`;
  return 'which models a program asks that has none named, and whether they have a price, is known only when they answer';
}

/** How to give a model its price. */
export function priceRemedy(model: string): string {
  return `add [prices.${JSON.stringify(model)}] to town.toml, with input and output in dollars for a million tokens`;
}
