/**
 * Loops over a step's output while a formula is composed: such a loop leaves the list of steps, and is kept by the id of the step that will
 * fan out. What is done to the steps around it is done to it there.
 */
import type { LoopDraft, Need, Scope, StepDraft } from './formula.js';
import { textIn, type Kitchen } from './kitchen.js';
import { isScopeBody } from './metadata.js';
import { quote, type Findings, type Origin } from './problem.js';
import { stepMeant } from './template.js';
import { nameNeeds, waitedFor } from './standing.js';
import { addNeeds, anyStep, eachStep, handDown, isOwn, mapSteps } from './tree.js';

/** In a template the step may be `{target}.x`. */
const OUTPUT = /^(?:steps\.)?([\w.{}-]+?)\.(output(?:\.[\w-]+)*)$/;

/** The step and the path of a list that is known at run time only. */
export function outputNamed(list: string | readonly string[]): { readonly step: string; readonly path: string } | null {
  if (typeof list !== 'string') return null;
  const [, step, path] =
    OUTPUT.exec(
      list
        .trim()
        .replace(/^\{\{(.*)\}\}$/s, '$1')
        .trim(),
    ) ?? [];
  return step === undefined || path === undefined ? null : { step, path };
}

/** Leaves the list of steps: the fan-out is given to the step over whose output it is when that is known. */
export function askFanOut(
  step: StepDraft,
  loop: LoopDraft,
  { step: name, path }: { readonly step: string; readonly path: string },
  kitchen: Kitchen,
  group: string | null,
): readonly StepDraft[] {
  const { became, alsoNeeded, overOutputs, fanOuts, findings } = kitchen;
  const of = stepMeant(textIn(step, name, kitchen, 'loop', 'for_each'), step.scope);
  if (fanOuts.has(of))
    findings.refuse(loop.at, `another loop is over the output of ${quote(of)} already`, {
      hint: 'put the steps of both into one body, or let another step leave the list once more',
    });
  const around = iterationAround(step.scope);
  if (around !== null && !of.startsWith(around))
    findings.refuse(loop.at, `the loop stands in the body of another, and ${quote(of)} does not`, {
      hint: 'what the loop adds would not be in the body: put both into it, or neither',
    });
  for (const { step: needing, need } of outsideNeeds([step])) {
    const { id, scope, at } = need;
    const meant = stepMeant(id, scope ?? null, (one) => one === step.id);
    if (meant === step.id && needing === step) findings.refuse(at, 'needs itself', { step: step.id });
    else if (meant === step.id || around?.startsWith(`${meant}.iter`) === true)
      refuseInside(needing.id, meant, at, findings);
  }
  const bond = { kind: 'body', loop: step } as const;
  fanOuts.set(of, { group, fanOut: { at: loop.at, forEach: path, bond, vars: {}, sequential: false } });
  became.set(step.id, [of]);
  alsoNeeded.set(step.id, step.needs);
  overOutputs.add(step.id);
  return [];
}

/** What the steps need besides one another: those of bodies of loops, too, and `own` are the ids of the bodies around. */
export function outsideNeeds(
  steps: readonly StepDraft[],
  own: ReadonlySet<string> = new Set(),
): readonly { readonly step: StepDraft; readonly need: Need }[] {
  return steps.flatMap((step) => {
    const body = step.loop?.body ?? [];
    const inner = new Set([...own, ...Array.from(eachStep(body), ({ id }) => id)]);
    const outside = step.needs.flatMap((need) => (isOwn(need, own) ? [] : { step, need }));
    return [...outside, ...outsideNeeds(step.children, own), ...outsideNeeds(body, inner)];
  });
}

function refuseInside(step: string, loop: string, at: Origin, findings: Findings): void {
  findings.refuse(at, `needs the loop ${quote(loop)}, which it stands in`, {
    step,
    hint: 'the loop is over when all in it is: name a step in it',
  });
}

/** What the ids of all steps of the iteration around begin with, null outside of one. */
export function iterationAround(scope: Scope | null): string | null {
  for (let here = scope; here !== null; here = here.outer) if (here.prefix !== null) return here.prefix;
  return null;
}

export type OutputLoop = {
  /** The step over whose output it is. */
  readonly of: string;
  readonly loop: StepDraft;
};

/** The loops over outputs that wait for their step, those of the steps in `known` aside. */
export function outputLoops({ fanOuts }: Kitchen, known: ReadonlySet<string>): readonly OutputLoop[] {
  return [...fanOuts].flatMap(([of, { fanOut }]) =>
    fanOut.bond.kind === 'body' && !known.has(of) ? [{ of, loop: fanOut.bond.loop }] : [],
  );
}

/** A step in the body of a loop over an output, as a glob would find it; `told` is how a message names it. */
type Added = { readonly step: StepDraft; readonly told: string };

