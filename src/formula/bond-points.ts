/** `compose.bond_points`: named places of a molecule, by the steps that stand there in the end. */
import type { BondPoint } from '../town/protomolecule.js';
import type { Formula } from './formula.js';
import type { Kitchen } from './kitchen.js';
import type { Plan } from './plan.js';
import { didYouMean, quote, type Origin } from './problem.js';
import { standIns } from './tree.js';

export function bondPointsOf({ compose }: Formula, plan: Plan, kitchen: Kitchen): readonly BondPoint[] {
  const { findings, became, library } = kitchen;
  const known = new Set<string>();
  return compose.bondPoints.map(({ at, id, description, after, before }) => {
    const inside = (key: string): Origin => ({ source: at.source, path: [...at.path, key] });
    if (known.has(id)) findings.refuse(inside('id'), `the bond point ${quote(id)} stands twice`);
    known.add(id);
    const place = (step: string | null, key: string): string | null => {
      if (step === null) return null;
      const [only, second] = standIns(step, plan.ids, became) ?? [];
      if (only === undefined && !library.gaps)
        findings.refuse(inside(key), `${key} names unknown step ${quote(step)}`, {
          hint: () => didYouMean(step, plan.ids.keys()),
        });
      if (second !== undefined)
        findings.refuse(
          inside(key),
          `${key} names ${quote(step)}, in whose place now stand several steps: name one of them`,
        );
      return only ?? null;
    };
    return { id, description, after: place(after, 'after_step'), before: place(before, 'before_step') };
  });
}
