/** What programs write for programs, as people see it and as it is counted: line by line, as it comes. */
import { expect, onTestFinished, test } from 'vitest';
import { ProgramOutput } from '../../src/agents/program-output.js';
import { knowSecrets } from '../../src/agents/secrets.js';
import { UsageTold } from '../../src/agents/told-usage.js';
import type { Agent } from '../../src/town/agents.js';

function outputOf(format: Agent['usage']) {
  let shown = '';
  const told = new UsageTold(format);
  const output = new ProgramOutput(
    format,
    (text) => (shown += text),
    (event) => told.hear(event),
  );
  return { output, shown: () => shown, told: () => told.told() };
}

const json = (value: unknown) => `${JSON.stringify(value)}\n`;
const said = (content: unknown, id = 'm1', tokens = 10) =>
  json({
    type: 'assistant',
    message: { id, model: 'claude-x', content, usage: { input_tokens: tokens, output_tokens: 2 } },
  });

test('what Claude Code says and does is shown as it comes, and what it does not say in JSON as well', () => {
  const { output, shown } = outputOf('claude');
  output.add(json({ type: 'system', subtype: 'init' }), 'stdout');
  const line = said([
    { type: 'text', text: 'I look.' },
    { type: 'tool_use', name: 'Bash', input: { command: 'ls' } },
  ]);
  output.add(line.slice(0, 20), 'stdout');
  output.add('a warning\n', 'stderr');
  expect(shown()).toBe('(init)\na warning\n');
  output.add(line.slice(20), 'stdout');
  output.add(json({ type: 'user', message: { content: [{ type: 'tool_result', content: 'a.txt' }] } }), 'stdout');
  output.add('plain words\n{"half": \n', 'stdout');
  output.add(json({ type: 'result', subtype: 'success', usage: {} }).trimEnd(), 'stdout');
  output.end();
  expect(shown().split('\n').slice(2)).toEqual([
    'I look.',
    '→ Bash {"command":"ls"}',
    '← a.txt',
    'plain words',
    '{"half": ',
    '(success: it stops)',
    '',
  ]);
});

test('what Codex says and does is shown, too', () => {
  const { output, shown } = outputOf('codex');
  const item = { id: 'item_1', type: 'command_execution', command: 'ls', aggregated_output: 'a.txt', exit_code: 0 };
  for (const event of [
    { type: 'thread.started', thread_id: 'x' },
    { type: 'item.started', item: { ...item, aggregated_output: '', exit_code: null } },
    { type: 'item.completed', item },
    { type: 'item.completed', item: { type: 'agent_message', text: 'All done.' } },
    { type: 'turn.failed', error: { message: 'too much' } },
  ])
    output.add(json(event), 'stdout');
  expect(shown()).toBe('(thread.started)\n→ ls\n← a.txt\nAll done.\n(turn.failed: too much)\n');
});

test('what is shortened has no half of a secret', () => {
  knowSecrets(['CORRECT-HORSE-BATTERY']);
  onTestFinished(() => knowSecrets([]));
  const { output, shown } = outputOf('claude');
  for (let at = 970; at < 1_000; at += 1)
    output.add(said([{ type: 'tool_result', content: `${'.'.repeat(at)}CORRECT-HORSE-BATTERY` }]), 'stdout');
  expect(shown()).toContain('…');
  expect(shown()).not.toMatch(/[A-Z]{2}/);
});

const result = {
  type: 'result',
  subtype: 'success',
  num_turns: 4,
  total_cost_usd: 0.25,
  usage: { input_tokens: 10, cache_read_input_tokens: 20, cache_creation_input_tokens: 30, output_tokens: 40 },
};

