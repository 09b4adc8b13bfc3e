/** A mission whose work comes to its target as one: its items land on a branch of it, and that lands once all of them have, or not at all. */
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { WorkflowHandle } from '@temporalio/client';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { refineryMessages } from '../../src/contract/messages.js';
import { progressQuery } from '../../src/contract/mission.js';
import { queueQuery } from '../../src/contract/refinery.js';
import type { MissionResult } from '../../src/workflows/mission.js';
import { liveTown, until } from '../support/live-town.js';
import type { LiveTown } from '../support/live-town.js';
import { CLASH, CLASH_REWORK, QUICK } from '../support/test-formulas.js';

let town: LiveTown;
beforeAll(async () => {
  town = await liveTown({
    rigs: {
      one: { bare: true },
      squashed: { bare: true, merge: { strategy: 'squash' } },
      shared: { files: { 'shared.txt': 'nobody\n' } },
      api: { bare: true },
      front: { bare: true },
      web: { files: { 'src/a.js': '// a\n' }, gates: { slow: 'sleep 4' } },
    },
    formulas: { quick: QUICK, clash: CLASH, 'clash-rework': CLASH_REWORK },
    patience: 0.05,
  });
});
afterAll(() => town.stop());

const quick = (id: string, rig: string, more: object = {}) => ({
  id,
  rig,
  formula: 'quick',
  vars: { name: id },
  ...more,
});

async function branches(rig: string): Promise<readonly string[]> {
  const listed = await town.git(rig, 'for-each-ref', '--format=%(refname:lstrip=2)', 'refs/heads');
  return listed.split('\n').filter((line) => line !== '');
}

const commits = async (rig: string, ...range: string[]) =>
  (await town.git(rig, 'log', '--format=%s', ...range)).split('\n').filter((line) => line !== '');

/** How an item stands. */
async function standOf(handle: WorkflowHandle, id: string): Promise<string> {
  const { items } = await handle.query(progressQuery);
  return items.find((one) => one.id === id)?.state.kind ?? 'none';
}

/** Somebody pushes to a target once the mission has begun: what lands there is another tree then, and its gates run as long as they take. */
async function meanwhile(rig: string, mission: string): Promise<void> {
  await until('its branch is there', async () => (await branches(rig)).includes(`integration/${mission}`));
  await writeFile(join(town.repository(rig), `${mission}.txt`), 'other\n');
  await town.git(rig, 'add', '--all');
  await town.git(rig, '-c', 'user.name=Eve', '-c', 'user.email=eve@example.com', 'commit', '-m', 'Meanwhile');
}

test('its items land on a branch of the mission, which comes to the target by one commit, and is gone then', async () => {
  const before = (await town.git('one', 'rev-parse', 'main')).trim();
  const work = [quick('a', 'one'), quick('b', 'one', { needs: ['a'] }), quick('c', 'one')];
  const handle = await town.startMission('as-one', { work, integration: true });
  await until('the first has landed', async () => (await standOf(handle, 'a')) === 'landed');
  expect((await town.git('one', 'rev-parse', 'main')).trim()).toBe(before);
  expect(await branches('one')).toContain('integration/as-one');
  const { items } = (await handle.result()) as MissionResult;
  expect(items.map(({ id, state }) => [id, state.kind])).toEqual([
    ['a', 'landed'],
    ['b', 'landed'],
    ['c', 'landed'],
    ['land', 'landed'],
  ]);
  expect(items.slice(0, 3).map(({ state }) => 'target' in state && state.target)).toEqual(
    Array.from({ length: 3 }, () => 'integration/as-one'),
  );
  expect(items[3]).toMatchObject({ title: 'Land integration/as-one on main', state: { target: 'main' } });
  // One commit, by which all of it came, as it had landed.
  expect(await commits('one', '--first-parent', `${before}..main`)).toHaveLength(1);
  expect((await commits('one', '--no-merges', `${before}..main`)).toSorted()).toEqual([
    'Write a',
    'Write b',
    'Write c',
  ]);
  for (const { state } of items)
    if (state.kind === 'landed') await town.git('one', 'merge-base', '--is-ancestor', state.commit ?? '', 'main');
  expect(await branches('one')).toEqual(['main']);
});

test('of a rig that squashes it is one commit, with what landed on it named', async () => {
  const handle = await town.startMission('squash', {
    work: [quick('a', 'squashed'), quick('b', 'squashed')],
    integration: true,
  });
  await handle.result();
  const [message = ''] = (await town.git('squashed', 'log', '-1', '--format=%B', 'main')).split('\0');
  expect(await commits('squashed', 'main')).toHaveLength(2);
  expect(message).toContain('Gt-Item: land');
  expect(await branches('squashed')).toEqual(['main']);
});

test('what conflicts with what others brought to the target is mended where it lies, and comes as one still', async () => {
  const work = [
    { id: 'Ann', rig: 'shared', formula: 'clash', vars: { name: 'Ann' } },
    quick('later', 'shared', { needs: ['Ann'] }),
  ];
  const handle = await town.startMission('mended', { work, integration: true });
  await until('the first has landed', async () => (await standOf(handle, 'Ann')) === 'landed');
  const repository = town.repository('shared');
  await writeFile(join(repository, 'shared.txt'), 'Eve\n');
  await town.git('shared', '-c', 'user.name=Eve', '-c', 'user.email=eve@example.com', 'commit', '-am', 'Eve was first');
  const { items } = (await handle.result()) as MissionResult;
  expect(items.find(({ id }) => id === 'land')).toMatchObject({
    reworks: 1,
    state: { kind: 'landed', target: 'main' },
  });
  const text = await town.git('shared', 'show', 'main:shared.txt');
  expect(text.split('\n').filter(Boolean).toSorted()).toEqual(['Ann', 'Eve']);
  expect(await commits('shared', '--first-parent', 'main')).toHaveLength(3);
});

