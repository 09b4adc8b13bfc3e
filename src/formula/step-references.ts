/**
 * `{{steps.ID.output.x}}` in texts: each must name a step that is over when the text is read, that is one which the step needs, itself or
 * through others.
 */
import { referencesIn, renameReferences } from '../town/references.js';
import type { StepDraft } from './formula.js';
import { refuseCounts, type Counted } from './gate-counts.js';
import { refuseNever, type AskedOf } from './gate-never.js';
import { refuseGateCircles, type Awaited } from './gate-circles.js';
import type { Kitchen } from './kitchen.js';
import { noOutputOf, type NoOutput } from './no-output.js';
import { partsIn, shapeAt } from './output-shape.js';
import { comparisonProblem, type Comparison } from './output-comparison.js';
import { stepFor, whichStep, type Plan } from './plan.js';
import { didYouMean, quote, type Origin } from './problem.js';
import type { Waits } from './graph.js';
import { stepMeant } from './template.js';
import { anyStep } from './tree.js';

type Asked = {
  readonly from: string;
  /** Steps that are over before, too: of an added step those that it needs of the ones around. */
  readonly behind: () => readonly string[];
  readonly to: string;
  readonly written: string;
  readonly at: Origin;
  /** The step that the text is of. */
  readonly step: string;
};

/** What the steps of one formula have in common when they are finished. */
export type Finish = {
  readonly kitchen: Kitchen;
  readonly references: References;
  /** The formula's default for steps that name no runtime. */
  readonly agent: string | null;
  /** Characters of all texts so far. */
  chars: number;
};

/** References of steps that stand around these, for the steps of a fan-out: `step` is the one that fans out. */
type Around = { readonly references: References; readonly step: string };

export class References {
  readonly ids: Plan['ids'];
  readonly #kitchen: Kitchen;
  readonly #around: Around | null;
  readonly #asked: Asked[] = [];
  readonly #askedOutside: Asked[] = [];
  readonly #awaited: Awaited[] = [];
  readonly #counted: Counted[] = [];
  readonly #looked: AskedOf[] = [];

  constructor(ids: Plan['ids'], kitchen: Kitchen, around: Around | null = null) {
    this.ids = ids;
    this.#kitchen = kitchen;
    this.#around = around;
  }