test('a result counts however long it is, and over how many lines it is written', () => {
  const long = outputOf('claude');
  long.output.add(json({ ...result, result: 'x'.repeat(100_000) }), 'stdout');
  expect(long.told()).toMatchObject({ usd: 0.25, spent: [{ tokens: { turns: 4, outputTokens: 40 } }] });
  const wide = outputOf('claude');
  wide.output.add(`hello\n${JSON.stringify([{ type: 'system' }, result])}`, 'stdout');
  wide.output.end();
  expect(wide.told()).toEqual(long.told());
  const stats = {
    models: {
      'gemini-x': { api: { totalRequests: 2 }, tokens: { prompt: 10, cached: 4, candidates: 3, thoughts: 2 } },
    },
  };
  const tall = outputOf('gemini');
  tall.output.add(JSON.stringify({ response: 'ok', stats }, null, 2), 'stdout');
  tall.output.end();
  const tokens = { turns: 2, inputTokens: 6, cacheReadTokens: 4, cacheWriteTokens: 0, outputTokens: 5 };
  expect(tall.told()).toEqual({ spent: [{ model: 'gemini-x', tokens }], usd: null, ofAll: 'nothing' });
});

test('before its result Claude Code has told of its answers, each once', () => {
  const { output, told } = outputOf('claude');
  for (const id of ['m1', 'm1', 'm2']) output.add(said([{ type: 'text', text: 'x' }], id, 7), 'stdout');
  expect(told()?.spent.map(({ model, tokens }) => [model, tokens.inputTokens])).toEqual([
    ['claude-x', 7],
    ['claude-x', 7],
  ]);
});

test('what Claude Code says of this run alone goes before what it says of the whole conversation', () => {
  const { output, told } = outputOf('claude');
  const models = {
    a: { inputTokens: 1, outputTokens: 2, cacheReadInputTokens: 3, cacheCreationInputTokens: 4, costUSD: 0.5 },
    b: { inputTokens: 5, outputTokens: 6, costUSD: 0.125 },
  };
  output.add(json({ ...result, model_usage_since_last_result: models }), 'stdout');
  expect(told()).toEqual({
    usd: 0.625,
    ofAll: 'nothing',
    spent: [
      { model: 'a', tokens: { turns: 4, inputTokens: 1, outputTokens: 2, cacheReadTokens: 3, cacheWriteTokens: 4 } },
      { model: 'b', tokens: { turns: 0, inputTokens: 5, outputTokens: 6, cacheReadTokens: 0, cacheWriteTokens: 0 } },
    ],
  });
});

test('what writes for people is shown as it comes', () => {
  const { output, shown, told } = outputOf('none');
  output.add('half a li', 'stdout');
  expect(shown()).toBe('half a li');
  expect(told()).toBeNull();
});

const levels = (count: number) => `${'['.repeat(count)}${']'.repeat(count)}`;

test('however large a line is, and however it nests, it holds nobody up, and what comes after it is heard', () => {
  const deep = `{"type":"user","message":{"content":[{"type":"tool_result","content":${levels(9_000)}}]}}\n`;
  const lines: readonly (readonly [string, RegExp])[] = [
    [deep, /^← \[\[\[/],
    [`{"type":"user","message":${levels(50_000)}}\n`, /^\(a line that is too large to be read\)\n$/],
    [`[${'{"type":"x"},'.repeat(30_000)}{}]\n`, /^\(a line that is too large to be read\)\n$/],
    [`${'x'.repeat(5 * 1024 * 1024)}\n`, /^\(a line that is too large to be read\)\n$/],
    [`{"type":"x","text":"${'[{,'.repeat(30_000)}"}\n`, /^\(x\)\n$/],
    [`[${'{},'.repeat(5_000)}{}]\n`, /^(\{\}\n){5001}$/],
    [`[{},${levels(9_000)}]\n`, /^\{\}\n\[\[\[/],
  ];
  for (const [line, shownAs] of lines) {
    const { output, shown, told } = outputOf('claude');
    for (let at = 0; at < line.length; at += 65_536) output.add(line.slice(at, at + 65_536), 'stdout');
    expect(shown()).toMatch(shownAs);
    output.add(json(result), 'stdout');
    expect(told()).toMatchObject({ usd: 0.25 });
  }
});

test('what a piece tells is shown at once, however many lines it has', () => {
  const shown: string[] = [];
  const output = new ProgramOutput(
    'claude',
    (text) => shown.push(text),
    () => undefined,
  );
  output.add('{}\n'.repeat(1_000), 'stdout');
  expect(shown).toEqual(['{}\n'.repeat(1_000)]);
});
