/** `compose.bond_points`: named places of a molecule, by the steps that stand there in the end. */
import type { BondPoint } from '../town/protomolecule.js';
import type { Compose, Formula } from './formula.js';
import type { Kitchen } from './kitchen.js';
import type { Plan } from './plan.js';
import { didYouMean, quote, type Origin } from './problem.js';
import { standIns } from './standing.js';

type Written = Compose['bondPoints'][number];

export function bondPointsOf({ compose }: Formula, plan: Plan, kitchen: Kitchen): readonly BondPoint[] {
  const known = new Set<string>();
  return compose.bondPoints.map((point): BondPoint => {
    const { id, description } = point;
    if (known.has(id)) kitchen.findings.refuse(inside(point, 'id'), `the bond point ${quote(id)} stands twice`);
    known.add(id);
    return { id, description, after: lastSteps(point, plan, kitchen), before: firstSteps(point, plan, kitchen) };
  });
}

function inside({ at }: Written, key: string): Origin {
  return { source: at.source, path: [...at.path, key] };
}

/** All of them are waited for. */
function lastSteps(point: Written, plan: Plan, kitchen: Kitchen): string | string[] | null {
  const { after } = point;
  if (after === null) return null;
  const meant = stepsMeant(after, plan, kitchen.became);
  if (meant === null) refuseUnknown(point, 'after_step', after, plan, kitchen);
  return oneOrAll(meant ?? []);
}

/** All of them wait for what is bonded there. */
function firstSteps(point: Written, plan: Plan, kitchen: Kitchen): string | string[] | null {
  const { before } = point;
  if (before === null) return null;
  const meant = stepsMeant(before, plan, kitchen.began);
  if (meant === null && kitchen.became.has(before))
    kitchen.findings.refuse(
      inside(point, 'before_step'),
      `before_step names ${quote(before)}, whose steps are added as the molecule runs`,
      { hint: 'write after_step, with the step that they come after' },
    );
  else if (meant === null) refuseUnknown(point, 'before_step', before, plan, kitchen);
  return oneOrAll(meant ?? []);
}

function oneOrAll(steps: readonly string[]): string | string[] | null {
  return steps.length > 1 ? [...steps] : (steps[0] ?? null);
}

/** The steps that stand at one end of what the id has become, null for none; a loop that ends at run time stands for its steps. */
function stepsMeant(id: string, { ids }: Plan, ends: Kitchen['became']): readonly string[] | null {
  const found = standIns(id, ids, ends);
  if (found === null) return null;
  const meant = found.map((one) => {
    const loop = ids.get(one)?.repeated?.id;
    return loop === undefined || one === id || id.startsWith(`${loop}.`) ? one : loop;
  });
  return [...new Set(meant)];
}

function refuseUnknown(point: Written, key: string, step: string, { ids }: Plan, { findings, library }: Kitchen): void {
  if (!library.gaps)
    findings.refuse(inside(point, key), `${key} names unknown step ${quote(step)}`, {
      hint: () => didYouMean(step, ids.keys()),
    });
}
