/** What one cooking has at hand while it turns a formula into steps. */
import type { OnComplete, Scope, StepDraft } from './formula.js';
import { STEPS_MAX } from './limits.js';
import type { Library } from './library.js';
import type { Findings, Origin } from './problem.js';
import { fill, type Values } from './template.js';

export type Kitchen = {
  readonly findings: Findings;
  readonly library: Library;
  readonly values: Values;
  readonly budget: Budget;
  /** Ids that loops and expansions have taken away, and the ids of those that stand at their end. */
  readonly became: Map<string, readonly string[]>;
  /** The same ids, and the ids of those that stand at their beginning. */
  readonly began: Map<string, readonly string[]>;
  /** Fan-outs over a step's output that loops have asked for, by the id of the step; `group` is the one the loop stands in. */
  readonly fanOuts: Map<string, { readonly fanOut: OnComplete; readonly group: string | null }>;
};

/** Counts the steps that loops and expansions make. */
export class Budget {
  #left = STEPS_MAX;
  readonly #findings: Findings;

  constructor(findings: Findings) {
    this.#findings = findings;
  }

  get spent(): boolean {
    return this.#left <= 0;
  }

  take(steps: number, at: Origin): void {
    if (this.spent) return;
    this.#left -= steps;
    if (this.spent) this.#findings.refuse(at, `the formula has more than ${STEPS_MAX} steps`);
  }
}

export function textIn(step: StepDraft, text: string, kitchen: Kitchen, ...path: readonly (string | number)[]): string {
  const at = () => ({ source: step.at.source, path: [...step.at.path, ...path] });
  return fill(text, step.scope, kitchen.values, at);
}

export function scopeIn(outer: Scope | null, parts: Partial<Omit<Scope, 'outer'>>): Scope {
  return { outer, single: NOTHING, double: NOTHING, stepNamed: null, verbatim: false, ...parts };
}

const NOTHING: ReadonlyMap<string, string> = new Map();
