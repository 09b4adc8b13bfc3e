/** Witness, mission or polecat are terminated or cancelled from outside: slots, names and work survive it. */
import { readdir, rm, stat, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { inboxQuery } from '../../src/contract/inbox.js';
import { explainQuery, witnessMessages } from '../../src/contract/messages.js';
import { lifecycleQuery } from '../../src/contract/polecat.js';
import { slotsQuery } from '../../src/contract/witness.js';
import { findMarked } from '../../src/process/mark.js';
import type { Inbox } from '../../src/town/inbox.js';
import type { MissionResult } from '../../src/workflows/mission.js';
import { liveTown, until } from '../support/live-town.js';
import type { LiveTown } from '../support/live-town.js';
import { drawn, some } from '../support/sample.js';
import { QUICK, SLOW } from '../support/test-formulas.js';

/** Too large for a history, which has a reference to it. */
const LARGE = `${SLOW.replace('"slow"', '"slow-large"')}${[...Array(300).keys()]
  .map(
    (n) => `
[[steps]]
id = "later-${n}"
title = "Later"
type = "human"
needs = ["work"]
description = "${'x'.repeat(1_000)}"`,
  )
  .join('')}`;

let town: LiveTown;
beforeAll(async () => {
  town = await liveTown({
    rigs: {
      server: { bare: true, capacity: 1 },
      other: { bare: true },
      third: { bare: true, capacity: 1 },
      fourth: { bare: true },
      fifth: { bare: true },
      sixth: { bare: true },
    },
    formulas: { quick: QUICK, slow: SLOW, 'slow-large': LARGE },
    patience: 0.02,
  });
});
afterAll(() => town.stop());

const work = (rig: string, formula: string, name: string) => ({ work: [{ id: name, rig, formula, vars: { name } }] });
const slotsOf = (rig: string) => town.client.workflow.getHandle(`${rig}/witness`).query(slotsQuery);
const rejectedBy = (id: string) =>
  town.client.workflow.getHandle(id).query<readonly { readonly reason: string }[]>('rejected');
/** What the overseer was told of work that was left in a rig; null while it was nothing. */
async function recoveries(about: RegExp, part: string): Promise<Inbox | null> {
  const inbox = await town.client.workflow.getHandle('overseer').query(inboxQuery);
  const found = inbox.filter(({ subject, body }) => about.test(subject) && body.includes(part));
  return found.length === 0 ? null : found;
}
const terminate = (id: string) => town.client.workflow.getHandle(id).terminate('a test');
const stateOf = async (id: string) =>
  (await town.client.workflow.getHandle(id).query<MissionResult>('progress')).items[0]?.state;

/** The polecat of a mission whose command runs. */
const atWork = (mission: string) =>
  until(`a polecat of ${mission} works`, async () => {
    const swarm = await town.client.workflow.getHandle(mission).query<Record<string, string>>('swarm');
    const id = Object.values(swarm)[0];
    if (id === undefined) return null;
    const life = await town.client.workflow.getHandle(id).query(lifecycleQuery);
    const found = await findMarked((mark) => mark.startsWith(`${life.molecule}/`));
    return found.length > 0 ? { id, ...life } : null;
  });

const it = drawn('ends of a witness, a mission or a polecat', 9, 3);

it('a new witness knows who is at work, however large the formula, and counts on', async () => {
  const first = await town.startMission('holds', work('server', 'slow-large', 'a'));
  const polecat = await atWork('holds');
  await town.client.workflow.getHandle('server/witness').terminate('a test');
  const second = await town.startMission('waits', work('server', 'quick', 'b'));
  const slots = await until('the second waits', async () => {
    const seen = await slotsOf('server');
    return seen.queue.length === 1 && seen.leases.length === 1 ? seen : null;
  });
  expect(slots.leases).toMatchObject([{ mission: 'holds', incarnation: polecat.slot.incarnation }]);
  await first.cancel();
  await expect(second.result()).resolves.toMatchObject({ landed: 1 });
  expect((await slotsOf('server')).granted).toBe(polecat.slot.incarnation + 1);
});

it('those who wait for a slot keep their places when the witness is terminated', async () => {
  const first = await town.startMission('in-front', work('server', 'slow', 'in-front'));
  await atWork('in-front');
  const queued = async (mission: string) =>
    until(`${mission} waits`, async () => (await slotsOf('server')).queue.some((claim) => claim.mission === mission));
  const calm = await town.startMission('calm', work('server', 'quick', 'calm'));
  await queued('calm');
  const [item] = work('server', 'quick', 'urgent').work;
  const urgent = await town.startMission('urgent', { work: [{ ...item, priority: 0 }] });
  await queued('urgent');
  const { granted } = await slotsOf('server');
  await terminate('server/witness');
  const late = await town.startMission('late', work('server', 'quick', 'late'));
  const queue = await until('all three wait', async () => {
    const seen = (await slotsOf('server')).queue;
    return seen.length === 3 ? seen : null;
  });
  expect(queue.map(({ mission }) => mission)).toEqual(['urgent', 'calm', 'late']);
  await first.cancel();
  for (const one of [urgent, calm, late]) await expect(one.result()).resolves.toMatchObject({ landed: 1 });
  expect(await slotsOf('server')).toMatchObject({ granted: granted + 3, queue: [] });
});

it('mission and polecat both terminated: the work is brought to the remote before the slot is free', async () => {
  const mission = await town.startMission('both', work('third', 'slow', 'c'));
  const { id, molecule } = await atWork('both');
  await mission.terminate('a test');
  await town.client.workflow.getHandle(id).terminate('a test');
  await until('the slot is free', async () => (await slotsOf('third')).leases.length === 0);
  expect(await town.git('third', 'show', `polecat/${id.split('/').at(-1)}/${molecule}:c.txt`)).toBe('precious');
  expect(await readdir(join(town.dir, '.gt/rigs/third/polecats'))).toEqual([]);
  expect(JSON.stringify(await rejectedBy('third/witness'))).toContain('its work is on branch');
  const told = await until('the overseer is told', () => recoveries(/^HELP: recovered work of both$/, 'polecat/'));
  expect(told).toMatchObject([
    {
      from: 'deacon',
      subject: 'HELP: recovered work of both',
      priority: 'high',
      body: expect.stringContaining(`on branch polecat/${id.split('/').at(-1)}/${molecule} at `),
    },
  ]);
  expect(await town.client.workflow.getHandle('deacon').query(explainQuery)).toContain('c of both');
});

it('work that cannot be brought to the remote stays in its sandbox, and the overseer is told at once', async () => {
  const mission = await town.startMission('unpushed', work('sixth', 'slow', 'u'));
  const { id, sandbox } = await atWork('unpushed');
  const hook = join(town.repository('sixth'), 'hooks/pre-receive');
  await writeFile(hook, '#!/bin/sh\nexit 1\n', { mode: 0o755 });
  await mission.terminate('a test');
  await terminate(id);
  const told = await until('the overseer is told', () => recoveries(/^RECOVERY_NEEDED: /, ' in sixth '));
  expect(told).toMatchObject([
    {
      subject: 'RECOVERY_NEEDED: u of unpushed',
      priority: 'urgent',
      body: expect.stringContaining('its work is left in the sandbox'),
    },
  ]);
  expect(await readdir(sandbox?.path ?? '')).toContain('u.txt');
  expect((await slotsOf('sixth')).leases).toEqual([]);
});

it('a witness that is reset keeps the slot of a polecat whose mission is gone', async () => {
  const mission = await town.startMission('left', work('fifth', 'slow', 'k'));
  const { id, slot } = await atWork('left');
  await mission.terminate('a test');
  const to = ['--type', 'FirstWorkflowTask', '--reason', 'once more'];
  const { code, output } = await town.temporal('workflow', 'reset', '-w', 'fifth/witness', ...to);
  expect(code, output).toBe(0);
  const { leases } = await until('it has looked', async () => {
    const board = await town.client.workflow.getHandle('fifth/witness').query(explainQuery);
    const slots = await slotsOf('fifth');
    return slots.granted > 0 && board.includes('it is looked at') ? slots : null;
  });
  expect(leases).toMatchObject([{ mission: 'left', incarnation: slot.incarnation }]);
  await terminate(id);
  await until('the slot is free', async () => (await slotsOf('fifth')).leases.length === 0);
});

it('what somebody started under the address of a polecat, with what cannot be decoded, holds no witness up', async () => {
  const { connection } = town.client;
  const workflowId = 'fourth/polecats/Toast';
  await connection.workflowService.startWorkflowExecution({
    namespace: 'default',
    workflowId,
    requestId: workflowId,
    workflowType: { name: 'polecat' },
    taskQueue: { name: 'gastown' },
    input: { payloads: [{ metadata: { encoding: Buffer.from('who/knows') }, data: Buffer.from([1, 2, 3]) }] },
  });
  const mission = await town.startMission('unheld', work('fourth', 'quick', 'e'));
  await expect(mission.result()).resolves.toMatchObject({ landed: 1 });
});

const MEANWHILE = [
  ['the polecat is terminated', async (_: string, polecat: string) => terminate(polecat)],
  ['the mission is cancelled', async (mission: string) => town.client.workflow.getHandle(mission).cancel()],
  ['nothing else happens', async () => undefined],
] as const;

test.each(some('things that happen while a refinery is terminated in a push', MEANWHILE, 1))(
  'the refinery is terminated in the middle of a push, and %s: it lands once and is told so',
  async (what, then) => {
    const name = what.replaceAll(/\W/g, '-');
    const hooks = join(town.repository('other'), 'hooks');
    const began = join(hooks, `began-${name}`);
    await writeFile(
      join(hooks, 'pre-receive'),
      `#!/bin/sh\ngrep -q refs/heads/main && touch ${began} && sleep 3; true\n`,
      {
        mode: 0o755,
      },
    );
    const mission = await town.startMission(name, work('other', 'quick', name));
    await until('it is pushed', () => stat(began));
    const polecat = Object.values(await mission.query<Record<string, string>>('swarm'))[0] ?? '';
    await terminate('other/refinery');
    await then(name, polecat);
    const state = await until('it is over', async () => {
      const seen = await stateOf(name);
      return seen?.kind === 'landed' || seen?.kind === 'failed' || seen?.kind === 'cancelled' ? seen : null;
    });
    await rm(join(hooks, 'pre-receive'));
    expect(state).toMatchObject({ kind: 'landed' });
    const commits = (await town.log('other')).filter((line) => line.includes(name));
    expect(commits).toHaveLength(1);
    await until('the slot is free', async () => (await slotsOf('other')).leases.length === 0);
  },
);

it('a polecat that somebody cancels has failed: its mission asks, and goes on when answered', async () => {
  const mission = await town.startMission('asked', work('other', 'slow', 'd'));
  const { molecule } = await atWork('asked');
  await town.client.workflow.getHandle(molecule).cancel();
  const state = await until('the item has failed', async () => {
    const seen = await stateOf('asked');
    return seen?.kind === 'failed' ? seen : null;
  });
  expect(state).toMatchObject({ reason: expect.stringContaining('its work is on branch') });
  const skipped = await mission.executeUpdate<string, [unknown]>('skip', { args: [{ item: 'd' }] });
  expect(skipped).toContain('is skipped');
  await expect(mission.result()).resolves.toMatchObject({ landed: 0, total: 1 });
});

it('no message wedges a witness, and what it refuses it shows', async () => {
  await (await town.startMission('before', work('other', 'quick', 'g'))).result();
  const handle = town.client.workflow.getHandle('other/witness');
  const claim = { id: 'x', mission: '', missionRun: 'r', item: 'i', priority: 2 };
  await handle.signal(witnessMessages.claim.signal, claim);
  await handle.signal(witnessMessages.claim.signal, { ...claim, mission: 'm'.repeat(1_001) });
  const keys = ['Request', 'Branch', 'Head', 'Target', 'Issue', 'Mission', 'Rig', 'Merge-Commit', 'Merged-At'];
  const body = [...keys.map((key) => `${key}: x`), 'Incarnation: 1', `Polecat: ${'P'.repeat(1_200)}`].join('\n');
  await handle.signal('mail', { id: 'm', from: 'other/refinery', to: 'other/witness', subject: 'MERGED: x', body });
  await handle.signal('__temporal_x', claim);
  await handle.signal('clam', claim);
  const runtime = { kind: 'script', model: 'auto' } as const;
  const place = {
    name: 'server',
    url: '/nowhere',
    branch: 'main',
    gates: [],
    names: ['Nux'],
    capacity: 1,
    prefix: 'se',
  };
  await handle.signal(witnessMessages.configure.signal, { id: 'c', rig: { ...place, runtime }, patience: 1 });
  const rejected = await until('all are refused', async () => {
    const seen = await rejectedBy('other/witness');
    return seen.length === 5 ? seen.map((one) => one.reason).join('\n') : null;
  });
  expect(rejected).toContain('other has no polecat "PPP');
  expect(rejected).toContain('did you mean "claim"?');
  expect(rejected).toContain('these are settings of rig "server"');
  await expect((await town.startMission('fine', work('other', 'quick', 'e'))).result()).resolves.toMatchObject({
    landed: 1,
  });
  const history = await town.client.workflow.getHandle('fine').fetchHistory();
  const granted = history.events?.filter(
    (event) => event.workflowExecutionSignaledEventAttributes?.signalName === 'granted',
  );
  expect(granted).toHaveLength(1);
});

it('a mission with the longest of ids gives its slot back, and knows an update that comes with its start', async () => {
  const id = 'm'.repeat(1_000);
  const mission = await town.startMission(id, work('other', 'quick', 'f'));
  await expect(mission.executeUpdate('budget', { args: [{ usd: 5 }] })).resolves.toContain('$5');
  await expect(mission.result()).resolves.toMatchObject({ landed: 1 });
  await until('the slot is free', async () => (await slotsOf('other')).leases.length === 0);
});
