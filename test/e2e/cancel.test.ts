/** What a mission leaves behind when it is cancelled, and what a second one with the same names finds. */
import { readdir, readFile, rename } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { explainQuery } from '../../src/contract/messages.js';
import { attribute } from '../../src/contract/search-attributes.js';
import { lifecycleQuery } from '../../src/contract/polecat.js';
import { slotsQuery } from '../../src/contract/witness.js';
import type { MissionResult } from '../../src/workflows/mission.js';
import { findMarked } from '../../src/process/mark.js';
import { count, liveTown, until } from '../support/live-town.js';
import type { LiveTown } from '../support/live-town.js';
import { drawn } from '../support/sample.js';
import { QUICK, SLOW } from '../support/test-formulas.js';

let town: LiveTown;
beforeAll(async () => {
  town = await liveTown({
    rigs: { server: { bare: true }, narrow: { bare: true, capacity: 1 }, moving: { bare: true } },
    formulas: { quick: QUICK, slow: SLOW },
    patience: 0.05,
  });
});
afterAll(() => town.stop());

const polecatOf = (id: string) =>
  until(
    'a polecat works',
    async () => Object.values(await town.client.workflow.getHandle(id).query<Record<string, string>>('swarm'))[0],
  );

const sleeping = (molecule: string) =>
  until('its command runs', async () => {
    const found = await findMarked((mark) => mark.startsWith(`${molecule}/`));
    return found.length > 0 ? found : null;
  });

async function expectCleared(): Promise<void> {
  await until('the slot is free', async () => {
    const slots = await town.client.workflow.getHandle('server/witness').query(slotsQuery);
    return slots.leases.length === 0 && slots.queue.length === 0;
  });
  expect(await readdir(join(town.dir, '.gt/rigs/server/polecats'))).toEqual([]);
}

