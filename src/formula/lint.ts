/** Everything that can be said of a formula without values for its variables. */
import { cook, readFormula, type Order } from './cook.js';
import type { Problem } from './problem.js';

export type Linted = {
  /** No problem: it can be cooked with the right values. */
  readonly ok: boolean;
  readonly problems: readonly Problem[];
  readonly warnings: readonly Problem[];
  /** Steps of the protomolecule, as far as they are known without values; null when there is a problem. */
  readonly steps: number | null;
};

export function lintFormula({ name, load, names }: Omit<Order, 'vars'>): Linted {
  const file = load(name);
  if (file === null) {
    const cooked = cook({ name, load, names, vars: {} });
    return { ok: false, problems: cooked.ok ? [] : cooked.problems, warnings: [], steps: null };
  }
  const read = readFormula(name, file, names, load);
  if (!read.ok) return { ok: false, problems: read.problems, warnings: [], steps: null };
  return { ok: true, problems: [], warnings: read.warnings, steps: read.steps.length };
}
