/** What a session of a program has used: over its runs and lives, whoever tells it, each thing once. */
import { expect, test } from 'vitest';
import { estimatedIn, openJournal, spentIn } from '../../src/agents/journal.js';
import { Meter } from '../../src/agents/meter.js';
import type { Told } from '../../src/agents/told-usage.js';
import type { Prices } from '../../src/town/prices.js';
import { makeBench } from '../support/sessions.js';
import type { Bench } from '../support/sessions.js';

const tokens = { turns: 1, inputTokens: 10, cacheReadTokens: 0, cacheWriteTokens: 0, outputTokens: 5 };
const answer = { model: 'big', tokens };
const PRICES: Prices = { big: { input: 100_000, output: 0, cacheRead: 0, cacheWrite: 0 } };

/** A life of the session, with the journal that all of them have. */
async function life(bench: Bench, live: (meter: Meter) => Promise<void>, prices: Prices = {}) {
  const journal = await openJournal(bench.journal, { sessionId: 's' });
  const meter = new Meter({ journal, prices, model: '' });
  meter.begin();
  await live(meter);
  expect(spentIn(journal)).toEqual(meter.usage);
  await journal.close();
  return meter.usage;
}

const reckons = (usd: number, ofAll: Told['ofAll'] = 'cost'): Told => ({
  spent: [{ model: '', tokens: { ...tokens, inputTokens: 99 } }],
  usd,
  ofAll,
});

async function bigAndSmall(meter: Meter): Promise<void> {
  await meter.answered(answer);
  await meter.answered({ ...answer, model: 'small' });
  await meter.ended(reckons(7));
}

test('what has passed is counted so, whatever its program says of it; that says what it costs where nobody else knows', async () => {
  const small = { input: 200_000, output: 0, cacheRead: 0, cacheWrite: 0 };
  expect(await life(await makeBench(), bigAndSmall, { ...PRICES, small })).toEqual({
    ...tokens,
    turns: 2,
    inputTokens: 20,
    outputTokens: 10,
    usd: 3,
  });
  // Half of it has a price: then all of it costs what the program says.
  expect(await life(await makeBench(), bigAndSmall, PRICES)).toEqual({
    ...tokens,
    turns: 2,
    inputTokens: 20,
    outputTokens: 10,
    usd: 7,
  });
  expect(await life(await makeBench(), bigAndSmall, {})).toEqual({
    ...tokens,
    turns: 2,
    inputTokens: 20,
    outputTokens: 10,
    usd: 7,
  });
});

const estimated = async (bench: Bench) => {
  const journal = await openJournal(bench.journal, { sessionId: 's' });
  await journal.close();
  return estimatedIn(journal);
};

test('what nobody has told is estimated, and costs as much; what its program tells of it stands in its place', async () => {
  const guessed = { ...answer, isEstimated: true } as const;
  const bench = await makeBench();
  const both = async (meter: Meter) => {
    await meter.answered(guessed);
    await meter.answered(answer);
  };
  expect(await life(bench, both, PRICES)).toMatchObject({ turns: 2, usd: 2 });
  expect(await estimated(bench)).toBe(1);
  const told: Told = { spent: [{ model: 'big', tokens: { ...tokens, turns: 3 } }], usd: null, ofAll: 'nothing' };
  const other = await makeBench();
  const replaced = await life(
    other,
    async (meter) => {
      await meter.answered(guessed);
      await meter.answered(guessed);
      await meter.ended(told);
    },
    PRICES,
  );
  expect(replaced).toEqual({ ...tokens, turns: 3, usd: 1 });
  expect(await estimated(other)).toBe(0);
  // It knows no better.
  const kept = await life(await makeBench(), async (meter) => {
    await meter.answered(guessed);
    await meter.ended({ ...told, spent: [] });
  });
  expect(kept).toMatchObject({ turns: 1, unpricedTokens: 15 });
});

test('a conversation that is gone on with in another life costs what it has cost since', async () => {
  const bench = await makeBench();
  await life(bench, async (meter) => {
    await meter.answered(answer);
    await meter.ended(reckons(2));
  });
  // This one is killed.
  const killed = await life(bench, (meter) => meter.answered(answer));
  expect(killed).toMatchObject({ turns: 2, usd: 2, unpricedTokens: 15 });
  const last = await life(bench, async (meter) => {
    await meter.answered(answer);
    await meter.ended(reckons(2.5));
  });
  expect(last).toMatchObject({ turns: 3, usd: 2.5, unpricedTokens: 15, inputTokens: 30 });
});

test('of a conversation that somebody else has gone on with only what passes here is its own', async () => {
  const used = await life(await makeBench(), async (meter) => {
    meter.forget();
    await meter.answered(answer);
    await meter.ended(reckons(7));
    meter.begin();
    await meter.answered(answer);
    await meter.ended(reckons(7.5));
  });
  expect(used).toMatchObject({ turns: 2, usd: 0.5, unpricedTokens: 15 });
});

test('the window is as full as it ever was in a run', async () => {
  await life(await makeBench(), async (meter) => {
    await meter.answered({ ...answer, tokens: { ...tokens, inputTokens: 1_000 } });
    await meter.answered(answer);
    expect(meter.contextTokens).toBe(1_005);
    meter.begin();
    expect(meter.contextTokens).toBe(0);
  });
});
