/**
 * Advice: steps before and after others that a glob finds. What the target needs, the first step before it needs too; who needs the
 * target needs the last step after it, so that nothing slips by. Steps that one advice brings in are not found by the same one.
 */
import type { Advice, Need, Pointcut, Scope, StepDraft } from './formula.js';
import { compileGlob, isGlob, type Glob } from './glob.js';
import { scopeIn, textIn, type Kitchen } from './kitchen.js';
import { didYouMean, quote } from './problem.js';
import { addedLater, warnOfAdded } from './output-loops.js';
import { inScopeOf } from './scopes.js';
import { nameNeeds, neededLater, waitedFor } from './standing.js';
import { addNeeds, copyStep, eachStep, needsOn, relink, rewriteNeeds, targets, type Instead } from './tree.js';

/** The advice of one formula, for the steps of one. */
export type Advising = {
  readonly advice: readonly Advice[];
  readonly pointcuts: readonly Pointcut[];
  /** The formula whose steps they are. */
  readonly of: string;
  /** Whether each id that a target names must be there: not in an aspect, which is for many, nor where values choose the steps. */
  readonly certain: boolean;
  /** Of an aspect's own variables. */
  readonly values: ReadonlyMap<string, string>;
  readonly unset: Scope['unset'];
};

export function advise(steps: readonly StepDraft[], advising: Advising, kitchen: Kitchen): readonly StepDraft[] {
  const { advice, pointcuts } = advising;
  checkPointcuts(steps, pointcuts, kitchen);
  if (advice.length === 0) return steps;
  const find = finder(advice, pointcuts, kitchen);
  const found = new Set<Advice>();
  const around = new Map<StepDraft, Around>();
  const instead = new Map<string, readonly string[]>();
  for (const step of targets(steps)) {
    const rules = find(step);
    if (rules.length === 0) continue;
    for (const rule of rules) found.add(rule);
    const made = madeFor(step, rules, advising, kitchen);
    around.set(step, made);
    const last = made.after.at(-1);
    if (last !== undefined) instead.set(step.id, [last.id]);
  }
  tellUnfound(steps, found, advising, kitchen);
  for (const { step, told } of addedLater(steps, kitchen))
    for (const { target, at } of find(step)) {
      const place = target === null ? at : { source: at.source, path: [...at.path, 'target'] };
      warnOfAdded(target === null ? 'the advice' : quote(target), told, place, kitchen);
    }
  if (around.size === 0) return steps;
  const placing = { ids: new Set(Array.from(eachStep(steps), ({ id }) => id)), instead, kitchen };
  const placed = place(steps, around, placing);
  const { alsoNeeded } = kitchen;
  if (instead.size > 0) for (const [id, needs] of alsoNeeded) alsoNeeded.set(id, needsBehind(needs, instead, placing));
  return placed;
}

/** Ids that depend on how often a loop goes round. */
const IN_LOOP = /\.iter\d+\./;

/** A target that finds no step is most likely mistyped. */
function tellUnfound(
  steps: readonly StepDraft[],
  found: ReadonlySet<Advice>,
  { advice, of, certain }: Advising,
  kitchen: Kitchen,
): void {
  const { findings, library } = kitchen;
  if (library.gaps) return;
  for (const one of advice) {
    const { target, at } = one;
    if (target === null || found.has(one)) continue;
    const place = { source: at.source, path: [...at.path, 'target'] };
    const message = `the advice finds no step of ${quote(of)}: ${quote(target)}`;
    const near = () => (isGlob(target) ? null : targetMeant(target, steps, kitchen));
    if (!certain || isGlob(target) || IN_LOOP.test(target)) findings.warn(place, message, { hint: near });
    else findings.refuse(place, message, { hint: () => near() ?? FOUND_LATER });
  }
}

/** A loop's step has given way to those of its body, which a glob finds. */
function targetMeant(target: string, steps: readonly StepDraft[], { became }: Kitchen): string | null {
  const ids = Array.from(targets(steps), ({ id }) => id);
  if (!became.has(target)) return didYouMean(target, ids);
  return ids.some((id) => id.startsWith(`${target}.`))
    ? `${quote(target)} is a loop, whose steps stand in its place: write ${quote(`${target}.*`)} for all of them, or put the advice into its body`
    : `${quote(target)} is a loop over an output, whose steps no advice finds: put the advice into its body`;
}

const FOUND_LATER = 'the steps of expansions, and what advice brings in, are found by aspects only';

type Around = { readonly before: readonly StepDraft[]; readonly after: readonly StepDraft[] };

