/**
 * Loops. `count`, `range` and `for_each` over a list are unrolled: the loop's step gives way to its body, once an iteration, under the ids
 * `<loop>.iter<N>.<id>`, each iteration behind all of the one before. Of a loop with `until`, and of a long one over numbers (`counter`), the
 * first iteration is unrolled, and the rest is added as it runs. `for_each` over a step's output is a fan-out of that step.
 */
import type { Counter } from '../town/protomolecule.js';
import type { LoopDraft, Repetition, StepDraft } from './formula.js';
import { beginning, scopeIn, textIn, type Kitchen, type NeedsMade } from './kitchen.js';
import { COUNT_MAX, ITERATIONS_MAX, STEPS_MAX } from './limits.js';
import { listOf, outputOf } from './loop-lists.js';
import { askFanOut, handDownToLoop, outputLoops, placeAmong } from './output-loops.js';
import { quote } from './problem.js';
import { isOpen, withVariables } from './template.js';
import { readRange } from './range.js';
import { counterOf } from './counters.js';
import { nameNeeds } from './standing.js';
import { addNeeds, anyStep, copyStep, eachStep, endsOf, handDown, mapSteps, needsOn } from './tree.js';

/** `group` is the step that these are children of. */
export function unrollLoops(
  steps: readonly StepDraft[],
  kitchen: Kitchen,
  group: string | null = null,
): readonly StepDraft[] {
  if (!anyStep(steps, ({ loop }) => loop !== null)) return steps;
  return steps.flatMap((step) => {
    if (step.loop !== null) return unroll(step, step.loop, kitchen, group);
    const children = unrollLoops(step.children, kitchen, step.id);
    return children === step.children ? step : { ...step, children };
  });
}

function unroll(step: StepDraft, loop: LoopDraft, kitchen: Kitchen, group: string | null): readonly StepDraft[] {
  const { became, began, alsoNeeded, budget, findings, fanOuts } = kitchen;
  const { times } = loop;
  if (loop.body.length === 0) return [];
  const source = times.kind === 'each' ? outputOf(step, times.list, kitchen) : null;
  if (source !== null) return askFanOut(step, loop, source, kitchen, group);
  if (times.kind === 'until' && step.repeated !== null) refuseUntil(loop.at, findings);
  const ids = new Set(Array.from(eachStep(loop.body), ({ id }) => id));
  const open = [...ids].some((id) => id.includes('{'));
  const all: StepDraft[] = [];
  let before: readonly { readonly id: string }[] = [];
  let beside: readonly { readonly id: string }[] = [];
  let iteration = 0;
  budget.foresee(stepsOf(step, loop, group, kitchen), step.at);
  if (budget.spent) return all;
  const { values, counter } = turnsOf(step, loop, group, kitchen);
  for (const value of values) {
    iteration += 1;
    const known = new Set(fanOuts.keys());
    const body = bodyOf(step, loop, { value, iteration, ids, open, group, counter }, kitchen);
    if (budget.spent) return all;
    const { sources, opening, sinks } = endsOf(body, kitchen);
    const needs = iteration === 1 ? step.needs : needsOn([...before, ...beside], loop.at);
    const made = iteration === 1 ? beginning(step, sources.size, needs.length) : following(loop, sources.size, before);
    budget.takeNeeds('made', made);
    if (budget.spent) return all;
    if (iteration === 1)
      began.set(
        step.id,
        Array.from(opening, ({ id }) => id),
      );
    const linked = new Map(body.map((one) => [one, sources.has(one) ? addNeeds(one, needs) : one]));
    const gated = new Set(iteration === 1 ? [...opening].map((one) => linked.get(one) ?? one) : []);
    const from = { ...step, scope: scopeIn(step.scope, { single: variableOf(loop, value) }) };
    const down = handDown(from, [...linked.values()], gated, kitchen);
    for (const one of down) all.push(one);
    const inside = outputLoops(kitchen, known);
    beside = inside.filter((one) => placeAmong(one, body, kitchen).isBeside).map((one) => one.loop);
    for (const one of inside) handDownToLoop(from, one, false, kitchen);
    before = sinks;
  }
  if (iteration === 0) return [{ ...step, loop: null, hollow: true }];
  became.set(
    step.id,
    before.map(({ id }) => id),
  );
  if (beside.length > 0) alsoNeeded.set(step.id, needsOn(beside, loop.at));
  return all;
}

/** A loop that ends at run time cannot stand in another. Told once, with the first hint. */
export function refuseUntil(at: LoopDraft['at'], findings: Kitchen['findings'], hint: string | null = null): void {
  findings.refuse(at, 'a loop with until cannot stand in another loop that ends at run time', { hint, once: 'until' });
}

function following({ at }: LoopDraft, first: number, before: readonly unknown[]): NeedsMade {
  return {
    count: first * before.length,
    at,
    why: `each of the ${first} first steps of an iteration needs the ${before.length} last ones of the one before`,
    todo: 'end the body with one step that needs the others',
  };
}

type Turn = {
  readonly value: string;
  readonly iteration: number;
  readonly ids: ReadonlySet<string>;
  /** Some ids hold the loop's variable. */
  readonly open: boolean;
  /** The step that the loop is a child of. */
  readonly group: string | null;
  readonly counter: Counter | null;
};