test('cancelled in mid-session: the unpushed work is on a branch, slot and processes are free', async () => {
  const handle = await town.startMission('slow', {
    work: [{ id: 'a', rig: 'server', formula: 'slow', vars: { name: 'a' } }],
  });
  const polecat = await polecatOf('slow');
  const { molecule } = await until('its molecule', () => town.client.workflow.getHandle(polecat).query(lifecycleQuery));
  await sleeping(molecule);
  await handle.executeUpdate('pause', { args: [{ reason: 'freeze' }] });
  const { code } = await town.temporal('workflow', 'cancel', '-w', 'slow');
  expect(code).toBe(0);
  // An order that reaches the mission in one task with the cancellation is taken before it.
  await until('it knows', async () => (await handle.query(explainQuery)).includes('cancelled'));
  for (const [order, about] of [
    ['reassign', { item: 'a' }],
    ['resume', {}],
  ] as const)
    await expect(handle.executeUpdate(order, { args: [about] })).rejects.toMatchObject({
      cause: { message: expect.stringContaining('the mission was cancelled') },
    });
  const error = await handle.result().then(
    () => null,
    (failure: unknown) => failure,
  );
  expect(String(error)).toContain('cancelled');
  expect((await handle.describe()).status.name).toBe('CANCELLED');
  expect((await town.client.workflow.getHandle(polecat).describe()).status.name).toBe('CANCELLED');
  const branch = `polecat/${polecat.split('/').at(-1)}/${molecule}`;
  expect(await town.git('server', 'show', `${branch}:a.txt`)).toBe('precious');
  expect(await findMarked((mark) => mark.startsWith(`${molecule}/`))).toEqual([]);
  expect(await town.log('server')).toHaveLength(1);
  await expectCleared();
  const told = async (id: string) => town.client.workflow.getHandle(id).query(explainQuery);
  expect(await told(molecule)).toMatch(/cancelled before its end[\s\S]* \| cancelled while session 1 ran \| 2/);
  expect(await told(polecat)).toMatch(/- sandbox: .* branch polecat\//);
  expect(await told(polecat)).not.toContain(`\` on \``);
  expect(await told('slow')).not.toContain('Paused');
});

const it = drawn('ends of a mission', 5, 2);

it('a mission that is over waits for nobody, and offers nothing, though it was paused', async () => {
  const handle = await town.startMission('skipped', {
    work: [{ id: 'a', rig: 'narrow', formula: 'slow', vars: { name: 'a' } }],
  });
  await handle.executeUpdate('pause', { args: [{ reason: 'freeze' }] });
  await handle.executeUpdate('skip', { args: [{ item: 'a' }] });
  await expect(handle.result()).resolves.toMatchObject({ landed: 0 });
  const { typedSearchAttributes: shown } = await handle.describe();
  expect(shown.get(attribute.phase)).toBe('skipped');
  expect(shown.get(attribute.waitingFor) ?? '').toBe('');
  expect(await handle.query(explainQuery)).toContain('nothing happens any more');
  expect(await handle.query(explainQuery)).not.toMatch(/Paused|resume/);
});

it('a polecat that is terminated is replaced by its mission, and its work is kept', async () => {
  const handle = await town.startMission('lost', {
    work: [{ id: 'b', rig: 'server', formula: 'slow', vars: { name: 'b' } }],
  });
  const polecat = await polecatOf('lost');
  const first = await until('its molecule', () => town.client.workflow.getHandle(polecat).query(lifecycleQuery));
  await sleeping(first.molecule);
  await town.client.workflow.getHandle(polecat).terminate('a test');
  const second = await until('another polecat works', async () => {
    const swarm = await handle.query<Record<string, string>>('swarm');
    const now = swarm['b'];
    if (now === undefined) return null;
    const seen = await town.client.workflow.getHandle(now).query(lifecycleQuery);
    return seen.slot.incarnation > first.slot.incarnation ? seen : null;
  });
  expect(await town.git('server', 'show', `polecat/${polecat.split('/').at(-1)}/${first.molecule}:b.txt`)).toBe(
    'precious',
  );
  await sleeping(second.molecule);
  await handle.cancel();
  await handle.result().catch(() => undefined);
  await expectCleared();
});

it('a second mission with the same item ids, names and titles lands like the first', async () => {
  const input = {
    title: 'Twice',
    work: [{ id: 'same', title: 'Same', rig: 'server', formula: 'quick', vars: { name: 'same' } }],
  };
  const first = (await (await town.startMission('twice', input)).result()) as MissionResult;
  expect(first.items[0]?.state.kind).toBe('landed');
  const other = { ...input, work: [{ ...input.work[0], vars: { name: 'other' } }] };
  const second = (await (await town.startMission('twice', other)).result()) as MissionResult;
  expect(second.items[0]?.state.kind).toBe('landed');
  const log = await town.log('server');
  expect(count(log, 'Write same')).toBe(1);
  expect(count(log, 'Write other')).toBe(1);
  // And the very same work again changes nothing, which is a landing, too.
  const third = (await (await town.startMission('thrice', input)).result()) as MissionResult;
  expect(third.items[0]?.state).toMatchObject({ kind: 'landed', commit: null });
  expect(count(await town.log('server'), 'Write same')).toBe(1);
  await expectCleared();
});

it('a mission that was terminated leaves its slot to the next one, once its polecat has closed', async () => {
  const first = await town.startMission('gone', {
    work: [{ id: 'a', rig: 'narrow', formula: 'slow', vars: { name: 'a' } }],
  });
  const polecat = await polecatOf('gone');
  await first.terminate('a test');
  const second = await town.startMission('next', {
    work: [{ id: 'b', rig: 'narrow', formula: 'quick', vars: { name: 'b' } }],
  });
  const waiting = await until('the second waits', async () => {
    const slots = await town.client.workflow.getHandle('narrow/witness').query(slotsQuery);
    return slots.queue.length === 1 ? slots : null;
  });
  expect(waiting.leases).toHaveLength(1);
  await town.client.workflow.getHandle(polecat).cancel();
  await expect(second.result()).resolves.toMatchObject({ landed: 1 });
});

it('cancelled while the repository is away: the work stays in its sandbox, and the mission says where', async () => {
  const handle = await town.startMission('away', {
    work: [{ id: 'a', rig: 'moving', formula: 'slow', vars: { name: 'a' } }],
  });
  const polecat = await polecatOf('away');
  const { molecule, sandbox } = await until('its command runs', async () => {
    const seen = await town.client.workflow.getHandle(polecat).query(lifecycleQuery);
    return (await findMarked((mark) => mark.startsWith(`${seen.molecule}/`))).length > 0 ? seen : null;
  });
  await rename(town.repository('moving'), `${town.repository('moving')}.away`);
  await handle.cancel();
  await expect(handle.result()).rejects.toThrow('cancelled');
  const { items } = await handle.query<MissionResult>('progress');
  expect(items[0]?.state).toMatchObject({
    kind: 'cancelled',
    reason: expect.stringContaining('its work is left in the sandbox'),
  });
  expect(await findMarked((mark) => mark.startsWith(`${molecule}/`))).toEqual([]);
  expect(await readFile(join(sandbox?.path ?? '', 'a.txt'), 'utf8')).toBe('precious\n');
});
