/** The rules of a molecule against a small model of it: whatever is said, in whatever order, both stand alike and refuse alike. */
import * as fc from 'fast-check';
import { expect, test } from 'vitest';
import { backRefusal, wayBack } from '../../src/town/molecule-back.js';
import { isMet } from '../../src/town/molecule-live.js';
import type { Molecule } from '../../src/town/molecule-live.js';
import { refusal } from '../../src/town/molecule-refusal.js';
import type { MoleculeEvent } from '../../src/town/molecule-state.js';
import type { ProtoStep, StepGate } from '../../src/town/protomolecule.js';
import { unreachable } from '../../src/town/unreachable.js';
import { MoleculeModel, oneMessage, someSteps } from '../support/molecule-model.js';
import type { Gate, Planned, Said } from '../support/molecule-model.js';
import { all, carried, poured, stateOfStep, step } from '../support/molecules.js';

const RUNS = process.env['GT_LONG'] === undefined ? 500 : 20_000;

test('messages in any order, with continue-as-new between them', () => {
  fc.assert(
    fc.property(
      someSteps,
      fc.array(fc.oneof({ weight: 8, arbitrary: oneMessage }, fc.constant('carried' as const)), { maxLength: 60 }),
      (plan, course) => {
        const steps = plan.map(protoOf);
        let molecule = poured(steps);
        const model = new MoleculeModel(plan);
        for (const said of course) {
          if (said === 'carried') {
            molecule = carried(molecule, steps);
            continue;
          }
          const events = model.isOver && said.content.from !== true ? null : eventsOf(molecule, said);
          if (events === null) continue;
          expect(model.take(said), JSON.stringify(said)).toBe(events.length > 0);
          molecule = all(molecule, ...events);
          expect(Object.fromEntries(plan.map(({ id }) => [id, stateOfStep(molecule, id)]))).toEqual(model.stands());
          expectOrder(molecule);
        }
      },
    ),
    { numRuns: RUNS },
  );
});

/** No step has begun before its needs, unless somebody skipped it. */
function expectOrder(molecule: Molecule): void {
  molecule.steps.forEach(({ id, state }, at) => {
    if (state.kind === 'pending' || (state.kind === 'closed' && state.outcome === 'skipped')) return;
    expect(
      (molecule.plan.needs[at] ?? []).every((need) => isMet(molecule, need)),
      `the needs of ${id}`,
    ).toBe(true);
  });
}

function protoOf({ id, needs, gate }: Planned): ProtoStep {
  return step(id, {
    kind: 'human',
    script: null,
    needs: [...needs],
    ...(gate === null ? {} : { gates: [gateOf(gate)] }),
  });
}

function gateOf(gate: Gate): StepGate {
  return { type: gate.kind, await: gate.kind === 'mail' ? gate.about : '', timeoutMs: null };
}

/** What the workflow makes of a message; none when it is refused. */
function eventsOf(molecule: Molecule, { name, content }: Said): readonly MoleculeEvent[] {
  const { step: id = '', subject = '' } = content;
  const by = 'ann';
  switch (name) {
    case 'mail':
      return [{ kind: 'mailed', subject, from: by }];
    case 'pause':
      return molecule.paused === null ? [{ kind: 'paused', by, why: 'tea' }] : [];
    case 'resume':
      return molecule.paused === null ? [] : [{ kind: 'resumed' }];
    case 'retry':
      if (content.from === true) return backEvents(molecule, id);
      return refusal(molecule, name, id) === null ? [{ kind: 'retried', step: id, note: null }] : [];
    case 'close':
    case 'skip':
    case 'fail':
    case 'approve':
      return refusal(molecule, name, id) === null ? [stepEvent(name, id, content)] : [];
    default:
      return unreachable(name);
  }
}

function backEvents(molecule: Molecule, id: string): readonly MoleculeEvent[] {
  if (backRefusal(molecule, id) !== null) return [];
  expect(wayBack(molecule, id).sandbox).toBeNull();
  return [{ kind: 'went-back', step: id, by: 'ann', note: null }];
}

function stepEvent(
  name: 'close' | 'skip' | 'fail' | 'approve',
  id: string,
  { outcome }: Said['content'],
): MoleculeEvent {
  const by = 'ann';
  switch (name) {
    case 'close':
      return outcome === 'failed'
        ? { kind: 'given-up', step: id, why: 'no', by }
        : { kind: 'accepted', step: id, summary: 'done', by, head: null };
    case 'skip':
      return { kind: 'skipped', step: id, reason: 'no', by };
    case 'fail':
      return { kind: 'failed', step: id, reason: 'no', by };
    case 'approve':
      return { kind: 'approved', step: id, by };
    default:
      return unreachable(name);
  }
}