test('skipped, nothing of it comes to the target, and a mission that names the branch goes on with it', async () => {
  const before = (await town.git('api', 'rev-parse', 'main')).trim();
  const handle = await town.startMission('left', {
    work: [quick('kept', 'api'), quick('wait', 'api', { needs: ['kept'] })],
    integration: true,
  });
  await until('the first has landed', async () => (await standOf(handle, 'kept')) === 'landed');
  await handle.cancel();
  await handle.result().catch(() => undefined);
  expect((await town.git('api', 'rev-parse', 'main')).trim()).toBe(before);
  expect(await branches('api')).toContain('integration/left');
  const again = await town.startMission('left', { work: [quick('more', 'api')], integration: true });
  await expect(again.result()).rejects.toMatchObject({
    cause: {
      message: expect.stringContaining(
        'has integration/left, with commits that main has not: delete it there, or name it',
      ),
    },
  });
  const named = await town.startMission('left', { work: [quick('more', 'api')], integration: 'integration/left' });
  await named.result();
  expect((await commits('api', '--no-merges', `${before}..main`)).toSorted()).toEqual(['Write kept', 'Write more']);
  expect(await branches('api')).not.toContain('integration/left');
});

test('of several rigs none lands before all are verified, and then one after the other', async () => {
  const front = await town.git('front', 'rev-parse', 'main');
  const work = [quick('page', 'front'), quick('b', 'web')];
  const handle = await town.startMission('both', { work, atomic: true });
  await meanwhile('web', 'both');
  const web = await town.git('web', 'rev-parse', 'main');
  const queue = await until('one is verified, and waits', async () => {
    const all = await town.client.workflow.getHandle('front/refinery').query(queueQuery);
    return all.some(({ verified }) => verified !== undefined) && all;
  });
  expect(queue).toMatchObject([
    { hold: { by: 'both', why: expect.stringMatching(/^verified on .*; it lands with the rest of both$/) } },
  ]);
  const { items } = (await handle.result()) as MissionResult;
  expect(items.map(({ id, state }) => [id, state.kind])).toEqual([
    ['page', 'landed'],
    ['b', 'landed'],
    ['land.front', 'landed'],
    ['land.web', 'landed'],
  ]);
  const atMs = (id: string) =>
    items.flatMap((one) => (one.id === id && one.state.kind === 'landed' ? [one.state.atMs] : []))[0] ?? 0;
  expect(atMs('land.web')).toBeGreaterThan(atMs('land.front'));
  expect(await commits('front', '--first-parent', `${front}..main`)).toHaveLength(1);
  expect(await commits('web', '--first-parent', `${web}..main`)).toHaveLength(1);
  for (const rig of ['front', 'web']) expect(await branches(rig)).toEqual(['main']);
});

test('as long as one of them is not verified none lands, and a person who lets the other go lets it be verified anew', async () => {
  const before = await town.git('front', 'rev-parse', 'main');
  const work = [
    quick('more', 'front'),
    { id: 'late', rig: 'web', formula: 'quick', vars: { name: 'late' }, needs: ['more'] },
  ];
  const held = town.client.workflow.getHandle('web/refinery');
  const handle = await town.startMission('waits', { work, atomic: true });
  await meanwhile('web', 'waits');
  const refinery = town.client.workflow.getHandle('front/refinery');
  const waiting = () => refinery.query(queueQuery);
  const late = await until('the other one is at its end', async () => {
    const [one] = await held.query(queueQuery);
    return one?.target === 'main' && one;
  });
  await held.executeUpdate(refineryMessages.hold.update, {
    args: [{ request: late.id, by: 'ann', reason: 'not yet' }],
  });
  const [one] = await until('the first is verified', async () => {
    const all = await waiting();
    return all.some(({ verified }) => verified !== undefined) && all;
  });
  await refinery.executeUpdate(refineryMessages.retry.update, { args: [{ request: one?.id ?? '', by: 'ann' }] });
  const again = await until('it is verified again', async () => {
    const [two] = await waiting();
    return (two?.verified?.atMs ?? 0) > (one?.verified?.atMs ?? 0) && two;
  });
  expect(again.hold?.by).toBe('waits');
  const stranger = refinery.executeUpdate(refineryMessages.land.update, {
    args: [{ request: one?.id ?? '', by: 'both' }],
  });
  await expect(stranger).rejects.toMatchObject({
    cause: { message: expect.stringContaining('is of waits, which alone says when it lands') },
  });
  expect(await town.git('front', 'rev-parse', 'main')).toBe(before);
  await until('the other one is held', async () => (await held.query(queueQuery))[0]?.hold?.by === 'ann');
  await held.executeUpdate(refineryMessages.retry.update, { args: [{ request: late.id, by: 'ann' }] });
  await handle.result();
  expect(await town.git('front', 'rev-parse', 'main')).not.toBe(before);
});
