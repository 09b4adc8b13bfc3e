/** Which step somebody means who names none, and what an answer in words is to it: the end of a person's step, or the word that lets one go on. */
import type { Json } from './act.js';
import { isAsked } from './approvals.js';
import { areOpen } from './molecule-gates.js';
import type { Molecule } from './molecule-live.js';
import { instead, list } from './molecule-refusal.js';
import type { Step } from './molecule-state.js';
import { waitingSteps } from './molecule.js';
import { nearest } from './nearest.js';
import { unreachable } from './unreachable.js';

export type Said = 'answer' | 'approve' | 'reject';

type Meant = { readonly ok: true; readonly step: string } | { readonly ok: false; readonly why: string };

const WHAT: Readonly<Record<Said, string>> = {
  answer: 'an answer in words',
  approve: 'an approval',
  reject: 'an approval',
};

/** The one step that waits for this. */
export function stepMeant(molecule: Molecule, said: Said): Meant {
  const all = waitingSteps(molecule).filter((step) => waitsFor(step, said));
  // A gate whose time is over still opens, but who names no step means one that is waited at.
  const first = all.filter(({ state }) => state.kind === 'waiting' && (said === 'answer' || state.for === 'gate'));
  const [step, ...more] = first.length > 0 ? first : all;
  if (step === undefined) return { ok: false, why: `no step waits for ${WHAT[said]}; ${instead(molecule)}` };
  if (more.length === 0) return { ok: true, step: step.id };
  const ids = [step, ...more].map(({ id }) => id);
  return { ok: false, why: `${ids.length} steps wait for ${WHAT[said]}, ${list(ids)}: name the one that you mean` };
}

function waitsFor({ state, gates = [] }: Step, said: Said): boolean {
  if (state.kind !== 'waiting') return false;
  switch (said) {
    case 'answer':
      return state.for !== 'gate';
    case 'approve':
      return !areOpen(gates);
    case 'reject':
      return gates.some(isAsked);
    default:
      return unreachable(said);
  }
}

/** The answers that a step has to choose from; none where any words will do. */
export function choicesOf({ cooked }: Pick<Molecule, 'cooked'>, { id, state }: Step): readonly Json[] {
  if (state.kind !== 'waiting') return [];
  if (state.for !== 'human') return state.trouble?.choices ?? [];
  const { enum: choices } = cooked.get(id)?.output ?? {};
  return Array.isArray(choices) ? choices : [];
}

export type AnswerRead =
  | { readonly ok: true; readonly text: string; readonly output?: Json }
  | { readonly ok: false; readonly why: string };

/** An answer as the step takes it: one of its choices, as it was written there, or words. `output`: what a person's step leaves by it. */
export function readAnswer(molecule: Pick<Molecule, 'cooked'>, step: Step, text: string): AnswerRead {
  const isPersons = step.state.kind === 'waiting' && step.state.for === 'human';
  const choices = choicesOf(molecule, step);
  if (choices.length > 0) {
    const chosen = choices.find((one) => wordOf(one).toLowerCase() === text.trim().toLowerCase());
    if (chosen === undefined) return { ok: false, why: whyNot(step, text, choices.map(wordOf)) };
    return { ok: true, text: wordOf(chosen), ...(isPersons ? { output: chosen } : {}) };
  }
  const schema = isPersons ? molecule.cooked.get(step.id)?.output : undefined;
  return { ok: true, text, ...(takesWords(schema) ? { output: text } : {}) };
}

const wordOf = (choice: Json): string => (typeof choice === 'string' ? choice : JSON.stringify(choice));

function whyNot({ id }: Step, text: string, choices: readonly string[]): string {
  const near = nearest(text, choices);
  const meant = near === null ? '' : `; did you mean "${near}"?`;
  return `step "${id}" is answered by one of ${list(choices.map((one) => `"${one}"`))}, and not by "${text.slice(0, 200)}"${meant}`;
}

/** An output of any shape, or a text. What else it leaves is closed with. */
function takesWords(schema: Readonly<Record<string, Json>> | undefined): boolean {
  return schema !== undefined && (schema['type'] === 'string' || Object.keys(schema).length === 0);
}