function bodyOf(step: StepDraft, loop: LoopDraft, turn: Turn, kitchen: Kitchen): readonly StepDraft[] {
  const { value, iteration, ids, open, group, counter } = turn;
  const prefix = `${step.id}.iter${iteration}.`;
  const plain = scopeIn(step.scope, { single: variableOf(loop, value) });
  const named = open ? new Set([...ids].map((id) => textIn({ ...step, scope: plain }, id, kitchen))) : ids;
  const stepNamed = (id: string) => (named.has(id) ? prefix + id : null);
  const scope = { ...plain, stepNamed, prefix };
  const end =
    loop.times.kind === 'until'
      ? { until: loop.times.until, max: loop.times.max, counter: null }
      : counter === null
        ? null
        : { until: null, max: counter.to - counter.from + 1, counter };
  const repeated: Repetition | null =
    end === null ? step.repeated : { id: step.id, at: loop.at, scope, isAdvice: false, ...end };
  const rename = (id: string) => stepNamed(id) ?? id;
  const body = loop.body.map((one) => copyStep(one, { scope, kitchen, rename, repeated }));
  return nameInside(body, unrollLoops(body, kitchen, group));
}

/** The steps of a body once its loops are unrolled, their needs on steps of these by the ids of the end. */
export function nameInside(body: readonly StepDraft[], unrolled: readonly StepDraft[]): readonly StepDraft[] {
  if (unrolled === body) return body;
  const ids = new Set(Array.from(eachStep(unrolled), ({ id }) => id));
  return mapSteps(unrolled, (step) => ({ ...step, needs: nameNeeds(step.needs, (id) => ids.has(id)) }));
}

/** How many steps a loop comes to, those of expansions aside. The count ends where they are more than there may be. */
function stepsOf(step: StepDraft, loop: LoopDraft, group: string | null, kitchen: Kitchen): number {
  const { times } = loop;
  if (times.kind === 'each' && outputOf(step, times.list, kitchen) !== null) return 0;
  const { values } = turnsOf(step, loop, group, kitchen);
  const inside = [...eachStep(loop.body)];
  const loops = inside.filter((one) => one.loop !== null);
  let steps = values.length * (inside.length - loops.length);
  for (const value of loops.length === 0 ? [] : values)
    for (const inner of loops) {
      if (steps > STEPS_MAX) return steps;
      const scope = scopeIn(step.scope, { single: variableOf(loop, value) });
      if (inner.loop !== null) steps += stepsOf({ ...inner, scope }, inner.loop, step.id, kitchen);
    }
  return values.length === 0 ? 1 : steps;
}

function variableOf({ variable }: LoopDraft, value: string): ReadonlyMap<string, string> {
  return new Map(variable === null ? [] : [[variable, value]]);
}

type Turns = {
  /** Of the loop's variable, for each iteration that is unrolled. */
  readonly values: readonly string[];
  /** Not null when only the first of many is unrolled. */
  readonly counter: Counter | null;
};

function turnsOf(step: StepDraft, loop: LoopDraft, group: string | null, kitchen: Kitchen): Turns {
  const { at, times, variable } = loop;
  if (times.kind === 'until') return { values: ['1'], counter: null };
  if (times.kind === 'each') {
    const place = { source: at.source, path: [...at.path, 'for_each'] };
    return { values: listOf(step, times.list, place, kitchen), counter: null };
  }
  const bounds = times.kind === 'count' ? { from: 1, to: times.count } : rangeOf(step, loop, times.range, kitchen);
  const counter = counterOf(step, loop, bounds, group, kitchen);
  if (counter !== null) return { values: [variable === null ? '1' : `{${variable}}`], counter };
  const { from, to } = bounds;
  if (to - from >= ITERATIONS_MAX) {
    const why = `goes round more than ${ITERATIONS_MAX} times, and is unrolled when cooked`;
    kitchen.findings.refuse(at, `the loop ${why}`, { hint: FLAT_BODY, once: 'iterations' });
    return { values: ['1'], counter: null };
  }
  return { values: Array.from({ length: to - from + 1 }, (_, index) => String(from + index)), counter: null };
}

const FLAT_BODY =
  'a longer one stands in no group, with a body of plain steps that have its variable in plain texts only, in a formula without advice, aspects and expansions of targets';

type Bounds = Pick<Counter, 'from' | 'to'>;

const ONCE: Bounds = { from: 1, to: 1 };

function rangeOf(step: StepDraft, loop: LoopDraft, written: string, kitchen: Kitchen): Bounds {
  const at = { source: loop.at.source, path: [...loop.at.path, 'range'] };
  const text = textIn(step, withVariables(written, step.scope, kitchen.values), kitchen, 'loop', 'range');
  if (kitchen.values.open && isOpen(text)) return ONCE;
  const range = readRange(text);
  const refuse = (message: string) => {
    const hint = text.includes('{{steps.') ? 'go round over a list of the output, with for_each, or use until' : null;
    kitchen.findings.refuse(at, `the range ${quote(text)} ${message}`, { hint });
    return ONCE;
  };
  if (!range.ok) return refuse(range.message);
  if (range.to - range.from >= COUNT_MAX) return refuse(`has more than ${COUNT_MAX} iterations`);
  return range;
}
