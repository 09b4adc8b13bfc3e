/**
 * An aspect by itself: each advice is put around a step of its own, so that a mistake in it is told before a formula uses it. What the
 * advice may name in such a formula, steps and variables, is not known and nothing is said of it.
 */
import { mainStep, withAdvice } from './compose.js';
import { expandInline } from './expand.js';
import { finishAll } from './finish-all.js';
import type { Advice, Formula } from './formula.js';
import { isGlob } from './glob.js';
import { noTraces, type Kitchen } from './kitchen.js';
import { placeFanOuts } from './output-loops.js';
import { planSteps } from './plan.js';
import { Findings } from './problem.js';
import { References } from './step-references.js';
import { unsetIn } from './vars.js';

/** `kitchen` has a library with gaps: the formula that uses the aspect is missing. */
export function checkAspect(aspect: Formula, kitchen: Kitchen): void {
  const values = { ...kitchen.values, open: true, findings: new Findings() };
  for (const advice of aspect.advice) checkAdvice(advice, aspect, { ...kitchen, values, ...noTraces() });
}

function checkAdvice(advice: Advice, aspect: Formula, kitchen: Kitchen): void {
  const { name, agent, pointcuts } = aspect;
  const target = mainStep('The step', '', advice.at, idFor(advice));
  const found = advice.target === null && pointcuts.length === 0 ? null : target.id;
  const { values } = kitchen.values;
  const unset = unsetIn(aspect, values, null);
  const alone = { advice: [{ ...advice, target: found }], pointcuts: [], of: name, certain: false, values, unset };
  const steps = placeFanOuts(expandInline(withAdvice([target], alone, kitchen), kitchen), kitchen);
  const plan = planSteps(steps, kitchen);
  if (kitchen.budget.spent) return;
  finishAll(plan, { kitchen, references: new References(plan.ids, kitchen), agent, chars: 0 });
}

function idFor({ target }: Advice): string | undefined {
  return target === null || isGlob(target) ? undefined : target;
}