/** The advice that applies to a step, in order. Targets that are plain ids are looked up, not tried one by one. */
function finder(
  advice: readonly Advice[],
  pointcuts: readonly Pointcut[],
  { findings }: Kitchen,
): (step: StepDraft) => readonly Advice[] {
  const plain = new Map<string, number[]>();
  const globs: { readonly index: number; readonly fits: (step: StepDraft) => boolean }[] = [];
  const cuts = pointcuts.map((cut) => cutting(cut));
  for (const [index, { target, at }] of advice.entries()) {
    if (target === null) {
      if (cuts.length === 0)
        findings.refuse(at, 'the advice has no target', {
          hint: 'write target, or [[pointcuts]] for all advice without one',
        });
      globs.push({ index, fits: (step) => cuts.some((fits) => fits(step)) });
    } else if (isGlob(target)) {
      const glob = compileGlob(target);
      if (glob !== null) globs.push({ index, fits: ({ id }) => glob(id) });
    } else plain.set(target, [...(plain.get(target) ?? []), index]);
  }
  return (step) => {
    const found = [...(plain.get(step.id) ?? []), ...globs.filter(({ fits }) => fits(step)).map(({ index }) => index)];
    return found.toSorted((a, b) => a - b).flatMap((index) => advice[index] ?? []);
  };
}

function cutting({ glob, type, label }: Pointcut): (step: StepDraft) => boolean {
  const fits: Glob | null = glob === null ? null : compileGlob(glob);
  return (step) =>
    (fits === null || fits(step.id)) &&
    (type === null || (step.type ?? (step.kind === 'human' ? 'human' : 'task')) === type) &&
    (label === null || step.labels.includes(label));
}

function madeFor(step: StepDraft, rules: readonly Advice[], { values, unset }: Advising, kitchen: Kitchen): Around {
  const names = [
    ['step.id', step.id],
    ['step.title', textIn(step, step.title, kitchen, 'title')],
    ['step.description', textIn(step, step.description, kitchen, 'description')],
  ] as const;
  const scope = scopeIn(step.scope, { single: new Map([...values, ...names]), double: values, unset });
  const repeated = step.repeated === null ? null : { ...step.repeated, isAdvice: true };
  const copy = (one: StepDraft): StepDraft =>
    inScopeOf(step, copyStep(one, { scope, kitchen, rename: (id) => id, repeated }));
  return {
    before: rules.flatMap(({ before }) => before.map(copy)),
    after: rules.flatMap(({ after }) => after.map(copy)),
  };
}

type Placing = {
  readonly ids: ReadonlySet<string>;
  /** The last step after a target, by the id of the target. */
  readonly instead: ReadonlyMap<string, readonly string[]>;
  readonly kitchen: Kitchen;
};

function place(
  steps: readonly StepDraft[],
  around: ReadonlyMap<StepDraft, Around>,
  placing: Placing,
): readonly StepDraft[] {
  return steps.flatMap((step) => {
    const behind = linkBehind(step, placing);
    const children = step.children.length === 0 ? step.children : place(step.children, around, placing);
    const linked = children === step.children ? behind : { ...behind, children };
    const made = around.get(step);
    if (made === undefined) return linked;
    const before = chain(made.before, behind.needs);
    const last = before.at(-1);
    const target = last === undefined ? linked : addNeeds(linked, needsOn([last], last.at));
    return [...before, target, ...chain(made.after, needsOn([step], step.at))];
  });
}

function linkBehind(step: StepDraft, placing: Placing): StepDraft {
  const { instead } = placing;
  return instead.size === 0 ? step : relink(step, instead, (needs, others) => needsBehind(needs, others, placing));
}

/** Needs on targets as needs on what follows them; a need on a loop is one on the steps at its end, which may be targets. */
function needsBehind(needs: readonly Need[], instead: Instead, { ids, kitchen }: Placing): readonly Need[] {
  const gone = { has: (id: string) => !ids.has(id), get: (id: string) => waitedFor(id, ids, kitchen) ?? undefined };
  const named = nameNeeds(needs, (id) => ids.has(id) || kitchen.became.has(id));
  const all = named.flatMap((need) => (ids.has(need.id) ? need : [need, ...neededLater(need.id, ids, kitchen)]));
  return rewriteNeeds(rewriteNeeds(all, gone, kitchen.budget), instead, kitchen.budget);
}

/** Each step needs the one before it, the first needs `needs`. */
function chain(steps: readonly StepDraft[], needs: readonly Need[]): readonly StepDraft[] {
  return steps.map((step, index) => {
    const previous = steps[index - 1];
    return addNeeds(step, previous === undefined ? needs : needsOn([previous], previous.at));
  });
}

/** A pointcut that finds no step is most likely mistyped. */
function checkPointcuts(steps: readonly StepDraft[], pointcuts: readonly Pointcut[], { findings }: Kitchen): void {
  if (pointcuts.length === 0) return;
  const all = [...targets(steps)];
  for (const cut of pointcuts) {
    const fits = cutting(cut);
    if (!all.some(fits))
      findings.warn(cut.at, `the pointcut finds no step${cut.glob === null ? '' : `: ${quote(cut.glob)}`}`);
  }
}
