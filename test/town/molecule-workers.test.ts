/** What works on a molecule's steps, and what has worked on its branch: by that its commands, and the gates of its merge, are shut in. */
import { expect, test } from 'vitest';
import { revive, stateOf } from '../../src/town/molecule-live.js';
import { pour } from '../../src/town/molecule.js';
import type { ProtoStep } from '../../src/town/protomolecule.js';
import { accepted, all, carried, how, limits, loop, poured, proto, start, step, work } from '../support/molecules.js';

const byModel = (id: string, more: Partial<ProtoStep> = {}) => step(id, { agent: 'anthropic', script: null, ...more });

test('who works is told from the beginning, who has worked once a session has begun', () => {
  const poor = poured([step('a'), byModel('b', { needs: ['a'] })]);
  expect([...poor.workers]).toEqual(['script', 'anthropic']);
  expect(poor.workedBy).toEqual([]);
  const half = work(poor, 'a');
  expect(half.workedBy).toEqual(['script']);
  expect(all(half, start('b')).workedBy).toEqual(['script', 'anthropic']);
  const skipped = all(half, { kind: 'skipped', step: 'b', reason: 'no', by: 'me' });
  expect(skipped.workedBy).toEqual(['script']);
});

test('a step calls an agent of town.toml by its name; one that it does not have is not called', () => {
  const how = { runtime: 'script', sandboxed: true, programs: true, limits } as const;
  const calls = proto([step('a', { agent: 'mine' })]);
  expect([...pour(calls, { ...how, agents: ['mine'] }, 0).workers]).toEqual(['command']);
  expect([...pour(calls, { ...how, agents: ['other'] }, 0).workers]).toEqual(['script']);
});

test('on a group and on a loop nobody works', () => {
  const steps = [step('g', { kind: 'group', script: null }), step('g.a', { parent: 'g' }), step('lp.iter1.b')];
  const loops = [loop('lp', ['lp.iter1.b'], { until: 'b.output.n >= 2' })];
  const inRigOfModels = { runtime: 'anthropic', sandboxed: true, limits } as const;
  const made = pour(
    proto(
      steps.map((one) => ({ ...one, agent: 'script' })),
      loops,
    ),
    inRigOfModels,
    0,
  );
  expect([...made.workers]).toEqual(['script']);
  expect([...poured(steps, loops).workers]).toEqual(['script']);
});

test('a step that going back has taken away has worked', () => {
  const fanOut = {
    bond: 'x',
    forEach: 'output.list',
    sequential: false,
    checks: [],
    steps: [byModel('a.item.{n}')],
  };
  const grown = work(poured([step('a', { fanOut })]), 'a', { list: [1] });
  const added = grown.steps.find((one) => one.from === 'a')?.id ?? '';
  expect([...grown.workers]).toEqual(['script', 'anthropic']);
  const back = all(grown, start(added), accepted(added), { kind: 'went-back', step: 'a', by: 'me', note: null });
  expect(back.steps).toHaveLength(1);
  expect(back.workedBy).toEqual(['script', 'anthropic']);
  expect([...back.workers]).toEqual(['script', 'anthropic']);
});

test('what worked on the branch before is counted, and carried on', () => {
  const made = pour(proto([step('a')]), { ...how, limits, workedBy: ['anthropic'] }, 0);
  const now = work(made, 'a');
  expect([...now.workers]).toEqual(['anthropic', 'script']);
  const again = carried(now, [step('a')]);
  expect([...again.workers]).toEqual(['anthropic', 'script']);
  expect(again.workedBy).toEqual(['anthropic', 'script']);
});

test('of a molecule that an earlier version carried on it is known by the sessions of its steps', () => {
  const steps = [byModel('a'), step('b', { needs: ['a'] })];
  const { workedBy: _, ...state } = stateOf(work(poured(steps), 'a'));
  expect(revive({ steps }, state, how).workedBy).toEqual(['anthropic']);
});