  stepNamed(id: string, draft: StepDraft): readonly string[] | null {
    const own = stepFor(id, draft, this.ids, this.#kitchen);
    // A loop or an expansion of the steps around has become none of the added ones.
    if (own !== null && own.length > 0) return own;
    return this.#around?.references.stepNamed(id, draft) ?? own;
  }

  /** Whether a text of the step names a step that is there, and not one that has given way. */
  isStep(id: string, draft: StepDraft): boolean {
    const isThere = (one: string) => this.draftOf(one) !== null;
    return isThere(stepMeant(id, draft.scope, isThere));
  }

  /** Whether a text calls the step by the name of a loop over its output, or of what ends with one. */
  namesLoop(id: string, draft: StepDraft, only: string): boolean {
    if (this.draftOf(only)?.onComplete?.bond.kind !== 'body') return false;
    return stepMeant(id, draft.scope, (one) => this.draftOf(one) !== null) !== only;
  }

  #ask(asked: Asked): void {
    if (this.#around === null || this.ids.has(asked.to)) this.#asked.push(asked);
    else if (asked.to !== this.#around.step) this.#askedOutside.push(asked);
  }

  /** Asks the steps around for what the added ones have asked of them. */
  #askAround(plan: Plan): void {
    if (this.#around === null) return;
    const { references, step } = this.#around;
    for (const asked of this.#askedOutside)
      references.#ask({ ...asked, from: step, behind: () => neededAround(asked.from, plan) });
  }

  /** A gate opens when something has become of another step. */
  awaits(gate: Awaited): void {
    if (this.ids.has(gate.to)) this.#awaited.push(gate);
    else if (this.#around !== null) {
      const { references, step } = this.#around;
      // What a fan-out adds is added when its step has closed.
      if (gate.to !== step || gate.moment === 'children closed')
        references.awaits({ ...gate, from: step, by: 'added' });
    }
  }

  /** A gate opens when so many steps of the molecule have closed. What a fan-out adds comes among others, nobody knows how many. */
  counts(gate: Counted): void {
    if (this.#around === null) this.#counted.push(gate);
  }

  /** A gate asks how steps of the molecule stand. */
  looksAt(asked: AskedOf): void {
    if (this.#around === null) this.#looked.push(asked);
  }

  /** Refuses gates that wait for more steps than there are, or for what cannot be; for the steps of a whole molecule only. */
  checkCounts({ steps, waits, places }: Plan): void {
    const growing = steps.filter(({ draft, loop }) => draft.onComplete !== null || loop !== null);
    const grows = new Set(growing.map(({ draft }) => places.get(draft.id) ?? -1));
    const { findings } = this.#kitchen;
    refuseCounts(this.#counted, waits, { places, grows }, findings);
    if (this.#looked.length === 0) return;
    const parents = Array.from(places, () => null as number | null);
    for (const { draft, parent } of steps)
      if (parent !== null) parents[places.get(draft.id) ?? -1] = places.get(parent) ?? null;
    refuseNever(this.#looked, { waits, places, parents, grows: (place) => grows.has(place) }, findings);
  }

  /** The step of this id among these and those around them. */
  draftOf(id: string): StepDraft | null {
    return this.ids.get(id) ?? this.#around?.references.draftOf(id) ?? null;
  }

  /** A path in what the step leaves: it must leave something, and the path be in the output that it declares, if it declares one. */
  checkPath(step: string, path: readonly string[], written: string, at: Origin): void {
    const draft = this.draftOf(step);
    const none = draft === null ? null : noOutputOf(draft);
    if (none !== null) this.#tellNone(step, none, written, at);
    const output = draft?.output ?? null;
    if (output === null || shapeAt(output, path) !== null) return;
    const parts = partsIn(output).map(({ name }) => name);
    this.#kitchen.findings.refuse(at, `the step ${quote(step)} declares no ${['output', ...path].join('.')}`, {
      hint: didYouMean(['output', ...path].join('.'), parts) ?? `it declares ${parts.join(', ')}`,
      text: written,
    });
  }

  #tellNone(step: string, { why, hint, byValues }: NoOutput, text: string, at: Origin): void {
    const { findings, values } = this.#kitchen;
    const message = `the step ${quote(step)} never leaves an output: ${why}`;
    // As long as nobody gives values, a list that is empty may be so by its default only.
    if (byValues && values.open) findings.warn(at, message, { hint, text });
    else findings.refuse(at, message, { hint, text });
  }

  /** What a part of a declared output is compared with must be possible for it. */
  checkComparison(step: string, path: readonly string[], comparison: Comparison, at: Origin): void {
    const output = this.draftOf(step)?.output ?? null;
    const shape = output === null ? null : shapeAt(output, path);
    const problem = shape === null ? null : comparisonProblem(shape, comparison);
    if (problem === null) return;
    const part = `${['output', ...path].join('.')} of the step ${quote(step)}`;
    const message = `${part} cannot be ${problem.never}`;
    const { findings } = this.#kitchen;
    const { hint } = problem;
    // A variable may have such a value to say "never" or "always".
    if (comparison.written.includes('{'))
      findings.warn(at, `${message}, which ${comparison.written.trim()} is here`, { hint });
    else findings.refuse(at, message, { hint });
  }

  /** The text with its references by the ids of the end. */
  settle(draft: StepDraft, text: string, at: () => Origin): string {
    const { findings, library } = this.#kitchen;
    const references = referencesIn(text);
    if (text.split('{{steps.').length - 1 > references.length)
      findings.warn(at(), 'the text has {{steps. in it that is no reference and stays as it is', {
        hint: 'write {{steps.ID.output}}, {{steps.ID.output.a.b}} or {{steps.ID.summary}}',
        text: '{{steps.',
      });
    const meant = new Map<string, string>();
    for (const { step, written, path, part } of references) {
      const [only, second] = this.stepNamed(step, draft) ?? [];
      if (only !== undefined && second === undefined && this.namesLoop(step, draft, only))
        findings.refuse(
          at(),
          `${written} names ${quote(step)}, which ends with a loop over the output of ${quote(only)} and leaves nothing itself`,
          { hint: `name ${quote(only)} for the list that the loop is over`, text: written },
        );
      else if (only !== undefined && second === undefined) {
        if (part === 'output') this.checkPath(only, path, written, at());
        if (meant.has(step)) continue;
        meant.set(step, only);
        this.#ask({ from: draft.id, behind: NOTHING, to: only, written, at: at(), step: draft.id });
      } else if (only !== undefined)
        findings.refuse(
          at(),
          `${written} names ${quote(step)}, in whose place now stand several steps: name one of them`,
          {
            text: written,
          },
        );
      else if (!library.gaps)
        findings.refuse(at(), `${written} names unknown step ${quote(step)}`, {
          hint: () => whichStep(step, draft, this.ids),
          text: written,
        });
    }
    return renameReferences(text, (id) => meant.get(id) ?? id);
  }

  /** Refuses what asks for steps that need not be over; nothing is said of steps that go in a circle. */
  check(plan: Plan): void {
    const { waits, order, places } = plan;
    if (order === null) return;
    this.#askAround(plan);
    const later = <One extends Pair>(pairs: readonly One[]): readonly One[] => {
      const inTime = comeAfter(pairs, waits, order, places);
      return pairs.filter((_, index) => inTime[index] !== true);
    };
    const open = later(this.#asked.filter(({ from, to }) => !isDirect(waits, places, { from, to })));
    for (const { from, behind, to, written, at, step } of open) {
      const pairs = behind().map((one) => ({ from: one, to }));
      if (pairs.some((pair) => pair.from === to) || later(pairs).length < pairs.length) continue;
      const { why, hint } = this.#whyOpen(from, to, plan);
      this.#kitchen.findings.refuse(at, `${written} is of ${why}`, { hint, text: written, step });
    }
    refuseGateCircles(this.#awaited, waits, places, this.#kitchen.findings);
  }

  #whyOpen(from: string, to: string, plan: Plan): { readonly why: string; readonly hint: string | null } {
    if (from === to) return { why: 'the step itself', hint: null };
    if (anyStep(this.draftOf(to)?.children ?? [], ({ id }) => id === from))
      return { why: `the group ${quote(to)}, which is over after the steps in it`, hint: 'name a step in it' };
    if (waitsFor(to, from, plan))
      return { why: `${quote(to)}, which need not be over before, since it comes after this step`, hint: null };
    const anyOf = this.draftOf(from)?.needs.some(({ id, any }) => any && id === to) === true;
    const hint = anyOf ? 'write waits_for = "all-children"' : `write needs = [${JSON.stringify(to)}]`;
    return { why: `${quote(to)}, which need not be over before`, hint };
  }
}

/** What an added step needs of the steps around, itself or through others that are added. */
function neededAround(from: string, { steps, waits, places, ids }: Plan): readonly string[] {
  const seen = allNeeded(places.get(from), waits);
  return steps.flatMap(({ draft, needs }) =>
    seen.has(places.get(draft.id) ?? -1) ? needs.flatMap(({ id, any }) => (any || ids.has(id) ? [] : [id])) : [],
  );
}

/** All nodes that a node waits for, itself or through others, and the node. */
function allNeeded(start: number | undefined, { edges }: Waits): ReadonlySet<number> {
  const seen = new Set(start === undefined ? [] : [start]);
  // A set goes on to what is added to it meanwhile.
  for (const node of seen) for (const next of edges[node] ?? []) seen.add(next);
  return seen;
}

function waitsFor(step: string, other: string, { waits, places }: Plan): boolean {
  return allNeeded(places.get(step), waits).has(places.get(other) ?? -1);
}

const NOTHING = (): readonly string[] => [];

type Pair = Pick<Asked, 'from' | 'to'>;

/** Of each pair whether `from` comes after `to` has closed. Thirty at once: each node carries, as bits, which of the `to` are before it. */
function comeAfter(
  pairs: readonly Pair[],
  { certain, count, closeOf }: Waits,
  order: readonly number[],
  places: ReadonlyMap<string, number>,
): readonly boolean[] {
  const all: boolean[] = [];
  for (let at = 0; at < pairs.length; at += 30) {
    const some = pairs.slice(at, at + 30);
    const after = new Int32Array(count);
    const own = new Int32Array(count);
    for (const [bit, { to }] of some.entries()) {
      const place = places.get(to);
      if (place !== undefined) own[closeOf(place)] = (own[closeOf(place)] ?? 0) | (1 << bit);
    }
    for (const node of order) {
      let bits = 0;
      for (const need of certain[node] ?? []) bits |= (after[need] ?? 0) | (own[need] ?? 0);
      after[node] = bits;
    }
    for (const [bit, { from }] of some.entries()) all.push(((after[places.get(from) ?? -1] ?? 0) & (1 << bit)) !== 0);
  }
  return all;
}

function isDirect({ certain, closeOf }: Waits, places: ReadonlyMap<string, number>, pair: Pair): boolean {
  const [from, to] = [places.get(pair.from), places.get(pair.to)];
  return from !== undefined && to !== undefined && certain[from]?.includes(closeOf(to)) === true;
}
