/** What a scope sets up is taken down, whatever becomes of its members. */
import { existsSync } from 'node:fs';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { explainQuery } from '../../src/contract/messages.js';
import { liveMolecule } from '../support/live-molecule.js';
import { liveTown, until } from '../support/live-town.js';
import type { LiveTown } from '../support/live-town.js';
import { proto, step } from '../support/molecules.js';

let town: LiveTown;
let outside: string;
beforeAll(async () => {
  outside = await mkdtemp(join(tmpdir(), 'gt-scope-'));
  town = await liveTown({ rigs: { server: { bare: true } } });
});
afterAll(async () => {
  await town.stop();
  await rm(outside, { recursive: true, force: true });
});

const member = { of: 'scope', role: 'member' } as const;
const run = (id: string, command: string) => step(id, { kind: 'run', script: null, run: command });

test('a member fails: the other members are skipped, the teardown runs, and the molecule fails for the first reason', async () => {
  const down = join(outside, 'down-failed');
  const molecule = await liveMolecule(town, 'server', {
    ...proto([
      { ...run('up', 'echo up > up.txt'), scope: member },
      step('decide', { kind: 'human', script: null, needs: ['up'], scope: member }),
      { ...run('use', 'echo use > use.txt'), needs: ['decide'], scope: member },
      { ...run('down', `touch ${down}`), needs: ['use'], scope: { of: 'scope', role: 'teardown' } },
      { ...run('after', 'echo after > after.txt'), needs: ['down'] },
    ]),
    formula: 'scoped',
  });
  await molecule.reach('decide', 'human');
  expect(existsSync(down)).toBe(false);
  await molecule.update('fail', { step: 'decide', reason: 'not like this', by: 'Ada' });
  const why = await molecule.result().catch((error: unknown) => JSON.stringify(error, ['cause', 'message', 'details']));
  expect(why).toContain('step \\"decide\\" failed: not like this');
  expect(existsSync(down)).toBe(true);
  const { output } = await town.temporal('workflow', 'query', '-w', molecule.id, '--type', 'explain');
  expect(output).toContain('skipped by the molecule');
});

test('the molecule is cancelled in the middle: what was begun is taken down before it ends', async () => {
  const down = join(outside, 'down-cancelled');
  const up = join(outside, 'up-cancelled');
  const molecule = await liveMolecule(town, 'server', {
    ...proto([
      { ...run('up', `touch ${up}`), scope: member },
      { ...run('use', 'sleep 300'), needs: ['up'], scope: member },
      { ...run('down', `rm ${up} && touch ${down}`), needs: ['use'], scope: { of: 'scope', role: 'teardown' } },
    ]),
    formula: 'cut',
  });
  await molecule.reach('use', 'active');
  expect(existsSync(up)).toBe(true);
  await molecule.polecat.cancel();
  await until('the molecule is cancelled', async () => (await molecule.handle.describe()).status.name === 'CANCELLED');
  expect([existsSync(up), existsSync(down)]).toEqual([false, true]);
  await molecule.polecat.result().catch(() => undefined);
});

test('while a cancelled molecule takes down what was set up it asks nobody, and takes nothing', async () => {
  const may = join(outside, 'may-end');
  const molecule = await liveMolecule(town, 'server', {
    ...proto([
      { ...run('up', 'true'), scope: member },
      step('decide', { kind: 'human', script: null, needs: ['up'], scope: member }),
      { ...run('down', `until test -e ${may}; do sleep 0.1; done`), scope: { of: 'scope', role: 'teardown' } },
    ]),
    formula: 'taken-down',
  });
  await molecule.reach('decide', 'human');
  await molecule.handle.cancel();
  await molecule.reach('down', 'active');
  for (const [name, content] of [
    ['close', { step: 'decide' }],
    ['pause', {}],
  ] as const)
    await expect(molecule.handle.executeUpdate(name, { args: [content] })).rejects.toMatchObject({
      cause: { message: expect.stringContaining('the molecule was cancelled') },
    });
  const board = await molecule.handle.query(explainQuery);
  expect(board).toContain(
    'It was cancelled, and what was set up is taken down before it ends. Session 1 works on `down`',
  );
  expect(board).not.toContain('--name close');
  await writeFile(may, '');
  await until('the molecule is cancelled', async () => (await molecule.handle.describe()).status.name === 'CANCELLED');
  await molecule.polecat.result().catch(() => undefined);
});
