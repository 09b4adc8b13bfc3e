/** People at work in a sandbox: what they close, skip and fail is in the branch, step by step, and nobody is asked after the end. */
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { moleculeMessages } from '../../src/contract/messages.js';
import { lifecycleQuery } from '../../src/contract/polecat.js';
import { gt } from '../support/gt.js';
import { liveTown, until } from '../support/live-town.js';
import type { LiveTown } from '../support/live-town.js';
import { drawn } from '../support/sample.js';

const BY_HAND = `
formula = "by-hand"
[[steps]]
id = "one"
title = "Write one"
[[steps]]
id = "two"
title = "Write two"
needs = ["one"]
`;

const ASKING = `
formula = "asking"
[[steps]]
id = "half"
title = "Half a thing"
script = [{ write = "half.txt", text = "half\\n" }, { block = "which colour?" }]
[[steps]]
id = "rest"
title = "The rest"
needs = ["half"]
script = [{ write = "rest.txt", text = "rest\\n" }, { close = "wrote the rest" }]
`;

const TWO_PEOPLE = `
formula = "two-people"
[[steps]]
id = "x"
title = "X"
type = "human"
[[steps]]
id = "y"
title = "Y"
type = "human"
acceptance = { command = "true" }
`;

const MANY = Array.from({ length: 25 }, (_, n) => `m${n}`);
const MANY_STEPS = `formula = "many"\n${MANY.map((id) => `[[steps]]\nid = "${id}"\ntitle = "${id}"\ntype = "human"\n`).join('')}`;

let town: LiveTown;
beforeAll(async () => {
  town = await liveTown({
    rigs: { server: { bare: true } },
    formulas: { 'by-hand': BY_HAND, asking: ASKING, 'two-people': TWO_PEOPLE, many: MANY_STEPS },
    patience: 0.05,
  });
});
afterAll(() => town.stop());

/** The polecat and the molecule of a mission of one item, once a step waits. */
async function waiting(id: string, formula: string) {
  const handle = await town.startMission(id, { work: [{ id: 'a', rig: 'server', formula }] });
  return until('a step waits', async () => {
    const [polecat] = Object.values(await handle.query<Record<string, string>>('swarm'));
    if (polecat === undefined) return null;
    const { molecule, sandbox } = await town.client.workflow.getHandle(polecat).query(lifecycleQuery);
    const run = town.client.workflow.getHandle(molecule);
    const ready = await run.query<readonly string[]>('ready');
    return ready.length > 0 && sandbox !== null
      ? { handle, polecat: town.client.workflow.getHandle(polecat), molecule: run, sandbox }
      : null;
  });
}

test('each step that a person closes is a commit of its own on the remote, with the person’s note and the step’s trailers', async () => {
  const { handle, molecule, sandbox } = await waiting('by-hand', 'by-hand');
  await writeFile(join(sandbox.path, 'one.txt'), 'one\n');
  const answer = await molecule.executeUpdate(moleculeMessages.close.update, {
    args: [{ step: 'one', note: 'one is written', by: 'ann' }],
  });
  expect(answer).toContain('Next: "two"');
  expect(await town.git('server', 'show', `${sandbox.branch}:one.txt`)).toBe('one');
  const message = await town.git('server', 'log', '-1', '--format=%B', sandbox.branch);
  expect(message).toMatch(/^Write one\n\none is written\n\nGt-Item: a\nGt-Molecule: .*\nGt-Step: one$/);
  await writeFile(join(sandbox.path, 'two.txt'), 'two\n');
  await molecule.signal(moleculeMessages.close.signal, { step: 'two', note: 'two is written' });
  await expect(handle.result()).resolves.toMatchObject({ landed: 1 });
  expect((await town.log('server')).map((line) => line.replace(/^\S+ \S+ /, '')).slice(1)).toEqual([
    'Write one',
    'Write two',
  ]);
});

const it = drawn('things that people do to a molecule', 6, 2);

it('a person who closes a step lets through what only looks like a secret, by the mark in the refusal', async () => {
  const { handle, molecule, sandbox } = await waiting('examples', 'by-hand');
  const close = (...more: string[]) => {
    const args = ['close', 'one', '--note', 'it is an example', '--mol', molecule.workflowId, '--town', town.dir];
    return gt([...args, ...more], { TEMPORAL_ADDRESS: undefined });
  };
  await writeFile(join(sandbox.path, 'one.json'), '{"one": "ghp_0123456789abcdefghij"}\n');
  const refused = await close();
  expect(refused).toMatchObject({ code: 1, stderr: expect.stringContaining('secret is in one.json: ') });
  const [mark = ''] = /[0-9a-f]{12}$/.exec(refused.stderr.trim()) ?? [];
  expect(await close('--by', 'ann', '--allow', mark)).toMatchObject({ code: 0 });
  expect(await town.git('server', 'log', '-1', '--format=%B', sandbox.branch)).toMatch(
    /^Write one\n\nit is an example\n\n[\s\S]*\nGt-Allowed: [0-9a-f]{12} by ann$/,
  );
  await handle.cancel();
  await handle.result().catch(() => undefined);
});

