/** Steps that give way to others: who needed one needs what stands at the end of those, also where loops over outputs do. */
import type { OnComplete, StepDraft } from './formula.js';
import { beginning, type Kitchen } from './kitchen.js';
import { standInPlace, type OutputLoop } from './output-loops.js';
import { nameNeeds } from './standing.js';
import { addNeeds, eachStep, needsOn, relink, relinkFanOut, rewriteNeeds, type Instead, type Rewrite } from './tree.js';

/** What stands in the place of a step. */
export type Replacement = {
  readonly steps: readonly StepDraft[];
  readonly sources: ReadonlySet<StepDraft>;
  readonly sinks: readonly string[];
  /** The loops over outputs of steps that stand somewhere else, or that need some: who needs the step needs them, too. */
  readonly beside: readonly { readonly id: string }[];
  /** Its loops over outputs, by their steps; those that are first need what the step needed. */
  readonly loops: readonly (OutputLoop & { readonly isFirst: boolean })[];
};

export function replaceSteps(
  steps: readonly StepDraft[],
  all: ReadonlyMap<StepDraft, Replacement>,
  kitchen: Kitchen,
): readonly StepDraft[] {
  if (all.size === 0) return steps;
  const { budget } = kitchen;
  const brought = new Set([...all.values()].flatMap(({ steps: made }) => Array.from(eachStep(made), ({ id }) => id)));
  const rewrite: Rewrite = (needs, others) =>
    rewriteNeeds(
      nameNeeds(needs, (id) => brought.has(id) || others.has(id)),
      others,
      budget,
    );
  const instead = new Map<string, readonly string[]>();
  for (const [target, { steps: made, sources, sinks, beside }] of all) {
    const ends = [...sinks, ...beside.map(({ id }) => id)];
    instead.set(target.id, ends);
    if (made.some(({ id }) => id === target.id)) {
      kitchen.namesakes.set(target.id, [...new Set([...(kitchen.namesakes.get(target.id) ?? []), ...ends])]);
      continue;
    }
    kitchen.became.set(target.id, made.length > 0 ? sinks : ends);
    if (beside.length > 0) kitchen.alsoNeeded.set(target.id, needsOn(beside, target.at));
    if (made.length > 0)
      kitchen.began.set(
        target.id,
        Array.from(sources, ({ id }) => id),
      );
  }
  // Around a template, the id of a step that was expanded in it means all that stands in its place.
  for (const [id, ends] of kitchen.namesakes) if (brought.has(id) && !instead.has(id)) instead.set(id, ends);
  const insteadFor = around(all, instead, kitchen);
  for (const [of, asked] of kitchen.fanOuts)
    kitchen.fanOuts.set(of, {
      ...asked,
      fanOut: relinkFanOut(of, asked.fanOut, insteadFor(loopOf(asked.fanOut)), rewrite),
    });
  for (const [id, needs] of kitchen.alsoNeeded) kitchen.alsoNeeded.set(id, rewrite(needs, insteadFor(id)));
  const walk = (list: readonly StepDraft[], group: string | null): readonly StepDraft[] =>
    list.flatMap((step) => {
      const made = all.get(step);
      if (made === undefined) {
        const children = step.children.length === 0 ? step.children : walk(step.children, step.id);
        return relink(children === step.children ? step : { ...step, children }, instead, rewrite);
      }
      const needs = rewrite(step.needs, instead);
      budget.takeNeeds('made', beginning(step, made.sources.size, needs.length));
      for (const { of, isFirst } of made.loops) standInPlace(of, isFirst ? needs : [], group, kitchen);
      if (budget.spent) return made.steps;
      return made.steps.map((one) => (made.sources.has(one) ? addNeeds(one, needs) : one));
    });
  return walk(steps, null);
}

/** A loop over an output of a template knows the id that the template's own step has from its target as that step. */
function around(
  all: ReadonlyMap<StepDraft, Replacement>,
  instead: Instead,
  { ownNames }: Kitchen,
): (loop: string) => Instead {
  for (const [{ id }, { steps, loops }] of all)
    if (steps.some((step) => step.id === id))
      for (const { loop } of loops) ownNames.set(loop.id, [...(ownNames.get(loop.id) ?? []), id]);
  return (loop) => {
    const own = ownNames.get(loop);
    if (own === undefined) return instead;
    const get = (id: string) => (own.includes(id) ? undefined : instead.get(id));
    return { get, has: (id) => get(id) !== undefined };
  };
}

function loopOf({ bond }: OnComplete): string {
  return bond.kind === 'body' ? bond.loop.id : '';
}
