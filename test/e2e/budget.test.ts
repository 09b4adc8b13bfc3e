/** A mission's budget against a model that costs: what is spent is counted by town.toml's prices, and what they do not hold is told. */
import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { WorkflowHandle } from '@temporalio/client';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { explainQuery, missionMessages, moleculeMessages } from '../../src/contract/messages.js';
import { progressQuery, swarmQuery } from '../../src/contract/mission.js';
import { stepsQuery } from '../../src/contract/molecule.js';
import { lifecycleQuery } from '../../src/contract/polecat.js';
import { slotsQuery } from '../../src/contract/witness.js';
import { startModelServer } from '../../src/dev/model-server.js';
import type { Fault, Rule } from '../../src/dev/model-script.js';
import type { Step } from '../../src/town/molecule-state.js';
import type { MissionResult } from '../../src/workflows/mission.js';
import { liveTown, until } from '../support/live-town.js';
import type { LiveTown } from '../support/live-town.js';
import { drawn, some } from '../support/sample.js';
import { QUICK } from '../support/test-formulas.js';

/** A session of one answer, which costs half a dollar where the model costs a dollar for a million tokens. */
const rule = (mission: string, name: string): Rule => ({
  when: [`\nMission: ${mission}\n`, `# Write ${name}\n`],
  turns: [
    {
      tools: [
        { name: 'write_file', input: { path: `${name}.txt`, text: `${name} of ${mission}\n` } },
        { name: 'close', input: { summary: `wrote ${name}`, verdict: 'done' } },
      ],
      usage: { input_tokens: 400_000, output_tokens: 10_000 },
    },
  ],
});
const NAMES = ['one', 'two', 'three'];

/** A session that has cost half a dollar when its provider is at fault, and no more after that. */
const faulty = (mission: string, name: string, fault: Fault): Rule => {
  const { when, turns } = rule(mission, name);
  const [first] = turns;
  const tools = first?.tools ?? [];
  const free = { input_tokens: 0, output_tokens: 0 };
  return {
    when,
    turns: [
      { ...first, tools: tools.slice(0, 1) },
      { fault, tools: tools.slice(1), usage: free },
    ],
  };
};
/** A session that was told so. */
const told = (mission: string, name: string, words: string): Rule => {
  const { when, turns } = rule(mission, name);
  return { when: [...when, words], turns };
};
const MENDED = 'The provider is well again.';
const SILENT: Fault = { kind: 'no-answer', seconds: 600, times: 1_000 };
const AWAY: Fault = { kind: 'overloaded', times: 1_000 };
const REFUSED: Fault = { kind: 'status', status: 400, message: 'said so', headers: {}, times: 1 };

let server: Awaited<ReturnType<typeof startModelServer>>;
let town: LiveTown;
beforeAll(async () => {
  const rules = ['held', 'open', 'later'].flatMap((mission) => NAMES.map((name) => rule(mission, name)));
  const faults = [
    ...['silent', 'away', 'dead'].flatMap((mission) => [
      told(mission, 'one', 'went back to before'),
      told(mission, 'two', MENDED),
      faulty(mission, 'two', REFUSED),
    ]),
    faulty('silent', 'one', SILENT),
    faulty('away', 'one', AWAY),
    faulty('dead', 'one', SILENT),
    faulty('ended', 'one', SILENT),
  ];
  server = await startModelServer({ script: { rules: [...faults, ...rules] } });
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

  await handle.executeUpdate(missionMessages.pause.update, { args: [{}] });
  await expect(handle.executeUpdate(missionMessages.resume.update, { args: [{}] })).resolves.toBe(
    'the mission is paused no more, but $0.50 of $0.4 are spent: gt budget held DOLLARS raises it',
  );
  await expect(handle.executeUpdate(missionMessages.budget.update, { args: [{ usd: 5 }] })).resolves.toBe(
    'the budget is $5; spent so far: $0.50',
  );
  expect(await handle.result()).toMatchObject({ landed: 3, usd: 1.5 });
  expect(asked('held')).toBe(3);
});

const it = drawn('things that are counted in a budget', 3, 1);

