/**
 * Expansions: a step gives way to the template of another formula. What the step needed, the first steps of the template need; who
 * needed the step needs all of its last. Templates may hold whatever steps may, loops and expansions too.
 */
import type { Compose, ExpandDraft, Formula, Scope, StepDraft } from './formula.js';
import { compileGlob } from './glob.js';
import { withHanded } from './handed.js';
import { scopeIn, textIn, type Kitchen } from './kitchen.js';
import { EXPANSION_DEPTH_MAX } from './limits.js';
import { unrollLoops } from './loops.js';
import { isScopeBody } from './metadata.js';
import { withNotes } from './notes.js';
import { addedLater, warnOfAdded, handDownToLoop, outputLoops, placeAmong, type OutputLoop } from './output-loops.js';
import { didYouMean, placeOf, quote, type Origin } from './problem.js';
import { fill, isOpen, withVariables } from './template.js';
import { standIns } from './standing.js';
import { anyStep, copyStep, eachStep, endsOf, handDown, targets } from './tree.js';
import { replaceSteps, type Replacement } from './replace-steps.js';
import { standIn, unfit, unsetIn } from './vars.js';

/** The names of the expansions that steps stand in, from the outermost on. */
type Within = readonly string[];

/** Steps with `expand`. */
export function expandInline(steps: readonly StepDraft[], kitchen: Kitchen, within: Within = []): readonly StepDraft[] {
  if (!anyStep(steps, ({ expand }) => expand !== null)) return steps;
  const wanted = [...eachStep(steps)].filter(({ expand }) => expand !== null);
  const all = new Map<StepDraft, Replacement>();
  for (const step of wanted) {
    if (kitchen.budget.spent) return steps;
    const made = step.expand === null ? null : instantiate(step, step.expand, kitchen, within);
    if (made !== null) all.set(step, made);
    // Its own on_complete is refused where it is read: this one is of a loop over its output.
    if (made !== null && step.onComplete?.bond.kind === 'body')
      kitchen.findings.refuse(
        step.onComplete.at,
        `the loop is over the output of ${quote(step.id)}, which gives way to a template`,
        { hint: 'write the loop into the template, over the output of a step there' },
      );
  }
  return replaceSteps(steps, all, kitchen);
}

/** `compose.expand`. One that names a step which another brings in waits for that one. */
export function expandTargets(
  steps: readonly StepDraft[],
  { expand }: Compose,
  kitchen: Kitchen,
): readonly StepDraft[] {
  let open = [...expand];
  let now = steps;
  while (open.length > 0) {
    const ids = new Map(Array.from(targets(now), (step) => [step.id, step]));
    const all = new Map<StepDraft, Replacement>();
    const taken = new Set<string>();
    const later: typeof open = [];
    for (const one of open) {
      const target = ids.get(one.target);
      if (target === undefined || taken.has(one.target)) {
        later.push(one);
        continue;
      }
      taken.add(one.target);
      const made = replaceable(target, one, kitchen) ? instantiate(target, one, kitchen, []) : null;
      if (made !== null) all.set(target, made);
    }
    if (later.length === open.length) {
      for (const { at, target } of later)
        if (!kitchen.library.gaps)
          kitchen.findings.refuse(
            { source: at.source, path: [...at.path, 'target'] },
            `there is no step ${quote(target)}`,
            {
              hint: () => didYouMean(target, ids.keys()) ?? gaveWay(target, ids, kitchen),
            },
          );
      return now;
    }
    now = replaceSteps(now, all, kitchen);
    open = later;
  }
  return now;
}

function gaveWay(id: string, ids: ReadonlyMap<string, unknown>, { became }: Kitchen): string | null {
  const stand = standIns(id, ids, became) ?? [];
  return stand.length === 0
    ? null
    : `it has given way to others, which end with ${stand.join(', ')}: name a step of those`;
}

/** `compose.map`: all that the glob selects at once, so that it does not matter which is expanded first. */
export function expandSelected(steps: readonly StepDraft[], { map }: Compose, kitchen: Kitchen): readonly StepDraft[] {
  let now = steps;
  for (const one of map) {
    const glob = compileGlob(one.select);
    // What it names must be there, whatever it selects.
    if (glob === null || expansionOf(one, kitchen) === null) continue;
    const all = new Map<StepDraft, Replacement>();
    const selected = [...targets(now)].filter(({ id }) => glob(id));
    if (selected.length === 0)
      kitchen.findings.warn(
        { source: one.at.source, path: [...one.at.path, 'select'] },
        `${quote(one.select)} selects no step`,
      );
    for (const { step, told } of addedLater(now, kitchen))
      if (glob(step.id))
        warnOfAdded(quote(one.select), told, { source: one.at.source, path: [...one.at.path, 'select'] }, kitchen);
    for (const target of selected) {
      const made = replaceable(target, one, kitchen) ? instantiate(target, one, kitchen, []) : null;
      if (made !== null) all.set(target, made);
    }
    now = replaceSteps(now, all, kitchen);
  }
  return now;
}

