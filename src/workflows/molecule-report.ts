/** What a molecule tells: its steps to whoever acts on them, its result, its digest. */
import type { LedgerEntry } from '../contract/ledger.js';
import type { MoleculeResult, StepView } from '../contract/molecule.js';
import { filled } from '../town/molecule-facts.js';
import { choicesOf } from '../town/molecule-asked.js';
import { tokenOf } from '../town/molecule-refusal.js';
import type { Step } from '../town/molecule-state.js';
import type { Book } from './molecule-book.js';

export function viewOf({ molecule }: Book, step: Step): StepView {
  const cooked = molecule.cooked.get(step.id);
  const token = tokenOf(step);
  const asked = choicesOf(molecule, step);
  const choices = asked.length === 0 ? {} : { choices: asked };
  if (cooked === undefined) return { ...step, description: '', acceptance: '', token, ...choices };
  const { description, acceptance, output, assignee } = filled(molecule, cooked);
  const leaves = output === undefined ? {} : { output };
  const whose = assignee === undefined ? {} : { assignee };
  return { ...step, description, acceptance: acceptance.text ?? '', ...leaves, ...whose, token, ...choices };
}

export function instructions(book: Book, step: Step): string {
  const { id, title, description, acceptance, output, choices } = viewOf(book, step);
  const done = acceptance === '' ? '' : `\n\nDone means: ${acceptance}`;
  const leaves =
    choices !== undefined
      ? `\n\nAnswer it with one of ${JSON.stringify(choices)}`
      : output === undefined
        ? ''
        : `\n\nClose it with an output that fits ${JSON.stringify(output)}`;
  return `Next: "${id}", ${title}\n\n${description}${done}${leaves}`.trimEnd();
}

export function resultOf(book: Book): MoleculeResult {
  const { molecule, proto } = book;
  return {
    formula: proto.formula,
    usage: molecule.usage,
    sessions: molecule.sessions,
    head: book.head(),
    workedBy: molecule.workedBy,
    steps: molecule.steps.map(({ id, state }) => {
      if (state.kind !== 'closed') return { id, outcome: state.kind, summary: '' };
      const { outcome, summary, output } = state;
      return { id, outcome, summary, ...(output === undefined ? {} : { output }) };
    }),
    ...(molecule.passed.steps === 0 ? {} : { passed: molecule.passed.steps }),
  };
}

/** For the ledger: what was done, without what the steps left to each other. */
export function digestOf(
  { id, proto, hook }: Book,
  run: string,
  result: MoleculeResult,
  outcome: string,
  at: string,
): LedgerEntry {
  return {
    ...result,
    steps: result.steps.map(({ output: _output, ...step }) => step),
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
    ...(proto.squash === undefined ? {} : { squash: proto.squash }),
  };
}
