/** What leaves the merge queue without a landing, at the worst moments, and what it leaves behind. */
import { existsSync } from 'node:fs';
import { readdir, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { WorkflowUpdateFailedError } from '@temporalio/client';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { deadLettersQuery } from '../../src/contract/inbox.js';
import { deaconMessages, explainQuery, mailMessage, refineryMessages } from '../../src/contract/messages.js';
import { queueQuery } from '../../src/contract/refinery.js';
import { TOWN_QUEUE } from '../../src/contract/task-queues.js';
import { attribute } from '../../src/contract/search-attributes.js';
import { lifecycleQuery } from '../../src/contract/polecat.js';
import { DEACON } from '../../src/town/address.js';
import type { MergeRequest } from '../../src/town/refinery.js';
import type { Letter, Mail } from '../../src/town/mail.js';
import { branchKeys, writeHandoff, writeMail } from '../../src/town/mail.js';
import type { MissionResult } from '../../src/workflows/mission.js';
import { findMarked } from '../../src/process/mark.js';
import { recordsOf } from '../support/ledger-records.js';
import { count, liveTown, until } from '../support/live-town.js';
import type { LiveTown } from '../support/live-town.js';
import { gt } from '../support/gt.js';
import { drawn } from '../support/sample.js';
import { ASK, QUICK } from '../support/test-formulas.js';

let town: LiveTown;
beforeAll(async () => {
  town = await liveTown({
    rigs: {
      slow: { bare: true, gates: { long: 'sleep 30' } },
      gone: { bare: true, gates: { long: 'sleep 30' } },
      brief: { bare: true, gates: { long: 'sleep 3' } },
      dirty: {},
      held: { bare: true, gates: { absent: './no-such-gate' } },
    },
    formulas: { quick: QUICK, ask: ASK },
    patience: 0.05,
  });
});
afterAll(() => town.stop());

const start = (id: string, rig: string, ...names: string[]) =>
  town.startMission(id, {
    work: names.map((name) => ({ id: name, rig, formula: 'quick', vars: { name } })),
  });

const queueOf = (rig: string) => town.client.workflow.getHandle(`${rig}/refinery`).query(queueQuery);

const inGates = (rig: string) =>
  until('its gates run', async () => {
    const [first] = await queueOf(rig);
    if (first === undefined || !first.stage.startsWith('gates')) return null;
    const running = await findMarked((mark) => mark === `gates/${first.id}`);
    return running.length > 0 ? first : null;
  });

/** Nothing of a request is left on disk or in the mirror. */
async function expectNoTraces(rig: string): Promise<void> {
  const folder = join(town.dir, '.gt/rigs', rig);
  expect(existsSync(join(folder, 'polecats'))).toBe(true);
  expect(await readdir(join(folder, 'polecats'))).toEqual([]);
  expect(existsSync(join(folder, 'refinery')) ? await readdir(join(folder, 'refinery')) : []).toEqual([]);
}

/** As a letter about it says them. */
const keysOf = ({ id, branch, head, target, issue, mission, polecat, incarnation }: MergeRequest, rig: string) => ({
  Request: id,
  Branch: branch,
  Head: head,
  Target: target,
  Issue: issue,
  Mission: mission,
  Polecat: polecat,
  Incarnation: incarnation,
  Rig: rig,
});

function letterFor(request: MergeRequest, id: string): Mail {
  const keys = { ...keysOf(request, 'held'), Request: id, Priority: 0, Round: 0 };
  const letter = { type: 'MERGE_READY', keys, text: '' } as const;
  return writeMail({ id, from: 'held/witness', to: 'held/refinery' }, request.polecat, letter);
}

/** What one who is not to send it writes, as the port of an agent would. */
const forged = (from: string, to: string, letter: Letter): Promise<string> =>
  refusalOf(writeMail({ id: `${letter.type} ${from}`, from, to }, letter.keys.Polecat, letter));

async function refusalOf(mail: Mail): Promise<string> {
  const error: unknown = await town.client.workflow
    .getHandle(mail.to)
    .executeUpdate(mailMessage.update, { args: [mail] })
    .catch((failed: unknown) => failed);
  return error instanceof WorkflowUpdateFailedError ? String(error.cause?.message) : `taken: ${String(error)}`;
}

const it = drawn('things that happen in a merge queue', 11, 4);

const mq = async (...args: readonly string[]): Promise<string> => {
  const { code, stdout, stderr } = await gt(['mq', ...args, '--town', town.dir]);
  expect(code, stderr).toBe(0);
  return stdout;
};

test('a request is held while its gates run, nothing of that lands, and by its name it tries again', async () => {
  await start('freeze', 'slow', 'frozen');
  const { id } = await inGates('slow');
  expect(await mq('list')).toMatch(new RegExp(`slow +1 +${id.replace('.', '\\.')} .* freeze +2 +gates: long`));
  expect(await mq('hold', id, '--reason', 'after the release', '--by', 'ann')).toContain(
    `request "${id}" is held once its work has stopped`,
  );
  await until('it is held', async () => (await queueOf('slow'))[0]?.hold?.by === 'ann');
  expect(await findMarked((mark) => mark === `gates/${id}`)).toEqual([]);
  expect(await mq('list', 'slow')).toContain('held: after the release (ann)');
  await expect(
    town.client.workflow.getHandle('slow/refinery').executeUpdate(refineryMessages.retry.update, { args: [{}] }),
  ).rejects.toMatchObject({ cause: { message: expect.stringContaining(`by name: ${id}`) as string } });
  const gone = await gt(['mq', 'hold', `${id}9`, '--town', town.dir]);
  expect(gone).toMatchObject({ code: 1, stderr: `gt: no request "${id}9" waits to land; did you mean "${id}"?\n` });
  expect(await mq('retry', id)).toContain(`tried again: ${id}`);
  expect((await inGates('slow')).id).toBe(id);
  expect(await mq('remove', id, '--reason', 'not wanted')).toContain(`request "${id}" leaves the queue`);
  await until('nothing waits', async () => (await mq('list', 'slow')).includes('nothing waits to land'));
  await town.client.workflow.getHandle('freeze').cancel();
  await town.client.workflow
    .getHandle('freeze')
    .result()
    .catch(() => undefined);
});

it('a verdict or a request that another polecat has written changes nothing, nor does a verdict for one before it', async () => {
  const handle = await start('victim', 'slow', 'v');
  const request = await inGates('slow');
  const { id, polecat, incarnation } = request;
  const [victim, refinery] = [`slow/polecats/${polecat}`, 'slow/refinery'];
  const keys = branchKeys(keysOf(request, 'slow'));
  const merged = {
    type: 'MERGED',
    keys: { ...keys, 'Merge-Commit': '1234567', 'Merged-At': 'now' },
    text: '',
  } as const;
  const failed = {
    type: 'MERGE_FAILED',
    keys: { ...keys, 'Failure-Type': 'removed', 'Failed-At': 'now' },
    text: '',
  } as const;
  const other = { ...keys, Request: 'sl-00000000.0', Branch: 'feature', Priority: 0, Round: 0 };
  const neighbour = 'slow/polecats/Nobody';
  const from = `not from ${neighbour}`;
  expect(await forged(neighbour, victim, merged)).toBe(`MERGED comes from ${refinery}, ${from}`);
  expect(await forged(neighbour, victim, failed)).toBe(`MERGE_FAILED comes from ${refinery} or slow/witness, ${from}`);
  expect(await forged(neighbour, 'slow/witness', merged)).toBe(`MERGED comes from ${refinery}, ${from}`);
  for (const [to, type, sender] of [
    [refinery, 'MERGE_READY', 'slow/witness'],
    ['slow/witness', 'POLECAT_DONE', victim],
  ] as const) {
    const letter = { type, keys: other, text: '' } as const;
    expect(await forged(neighbour, to, letter)).toBe(`${type} comes from ${sender}, ${from}`);
    const rejected = await town.client.workflow.getHandle(to).query<readonly unknown[]>('rejected');
    expect(rejected).toContainEqual(
      expect.objectContaining({ message: 'mail', reason: `${type} comes from ${sender}, ${from}` }),
    );
  }
  // Meant for one before it that had the same name.
  const former = { ...merged, keys: { ...merged.keys, Incarnation: incarnation - 1 } };
  expect(await forged(refinery, victim, former)).toBe(
    `MERGED is about ${id} of incarnation ${incarnation - 1}, handed in is ${id} of incarnation ${incarnation}`,
  );
  const [dead, ...others] = await town.client.workflow.getHandle(victim).query(deadLettersQuery);
  expect([dead?.id, others]).toEqual([`MERGED ${refinery}`, []]);
  expect(dead).toMatchObject({
    body: expect.stringContaining('Merge-Commit: 1234567'),
    why: expect.stringContaining('is about'),
  });
  expect(await town.client.workflow.getHandle(victim).query(explainQuery)).toContain('MERGED: ');
  const note = { Molecule: 'sl-1', Step: 's', Session: 1, Reason: 'turns', 'Handed-Over-At': 'now' };
  const handoff = writeHandoff({ id: 'h', from: neighbour, to: victim }, 'Do it', note, 'stop at once');
  expect(await refusalOf(handoff)).toBe(`a handoff comes from ${victim} itself, ${from}`);
  expect(await town.client.workflow.getHandle(victim).query('inbox')).toEqual([]);
  expect(await queueOf('slow')).toMatchObject([{ id, stage: expect.stringContaining('gates') as string }]);
  expect(await town.client.workflow.getHandle(victim).query(lifecycleQuery)).toMatchObject({ stage: 'merging' });
  await handle.cancel();
  await expect(handle.result()).rejects.toThrow('cancelled');
  expect(await town.log('slow')).toHaveLength(1);
});

it('cancelled while its gates run: they end at once, nothing lands, nothing is left', async () => {
  const handle = await start('in-gates', 'slow', 'a');
  const request = await inGates('slow');
  await handle.cancel();
  await expect(handle.result()).rejects.toThrow('cancelled');
  expect(await findMarked((mark) => mark === `gates/${request.id}`)).toEqual([]);
  expect(await queueOf('slow')).toEqual([]);
  expect(await town.log('slow')).toHaveLength(1);
  await expectNoTraces('slow');
});

it('cancelled at the very moment of handing in: nothing lands, and a mail that comes later is refused', async () => {
  const handle = await start('handing-in', 'slow', 'b');
  const polecat = await until('it hands in', async () => {
    const [workflowId] = Object.values(await handle.query<Record<string, string>>('swarm'));
    if (workflowId === undefined) return null;
    const { stage } = await town.client.workflow.getHandle(workflowId).query(lifecycleQuery);
    return stage === 'merging' ? workflowId : null;
  });
  await handle.cancel();
  await expect(handle.result()).rejects.toThrow('cancelled');
  expect((await town.client.workflow.getHandle(polecat).describe()).status.name).toBe('CANCELLED');
  expect(await queueOf('slow')).toEqual([]);
  expect(await town.log('slow')).toHaveLength(1);
});

it('cancelled after the refinery was terminated: the mission ends all the same', async () => {
  const handle = await start('no-refinery', 'gone', 'c');
  await inGates('gone');
  await town.client.workflow.getHandle('gone/refinery').terminate('a test');
  await handle.cancel();
  await expect(handle.result()).rejects.toThrow('cancelled');
  expect(await town.log('gone')).toHaveLength(1);
});

test('a target that refuses the push holds only its own request, says so, and is tried again by word', async () => {
  await writeFile(join(town.repository('dirty'), 'd.txt'), 'in the way\n');
  const stuck = await start('stuck', 'dirty', 'd');
  const held = await until('it is held', async () => (await queueOf('dirty')).find((one) => one.hold !== null));
  expect(held.stage).toContain('the target refuses the push');
  await until('it is listed as one that waits', async () => {
    const { output } = await town.temporal('workflow', 'list', '-q', 'GtPhase="escalated" AND GtRole="refinery"');
    return output.includes('dirty/refinery');
  });
  const next = (await (await start('next', 'dirty', 'e')).result()) as MissionResult;
  expect(next.landed).toBe(1);
  const dirty = town.client.workflow.getHandle('dirty/refinery');
  await until('it is told to try again', () => dirty.executeUpdate(refineryMessages.retry.update, { args: [{}] }));
  await rm(join(town.repository('dirty'), 'd.txt'));
  expect(((await stuck.result()) as MissionResult).landed).toBe(1);
  const log = await town.log('dirty');
  expect([count(log, 'Write d'), count(log, 'Write e')]).toEqual([1, 1]);
});

it('a refinery that is terminated: the deacon starts the next one, with the queue, the verdicts and the dead letters of the one before', async () => {
  const stuck = await start('kept', 'held', 'k');
  const held = await until('it is held', async () => (await queueOf('held')).find((one) => one.hold !== null));
  const refinery = town.client.workflow.getHandle('held/refinery');
  // What is on its way from one who is gone lands nowhere, and is not lost.
  await refinery.executeUpdate(refineryMessages.abandon.update, { args: [{ molecule: 'he-gone' }] });
  for (let times = 0; times < 2; times += 1)
    expect(await refusalOf(letterFor(held, 'he-gone.0'))).toBe('nobody waits for he-gone.0 any more');
  const late = { id: 'he-gone.0', body: expect.stringContaining(held.head) as string };
  expect(await refinery.query(deadLettersQuery)).toMatchObject([late]);
  expect(await refinery.query(explainQuery)).toContain('nobody waits for he-gone.0 any more');
  await until('it is in the ledger', async () =>
    (await recordsOf<{ readonly mail: string }>(town, 'mail')).some(({ mail }) => mail === late.id),
  );
  await refinery.terminate('a test');
  await town.client.workflow.signalWithStart(DEACON, {
    workflowId: DEACON,
    taskQueue: TOWN_QUEUE,
    args: [{ patience: 0.05 }],
    signal: deaconMessages.patrol.signal,
    signalArgs: [{ id: 'now', by: 'test', reason: 'the refinery is gone' }],
  });
  await until('another one runs', async () => (await refinery.describe()).status.name === 'RUNNING');
  const again = await until('it has the queue', async () => (await queueOf('held')).find(({ id }) => id === held.id));
  expect(again).toMatchObject({ sinceMs: held.sinceMs, head: held.head });
  expect(await refinery.query(deadLettersQuery)).toMatchObject([late]);
  const refused = await refusalOf(letterFor(held, 'no-round'));
  expect(refused).toBe('"no-round" is no request: it is MOLECULE.N, with the molecule that has worked on it');
  await stuck.cancel();
  await expect(stuck.result()).rejects.toThrow('cancelled');
  expect(await queueOf('held')).toEqual([]);
});

it('what an earlier holder of a slot hands in is nobody’s, and lands nowhere', async () => {
  const handle = await start('successor', 'slow', 's');
  const request = await inGates('slow');
  const stale = { ...keysOf(request, 'slow'), Incarnation: request.incarnation - 1, Request: 'sl-00000000.0' };
  const from = `slow/polecats/${request.polecat}`;
  const letter = { type: 'POLECAT_DONE', keys: { ...stale, Priority: 0, Round: 0 }, text: '' } as const;
  const mail = writeMail({ id: 'stale', from, to: 'slow/witness' }, request.polecat, letter);
  const witness = town.client.workflow.getHandle('slow/witness');
  await witness.executeUpdate(mailMessage.update, { args: [mail] });
  const dead = await until('it is a dead letter', async () =>
    (await witness.query(deadLettersQuery)).find(({ id }) => id === 'stale'),
  );
  expect(dead.why).toContain(`no polecat ${request.polecat} #${request.incarnation - 1} of mission successor`);
  expect((await queueOf('slow')).map(({ id }) => id)).toEqual([request.id]);
  await handle.cancel();
  await expect(handle.result()).rejects.toThrow('cancelled');
});

it('a push that the target refuses is tried again by itself', async () => {
  const inTheWay = join(town.repository('dirty'), 'j.txt');
  await writeFile(inTheWay, 'in the way\n');
  const stuck = await start('patient', 'dirty', 'j');
  await until('it was refused twice', async () => (await queueOf('dirty')).find((one) => (one.refusals ?? 0) > 1));
  await rm(inTheWay);
  expect(((await stuck.result()) as MissionResult).landed).toBe(1);
  expect(count(await town.log('dirty'), 'Write j')).toBe(1);
});

it('a refinery is cancelled while it waits to push again', async () => {
  await writeFile(join(town.repository('dirty'), 'k.txt'), 'in the way\n');
  const stuck = await start('leaving', 'dirty', 'k');
  await until('it was refused', async () => (await queueOf('dirty')).find((one) => one.hold !== null));
  const refinery = town.client.workflow.getHandle('dirty/refinery');
  await refinery.cancel();
  await expect(refinery.result()).rejects.toThrow('cancelled');
  await rm(join(town.repository('dirty'), 'k.txt'));
  await stuck.cancel();
  await expect(stuck.result()).rejects.toThrow('cancelled');
});

it('every removal that was answered is done, however close they come', async () => {
  const handle = await start('many', 'held', 'f', 'g', 'h');
  const requests = await until('all are held', async () => {
    const queue = await queueOf('held');
    return queue.length === 3 && queue.every((one) => one.hold !== null) ? queue : null;
  });
  const refinery = town.client.workflow.getHandle('held/refinery');
  const remove = (request: string) =>
    refinery.executeUpdate(refineryMessages.remove.update, { args: [{ request, reason: 'a test' }] });
  for (const { id } of requests.toReversed()) await remove(id);
  await until('the queue is empty', async () => (await queueOf('held')).length === 0);
  await handle.cancel();
  await expect(handle.result()).rejects.toThrow('cancelled');
});

it('a polecat that is terminated in the queue: its successor’s work lands, and nothing lands twice', async () => {
  const handle = await start('terminated', 'brief', 'i');
  const request = await inGates('brief');
  const polecat = `brief/polecats/${request.polecat}`;
  await town.client.workflow.getHandle(polecat).terminate('a test');
  const result = (await handle.result()) as MissionResult;
  expect(result.landed).toBe(1);
  expect(count(await town.log('brief'), 'Write i')).toBe(1);
  expect(await queueOf('brief')).toEqual([]);
  await expectNoTraces('brief');
});

test('on whom a molecule waits shows on its polecat and its mission, and no longer once it is answered', async () => {
  const handle = await town.startMission('asked', { work: [{ id: 'j', rig: 'brief', formula: 'ask' }] });
  const found = async () => {
    const query = 'GtMission="asked" AND GtPhase="waiting" AND GtRole IN ("mission", "polecat", "molecule")';
    return (await town.temporal('workflow', 'count', '-q', query)).output;
  };
  await until('all three show it', async () => /\b3\b/.test(await found()));
  const [polecat = ''] = Object.values(await handle.query<Record<string, string>>('swarm'));
  const { molecule } = await town.client.workflow.getHandle(polecat).query(lifecycleQuery);
  await town.client.workflow.getHandle(molecule).signal('close', { step: 'think', note: 'thought' });
  await handle.result();
  expect(await found()).toMatch(/\b0\b/);
});

it('what is cancelled while it waits for somebody waits no more', async () => {
  const handle = await town.startMission('in-vain', { work: [{ id: 'k', rig: 'brief', formula: 'ask' }] });
  const [polecat = ''] = await until('it is at work', async () => {
    const found = Object.values(await handle.query<Record<string, string>>('swarm'));
    return found.length > 0 ? found : null;
  });
  const { molecule } = await until('its molecule', () => town.client.workflow.getHandle(polecat).query(lifecycleQuery));
  const all = ['in-vain', polecat, molecule];
  const shown = async () =>
    Promise.all(
      all.map(async (id) => {
        const { typedSearchAttributes } = await town.client.workflow.getHandle(id).describe();
        return [typedSearchAttributes.get(attribute.phase), typedSearchAttributes.get(attribute.waitingFor)];
      }),
    );
  await until('all three wait', async () => (await shown()).every(([phase]) => phase === 'waiting'));
  await handle.cancel();
  await handle.result().catch(() => undefined);
  expect(await shown()).toEqual(all.map(() => ['failed', '']));
});