/** An expansion by itself: its template around a step called `main`, as bd pours it. */
export function expandAlone(formula: Formula, kitchen: Kitchen, target: StepDraft): readonly StepDraft[] {
  for (const { name } of formula.vars) kitchen.values.used.add(name);
  const { values } = kitchen.values;
  return copyTemplate(formula, target, kitchen, [], { values, unset: unsetIn(formula, values, null) });
}

/** What an expanded step would lose must not be lost silently. */
function replaceable(target: StepDraft, { at }: ExpandDraft, { findings }: Kitchen): boolean {
  const lost = Object.entries({
    children: target.children.length > 0,
    run: target.run !== null,
    script: target.script !== null,
    'a person who closes it': target.kind === 'human',
    retry: target.retry !== null,
    'a check': target.check !== null,
    on_complete: target.onComplete !== null,
    'an output': target.output !== null,
    'members of its scope': isScopeBody(target),
    'a place among the legs of the convoy': target.leg !== null,
  }).flatMap(([what, there]) => (there ? [what] : []));
  if (lost.length === 0) return true;
  const step = `the step ${quote(target.id)} at ${placeOf(target.at, at)}`;
  const message = `${step} cannot be expanded: it has ${lost.join(' and ')}`;
  findings.refuse(at, message, { hint: 'write that into the template' });
  return false;
}

function instantiate(target: StepDraft, use: ExpandDraft, kitchen: Kitchen, within: Within): Replacement | null {
  const { findings } = kitchen;
  if (within.length >= EXPANSION_DEPTH_MAX) {
    findings.refuse(use.at, tooDeep(use.formula, within));
    return null;
  }
  const expansion = expansionOf(use, kitchen);
  if (expansion === null) return null;
  const known = new Set(kitchen.fanOuts.keys());
  const steps = copyTemplate(expansion, target, kitchen, within, valuesOf(expansion, target, use, kitchen));
  const { sources, opening, sinks } = endsOf(steps, kitchen);
  refuseUnapplied(expansion, use.at, kitchen);
  const accepted = acceptLast(target, steps, sinks, kitchen);
  const from = { ...target, agent: target.agent ?? expansion.agent };
  const loops = outputLoops(kitchen, known).map((one) => ({ ...one, ...placeAmong(one, steps, kitchen) }));
  refuseAcceptance(target, steps, loops, kitchen);
  for (const one of loops) handDownToLoop(from, one, one.isFirst, kitchen);
  const down = handDown(
    from,
    accepted,
    new Set(accepted.filter((_, index) => opening.has(steps[index] ?? target))),
    kitchen,
  );
  return {
    steps: down,
    sources: new Set(down.filter((_, index) => sources.has(steps[index] ?? target))),
    sinks: sinks.map(({ id }) => id),
    beside: loops.flatMap(({ isBeside, loop }) => (isBeside ? [{ id: loop.id }] : [])),
    loops,
  };
}

/** The expansion that is used; null when there is none of the name, which is reported. */
function expansionOf(use: ExpandDraft, kitchen: Kitchen): Formula | null {
  const formula = kitchen.library.formula(use.formula, use.at);
  return formula !== null && isExpansion(formula, use, kitchen) ? formula : null;
}

function tooDeep(name: string, within: Within): string {
  const last = within.lastIndexOf(name);
  if (last < 0) return `expansions stand in expansions more than ${EXPANSION_DEPTH_MAX} deep`;
  return `the expansion ${quote(name)} expands itself without end: ${[...within.slice(last), name].join(' → ')}`;
}

export function isExpansion(formula: Formula, { at }: ExpandDraft, { findings, library }: Kitchen): boolean {
  if (formula.type !== 'expansion') {
    findings.refuse(at, `${quote(formula.name)} is no expansion but of the type ${formula.type}`);
    library.gaps = true;
  } else if (formula.template.length === 0) findings.refuse(at, `the expansion ${quote(formula.name)} has no template`);
  return formula.type === 'expansion' && formula.template.length > 0;
}

/** What is done to the steps of a formula as a whole is done when it is cooked by itself, and not where it is used. */
export function refuseUnapplied({ name, type, compose, advice }: Formula, at: Origin, { findings }: Kitchen): void {
  const parts = Object.entries({ ...compose, advice: type === 'expansion' ? advice : [] });
  const left = parts.flatMap(([part, list]) => (list.length > 0 && part !== 'bondPoints' ? [part] : []));
  if (left.length > 0)
    findings.refuse(at, `${quote(name)} has ${left.join(' and ')}, which would not be applied where it is used`, {
      hint: 'write that into the formula that uses it',
    });
}

