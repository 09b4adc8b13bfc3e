/** Skipping what is in work: a session that is under way ends by itself, and nothing that has closed is closed again. */
import { expect, test } from 'vitest';
import { fateOf, nextStep, stepOf } from '../../src/town/molecule.js';
import type { MoleculeEvent } from '../../src/town/molecule-state.js';
import { NO_USAGE } from '../../src/town/session.js';
import {
  accepted,
  all,
  brokeDown,
  carried,
  closedDone,
  end,
  loop,
  poured,
  start,
  stateOfStep,
  step,
} from '../support/molecules.js';

const skipped = (id: string): MoleculeEvent => ({ kind: 'skipped', step: id, reason: 'not today', by: 'Ada' });

/** A loop that waits for a person, while its first step, which does not, is in a session. */
const steps = [
  step('ask', { kind: 'human', script: null }),
  step('lp.iter1.a'),
  step('lp.iter1.b', { needs: ['lp.iter1.a', 'ask'] }),
  step('after', { needs: ['lp.iter1.b'] }),
];
const atWork = () =>
  all(poured(steps, [loop('lp', ['lp.iter1.a', 'lp.iter1.b'], { until: 'b.output.ok == true' })]), start('lp.iter1.a'));

test('a session in a loop that is skipped ends first, and counts when its step is done', () => {
  const molecule = all(atWork(), skipped('lp'));
  expect(['lp', 'lp.iter1.a', 'lp.iter1.b'].map((id) => stateOfStep(molecule, id))).toEqual([
    'skipped',
    'active',
    'skipped',
  ]);
  expect([nextStep(molecule), molecule.left]).toEqual([null, carried(molecule, steps).left]);
  const over = all(molecule, end('lp.iter1.a', closedDone), accepted('lp.iter1.a'));
  expect([stateOfStep(over, 'lp.iter1.a'), over.head, nextStep(over)?.id]).toEqual(['done', 'h', 'after']);
  expect([over.left, over.usage.turns]).toEqual([carried(over, steps).left, 1]);
});

test.each<readonly [string, readonly MoleculeEvent[]]>([
  [
    'hands over',
    [end('lp.iter1.a', { usage: NO_USAGE, notes: [], outcome: 'handoff', reason: 'requested', note: 'half' })],
  ],
  ['asks', [end('lp.iter1.a', { usage: NO_USAGE, notes: [], outcome: 'blocked', detail: 'which?' })]],
  ['fails', [end('lp.iter1.a', brokeDown(false))]],
  ['is refused by the checks', [end('lp.iter1.a', closedDone), { kind: 'rejected', step: 'lp.iter1.a', why: 'red' }]],
  ['cannot go on', [{ kind: 'session-refused', step: 'lp.iter1.a', why: 'no key' }]],
  ['is called off', [{ kind: 'called-off', step: 'lp.iter1.a', why: 'back' }]],
  ['is lost with its host', [{ kind: 'host-lost', host: 'h1', to: 'h2', left: {}, isWhole: false }]],
])('when a session in a loop that was skipped %s its step is skipped with the loop', (_how, events) => {
  const molecule = all(atWork(), skipped('lp'), ...events);
  expect(stepOf(molecule, 'lp.iter1.a')?.state).toMatchObject({ outcome: 'skipped', summary: 'not today', by: 'Ada' });
  expect([nextStep(molecule)?.id, molecule.left]).toEqual(['after', carried(molecule, steps).left]);
});

test('a failure in a scope skips what is in a group, once the session in it has ended', () => {
  const member = { of: 's', role: 'member' } as const;
  const molecule = all(
    poured([
      step('g', { kind: 'group', script: null, scope: member }),
      step('g.x', { parent: 'g' }),
      step('look', { kind: 'human', script: null, scope: member }),
      step('down', { scope: { of: 's', role: 'teardown' } }),
    ]),
    start('g.x'),
    { kind: 'failed', step: 'look', reason: 'no', by: 'Ada' },
  );
  expect(['g', 'g.x'].map((id) => stateOfStep(molecule, id))).toEqual(['skipped', 'active']);
  const over = all(molecule, end('g.x', brokeDown(false)));
  expect([stateOfStep(over, 'g.x'), nextStep(over)?.id, fateOf(over).kind]).toEqual(['skipped', 'down', 'open']);
});

test('what comes too late leaves a step as it closed; its cost counts, and the branch stands where its commit is', () => {
  const asked = all(poured([step('p', { kind: 'human', script: null }), step('b', { needs: ['p'] })]), skipped('p'));
  const late = all(asked, accepted('p'), end('p', closedDone), { kind: 'rejected', step: 'p', why: 'red' });
  expect(stepOf(late, 'p')?.state).toMatchObject({ outcome: 'skipped', by: 'Ada', head: 'h' });
  expect([late.head, late.usage.turns, stepOf(late, 'p')?.usage.turns, late.closed]).toEqual(['h', 1, 1, 1]);
  expect(late.left).toEqual(asked.left);
});

test('a teardown that is skipped after a failure runs no more, and the next one does', () => {
  const teardown = { of: 's', role: 'teardown' } as const;
  const failed = all(
    poured([
      step('up', { kind: 'human', script: null, scope: { of: 's', role: 'member' } }),
      step('down', { kind: 'human', script: null, scope: teardown }),
      step('last', { scope: teardown, needs: ['down'] }),
    ]),
    { kind: 'failed', step: 'up', reason: 'no', by: 'Ada' },
  );
  expect(['down', 'last'].map((id) => stateOfStep(failed, id))).toEqual(['human', 'pending']);
  const molecule = all(failed, skipped('down'));
  expect(['down', 'last'].map((id) => stateOfStep(molecule, id))).toEqual(['skipped', 'ready']);
  expect(fateOf(all(molecule, start('last'), end('last', closedDone), accepted('last')))).toMatchObject({
    kind: 'failed',
    step: 'up',
  });
});

test('a teardown whose condition does not hold keeps no molecule that has failed from its end', () => {
  const condition = { text: '!{{keep}}', value: '', op: 'truthy', against: '' } as const;
  const failed = all(
    poured([
      step('up', { kind: 'human', script: null, scope: { of: 's', role: 'member' } }),
      step('down', { scope: { of: 's', role: 'teardown' }, condition }),
    ]),
    { kind: 'failed', step: 'up', reason: 'no', by: 'Ada' },
  );
  expect([stateOfStep(failed, 'down'), fateOf(failed).kind]).toEqual(['skipped', 'failed']);
});
