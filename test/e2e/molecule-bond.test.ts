/** A formula is bonded to a molecule at work; a molecule that is a wisp gives its digest to whoever started it. */
import { afterAll, beforeAll, expect, test } from 'vitest';
import type { MoleculeResult } from '../../src/contract/molecule.js';
import { TOWN_QUEUE } from '../../src/contract/task-queues.js';
import { liveMolecule } from '../support/live-molecule.js';
import { count, liveTown, until } from '../support/live-town.js';
import type { LiveTown } from '../support/live-town.js';
import { proto, step } from '../support/molecules.js';
import { QUICK } from '../support/test-formulas.js';

let town: LiveTown;
beforeAll(async () => {
  town = await liveTown({ rigs: { server: { bare: true } }, formulas: { quick: QUICK } });
});
afterAll(() => town.stop());

test('bonded steps come where they are asked for, and what cannot be bonded is refused with the reason', async () => {
  const molecule = await liveMolecule(town, 'server', {
    ...proto([
      step('think', { kind: 'human', script: null }),
      step('ship', { needs: ['think'], script: [{ write: 'ship.txt', text: 'ship\n' }, { close: 'shipped' }] }),
    ]),
    bondPoints: [{ id: 'thought', description: 'before it ships', after: 'think', before: null }],
    formula: 'bonding',
  });
  await molecule.reach('think', 'human');
  expect(await molecule.update('bond', { formula: 'quick', at: 'thoughts' })).toContain('did you mean "thought"');
  expect(await molecule.update('bond', { formula: 'quicker', at: 'thought' })).toContain('quicker');
  expect(await molecule.update('bond', { formula: 'quick', at: 'thought' })).toContain('name');
  const bonded = await molecule.update('bond', { formula: 'quick', at: 'thought', vars: { name: 'extra' } });
  expect(bonded).toContain('bonded quick: quick.1.work');
  const next = await molecule.update('close', { step: 'think', continue: true });
  expect(next).toContain('quick.1.work');
  const { steps } = await molecule.result();
  expect(steps.map((one) => [one.id, one.outcome])).toEqual([
    ['think', 'done'],
    ['ship', 'done'],
    ['quick.1.work', 'done'],
  ]);
  await molecule.polecat.result();
  const log = await town.log('server');
  expect(count(log, 'Write extra')).toBe(1);
  expect(log.findIndex((line) => line.includes('extra'))).toBeLessThan(log.findIndex((line) => line.endsWith(' ship')));
});

test('a wisp’s result holds its digest', async () => {
  const handle = await town.client.workflow.start('molecule', {
    taskQueue: TOWN_QUEUE,
    workflowId: 'hq-wisp-1',
    args: [{ formula: 'quick', vars: { name: 'x' }, wisp: true }],
  });
  await until('it waits', async () => (await handle.query<string[]>('ready')).includes('work'));
  await town.temporal('workflow', 'signal', '-w', 'hq-wisp-1', '--name', 'close', '--input', '{"step":"work"}');
  const { digest } = (await handle.result()) as MoleculeResult;
  expect(digest).toMatchObject({ kind: 'molecule', molecule: 'hq-wisp-1', outcome: 'done' });
});