/** What the step counts as done by, its last steps count as done by. */
function acceptLast(
  target: StepDraft,
  steps: readonly StepDraft[],
  sinks: readonly StepDraft[],
  { findings }: Kitchen,
): readonly StepDraft[] {
  const { text, command } = target.acceptance;
  if (text === null && command === null) return steps;
  return steps.map((step) => {
    const own = step.acceptance.text !== null || step.acceptance.command !== null;
    if (own || !sinks.includes(step)) return step;
    if (step.children.length > 0 || isScopeBody(step))
      findings.refuse(
        { source: target.at.source, path: [...target.at.path, 'acceptance'] },
        `the acceptance of ${quote(target.id)} falls to ${quote(step.id)}, which is not worked itself`,
        { hint: 'end the template with a step that is, or write the acceptance into it' },
      );
    const handed = withHanded(step, target, [[['acceptance'], ['acceptance']]]);
    return { ...step, acceptance: target.acceptance, handed };
  });
}

/** What a loop over an output adds at the end of the template comes after its last steps, and would count as done by nothing. */
function refuseAcceptance(
  target: StepDraft,
  steps: readonly StepDraft[],
  loops: readonly OutputLoop[],
  { findings }: Kitchen,
): void {
  if (target.acceptance.text === null && target.acceptance.command === null) return;
  const needed = new Set(Array.from(eachStep(steps), ({ needs }) => needs.map(({ id }) => id)).flat());
  for (const { of, loop } of loops)
    if (!needed.has(of) && !needed.has(loop.id))
      findings.refuse(
        { source: target.at.source, path: [...target.at.path, 'acceptance'] },
        `the acceptance of ${quote(target.id)} would not hold for what its last loop adds, ${quote(loop.id)}`,
        { hint: 'end the template with a step that needs the loop, or write the acceptance into its body' },
      );
}

/** The values of the expansion's variables: as written at its use, else their defaults, else the user's of the same name. */
function valuesOf(expansion: Formula, target: StepDraft, use: ExpandDraft, kitchen: Kitchen): Filling {
  const { findings, values } = kitchen;
  const declared = new Map(expansion.vars.map((variable) => [variable.name, variable]));
  const inside = (name: string) => ({ source: use.at.source, path: [...use.at.path, 'vars', name] });
  const all = new Map<string, string>();
  for (const [name, written] of Object.entries(use.vars)) {
    // Gas City writes the user's variables in single braces here.
    const text = withVariables(written, target.scope, values);
    const value = fill(text, target.scope, values, () => inside(name));
    const variable = declared.get(name);
    const wrong = variable === undefined || isOpen(value) ? null : unfit(variable, value);
    if (wrong !== null)
      findings.refuse(inside(name), `the variable ${quote(name)} of ${quote(expansion.name)}: ${wrong}`);
    if (variable === undefined && declared.size > 0)
      findings.warn(inside(name), `${quote(expansion.name)} has no variable ${quote(name)}`, {
        hint: didYouMean(name, declared.keys()),
      });
    all.set(name, value);
  }
  for (const variable of expansion.vars) {
    if (all.has(variable.name)) continue;
    if (variable.default !== null) all.set(variable.name, variable.default);
    else if (values.vars.has(variable.name))
      all.set(
        variable.name,
        fill(`{{${variable.name}}}`, target.scope, values, () => use.at),
      );
    else if (variable.required) all.set(variable.name, standIn(variable, expansion.name, use.at, findings));
  }
  return { values: all, unset: unsetIn(expansion, all, use.at) };
}

/** What the variables of an expansion are worth where it is used. */
type Filling = { readonly values: ReadonlyMap<string, string>; readonly unset: Scope['unset'] };

export function copyTemplate(
  expansion: Formula,
  target: StepDraft,
  kitchen: Kitchen,
  within: Within,
  { values, unset }: Filling,
): readonly StepDraft[] {
  const names = [
    ['target', target.id],
    ['target.id', target.id],
    ['target.title', textIn(target, target.title, kitchen, 'title')],
    ['target.description', descriptionOf(target, kitchen)],
  ] as const;
  const scope = scopeIn(target.scope, { single: new Map([...values, ...names]), double: values, unset });
  const steps = expansion.template.map((step) =>
    copyStep(step, { scope, kitchen, rename: itself, repeated: target.repeated }),
  );
  if (kitchen.budget.spent) return steps;
  return expandInline(unrollLoops(steps, kitchen), kitchen, [...within, expansion.name]);
}

/** A step's description is what it says with its notes. */
function descriptionOf(step: StepDraft, kitchen: Kitchen): string {
  const notes = step.notes === null ? null : textIn(step, step.notes, kitchen, 'notes');
  return withNotes(textIn(step, step.description, kitchen, 'description'), notes);
}

function itself(id: string): string {
  return id;
}
