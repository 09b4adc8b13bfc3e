/** `gt mol` against a real town: molecules are poured, grow, and end without leaving anything that should not be left. */
import { WorkflowNotFoundError } from '@temporalio/client';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { gt } from '../support/gt.js';
import { count, liveTown, until } from '../support/live-town.js';
import type { LiveTown } from '../support/live-town.js';
import { ASK, QUICK } from '../support/test-formulas.js';

let town: LiveTown;
beforeAll(async () => {
  town = await liveTown({ rigs: { server: { bare: true } }, formulas: { ask: ASK, quick: QUICK } });
});
afterAll(() => town.stop());

const mol = (...args: string[]) => gt(['mol', ...args, '--town', town.dir], { TEMPORAL_ADDRESS: undefined });

async function poured(...args: string[]): Promise<string> {
  const { code, stdout, stderr } = await mol(...args);
  expect({ code, stderr }).toEqual({ code: 0, stderr: '' });
  return stdout.trim();
}

async function close(id: string, step: string): Promise<void> {
  const handle = town.client.workflow.getHandle(id);
  await until(`${step} of ${id} waits`, async () => (await handle.query<readonly string[]>('ready')).includes(step));
  await handle.executeUpdate('close', { args: [{ step, by: 'Ada' }] });
}

async function isGone(id: string): Promise<boolean> {
  try {
    await town.client.workflow.getHandle(id).describe();
    return false;
  } catch (error) {
    if (error instanceof WorkflowNotFoundError) return true;
    throw error;
  }
}

test('a mol is poured, listed and shown; its end is in the ledger, so that only burning deletes it', async () => {
  const id = await poured('pour', 'quick', '--var', 'name=x');
  expect(id).toMatch(/^gt-[0-9a-z]{8}$/);
  await until('it is listed', async () => (await mol('list')).stdout.includes(`${id}  quick`));
  await close(id, 'work');
  await town.client.workflow.getHandle(id).result();
  expect((await mol('show', id)).stdout).toContain(`${id} · completed`);
  expect(await mol('squash', id)).toMatchObject({ code: 1, stderr: expect.stringContaining('is no wisp') });
  expect(await mol('burn', id)).toMatchObject({ code: 1, stderr: expect.stringContaining('closed steps (work)') });
  expect(await mol('burn', id, '--yes')).toMatchObject({ code: 0, stdout: `${id} is burned: nothing of it is left\n` });
  expect(await isGone(id)).toBe(true);
});

test('a wisp leaves its digest and nothing else', async () => {
  const id = await poured('wisp', 'quick', '--var', 'name=x');
  expect(id).toMatch(/^gt-wisp-[0-9a-z]{8}$/);
  await until('it waits', async () => (await town.client.workflow.getHandle(id).query<string[]>('ready')).length > 0);
  const early = await mol('squash', id);
  expect(early).toMatchObject({ code: 1, stderr: expect.stringContaining(`${id} is still open, work is waiting`) });
  await close(id, 'work');
  await town.client.workflow.getHandle(id).result();
  const { code, stdout } = await mol('squash', id);
  expect({ code, digest: JSON.parse(stdout) as unknown }).toMatchObject({
    code: 0,
    digest: { molecule: id, formula: 'quick', outcome: 'done', steps: [{ id: 'work', outcome: 'done' }] },
  });
  expect(await isGone(id)).toBe(true);
  expect(await mol('squash', id)).toMatchObject({
    code: 1,
    stdout: '',
    stderr: expect.stringContaining('is not there'),
  });
});

test('an open wisp is burned without asking', async () => {
  const id = await poured('wisp', 'quick', '--var', 'name=x');
  expect(await mol('burn', id)).toMatchObject({ code: 0 });
  expect(await isGone(id)).toBe(true);
  expect(await mol('burn', id)).toMatchObject({ code: 0, stdout: expect.stringContaining('is not there') });
});

test('a formula is bonded to a molecule at work, after a step or beside', async () => {
  const id = await poured('pour', 'quick', '--var', 'name=x');
  const bonded = await mol('bond', id, 'quick', '--var', 'name=y', '--after', 'work');
  expect(bonded).toMatchObject({ code: 0, stderr: '' });
  const steps = await town.client.workflow
    .getHandle(id)
    .query<readonly { id: string; needs: readonly string[] }[]>('steps');
  expect(steps).toHaveLength(2);
  expect(steps[1]?.needs).toEqual(['work']);
  expect(await mol('bond', id, 'quick', '--var', 'name=y', '--after', 'nowhere')).toMatchObject({
    code: 1,
    stderr: expect.stringContaining('nowhere'),
  });
  await mol('burn', id, '--yes');
});

test('with --rig a mission of one item lands the work', async () => {
  const id = await poured('pour', 'quick', '--var', 'name=landed', '--rig', 'server');
  expect(id).toMatch(/^hq-cv-[0-9a-z]{8}$/);
  await town.client.workflow.getHandle(id).result();
  expect((await town.log('server')).length).toBeGreaterThan(1);
  expect(count(await town.log('server'), 'nobody wrote this')).toBe(0);
});

test('what cannot be cooked is shown in its frame, and nothing is started', async () => {
  const refused = await mol('pour', 'quick', '--id', 'never');
  expect(refused).toMatchObject({ code: 2, stdout: '', stderr: expect.stringContaining('has no value') });
  expect(await isGone('never')).toBe(true);
  expect(await mol('show', 'never')).toMatchObject({
    code: 1,
    stderr: expect.stringContaining('there is no workflow never: gt mol list --all'),
  });
});
