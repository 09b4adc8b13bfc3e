/** All steps of a plan → those of a protomolecule, with what only all of them together can say of one another. */
import type { ProtoLoop, ProtoStep } from '../town/protomolecule.js';
import { fanOutOf } from './fan-out.js';
import { finishStep } from './finish.js';
import type { Plan } from './plan.js';
import { loopsOf } from './proto-loops.js';
import type { Finish } from './step-references.js';

type Finished = { readonly steps: readonly ProtoStep[]; readonly loops: readonly ProtoLoop[] };

export function finishAll(plan: Plan, finish: Finish): Finished {
  const steps = plan.steps.map((step): ProtoStep => {
    const { onComplete } = step.draft;
    const fanOut = onComplete === null ? null : fanOutOf(step, onComplete, plan, finish);
    return fanOut === null ? finishStep(step, finish) : { ...finishStep(step, finish), fanOut };
  });
  const loops = loopsOf(plan, finish);
  finish.references.check(plan);
  return { steps, loops };
}
