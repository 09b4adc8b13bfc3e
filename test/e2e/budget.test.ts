/** A mission's budget against a model that costs: what is spent is counted by town.toml's prices, and what they do not hold is told. */
import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { explainQuery, missionMessages } from '../../src/contract/messages.js';
import { progressQuery } from '../../src/contract/mission.js';
import { slotsQuery } from '../../src/contract/witness.js';
import { startModelServer } from '../../src/dev/model-server.js';
import type { Rule } from '../../src/dev/model-script.js';
import type { MissionResult } from '../../src/workflows/mission.js';
import { liveTown, until } from '../support/live-town.js';
import type { LiveTown } from '../support/live-town.js';
import { QUICK } from '../support/test-formulas.js';

/** A session of one answer, which costs half a dollar where the model costs a dollar for a million tokens. */
const rule = (mission: string, name: string): Rule => ({
  when: [`\nMission: ${mission}\n`, `# Write ${name}\n`],
  turns: [
    {
      tools: [
        { name: 'write_file', input: { path: `${name}.txt`, text: `${name}\n` } },
        { name: 'close', input: { summary: `wrote ${name}`, verdict: 'done' } },
      ],
      usage: { input_tokens: 400_000, output_tokens: 10_000 },
    },
  ],
});
const NAMES = ['one', 'two', 'three'];

let server: Awaited<ReturnType<typeof startModelServer>>;
let town: LiveTown;
beforeAll(async () => {
  const rules = ['held', 'open', 'later'].flatMap((mission) => NAMES.map((name) => rule(mission, name)));
  server = await startModelServer({ script: { rules } });
  town = await liveTown({
    rigs: { server: { bare: true, capacity: 1 }, other: { bare: true, runtime: { model: 'unpriced' } } },
    formulas: { quick: QUICK },
    runtime: { kind: 'anthropic', model: 'scripted', base_url: server.url },
    prices: { scripted: { input: 1, output: 10 } },
    env: { ANTHROPIC_API_KEY: 'scripted' },
  });
});
afterAll(async () => {
  await town.stop();
  await server.stop();
});

const asked = (mission: string) =>
  server.requests().filter(({ body }) => JSON.stringify(body).includes(`Mission: ${mission}\\`)).length;

const item = (rig: string, id: string, ...needs: string[]) => ({
  id,
  rig,
  formula: 'quick',
  vars: { name: id },
  needs,
});

test('once it is spent nothing more begins, not even what waited for a slot, until it is raised', async () => {
  // With one slot the second waits in the queue when the first spends all.
  const work = [item('server', 'one'), item('server', 'two'), item('server', 'three', 'one', 'two')];
  const handle = await town.startMission('held', { work, budget: { usd: 0.4 } });
  const progress = await until('the budget is spent', async () => {
    const seen = await handle.query(progressQuery);
    const isHeld = seen.items.every((one) => one.state.kind === 'landed' || one.state.kind === 'waiting');
    return seen.phase === 'escalated' && isHeld ? seen : null;
  });
  expect(progress).toMatchObject({ landed: 1, usd: 0.5 });
  expect(progress).not.toHaveProperty('warning');
  expect(asked('held')).toBe(1);
  const { output } = await town.temporal('workflow', 'list', '-q', 'GtWaitingFor="overseer: budget"');
  expect(output).toContain('held');
  const board = await handle.query(explainQuery);
  expect(board).toContain('1/3 landed, $0.50');
  expect(board).toContain(`--name budget --input '{"usd":1}'`);
  const slots = await town.client.workflow.getHandle('server/witness').query(slotsQuery);
  expect([slots.leases, slots.queue]).toEqual([[], []]);

  await expect(handle.executeUpdate(missionMessages.budget.update, { args: [{ usd: 5 }] })).resolves.toBe(
    'the budget is $5; spent so far: $0.50',
  );
  expect(await handle.result()).toMatchObject({ landed: 3, usd: 1.5 });
  expect(asked('held')).toBe(3);
});

test('a model without a price is told on the board from the start, in the answer to a new budget and in the result', async () => {
  const work = [item('other', 'one'), item('other', 'two', 'one')];
  const handle = await town.startMission('open', { work, budget: { usd: 0.4 } });
  const gap = 'the budget of $0.4 does not hold everything: the model unpriced had no price when the work was planned';
  const board = await until('it is planned', async () => {
    const seen = await handle.query(explainQuery);
    return seen.includes(gap) ? seen : null;
  });
  expect(board).toContain('add [prices."unpriced"] to town.toml');
  await expect(handle.executeUpdate(missionMessages.budget.update, { args: [{ usd: 0.4 }] })).resolves.toContain(gap);
  const result = (await handle.result()) as MissionResult;
  expect(result).toMatchObject({ landed: 2, usd: 0, unpricedTokens: 820_000, warning: expect.stringContaining(gap) });
  expect(await handle.query(explainQuery)).toContain('2/2 landed, 820000 tokens of a model without a price');
});

test('a price that is added while the town is up counts from the next session on', async () => {
  const file = join(town.dir, 'town.toml');
  await writeFile(file, `${await readFile(file, 'utf8')}\n[prices.unpriced]\ninput = 2\noutput = 20\n`);
  const handle = await town.startMission('later', { work: [item('other', 'three')], budget: { usd: 9 } });
  const result = (await handle.result()) as MissionResult;
  expect(result).toMatchObject({ landed: 1, usd: 1 });
  expect(result).not.toHaveProperty('warning');
});
