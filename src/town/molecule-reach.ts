/**
 * What cannot stay as it is when a step is done again. Steps that need it go back with it, what loops and fan-outs have added since goes
 * away, and groups and loops around it open once more. Steps share one sandbox and commit one after the other: when that goes back to
 * before a commit, all steps go back whose commits come after.
 */
import { areOpen } from './molecule-gates.js';
import { loopAt, sessionsOf, stepAt } from './molecule-live.js';
import type { Molecule } from './molecule-live.js';
import { present } from './molecule-plan.js';
import { firstKept, idIn } from './molecule-iterations.js';
import type { Closed, Step } from './molecule-state.js';

export type Reach = {
  /** Positions of steps that are pending once more, that go, and of groups and loops that open once more. */
  readonly again: ReadonlySet<number>;
  readonly gone: ReadonlySet<number>;
  readonly open: ReadonlySet<number>;
  /** By the id of a loop the iteration that is its last then. */
  readonly iterations: ReadonlyMap<string, number>;
  /** Whether the sandbox goes back, and to which commit; a null one is where the molecule began. */
  readonly sandbox: { readonly head: string | null } | null;
  /** Whether the commit to go back to, or one that would go, is of an iteration that is forgotten. */
  readonly isForgotten: boolean;
};

export function reach(molecule: Molecule, from: number): Reach {
  const spread = new Spread(molecule);
  spread.redo(from);
  const commits = commitsOf(molecule);
  const isBack = (at: number) => spread.again.has(at) || spread.gone.has(at);
  const halfDone = molecule.steps.flatMap((step, at) =>
    step.state.kind !== 'closed' && sessionsOf(step) > 0 ? [at] : [],
  );
  for (;;) {
    const first = commits.findIndex(isBack);
    const behind = first === -1 ? [] : commits.slice(first);
    const goesBack = molecule.how.sandboxed && (first !== -1 || halfDone.some(isBack));
    const more = goesBack ? [...behind, ...halfDone].filter((at) => !isBack(at)) : [];
    if (more.length === 0) {
      const last = first === -1 ? commits.at(-1) : commits[first - 1];
      const { again, gone, open, iterations } = spread;
      const { head = null, atMs = 0 } = closingOf(molecule, last) ?? {};
      const isForgotten = goesBack && molecule.passed.steps > 0 && atMs <= molecule.passed.atMs;
      return { again, gone, open, iterations, isForgotten, sandbox: goesBack ? { head } : null };
    }
    for (const at of more) spread.redo(at);
  }
}

export function hasBegun({ state }: Step): boolean {
  return state.kind !== 'pending';
}

/** Positions of steps that have left a commit, in the order of the commits. */
function commitsOf({ steps }: Molecule): readonly number[] {
  const closings = steps.flatMap(({ state }, at) =>
    state.kind === 'closed' && state.head !== null ? [{ at, atMs: state.atMs }] : [],
  );
  return closings.toSorted((a, b) => a.atMs - b.atMs).map(({ at }) => at);
}

/** How the step was closed; null when there is none, or it is open. */
function closingOf({ steps }: Molecule, at: number | undefined): Closed | null {
  const state = at === undefined ? undefined : steps[at]?.state;
  return state?.kind === 'closed' ? state : null;
}

/** Goes from a step to all that cannot stay as it is when that is done again. */
class Spread {
  readonly again = new Set<number>();
  readonly gone = new Set<number>();
  readonly open = new Set<number>();
  readonly iterations = new Map<string, number>();
  readonly #molecule: Molecule;
  readonly #redone = new Set<number>();
  /** The loops that a step is in the body of, with the number of its iteration. */
  readonly #iterationsOf: ReadonlyMap<number, readonly { readonly loop: number; readonly iteration: number }[]>;

  constructor(molecule: Molecule) {
    this.#molecule = molecule;
    this.#iterationsOf = iterationsIn(molecule);
  }

