import { expect, test } from 'vitest';
import { Agent } from '../../src/town/agents.js';
import { costOf, spentText, unpricedModels } from '../../src/town/prices.js';
import { addUsage, NO_USAGE } from '../../src/town/session.js';
import { step } from '../support/molecules.js';

const price = { input: 1, output: 10, cacheRead: 0.1, cacheWrite: 2 };
const tokens = {
  inputTokens: 1_000_000,
  outputTokens: 100_000,
  cacheReadTokens: 10_000_000,
  cacheWriteTokens: 500_000,
};

test('a million tokens of each kind cost what stands there, by the longest name that the model begins with', () => {
  expect(costOf(tokens, 'big-model', { big: price })).toEqual({ usd: 1 + 1 + 1 + 1 });
  const prices = { big: { ...price, input: 99 }, 'big-model': price, 'big-model-2': { ...price, input: 99 } };
  expect(costOf(tokens, 'big-model-1', prices)).toEqual({ usd: 4 });
  expect(costOf(tokens, 'big-model', { 'big-model': { input: 0, output: 0, cacheRead: 0, cacheWrite: 0 } })).toEqual({
    usd: 0,
  });
});

test('tokens of a model without a price are counted as such, and said', () => {
  const unpriced = costOf(tokens, 'other', { big: price });
  expect(unpriced).toEqual({ usd: 0, unpricedTokens: 11_600_000 });
  const both = addUsage({ ...NO_USAGE, ...unpriced }, { ...NO_USAGE, usd: 1.5 });
  expect(both).toMatchObject({ usd: 1.5, unpricedTokens: 11_600_000 });
  expect(spentText(both)).toBe('$1.50 and 11600000 tokens of a model without a price');
  expect(spentText(addUsage(NO_USAGE, { ...NO_USAGE, ...unpriced }))).toBe(
    '11600000 tokens of a model without a price',
  );
  expect(addUsage(NO_USAGE, NO_USAGE)).toEqual(NO_USAGE);
  expect(spentText(NO_USAGE)).toBe('');
});

const on = (kind: string, one: Parameters<typeof step>[1]) => ({
  rig: { runtime: { kind, model: `m-${kind}` } },
  proto: { steps: [step('s', one)] },
});

test('which models need a price follows from who works: a step of its own runtime, or all of the rig', () => {
  const work = [on('anthropic', {}), on('auto', {}), on('script', { agent: 'anthropic' }), on('human', {})];
  expect(unpricedModels([...work, ...work], {})).toEqual(['m-anthropic', 'm-script']);
  expect(unpricedModels(work, { 'm-a': price })).toEqual(['m-script']);
});

const by = (agent: string, model = `m-${agent}`) => ({
  rig: { runtime: { kind: 'command', model, agent }, agents: { mine: Agent.parse({ command: 'mine', args: [] }) } },
  proto: { steps: [step('s', {})] },
});

test('so do models of programs whose tokens are counted, if they do not tell their cost; which it is may not be known', () => {
  const work = [by('codex'), by('gemini'), by('aider'), by('opencode'), by('claude-code'), by('mine')];
  expect(unpricedModels(work, {})).toEqual(['m-aider', 'm-codex', 'm-gemini', 'm-opencode']);
  expect(unpricedModels([by('codex', ''), by('gemini', '')], { gpt: price })).toEqual(['']);
  expect(unpricedModels([by('claude-code', ''), by('mine', '')], {})).toEqual([]);
});
