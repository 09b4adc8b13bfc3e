/**
 * Loops over a range of numbers that is too long to be unrolled when cooked. Each iteration is added when the one before is over, and of those
 * before that only their cost is kept: a molecule of a million steps is as small as one of ten.
 */
import type { LoopState } from './molecule-state.js';
import { iterationId } from './protomolecule.js';
import type { ProtoLoop, ProtoStep } from './protomolecule.js';
import { mapTexts } from './texts.js';

/** The id in an iteration of what is `id` in the first. */
export function idIn(loop: Pick<LoopState, 'id'>, id: string, iteration: number): string {
  return iteration === 1 ? id : iterationId(loop.id, id, iteration);
}

/** The number of the first iteration of which the steps are still there. */
export function firstKept({ forgotten = 0 }: Pick<LoopState, 'forgotten'>): number {
  return forgotten + 1;
}

/** A step of the body, with the number of the iteration in its texts, as the compiler would have filled it in. */
export function counted(step: ProtoStep, { counter }: Pick<ProtoLoop, 'counter'>, iteration: number): ProtoStep {
  if (counter === undefined || counter.variable === null) return step;
  const { variable, from } = counter;
  const value = String(from + iteration - 1);
  const filled = (text: string) =>
    text.replaceAll(BRACES, (written, name: string | undefined) => (name === variable ? value : written));
  // The shape of an output is no text.
  const { output, ...texts } = step;
  const changed = mapTexts(texts, (text) => (text.includes('{') ? filled(text) : text));
  return output === undefined ? changed : { ...changed, output };
}

/** Double braces, which stay, before single ones. */
const BRACES = /\{\{[A-Za-z_]\w*(?:\.[\w.]*)?\}\}|\{([A-Za-z_]\w*)\}/g;

/** Of steps as cooked those that are cooked once for many iterations, by their ids. */
export function templatesIn(
  steps: readonly ProtoStep[],
  loops: readonly Pick<LoopState, 'counter' | 'body'>[],
): ReadonlyMap<string, ProtoStep> {
  const bodies = new Set(loops.flatMap(({ counter, body }) => (counter === undefined ? [] : body)));
  return new Map(bodies.size === 0 ? [] : steps.flatMap((step) => (bodies.has(step.id) ? [[step.id, step]] : [])));
}

/** The templates as the first iteration has them. */
export function firstCounted(
  templates: ReadonlyMap<string, ProtoStep>,
  loops: readonly Pick<LoopState, 'counter' | 'body'>[],
): readonly ProtoStep[] {
  return loops.flatMap((loop) =>
    loop.body.flatMap((id) => {
      const step = loop.counter === undefined ? undefined : templates.get(id);
      return step === undefined ? [] : [counted(step, loop, 1)];
    }),
  );
}

/** What stands in the way of a message about a step of an iteration that is over or has not begun; null when the id is none of those. */
export function iterationRefusal(loops: readonly LoopState[], id: string): string | null {
  for (const loop of loops) {
    const isOfLoop = loop.counter !== undefined && id.startsWith(`${loop.id}.iter`);
    const iteration = isOfLoop ? Number(/^\.iter([1-9]\d*)\./.exec(id.slice(loop.id.length))?.[1]) : Number.NaN;
    if (!loop.body.some((one) => idIn(loop, one, iteration) === id)) continue;
    if (iteration < firstKept(loop))
      return `step "${id}" is closed already, with iteration ${iteration} of "${loop.id}"`;
    if (iteration > loop.iteration && iteration <= loop.max)
      return `step "${id}" is not ready: "${loop.id}" is at iteration ${loop.iteration} of ${loop.max}`;
  }
  return null;
}