  redo(first: number): void {
    const open = [first];
    for (let at = open.pop(); at !== undefined; at = open.pop()) {
      if (this.#isRedone(at) || this.gone.has(at)) continue;
      this.again.add(at);
      this.#redone.add(at);
      this.open.delete(at);
      this.#removeFan(at);
      const loop = loopAt(this.#molecule, at);
      if (loop !== null) {
        this.#cut(at, 1);
        open.push(...this.#members(at, 1));
      }
      if (stepAt(this.#molecule, at).kind !== undefined) open.push(...this.#childrenOf(at));
      open.push(...this.#follow(at));
    }
  }

  /** A group that begins anew only because of what is in it is not done again itself: before 0.6 it was taken for one that is. */
  #isRedone(at: number): boolean {
    return (this.#molecule.how.rules === undefined ? this.again : this.#redone).has(at);
  }

  /** What has begun since the step had closed; groups, loops and fan-outs around it are not over any more. */
  #follow(at: number): readonly number[] {
    const { plan } = this.#molecule;
    const after = (one: number) =>
      (plan.dependents[one] ?? []).filter((other) => hasBegun(stepAt(this.#molecule, other)));
    const all = [...after(at)];
    const around = [...(plan.owners[at] ?? []), ...(this.#iterationsOf.get(at) ?? []).map(({ loop }) => loop)];
    for (const { loop, iteration } of this.#iterationsOf.get(at) ?? []) this.#cut(loop, iteration);
    const seen = new Set<number>();
    for (let owner = around.pop(); owner !== undefined; owner = around.pop()) {
      if (seen.has(owner) || this.again.has(owner) || this.gone.has(owner)) continue;
      seen.add(owner);
      this.#reopen(owner);
      all.push(...after(owner));
      around.push(...(plan.owners[owner] ?? []), ...(this.#iterationsOf.get(owner) ?? []).map(({ loop }) => loop));
      for (const { loop, iteration } of this.#iterationsOf.get(owner) ?? []) this.#cut(loop, iteration);
    }
    return all;
  }

  /** A group or loop: one that was skipped may not have opened, so it begins anew, and what has closed in it stays so. */
  #reopen(at: number): void {
    const { kind, state, gates } = stepAt(this.#molecule, at);
    if (kind === undefined || state.kind === 'pending') return;
    if (wasSkipped(state)) this.again.add(at);
    // What is behind a gate was skipped one by one, and the gate is shut still; before 0.6 it was passed by.
    else if (state.kind !== 'waiting' || areOpen(gates) || this.#molecule.how.rules === undefined) this.open.add(at);
  }

  /** Takes the iterations of a loop away that came after this one. */
  #cut(loop: number, iteration: number): void {
    const state = loopAt(this.#molecule, loop);
    if (state === null) return;
    const last = this.iterations.get(state.id) ?? state.iteration;
    for (let later = Math.max(iteration + 1, firstKept(state)); later <= last; later += 1)
      for (const member of this.#members(loop, later)) this.#remove(member);
    this.iterations.set(state.id, Math.min(last, iteration));
  }

  #remove(at: number): void {
    if (this.gone.has(at)) return;
    this.gone.add(at);
    this.again.delete(at);
    this.open.delete(at);
    this.#removeFan(at);
    const loop = loopAt(this.#molecule, at);
    if (loop === null) return;
    for (let iteration = firstKept(loop); iteration <= loop.iteration; iteration += 1)
      for (const member of this.#members(at, iteration)) this.#remove(member);
  }

  #removeFan(at: number): void {
    const { id } = stepAt(this.#molecule, at);
    for (const child of this.#molecule.plan.children[at] ?? [])
      if (stepAt(this.#molecule, child).from === id) this.#remove(child);
  }

  #childrenOf(at: number): readonly number[] {
    const { id } = stepAt(this.#molecule, at);
    return (this.#molecule.plan.children[at] ?? []).filter((child) => stepAt(this.#molecule, child).parent === id);
  }

  #members(loop: number, iteration: number): readonly number[] {
    const state = loopAt(this.#molecule, loop);
    return (state?.body ?? []).flatMap((id) =>
      present(this.#molecule.plan.index.get(state === null ? id : idIn(state, id, iteration))),
    );
  }
}

function wasSkipped(state: Step['state']): boolean {
  return state.kind === 'closed' && state.outcome === 'skipped';
}

function iterationsIn({ loops, plan }: Molecule) {
  const found = new Map<number, { readonly loop: number; readonly iteration: number }[]>();
  for (const state of loops)
    for (const loop of present(plan.index.get(state.id)))
      for (let iteration = firstKept(state); iteration <= state.iteration; iteration += 1)
        for (const id of state.body)
          for (const member of present(plan.index.get(idIn(state, id, iteration))))
            found.set(member, [...(found.get(member) ?? []), { loop, iteration }]);
  return found;
}
