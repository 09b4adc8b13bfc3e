/**
 * Loops over numbers that would be unrolled to more steps than a molecule should carry from its first moment. Where the number is in plain
 * texts only, the body is cooked once, with the number open, and a molecule adds it iteration by iteration (`town/molecule-iterations`).
 */
import type { Counter } from '../town/protomolecule.js';
import { approvalTexts } from './approvals.js';
import type { LoopDraft, Scope, StepDraft } from './formula.js';
import type { Kitchen } from './kitchen.js';
import { UNROLLED_STEPS_MAX } from './limits.js';
import { iterationAround } from './output-loops.js';
import { mapTexts } from './template.js';
import { eachStep } from './tree.js';

/** Null when the loop is unrolled. */
export function counterOf(
  step: StepDraft,
  { body, variable }: LoopDraft,
  { from, to }: Pick<Counter, 'from' | 'to'>,
  group: string | null,
  { values, mayCount }: Kitchen,
): Counter | null {
  const steps = [...eachStep(body)];
  if ((to - from + 1) * steps.length <= UNROLLED_STEPS_MAX || !mayCount) return null;
  // What stands around it may be repeated itself; gates of the loop are in front of its first iteration, and of no other.
  const isInside = group !== null || step.repeated !== null || iterationAround(step.scope) !== null;
  if (isInside || step.gates.length > 0) return null;
  const open = variable === null ? null : `{${variable}}`;
  const isTaken =
    open !== null && [...values.values.values(), ...valuesAround(step.scope)].some((text) => text.includes(open));
  return !isTaken && isCookedOnce(step, open) && steps.every((one) => one.loop === null && isCookedOnce(one, open))
    ? { from, to, variable }
    : null;
}

/** Whether nothing of the step but its plain texts differs from iteration to iteration. */
function isCookedOnce(step: StepDraft, open: string | null): boolean {
  const { id, needs, condition, gates, agent, check, children, expand, onComplete, leg } = step;
  if (expand !== null || onComplete !== null || leg !== null || check?.path != null) return false;
  if (check !== null && children.length > 0) return false;
  if (open === null) return true;
  const read = [id, ...needs.map((need) => need.id), condition?.text, agent].concat(
    gates.flatMap((gate) => [gate.type, gate.await, gate.timeout, ...approvalTexts(gate)]),
  );
  return read.every((text) => text?.includes(open) !== true) && namesNoStep(step, open);
}

/** The number of the iteration is in no `{{steps.ID…}}`. */
function namesNoStep(step: StepDraft, open: string): boolean {
  let isFree = true;
  mapTexts(step, (text) => {
    if (text.includes(open) && (text.match(/\{\{steps\.[^}]*\}/g) ?? []).some((one) => one.includes(open)))
      isFree = false;
    return text;
  });
  return isFree;
}

function valuesAround(scope: Scope | null): readonly string[] {
  return scope === null ? [] : [...scope.single.values(), ...scope.double.values(), ...valuesAround(scope.outer)];
}
