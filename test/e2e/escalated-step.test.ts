/** A step that waits for an answer, and its escalation: raised by its molecule, answered there or at the step, for one or for all with the same trouble. */
import { setTimeout as pause } from 'node:timers/promises';
import { afterAll, beforeAll, expect, test } from 'vitest';
import type { WorkflowHandle } from '@temporalio/client';
import { explainQuery } from '../../src/contract/messages.js';
import { currentQuery, stepsQuery } from '../../src/contract/molecule.js';
import { liveTown, until, type LiveTown } from '../support/live-town.js';
import { IS_LONG } from '../support/sample.js';

/** Asks at first; once it has been answered, keeps what it was told and goes on. */
const ASKS = `
asked="asked-$(echo "$GT_SESSION" | cut -d/ -f1).txt"
if [ -e "$asked" ]; then
  printf '%s' "$1" > told.txt
  gt done "went on"
else
  echo asked > "$asked"
  gt escalate "red or blue?" --category decision --choices '["red", "blue"]'
fi`;

const PAINT = `
formula = "paint"
[vars.colour]
default = "grey"
enum = ["grey", "red", "blue"]
[[steps]]
id = "paint"
title = "Paint it"
description = "The colour: {{colour}}."
agent = "asks"
`;

const KEYLESS = `
formula = "keyless"
[[steps]]
id = "think"
title = "Think"
agent = "keyless"
`;

const BREAKS = `
formula = "breaks"
[[steps]]
id = "build"
title = "Build"
run = "echo it broke; exit 3"
`;

let town: LiveTown;
beforeAll(async () => {
  const called = ['-c', ASKS, 'asks', '{prompt}'];
  town = await liveTown({
    rigs: { server: { bare: true } },
    formulas: { paint: PAINT, keyless: KEYLESS, breaks: BREAKS },
    // The server suggests it after about 4,000 events otherwise.
    dynamicConfig: ['limit.historyCount.suggestContinueAsNew=15'],
    agents: { asks: { command: 'sh', args: called }, keyless: { command: 'sh', args: called, provider: 'gemini' } },
  });
});
afterAll(() => town.stop());

type Asked = { readonly molecule: WorkflowHandle; readonly escalation: WorkflowHandle };

/** Molecules of a mission whose steps wait, with the escalations that their boards name. */
async function askedIn(mission: string, count: number): Promise<readonly Asked[]> {
  return until(`${count} steps of ${mission} wait for an answer`, async () => {
    const found: Asked[] = [];
    const query = `GtMission="${mission}" AND GtRole="molecule"`;
    for await (const { workflowId } of town.client.workflow.list({ query })) {
      const molecule = town.client.workflow.getHandle(workflowId);
      const [, id] = /\(escalation `(hq-esc-[0-9a-z]{8})`\)/.exec(await molecule.query(explainQuery)) ?? [];
      if (id !== undefined) found.push({ molecule, escalation: town.client.workflow.getHandle(id) });
    }
    return found.length === count ? found : null;
  });
}

const paint = (id: string) => town.startMission(id, { work: [{ id: 'a', rig: 'server', formula: 'paint' }] });
const only = ([asked]: readonly Asked[]): Asked => {
  if (asked === undefined) throw new Error('nobody asks');
  return asked;
};
const told = async () => town.git('server', 'show', 'main:told.txt');

test('answered at its escalation a step goes on in the same sandbox, told the answer and the value that was changed', async () => {
  const mission = await paint('answered');
  const { molecule, escalation } = only(await askedIn('answered', 1));
  const answer = { by: 'ann', action: 'set', note: 'as the roof is', vars: { colour: 'red' } };
  const resolve = (content: object) => escalation.executeUpdate('resolve', { args: [content] });
  // What does not fit is said as when a molecule is started, and nothing is answered by it.
  await resolve({ ...answer, vars: { colour: 'green' } }).catch(() => undefined);
  await until('it says what fits', async () => JSON.stringify(await escalation.query('chain')).includes('grey'));
  await resolve(answer);
  expect(await escalation.result()).toMatchObject({ by: 'ann' });
  await mission.result();
  expect(await town.git('server', 'show', `main:asked-${molecule.workflowId}.txt`)).toBe('asked');
  const prompt = await told();
  expect(prompt).toContain('The colour: red.');
  expect(prompt).toMatch(
    /Answered by ann \(hq-esc-[^)]+\), [^:]+:\d\d:\d\d UTC: as the roof is\s+From now on colour is "red"/,
  );
});