it('a model without a price is told on the board from the start, in the answer to a new budget and in the result', async () => {
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

/** Of the one polecat at work, once its step stands so. */
const atWork = (mission: WorkflowHandle, isThere: (step: Step) => boolean) =>
  until('a step stands so', async () => {
    const [agent = ''] = Object.values(await mission.query(swarmQuery));
    const { molecule: id } = await town.client.workflow.getHandle(agent).query(lifecycleQuery);
    const molecule = town.client.workflow.getHandle(id);
    const step = (await molecule.query(stepsQuery)).find(isThere);
    return step === undefined ? null : { molecule, step: step.id };
  });
/** Once the session is to end, and before its worker hears of it with the next heartbeat, or soon after. */
const killWorker = async (molecule: WorkflowHandle) => {
  await until('the session is called off', async () => {
    const { events = [] } = await molecule.fetchHistory();
    return events?.some(({ activityTaskCancelRequestedEventAttributes: asked }) => asked != null);
  });
  const worker = town.raised.workerPid();
  if (worker !== null) process.kill(worker, 'SIGKILL');
};
const usdOf = async (molecule: WorkflowHandle) => (await molecule.query(stepsQuery)).map(({ usage }) => usage.usd);

const ENDS = [
  ['waits for an answer', 'silent', 2],
  ['is tried again later', 'away', 5],
  ['loses its worker', 'dead', 2],
] as const;

test.each(some('ways in which a session ends without a result', ENDS, 1))(
  'what a session has cost that %s when it is called off, and one that fails, stands in step, molecule and mission',
  async (_how, mission, asks) => {
    const work = [item('server', 'one'), item('server', 'two', 'one')];
    const handle = await town.startMission(mission, { work });
    const first = await atWork(handle, ({ state }) => state.kind === 'active' && asked(mission) >= asks);
    // Nothing begins before this has been looked at.
    await first.molecule.executeUpdate(moleculeMessages.pause.update, { args: [{ reason: 'to look' }] });
    const back = first.molecule.executeUpdate(moleculeMessages.retry.update, {
      args: [{ step: first.step, from: true }],
    });
    if (mission === 'dead') await killWorker(first.molecule);
    await back;
    expect(await usdOf(first.molecule)).toEqual([0.5]);
    expect(await first.molecule.query(explainQuery)).toContain('0/1 steps, 1 sessions, $0.50');
    expect(await handle.query(progressQuery)).toMatchObject({ usd: 0.5 });
    await first.molecule.executeUpdate(moleculeMessages.resume.update, { args: [{}] });

    const second = await atWork(handle, ({ state }) => state.kind === 'waiting');
    expect(await usdOf(second.molecule)).toEqual([0.5]);
    expect(await second.molecule.query(explainQuery)).toContain('0/1 steps, 1 sessions, $0.50');
    await second.molecule.executeUpdate(moleculeMessages.retry.update, { args: [{ step: second.step, note: MENDED }] });
    // Of either item a second session did it all anew.
    expect(await handle.result()).toMatchObject({ landed: 2, usd: 2 });
    expect([await usdOf(first.molecule), await usdOf(second.molecule)]).toEqual([[1], [1]]);
  },
);

it('what a session has cost that ends with its molecule stands there, too', async () => {
  const handle = await town.startMission('ended', { work: [item('server', 'one')] });
  const { molecule } = await atWork(handle, ({ state }) => state.kind === 'active' && asked('ended') > 1);
  await handle.cancel();
  await expect(handle.result()).rejects.toThrow('cancelled');
  expect(await usdOf(molecule)).toEqual([0.5]);
  const board = await molecule.query(explainQuery);
  expect(board).toContain('0/1 steps, 1 sessions, $0.50');
  expect(board).toContain('cancelled while session 1 ran');
  expect(await handle.query(progressQuery)).toMatchObject({ usd: 0.5 });
});

it('a price that is added while the town is up counts from the next session on', async () => {
  const file = join(town.dir, 'town.toml');
  await writeFile(file, `${await readFile(file, 'utf8')}\n[prices.unpriced]\ninput = 2\noutput = 20\n`);
  const handle = await town.startMission('later', { work: [item('other', 'three')], budget: { usd: 9 } });
  const result = (await handle.result()) as MissionResult;
  expect(result).toMatchObject({ landed: 1, usd: 1 });
  expect(result).not.toHaveProperty('warning');
});
