/** What tokens cost: US dollars for a million, by the beginning of a model's id. The provider's SDK has no prices, so they are given. */
import type { Usage } from '../town/session.js';

type Price = {
  readonly input: number;
  readonly output: number;
  readonly cacheRead: number;
  readonly cacheWrite: number;
};
export type Prices = Readonly<Record<string, Price>>;

const MILLION = 1_000_000;

/** 0 for a model that nobody has priced: a made-up figure would be worse. */
export function usdOf(usage: Omit<Usage, 'usd'>, model: string, prices: Prices): number {
  const known = Object.keys(prices)
    .filter((name) => model.startsWith(name))
    .toSorted((a, b) => b.length - a.length)[0];
  const one = known === undefined ? undefined : prices[known];
  if (one === undefined) return 0;
  const { inputTokens, outputTokens, cacheReadTokens, cacheWriteTokens } = usage;
  const sum =
    inputTokens * one.input +
    outputTokens * one.output +
    cacheReadTokens * one.cacheRead +
    cacheWriteTokens * one.cacheWrite;
  return sum / MILLION;
}
