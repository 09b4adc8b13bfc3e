/** What one cooking has at hand while it turns a formula into steps. */
import type { Need, OnComplete, Scope, StepDraft } from './formula.js';
import { NEEDS_MAX, STEPS_MAX } from './limits.js';
import type { Library } from './library.js';
import { quote, type Findings, type Origin } from './problem.js';
import { fill, type Values } from './template.js';

/** What has become of steps while their formula is composed. */
type Traces = {
  /** Ids that loops and expansions have taken away, and the ids of those that stand at their end. */
  readonly became: Map<string, readonly string[]>;
  /** The same ids, and the ids of those that stand at their beginning. */
  readonly began: Map<string, readonly string[]>;
  /** Ids of steps that stand in the place of another of the same id, with others: what who needs that waits for. */
  readonly namesakes: Map<string, readonly string[]>;
  /** By the id of a loop over an output what it needs: who needs the loop waits for that even if it adds nothing. */
  readonly alsoNeeded: Map<string, readonly Need[]>;
  /** By the id of a loop over an output the ids that steps of the templates around it share with the steps those stand for. */
  readonly ownNames: Map<string, readonly string[]>;
  /** Ids of loops over outputs: what has become of one is the step itself, as its own template knows it. */
  readonly overOutputs: Set<string>;
  /** Fan-outs over a step's output that loops have asked for, by the id of the step; `group` is the one the loop stands in. */
  readonly fanOuts: Map<string, { readonly fanOut: OnComplete; readonly group: string | null }>;
};

export type Kitchen = Traces & {
  readonly findings: Findings;
  readonly library: Library;
  readonly values: Values;
  readonly budget: Budget;
  /** Whether nothing is put around steps, or in their place, once loops are unrolled: then a long one may go round as it runs. */
  readonly mayCount: boolean;
};

/** Of steps to which nothing has happened yet. */
export function noTraces(): Traces {
  return {
    became: new Map(),
    began: new Map(),
    namesakes: new Map(),
    alsoNeeded: new Map(),
    ownNames: new Map(),
    overOutputs: new Set(),
    fanOuts: new Map(),
  };
}

const FEWER_STEPS = 'let a loop go round less often, or put fewer steps into its body or the template';

/** Counts the steps and needs that loops and expansions make. */
export class Budget {
  #left = STEPS_MAX;
  #needs = { made: NEEDS_MAX, settled: NEEDS_MAX };
  #widest: NeedsMade | null = null;
  readonly #findings: Findings;

  constructor(findings: Findings) {
    this.#findings = findings;
  }

  get spent(): boolean {
    return this.#left < 0 || this.#needs.made < 0 || this.#needs.settled < 0;
  }

  take(steps: number, at: Origin): void {
    if (this.spent) return;
    this.#left -= steps;
    if (this.spent) this.#findings.refuse(at, `the formula has more than ${STEPS_MAX} steps`, { hint: FEWER_STEPS });
  }

  /** To be asked before so many steps are made, each of which is taken when it is. */
  foresee(steps: number, at: Origin): void {
    if (steps > this.#left) this.take(steps, at);
  }

  /** To be asked before they are made of few, and once more for those that are there in the end. */
  takeNeeds(when: 'made' | 'settled', needs: NeedsMade): void {
    if (this.spent) return;
    this.#needs[when] -= needs.count;
    if (this.#widest === null || needs.count > this.#widest.count) this.#widest = needs;
    if (!this.spent) return;
    const { count, at, why, todo } = this.#widest;
    const [reason, hint] = count > 1 ? [`: ${why}`, todo] : ['', null];
    this.#findings.refuse(at, `the formula has more than ${NEEDS_MAX} needs${reason}`, { hint });
  }
}

/** Needs that come of one place at once, and what to do when they are too many. */
export type NeedsMade = {
  readonly count: number;
  readonly at: Origin;
  readonly why: string;
  readonly todo: string;
};

/** One need that stands for needs on all of `ids`. */
export function standingFor({ id, at }: Need, ids: readonly string[]): NeedsMade {
  return {
    count: ids.length,
    at,
    why: `${quote(id)} stands for ${ids.length} steps here`,
    todo: 'end its body or template with one step that needs the others',
  };
}

/** The first steps in the place of `step` need all that it needed. */
export function beginning({ at }: StepDraft, first: number, needs: number): NeedsMade {
  return {
    count: first * needs,
    at,
    why: `each of the ${first} first steps in the place of this one needs the ${needs} that it needs`,
    todo: 'begin the body or template with one step that the others need',
  };
}

export function textIn(step: StepDraft, text: string, kitchen: Kitchen, ...path: readonly (string | number)[]): string {
  const at = () => ({ source: step.at.source, path: [...step.at.path, ...path] });
  return fill(text, step.scope, kitchen.values, at);
}

export function scopeIn(outer: Scope | null, parts: Partial<Omit<Scope, 'outer'>>): Scope {
  return {
    outer,
    single: NOTHING,
    double: NOTHING,
    unset: NONE,
    stepNamed: null,
    prefix: null,
    verbatim: false,
    ...parts,
  };
}

const NOTHING: ReadonlyMap<string, string> = new Map();
const NONE: Scope['unset'] = new Map();