/** The steps that loops over outputs will add, which are out of reach of advice and `compose.map`. */
export function addedLater(steps: readonly StepDraft[], kitchen: Kitchen): readonly Added[] {
  const placed = Array.from(eachStep(steps), ({ onComplete }) => onComplete?.bond).flatMap((bond) =>
    bond?.kind === 'body' ? [bond.loop] : [],
  );
  const open = outputLoops(kitchen, new Set()).map(({ loop }) => loop);
  return [...placed, ...open].flatMap((loop) =>
    Array.from(eachStep(loop.loop?.body ?? []), (step) => ({
      step: {
        ...step,
        id: `${loop.id}.item.1.${step.id}`,
        type: step.type ?? loop.type,
        labels: [...step.labels, ...loop.labels],
      },
      told: `${quote(step.id)} in the loop ${quote(loop.id)}`,
    })),
  );
}

/** Told once a place: a pattern that means more than it reaches. */
export function warnOfAdded(pattern: string, told: string, at: Origin, { findings }: Kitchen): void {
  findings.warn(at, `${pattern} does not reach ${told}, whose steps are added as the molecule runs`, {
    hint: 'write into the body what must stand there',
    once: 'added',
  });
}

/** Where the loop stands that was written among these steps. */
export function placeAmong(
  { of, loop }: OutputLoop,
  steps: readonly StepDraft[],
  kitchen: Kitchen,
): {
  /** None of the steps need be over before it adds something. */
  readonly isFirst: boolean;
  /** Who waits for all of the steps does not wait for all of it by that. */
  readonly isBeside: boolean;
} {
  const ids = new Set(Array.from(eachStep(steps), ({ id }) => id));
  const needs = nameNeeds(loop.needs, (id) => ids.has(id)).map(({ id }) => waitedFor(id, ids, kitchen) ?? []);
  const isOver = ids.has(of);
  return {
    isFirst: !isOver && needs.every((inside) => inside.length === 0),
    isBeside: !isOver || needs.some((inside) => inside.length === 0),
  };
}

/** What `from` hands down to the steps in its place falls to a loop over an output among them, too. */
export function handDownToLoop(from: StepDraft, { of, loop }: OutputLoop, isFirst: boolean, kitchen: Kitchen): void {
  const [handed] = handDown(from, [loop], new Set(isFirst ? [loop] : []), kitchen);
  if (handed !== undefined && handed !== loop) putLoop(of, handed, kitchen);
}

/** A loop of a template stands where the step stood that was expanded: in its group, and behind what it needed if nothing else is. */
export function standInPlace(of: string, needs: readonly Need[], group: string | null, kitchen: Kitchen): void {
  const asked = kitchen.fanOuts.get(of);
  if (asked?.fanOut.bond.kind !== 'body') return;
  kitchen.fanOuts.set(of, { ...asked, group: asked.group ?? group });
  putLoop(of, addNeeds(asked.fanOut.bond.loop, needs), kitchen);
}

/** Puts the loop over the output of the step in the place of what it was. */
function putLoop(of: string, loop: StepDraft, { fanOuts, alsoNeeded }: Kitchen): void {
  const asked = fanOuts.get(of);
  if (asked === undefined) return;
  fanOuts.set(of, { ...asked, fanOut: { ...asked.fanOut, bond: { kind: 'body', loop } } });
  alsoNeeded.set(loop.id, loop.needs);
}

/** Gives the steps their fan-outs that loops over their output have asked for. */
export function placeFanOuts(steps: readonly StepDraft[], { fanOuts, findings }: Kitchen): readonly StepDraft[] {
  if (fanOuts.size === 0) return steps;
  const open = new Map(fanOuts);
  fanOuts.clear();
  const placed = mapSteps(steps, (step) => {
    const asked = open.get(step.id);
    if (asked === undefined) return step;
    open.delete(step.id);
    const why = whyNoFanOut(step, asked.group, steps);
    if (why === null) return { ...step, onComplete: asked.fanOut };
    findings.refuse(asked.fanOut.at, why.message, { hint: why.hint });
    return step;
  });
  for (const [id, { fanOut }] of open)
    findings.refuse(fanOut.at, `the loop is over the output of the unknown step ${quote(id)}`);
  return placed;
}

/** Why a loop that stands in the group, null in none, cannot be over the output of the step. */
function whyNoFanOut(step: StepDraft, group: string | null, steps: readonly StepDraft[]) {
  const id = quote(step.id);
  if (step.children.length > 0 || step.hollow || isScopeBody(step))
    return {
      message: `the loop is over the output of ${id}, which is not worked and leaves none`,
      hint: 'name the step that leaves the list',
    };
  if (step.onComplete !== null) return { message: `the step ${id} fans out already, and can do so once`, hint: null };
  if (group === null || isInside(step.id, group, steps)) return null;
  return {
    message: `the loop stands in the group ${quote(group)}, and ${id} does not`,
    hint: 'what the loop adds would not be in the group: put both into it, or neither',
  };
}

function isInside(id: string, group: string, steps: readonly StepDraft[]): boolean {
  for (const step of eachStep(steps)) if (step.id === group) return anyStep(step.children, (one) => one.id === id);
  return false;
}
