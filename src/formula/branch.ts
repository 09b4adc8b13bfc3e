/** `compose.branch`, steps side by side between two others, and `compose.gate`, a condition in front of a step. */
import type { Compose, GateDraft, Need, StepDraft } from './formula.js';
import type { Kitchen } from './kitchen.js';
import { didYouMean, quote } from './problem.js';
import { addNeeds, eachStep, mapSteps } from './tree.js';

export function applyBranches(steps: readonly StepDraft[], compose: Compose, kitchen: Kitchen): readonly StepDraft[] {
  const { branch, gate } = compose;
  if (branch.length === 0 && gate.length === 0) return steps;
  const { findings, library } = kitchen;
  const ids = new Set(Array.from(eachStep(steps), ({ id }) => id));
  const needs = new Map<string, Need[]>();
  const gates = new Map<string, GateDraft[]>();
  const known = (id: string, key: string, at: StepDraft['at']): boolean => {
    if (ids.has(id)) return true;
    const hint = () => didYouMean(id, ids);
    if (!library.gaps) findings.refuse(at, `${key} names unknown step ${quote(id)}`, { hint, text: id });
    return false;
  };
  const add = (id: string, need: Need) => {
    const known = needs.get(id);
    if (known === undefined) needs.set(id, [need]);
    else known.push(need);
  };
  for (const { at, from, steps: beside, join } of branch) {
    const inside = (key: string) => ({ source: at.source, path: [...at.path, key] });
    const starts = known(from, 'from', inside('from'));
    const joins = known(join, 'join', inside('join'));
    for (const id of beside) {
      if (!known(id, 'steps', inside('steps'))) continue;
      if (starts) add(id, { id: from, at: inside('from'), any: false });
      if (joins) add(join, { id, at: inside('steps'), any: false });
    }
  }
  for (const { at, before, condition } of gate) {
    const drafted = { at, type: 'condition', await: condition, timeout: null };
    if (known(before, 'before', { source: at.source, path: [...at.path, 'before'] }))
      gates.set(before, [...(gates.get(before) ?? []), drafted]);
  }
  return mapSteps(steps, (step) => {
    const [more, closed] = [needs.get(step.id), gates.get(step.id)];
    const linked = more === undefined ? step : addNeeds(step, more);
    return closed === undefined ? linked : { ...linked, gates: [...linked.gates, ...closed] };
  });
}