it('what a skipped step had half done is a commit of its own, not part of the next one', async () => {
  const { handle, molecule } = await waiting('skipping', 'asking');
  await molecule.executeUpdate(moleculeMessages.skip.update, { args: [{ step: 'half', reason: 'no colour' }] });
  await handle.result();
  const log = await town.git('server', 'log', '-2', '--format=%s|%b', '--name-only', 'main');
  expect(log).toMatch(/^The rest\|[\s\S]*rest\.txt\n[\s\S]*Half a thing\|Skipped: no colour[\s\S]*half\.txt$/);
});

it('a cancelled molecule waits for nobody: not for those who search, nor for those who read', async () => {
  const { handle, molecule } = await waiting('cancelled', 'by-hand');
  await handle.cancel();
  await expect(handle.result()).rejects.toThrow('cancelled');
  const { output } = await town.temporal('workflow', 'list', '-q', 'GtPhase IN ("waiting", "escalated", "working")');
  expect(output).not.toContain(molecule.workflowId);
  expect(await molecule.query('explain')).toContain('Write one');
});

it('a close that comes while a failed molecule ends is refused, and the molecule ends', async () => {
  const { handle, molecule } = await waiting('failing', 'two-people');
  await molecule.signal(moleculeMessages.fail.signal, { step: 'x', reason: 'cannot be done' });
  await molecule.signal(moleculeMessages.close.signal, { step: 'y', note: 'too late' });
  await expect(molecule.result()).rejects.toThrow('Workflow execution failed');
  await handle.cancel();
  await handle.result().catch(() => undefined);
});

it('an item that is reassigned goes to another polecat, and what the first had done is on the remote', async () => {
  const { handle, molecule, sandbox } = await waiting('moved', 'by-hand');
  await writeFile(join(sandbox.path, 'moved.txt'), 'half\n');
  const other = await handle.executeUpdate('reassign', { args: [{ item: 'b' }] }).catch((error: Error) => error.cause);
  expect(String(other)).toContain('there is no item "b"');
  const answer = await handle.executeUpdate('reassign', { args: [{ item: 'a', reason: 'it is stuck', by: 'ann' }] });
  expect(answer).toMatch(/^item "a" goes from server\/polecats\/\w+ to another polecat/);
  const second = await until('another polecat waits', async () => {
    const [polecat] = Object.values(await handle.query<Record<string, string>>('swarm'));
    if (polecat === undefined || String(answer).includes(`${polecat} `)) return null;
    const { molecule: id } = await town.client.workflow.getHandle(polecat).query(lifecycleQuery);
    const run = town.client.workflow.getHandle(id);
    return (await run.query<readonly string[]>('ready')).includes('one') ? run : null;
  });
  expect(second.workflowId).not.toBe(molecule.workflowId);
  expect(await town.git('server', 'show', `${sandbox.branch}:moved.txt`)).toBe('half');
  for (const step of ['one', 'two']) await second.executeUpdate(moleculeMessages.close.update, { args: [{ step }] });
  expect(await handle.result()).toMatchObject({ landed: 1, items: [{ attempt: 2 }] });
});

it('a polecat does not hear of each step that somebody closes in no time', async () => {
  const { handle, polecat, molecule } = await waiting('hq-many', 'many');
  const begun = Date.now();
  for (const step of MANY.slice(0, -1))
    await molecule.executeUpdate(moleculeMessages.close.update, { args: [{ step }] });
  const last = `person: ${MANY.at(-1)}`;
  await until('the mission shows who is waited for now', async () =>
    JSON.stringify(await handle.query('progress')).includes(`"for":"${last}"`),
  );
  const seconds = (Date.now() - begun) / 1_000;
  const { events } = await polecat.fetchHistory();
  const heard = (events ?? []).filter((event) => event.workflowExecutionSignaledEventAttributes != null);
  expect(heard.length).toBeLessThanOrEqual(3 + seconds);
  await molecule.executeUpdate(moleculeMessages.close.update, { args: [{ step: MANY.at(-1) ?? '' }] });
  expect(await handle.result()).toMatchObject({ landed: 1 });
});
