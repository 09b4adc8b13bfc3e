/** Going back: by `retry` with `from`, and by `temporal workflow reset`. Steps and sandbox go back together. */
import { execFile } from 'node:child_process';
import { access, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';
import type { WorkflowHandle } from '@temporalio/client';
import { defaultPayloadConverter } from '@temporalio/common';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { moleculeMessages } from '../../src/contract/messages.js';
import { progressQuery } from '../../src/contract/mission.js';
import { lifecycleQuery } from '../../src/contract/polecat.js';
import type { Step } from '../../src/town/molecule-state.js';
import { liveTown, until } from '../support/live-town.js';
import type { LiveTown } from '../support/live-town.js';
import { drawn } from '../support/sample.js';

const run = promisify(execFile);

/** Each formula writes into a folder of its own: what lands is there in the next test. */
const write = (formula: string, id: string, needs: string, more = '') => `
[[steps]]
id = "${id}"
title = "Write ${id}"
needs = [${needs}]
script = [{ write = "${formula}/${id}.txt", text = "${id}\\n" }, { close = "wrote ${id}" }]
${more}`;

const ASK = `
[[steps]]
id = "ask"
title = "Look at it"
type = "human"
needs = ["three"]
`;

/** Its second step can only be done where the third has not been. */
const three = (name: string) => `
formula = "${name}"
${write(name, 'one', '')}
${write(name, 'two', '"one"', `acceptance = { command = "test ! -e ${name}/three.txt" }`)}
${write(name, 'three', '"two"')}
${ASK}`;

/** Its second step writes something else each time; its fourth comes after the person. */
const four = (name: string) => `
formula = "${name}"
${write(name, 'one', '')}
[[steps]]
id = "two"
title = "Write two"
needs = ["one"]
run = "cat /proc/sys/kernel/random/uuid > ${name}/two.txt"
${write(name, 'three', '"two"')}
${ASK}
${write(name, 'four', '"ask"')}`;

const SLOW = `
formula = "slow"
${write('slow', 'one', '')}
[[steps]]
id = "slow"
title = "Take long"
needs = ["one"]
run = "touch begun.txt; test -e ../../../../go-on || sleep 600"
`;

/** Its session takes long only when it comes again. */
const AGAIN = `
formula = "long-again"
[[steps]]
id = "work"
title = "Work"
run = "echo work > long-again.txt; test -e ../../../../once || { touch ../../../../once; exit 0; }; touch ../../../../twice; until test -e ../../../../go; do sleep 0.1; done"
[[steps]]
id = "ask"
title = "Look at it"
type = "human"
needs = ["work"]
`;

/** Two persons, one after the other. */
const PEOPLE = `
formula = "people"
${write('people', 'three', '')}
${ASK}
[[steps]]
id = "sign"
title = "Sign it"
type = "human"
needs = ["ask"]
`;

let town: LiveTown;
beforeAll(async () => {
  town = await liveTown({
    rigs: { server: { bare: true } },
    formulas: {
      back: three('back'),
      again: three('again'),
      undone: four('undone'),
      mistaken: four('mistaken'),
      slow: SLOW,
      'long-again': AGAIN,
      people: PEOPLE,
    },
    patience: 0.05,
  });
});
afterAll(() => town.stop());

async function atWork(id: string, formula: string) {
  const mission = await town.startMission(id, { work: [{ id: 'a', rig: 'server', formula }] });
  const found = await until('a molecule has its sandbox', async () => {
    const [polecat] = Object.values(await mission.query<Record<string, string>>('swarm'));
    if (polecat === undefined) return null;
    const { molecule, sandbox } = await town.client.workflow.getHandle(polecat).query(lifecycleQuery);
    return sandbox === null ? null : { molecule: town.client.workflow.getHandle(molecule), sandbox };
  });
  const steps = async () => {
    const all = await found.molecule.query<readonly Step[]>('steps');
    return Object.fromEntries(all.map((step) => [step.id, step]));
  };
  const waits = (step: string) =>
    until(`${step} waits`, async () => ((await steps())[step]?.state.kind === 'waiting' ? true : null));
  const branch = async () =>
    (await town.git('server', 'log', '--reverse', '--format=%s', `main..${found.sandbox.branch}`)).split('\n');
  return { mission, ...found, steps, waits, branch };
}

/** The steps of the sessions that stand in the history of the last run. */
async function sessionsIn(molecule: WorkflowHandle): Promise<readonly string[]> {
  const { events } = await molecule.fetchHistory();
  return (events ?? []).flatMap(({ activityTaskScheduledEventAttributes: act, userMetadata }) =>
    act?.activityType?.name === 'runSession' && userMetadata?.summary
      ? [defaultPayloadConverter.fromPayload<string>(userMetadata.summary).split(' · ')[0] ?? '']
      : [],
  );
}

/** The last task of the workflow that was completed before the event. */
async function taskBefore(molecule: WorkflowHandle, before = Infinity): Promise<string> {
  const { events } = await molecule.fetchHistory();
  const task = events?.findLast(
    ({ eventId, workflowTaskCompletedEventAttributes: completed }) => completed != null && Number(eventId) < before,
  );
  return String(task?.eventId);
}

/** Before the session of that number, beginning with 0, was asked for: its task is done again. */
async function taskBeforeSession(molecule: WorkflowHandle, at: number): Promise<string> {
  const { events } = await molecule.fetchHistory();
  const sessions = events?.filter(
    (event) => event.activityTaskScheduledEventAttributes?.activityType?.name === 'runSession',
  );
  return taskBefore(molecule, Number(sessions?.[at]?.eventId) - 1);
}

async function reset({ workflowId }: WorkflowHandle, eventId: string, ...more: string[]): Promise<void> {
  const to = ['-w', workflowId, '--event-id', eventId, '--reason', 'a test', ...more];
  expect(await town.temporal('workflow', 'reset', ...to)).toMatchObject({ code: 0 });
}

const landed = async (folder: string) =>
  (await town.git('server', 'ls-tree', '--name-only', 'main', `${folder}/`)).split('\n');

const there = (path: string) =>
  access(path).then(
    () => true,
    () => false,
  );

test('retry from a step on: the sandbox goes back with the steps, and the work lands', async () => {
  const { mission, molecule, sandbox, steps, waits, branch } = await atWork('from', 'back');
  await waits('ask');
  await writeFile(join(sandbox.path, 'half.txt'), 'half\n');
  const answer = await molecule.executeUpdate(moleculeMessages.retry.update, {
    args: [{ step: 'two', from: true, note: 'with care', by: 'ann' }],
  });
  expect(answer).toMatch(
    /^back before "two": to be done again are two, three, ask; the branch is at [0-9a-f]{40}, and what was undone is refs\/gt\/undone\//,
  );
  await waits('ask');
  expect(await branch()).toEqual(['Write one', 'Write two', 'Write three']);
  const now = await steps();
  expect([now['one']?.sessions, now['two']?.sessions, now['three']?.sessions]).toEqual([1, 2, 2]);
  expect(await there(join(sandbox.path, 'half.txt'))).toBe(false);
  expect(await molecule.query('explain')).toContain('ask');
  await molecule.executeUpdate(moleculeMessages.close.update, { args: [{ step: 'ask' }] });
  expect(await mission.result()).toMatchObject({ landed: 1 });
});

const it = drawn('ways to go back', 6, 2);

it('a session under way whose work would be undone is ended', async () => {
  const { mission, molecule, sandbox, steps } = await atWork('under-way', 'slow');
  await until('the session is at work', async () => (await there(join(sandbox.path, 'begun.txt'))) || null);
  await writeFile(join(sandbox.path, '../../../../go-on'), '');
  const answer = await molecule.executeUpdate(moleculeMessages.retry.update, { args: [{ step: 'one', from: true }] });
  expect(answer).toContain('back before "one": to be done again are one, slow');
  expect(await mission.result()).toMatchObject({ landed: 1 });
  expect((await steps())['slow']).toMatchObject({ sessions: 2, state: { kind: 'closed', outcome: 'done' } });
});

it('temporal workflow reset takes the sandbox back, too, and nothing is taken from the sessions before', async () => {
  const { mission, molecule, sandbox, steps, waits, branch } = await atWork('reset', 'again');
  await waits('ask');
  const { runId } = await molecule.describe();
  const heads = async () =>
    Object.values(await steps()).map(({ state }) => (state.kind === 'closed' ? state.head : null));
  const [one, , three] = await heads();
  await reset(molecule, await taskBeforeSession(molecule, 1));
  await waits('ask');
  expect((await molecule.describe()).runId).not.toBe(runId);
  // The run goes on behind the first step: that has its commit, and what came after it was done anew on top of that.
  expect(await sessionsIn(molecule)).toEqual(['one', 'two', 'three']);
  const [first, second] = await heads();
  expect(first).toBe(one);
  const git = async (...args: string[]) => (await run('git', ['-C', sandbox.path, ...args])).stdout.trim();
  expect(await git('rev-parse', `${second}~1`)).toBe(one);
  expect(await git('for-each-ref', 'refs/gt/undone/', '--contains', String(three))).not.toBe('');
  expect(await branch()).toEqual(['Write one', 'Write two', 'Write three']);
  await molecule.executeUpdate(moleculeMessages.close.update, { args: [{ step: 'ask' }] });
  expect(await mission.result()).toMatchObject({ landed: 1 });
});

it('after a reset polecat and mission wait no longer for whom the molecule waited before it', async () => {
  const { mission, molecule, sandbox, waits } = await atWork('told', 'long-again');
  await waits('ask');
  const isToldOf = async (who: string) => {
    const { items } = await mission.query(progressQuery);
    return JSON.stringify(items).includes(`"for":"${who}"`);
  };
  await until('its mission knows', () => isToldOf('person: ask'));
  await reset(molecule, await taskBeforeSession(molecule, 0));
  const state = join(sandbox.path, '../../../..');
  await until('the session is at work again', () => there(join(state, 'twice')));
  await until('its mission knows that, too', async () => !(await isToldOf('person: ask')));
  expect((await mission.query(progressQuery)).phase).toBe('working');
  await writeFile(join(state, 'go'), '');
  await until('its mission knows that it waits anew', () => isToldOf('person: ask'));
  await molecule.executeUpdate(moleculeMessages.close.update, { args: [{ step: 'ask' }] });
  expect(await mission.result()).toMatchObject({ landed: 1 });
});

it('after a reset to where it waited for somebody else polecat and mission show that at once', async () => {
  const { mission, molecule, waits } = await atWork('people', 'people');
  const close = (step: string) => molecule.executeUpdate(moleculeMessages.close.update, { args: [{ step }] });
  const isToldOf = async (who: string) => {
    const { items } = await mission.query(progressQuery);
    return JSON.stringify(items).includes(`"for":"${who}"`);
  };
  await waits('ask');
  await until('its mission knows', () => isToldOf('person: ask'));
  const asked = await taskBefore(molecule);
  await close('ask');
  await until('its mission knows of the next', () => isToldOf('person: sign'));
  for (const again of ['once', 'once more']) {
    await reset(molecule, asked, '--reapply-exclude', 'All');
    await until(`its mission knows ${again} for whom it waits now`, () => isToldOf('person: ask'));
    const [polecat = ''] = Object.values(await mission.query<Record<string, string>>('swarm'));
    expect(await town.client.workflow.getHandle(polecat).query('explain')).toContain('waits for person: ask');
    await close('ask');
    await until('its mission knows of the next again', () => isToldOf('person: sign'));
  }
  await close('sign');
  expect(await mission.result()).toMatchObject({ landed: 1 });
});

it('a reset to where steps were done that somebody has undone since brings their work back', async () => {
  const { mission, molecule, steps, waits } = await atWork('undone', 'undone');
  await waits('ask');
  const done = await taskBefore(molecule);
  await molecule.executeUpdate(moleculeMessages.pause.update, { args: [{ by: 'ann' }] });
  await molecule.executeUpdate(moleculeMessages.retry.update, { args: [{ step: 'two', from: true, by: 'ann' }] });
  expect((await steps())['two']?.state.kind).not.toBe('closed');
  await reset(molecule, done, '--reapply-exclude', 'All');
  await waits('ask');
  await molecule.executeUpdate(moleculeMessages.close.update, { args: [{ step: 'ask' }] });
  expect(await mission.result()).toMatchObject({ landed: 1 });
  expect(await landed('undone')).toEqual(['four', 'one', 'three', 'two'].map((name) => `undone/${name}.txt`));
});

it('a reset of a mistaken reset, to a later event of the first run, brings back what that had done', async () => {
  const { mission, molecule, sandbox, waits } = await atWork('mistaken', 'mistaken');
  const two = () => readFile(join(sandbox.path, 'mistaken/two.txt'), 'utf8');
  await waits('ask');
  const first = { run: (await molecule.describe()).runId, done: await taskBefore(molecule), two: await two() };
  await reset(molecule, await taskBeforeSession(molecule, 1));
  await waits('ask');
  expect(await two()).not.toBe(first.two);
  await reset(molecule, first.done, '-r', first.run, '--reapply-exclude', 'All');
  await waits('ask');
  await molecule.executeUpdate(moleculeMessages.close.update, { args: [{ step: 'ask' }] });
  expect(await mission.result()).toMatchObject({ landed: 1 });
  expect(await landed('mistaken')).toEqual(['four', 'one', 'three', 'two'].map((name) => `mistaken/${name}.txt`));
  expect(await town.git('server', 'show', 'main:mistaken/two.txt')).toBe(first.two.trim());
});
