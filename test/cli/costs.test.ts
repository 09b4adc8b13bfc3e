/** What sessions have cost, as the ledger of a town has it. */
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, onTestFinished, test } from 'vitest';
import { gt } from '../support/gt.js';

test('what of a sum is estimated is said beside it', async () => {
  const dir = await mkdtemp(join(tmpdir(), 'gt-costs-'));
  onTestFinished(() => rm(dir, { recursive: true }));
  await writeFile(join(dir, 'town.toml'), '[town]\nname = "t"\n');
  await mkdir(join(dir, 'ledger'));
  const of = {
    kind: 'session',
    at: '2026-11-28T00:00:00Z',
    molecule: 'te-1',
    step: 'work',
    rig: 'r',
    agent: 'r/polecats/Toast',
  };
  const more = { runtime: 'mine', model: 'big', outcome: 'closed' };
  const usage = { turns: 1, inputTokens: 8, cacheReadTokens: 0, cacheWriteTokens: 0, outputTokens: 2, usd: 1.5 };
  const lines = [
    { ...of, ...more, id: 'session/te-1/work/1@x', mission: 'told', usage },
    { ...of, ...more, id: 'session/te-1/work/2@x', mission: 'guessed', usage, estimatedUsd: 0.5 },
  ];
  await writeFile(join(dir, 'ledger', 'h.jsonl'), lines.map((line) => `${JSON.stringify(line)}\n`).join(''));
  const { stdout } = await gt(['costs', '--town', dir], {});
  expect(stdout).toMatch(/\| told .*\| \$1\.50 +\|/);
  expect(stdout).toMatch(/\| guessed .*\| \$1\.50, \$0\.50 of it estimated \|/);
  expect(stdout).toMatch(/\| all .*\| \$3\.00, \$0\.50 of it estimated \|/);
  const rows = JSON.parse((await gt(['costs', '--json', '--town', dir], {})).stdout) as object[];
  expect(rows).toEqual([
    { of: 'guessed', sessions: 1, usage, estimatedUsd: 0.5 },
    { of: 'told', sessions: 1, usage },
  ]);
});
