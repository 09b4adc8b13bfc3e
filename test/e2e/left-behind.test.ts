/** A role or a person whose workflow is terminated leaves nothing behind: whoever has the address next has what was there. And who is waited for, and does not look, has mail. */
import type { WorkflowHandle } from '@temporalio/client';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { perform } from '../../src/calls.js';
import { crewHookQuery, crewMessages } from '../../src/contract/crew.js';
import { deaconKeptQuery } from '../../src/contract/deacon.js';
import { inboxQuery, personKeptQuery } from '../../src/contract/inbox.js';
import { deaconMessages } from '../../src/contract/messages.js';
import { TOWN_QUEUE } from '../../src/contract/task-queues.js';
import { DEACON, OVERSEER } from '../../src/town/address.js';
import { gt } from '../support/gt.js';
import { liveTown, until } from '../support/live-town.js';
import type { LiveTown } from '../support/live-town.js';

const ANN = 'server/crew/ann';
const SIGN = `
formula = "sign"
[[steps]]
id = "sign"
title = "Sign it"
type = "human"
assignee = "crew/ann"
[[steps]]
id = "seal"
title = "Seal it"
type = "human"
[[steps]]
id = "post"
title = "Post it"
type = "human"
needs = ["seal"]
`;

let town: LiveTown;
beforeAll(async () => {
  town = await liveTown({ rigs: { server: { bare: true } }, formulas: { sign: SIGN }, patience: 0.1 });
});
afterAll(() => town.stop());

const look = (...args: string[]) => gt([...args, '--town', town.dir]);
const mailTo = (to: string, id: string) =>
  perform(town.client, {
    kind: 'update',
    workflow: to,
    name: 'mail',
    content: { id, from: 'ada', to, subject: id, body: 'words' },
    updateId: id,
  });
const begin = (type: string, workflowId: string) =>
  town.client.workflow.start(type, { workflowId, taskQueue: TOWN_QUEUE, args: [{ patience: 0.1 }] });
const subjectsOf = async (handle: WorkflowHandle) => (await handle.query(inboxQuery)).map(({ subject }) => subject);

test('the mail of an overseer who was terminated is with the next one, once, beside what has come since', async () => {
  await mailTo(OVERSEER, 'before');
  const first = town.client.workflow.getHandle(OVERSEER);
  await until('it is there', async () => (await subjectsOf(first)).includes('before'));
  await first.terminate('tried');
  await mailTo(OVERSEER, 'after');
  await mailTo(OVERSEER, 'before');
  expect(await subjectsOf(town.client.workflow.getHandle(OVERSEER))).toEqual(['before', 'after']);
});

test('so are mail and hook of a member of a crew; whoever has left has left nothing', async () => {
  expect((await look('crew', 'add', 'server/ann')).code).toBe(0);
  const first = town.client.workflow.getHandle(ANN);
  await first.executeUpdate(crewMessages.sling.update, {
    args: [{ id: 'door', by: 'ada', title: 'Mend the door', text: 'It creaks.', priority: 2, vars: {} }],
  });
  await mailTo(ANN, 'lunch');
  await first.terminate('tried');
  await begin('crew', ANN);
  const next = town.client.workflow.getHandle(ANN);
  await until('it knows', async () => (await next.query(personKeptQuery)) !== null);
  expect(await subjectsOf(next)).toEqual(['lunch']);
  expect((await next.query(crewHookQuery)).hook).toMatchObject({ id: 'door', title: 'Mend the door' });
  await next.cancel();
  await next.result().catch(() => undefined);
  await begin('crew', ANN);
  const last = town.client.workflow.getHandle(ANN);
  await until('it knows', async () => (await last.query(personKeptQuery)) !== null);
  expect(await subjectsOf(last)).toEqual([]);
  expect((await last.query(crewHookQuery)).hook).toBeNull();
});

test('work that a deacon was to give to another mission is tried again by the next one', async () => {
  await begin(DEACON, DEACON).catch(() => undefined);
  const first = town.client.workflow.getHandle(DEACON);
  const work = { rig: 'nowhere', mission: 'gone', item: 'api', branch: 'polecat/Toast/no-1', head: 'abc' };
  await first.executeUpdate(deaconMessages.recovered.update, { args: [work] });
  await until('it knows it', async () => (await first.query(deaconKeptQuery))?.recovered?.length === 1);
  await first.terminate('tried');
  await begin(DEACON, DEACON).catch(() => undefined);
  const kept = await until('the next one knows', () => town.client.workflow.getHandle(DEACON).query(deaconKeptQuery));
  expect(kept.recovered).toMatchObject([{ mission: 'gone', item: 'api', tried: [] }]);
});

test('who is waited for and does not look has one mail of all of it; whoever answers at once has none', async () => {
  const started = await look('mol', 'pour', 'sign', '--rig', 'server', '--id', 'se-signed');
  expect(started.code, started.stderr).toBe(0);
  const molecule = await until('its molecule is there', async () => {
    const query = 'GtMission="se-signed" AND GtRole="molecule"';
    for await (const one of town.client.workflow.list({ query })) return one.workflowId;
    return null;
  });
  const [ann, overseer] = [ANN, OVERSEER].map((id) => town.client.workflow.getHandle(id));
  if (ann === undefined || overseer === undefined) throw new Error('both are there');
  await until('ann has mail', async () => (await subjectsOf(ann)).some((one) => one.startsWith('Waits for you')));
  const ofIt = async () => (await overseer.query(inboxQuery)).filter(({ from }) => from === molecule);
  const [told] = await until('so has the overseer', async () => (await ofIt()).length > 0 && ofIt());
  expect(told).toMatchObject({ subject: `Waits for you: Seal it (${molecule})` });
  expect(told?.body).toContain(`gt mol current ${molecule}`);
  // It stands in the list by its molecule, and not by its mail besides.
  const listed = await look('inbox');
  expect(listed.stdout.match(/Seal it/g)).toHaveLength(1);
  expect((await look('close', 'seal', '--mol', molecule)).code).toBe(0);
  expect((await look('close', 'post', '--mol', molecule)).code).toBe(0);
  expect((await look('close', 'sign', '--mol', molecule)).code).toBe(0);
  await town.client.workflow.getHandle('se-signed').result();
  expect(await ofIt()).toHaveLength(1);
});
