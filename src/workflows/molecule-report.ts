/** What a molecule tells: its steps to whoever acts on them, its result, its digest. */
import type { LedgerEntry } from '../contract/activities.js';
import type { MoleculeCarry, MoleculeResult, StepView } from '../contract/molecule.js';
import { sessionsOf, usageOf } from '../town/molecule.js';
import type { Step } from '../town/molecule.js';
import type { Protomolecule } from '../town/protomolecule.js';

export function viewOf(step: Step, proto: Protomolecule): StepView {
  const cooked = proto.steps.find((one) => one.id === step.id);
  return { ...step, description: cooked?.description ?? '', acceptance: cooked?.acceptance.text ?? '' };
}

export function instructions(step: Step, proto: Protomolecule): string {
  const { id, title, description, acceptance } = viewOf(step, proto);
  const done = acceptance === '' ? '' : `\n\nDone means: ${acceptance}`;
  return `Next: "${id}", ${title}\n\n${description}${done}`.trimEnd();
}

export function resultOf({ proto, molecule }: MoleculeCarry, head: string | null): MoleculeResult {
  return {
    formula: proto.formula,
    usage: usageOf(molecule),
    sessions: sessionsOf(molecule),
    head,
    steps: molecule.steps.map(({ id, state }) => ({
      id,
      outcome: state.kind === 'closed' ? state.outcome : state.kind,
      summary: state.kind === 'closed' ? state.summary : '',
    })),
  };
}

export function digestOf(
  id: string,
  run: string,
  { proto, hook }: MoleculeCarry,
  result: MoleculeResult,
  outcome: string,
  at: string,
): LedgerEntry {
  return {
    ...result,
    id: `molecule/${id}@${run}`,
    kind: 'molecule',
    at,
    molecule: id,
    outcome,
    hash: proto.hash,
    vars: proto.vars,
    mission: hook?.mission ?? null,
    item: hook?.item ?? null,
    agent: hook?.agent ?? null,
    round: hook?.round ?? 0,
  };
}
