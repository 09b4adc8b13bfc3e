/** What a molecule keeps for speed is always what would be worked out anew from what is carried. */
import * as fc from 'fast-check';
import { expect, test } from 'vitest';
import { dueLoop } from '../../src/town/molecule-loops.js';
import { revive, stateOf } from '../../src/town/molecule-live.js';
import type { MoleculeEvent } from '../../src/town/molecule-state.js';
import { fateOf } from '../../src/town/molecule.js';
import type { ProtoStep } from '../../src/town/protomolecule.js';
import { accepted, all, carried, how, loop, poured, start, step } from '../support/molecules.js';

const fanOut = {
  bond: 'x',
  forEach: 'output.list',
  sequential: false,
  checks: [],
  steps: [step('lp.iter1.c.item.{n}')],
};
const no = { text: 'no', value: '', op: 'truthy', against: '' } as const;

/** Groups in groups, a loop with a fan-out in it, a scope; what is needed and which conditions fail is drawn. */
const drawn = fc
  .tuple(fc.array(fc.boolean(), { minLength: 9, maxLength: 9 }), fc.array(fc.nat(8), { minLength: 9, maxLength: 9 }))
  .map(([isSkipped, needs]) => {
    const names = ['a', 'g', 'g.h', 'g.h.x', 'g.y', 'lp.iter1.b', 'lp.iter1.c', 'up', 'down'];
    const parents: Readonly<Record<string, string>> = { 'g.h': 'g', 'g.h.x': 'g.h', 'g.y': 'g' };
    return names.map((id, at): ProtoStep => {
      const need = names[needs[at] ?? 0] ?? '';
      const parent = parents[id];
      return step(id, {
        kind: id === 'g' || id === 'g.h' ? 'group' : 'agent',
        // Only on what stands before it, and never on a group around it.
        needs: names.indexOf(need) < at && !id.startsWith(`${need}.`) ? [need] : [],
        ...(isSkipped[at] === true && at % 3 === 0 ? { condition: no } : {}),
        ...(parent === undefined ? {} : { parent }),
        ...(id === 'lp.iter1.c' ? { fanOut } : {}),
        ...(id === 'up' || id === 'down' ? { scope: { of: 's', role: id === 'up' ? 'member' : 'teardown' } } : {}),
      });
    });
  });

test('left, ready, held and closed are those of the steps, after any event', () => {
  const verb = fc.constantFrom('work', 'work', 'work', 'skip', 'fail');
  fc.assert(
    fc.property(drawn, fc.array(fc.tuple(verb, fc.nat(20)), { maxLength: 25 }), (steps, events) => {
      let molecule = poured(steps, [loop('lp', ['lp.iter1.b', 'lp.iter1.c'], { max: 3, until: 'c.output.n >= 2' })]);
      for (const [what, which] of events) {
        const due = dueLoop(molecule);
        const open = molecule.steps.filter((one) => one.state.kind === 'ready' || one.state.kind === 'pending');
        const at = open[which % Math.max(1, open.length)];
        const turn: MoleculeEvent[] = [];
        if (due !== null) turn.push({ kind: 'loop-judged', loop: due.id, verdict: { kind: 'condition', files: [] } });
        else if (at === undefined) break;
        else if (what === 'skip') turn.push({ kind: 'skipped', step: at.id, reason: 'no', by: 'x' });
        else if (at.state.kind === 'ready' && what === 'fail')
          turn.push({ kind: 'failed', step: at.id, reason: 'no', by: 'x' });
        else if (at.state.kind === 'ready') turn.push(start(at.id), accepted(at.id, { list: [1, 2], n: which }));
        molecule = all(molecule, ...turn);
        const { left, ready, held, closed, head } = carried(molecule, steps);
        expect({ left, ready, held, closed, head }).toEqual({
          left: molecule.left,
          ready: molecule.ready,
          held: molecule.held,
          closed: molecule.closed,
          head: molecule.head,
        });
      }
    }),
    { numRuns: 200 },
  );
});

const failed = (id: string) => ({ kind: 'failed', step: id, reason: `${id} said no`, by: 'Ada' }) as const;

test('of two steps that failed the first in time is why the molecule fails, also after continue-as-new', () => {
  const steps = [
    step('up', { kind: 'human', script: null, scope: { of: 's', role: 'member' } }),
    step('down', { kind: 'human', script: null, scope: { of: 's', role: 'teardown' } }),
    step('look', { kind: 'human', script: null }),
  ];
  const molecule = all(poured(steps), failed('look'), failed('down'));
  expect(fateOf(molecule)).toMatchObject({ step: 'look', reason: 'look said no' });
  expect(fateOf(carried(molecule, steps))).toEqual(fateOf(molecule));
  const { failed: _first, ...before } = stateOf(molecule);
  expect(fateOf(revive({ steps }, before, how))).toMatchObject({ step: 'down' });
});
