/** Sessions whose journal cannot be written, or not be read: what operators see of it, and how it goes on. */
import { mkdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { placesIn } from '../../src/activities/places.js';
import { explainQuery, moleculeMessages } from '../../src/contract/messages.js';
import { startModelServer } from '../../src/dev/model-server.js';
import type { Rule, Turn } from '../../src/dev/model-script.js';
import { townPaths } from '../../src/town/paths.js';
import { liveTown, until } from '../support/live-town.js';
import type { LiveTown } from '../support/live-town.js';
import { smallDisk, whyNoDisk } from '../support/small-disk.js';
import { QUICK } from '../support/test-formulas.js';

const later = { 'retry-after': '4' };
const fault = { kind: 'status', status: 503, message: 'in a moment', headers: later, times: 1 } as const;

const rulesFor = (name: string, first: Partial<Turn>): readonly Rule[] => {
  const write: Turn = { tools: [{ name: 'write_file', input: { path: `${name}.txt`, text: `${name}\n` } }] };
  const close: Turn = { tools: [{ name: 'close', input: { summary: `wrote ${name}`, verdict: 'done' } }] };
  return [
    { when: [`# Write ${name}\n`, '\nSession: 1\n'], turns: [write, { ...close, ...first }] },
    { when: [`# Write ${name}\n`], turns: [write, close] },
  ];
};

let server: Awaited<ReturnType<typeof startModelServer>>;
let town: LiveTown;
beforeAll(async () => {
  const rules = [...rulesFor('other-version', { fault }), ...rulesFor('full', { text: 'x'.repeat(10_000) })];
  server = await startModelServer({ script: { rules } });
  town = await liveTown({
    rigs: { server: { bare: true } },
    formulas: { quick: QUICK },
    runtime: { kind: 'anthropic', model: 'scripted', base_url: server.url },
    env: { ANTHROPIC_API_KEY: 'scripted' },
  });
});
afterAll(async () => {
  await town.stop();
  await server.stop();
});

const start = (name: string) =>
  town.startMission(name, { work: [{ id: name, rig: 'server', formula: 'quick', vars: { name } }] });

const moleculeOf = (mission: string) =>
  until(`the molecule of ${mission}`, async () => {
    const query = `GtMission="${mission}" AND GtRole="molecule"`;
    for await (const { workflowId } of town.client.workflow.list({ query })) return workflowId;
    return null;
  });

const failing = (molecule: string, what: string) =>
  until(what, async () => {
    const { raw } = await town.client.workflow.getHandle(molecule).describe();
    return raw.pendingActivities?.find(({ lastFailure }) => lastFailure?.message?.includes(what))?.lastFailure;
  });

const asked = (name: string) =>
  server.requests().flatMap(({ turn, body }) => (JSON.stringify(body).includes(`# Write ${name}`) ? [turn] : []));

test('one of another version is left alone: the step waits, and another session begins when somebody says so', async () => {
  const handle = await start('other-version');
  const molecule = await moleculeOf('other-version');
  await failing(molecule, 'in a moment');
  const journal = placesIn(townPaths(town.dir).state).journal(`${molecule}/work/1`);
  const text = (await readFile(journal, 'utf8')).replace('"version":1', '"version":2');
  await writeFile(journal, text);
  const workflow = town.client.workflow.getHandle(molecule);
  const board = await until('it waits', async () => {
    const told = await workflow.query(explainQuery);
    return told.includes('--name retry') ? told : null;
  });
  expect(board).toContain('it is of version 2, of which this worker (1) knows nothing');
  expect(board).toContain('What the session has done is not known');
  expect(await readFile(journal, 'utf8')).toBe(text);
  expect(asked('other-version')).toEqual([0, 1]);
  await workflow.executeUpdate(moleculeMessages.retry.update, { args: [{ step: 'work' }] });
  await expect(handle.result()).resolves.toMatchObject({ landed: 1 });
  expect(asked('other-version')).toEqual([0, 1, 0, 1]);
});

if (whyNoDisk !== null) console.warn(`a town on a full disk is not tested: ${whyNoDisk}`);
test.runIf(whyNoDisk === null)(
  'one on a full disk says so until there is room, and no answer is paid for twice',
  async () => {
    const sessions = join(townPaths(town.dir).state, 'sessions');
    await mkdir(sessions, { recursive: true });
    const resize = smallDisk(sessions, 2);
    const handle = await start('full');
    const molecule = await moleculeOf('full');
    const failure = await failing(molecule, 'ENOSPC');
    expect(failure.applicationFailureInfo).toMatchObject({ type: 'Journal.Unwritable', nonRetryable: false });
    expect(failure.message).toMatch(/^the journal .* cannot be written: ENOSPC.* Free the disk/);
    expect(asked('full')).toEqual([0, 1]);
    resize(64);
    await expect(handle.result()).resolves.toMatchObject({ landed: 1 });
    expect(asked('full')).toEqual([0, 1]);
  },
);