test('answered at the step, in a later run of its molecule, it is settled at its escalation; the agent itself does not answer', async () => {
  const mission = await paint('elsewhere');
  const { molecule, escalation } = only(await askedIn('elsewhere', 1));
  const [waiting] = await molecule.query(currentQuery);
  expect(waiting?.state).toMatchObject({
    trouble: { source: 'question', category: 'decision', choices: ['red', 'blue'] },
  });
  const retry = (by: string) =>
    molecule.executeUpdate<string, [object]>('retry', {
      args: [{ step: 'paint', by, note: 'blue', vars: { colour: 'blue' } }],
    });
  const [agent = ''] = Object.values(await mission.query<Record<string, string>>('swarm'));
  await expect(retry(agent)).rejects.toMatchObject({
    cause: { message: expect.stringContaining('does not give it itself') as string },
  });
  for (const [name, content] of [
    ['retry', {}],
    ['answer', { text: 'blue' }],
    ['skip', { reason: 'no' }],
    ['approve', {}],
  ] as const)
    await expect(
      molecule.executeUpdate(name, { args: [{ step: 'paint', by: 'server/refinery', ...content }] }),
    ).rejects.toMatchObject({ cause: { message: expect.stringContaining('is another agent') as string } });
  const { runId } = await molecule.describe();
  for (const name of ['pause', 'resume']) await molecule.executeUpdate(name, { args: [{}] });
  await until('it goes on in another run', async () => (await molecule.describe()).runId !== runId);
  expect(await retry('bob')).toContain('starts a new session');
  expect(await escalation.result()).toMatchObject({ by: 'bob' });
  expect(await molecule.query(explainQuery)).toMatch(/Since [^,]+, by bob: `colour` is `blue`/);
  await mission.result();
  expect(await told()).toContain('The colour: blue.');
});

test('the same missing key of several is one escalation, and one answer lets all of them go on', async () => {
  const work = ['a', 'b', 'c'].map((id) => ({ id, rig: 'server', formula: 'keyless' }));
  const mission = await town.startMission('keyless', { work });
  const asked = await askedIn('keyless', 3);
  const ids = new Set(asked.map(({ escalation }) => escalation.workflowId));
  expect(ids.size).toBe(1);
  const { escalation } = only(asked);
  expect(await escalation.query(explainQuery)).toContain('needs a key of gemini');
  await escalation.executeUpdate('resolve', { args: [{ by: 'ann', action: 'skip', note: 'without it' }] });
  expect(await escalation.result()).toMatchObject({ by: 'ann' });
  await mission.result();
  for (const { molecule } of asked) expect(await molecule.result()).toMatchObject({ steps: [{ outcome: 'skipped' }] });
});

if (!IS_LONG)
  console.warn('deaths of the worker while a step waits for its next answer are tried in the long run alone');

test.runIf(IS_LONG)(
  'a step that fails again and again, and whose worker dies while it waits, is answered each time',
  async () => {
    await town.startMission('breaks', { work: [{ id: 'a', rig: 'server', formula: 'breaks' }] });
    const { molecule, escalation } = only(await askedIn('breaks', 1));
    const attempts = async () => (await molecule.query(stepsQuery))[0]?.sessions;
    for (const times of [1, 2, 3]) {
      await until('nothing is under way any more', async () => {
        const { historyLength: before } = await molecule.describe();
        await pause(1_500);
        const { historyLength } = await molecule.describe();
        return before === historyLength && (await attempts()) === times && (await waitersOf(escalation)) === 1;
      });
      const worker = town.raised.workerPid();
      if (worker !== null) process.kill(worker, 'SIGKILL');
      await until('another worker', async () => ![null, worker].includes(town.raised.workerPid()));
      await escalation.executeUpdate('resolve', { args: [{ by: 'ann', action: 'retry' }] });
      await until('it has failed again', async () => (await attempts()) === times + 1);
    }
    const { events } = await molecule.fetchHistory();
    expect((events ?? []).filter((one) => Boolean(one.workflowTaskFailedEventAttributes))).toEqual([]);
  },
);

/** How many wait for its answer; 0 while nobody has raised it. */
async function waitersOf(escalation: WorkflowHandle): Promise<number> {
  const { status } = await escalation.describe();
  if (status.name !== 'RUNNING') return 0;
  return (await escalation.query<{ readonly waiting: readonly unknown[] }>('escalation')).waiting.length;
}
