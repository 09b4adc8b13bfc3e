/**
 * A formula → its steps, in the order in which the parts of the language apply: branches and gates, loops, the formula's own advice,
 * expansions (of steps, of targets, of all that a glob selects), aspects.
 */
import { unreachable } from '../town/unreachable.js';
import { advise, type Advising } from './advice.js';
import { applyBranches } from './branch.js';
import { expandAlone, expandInline, expandSelected, expandTargets, refuseUnapplied } from './expand.js';
import type { Compose, Formula, StepDraft } from './formula.js';
import type { Kitchen } from './kitchen.js';
import { legsOf } from './legs.js';
import { unrollLoops } from './loops.js';
import { placeFanOuts } from './output-loops.js';
import { quote, type Origin } from './problem.js';
import { EMPTY_STEP } from './tree.js';
import { standIn, unfit, unsetIn } from './vars.js';

export function composeSteps(formula: Formula, kitchen: Kitchen): readonly StepDraft[] {
  checkParts(formula, kitchen);
  const { compose, advice, pointcuts } = formula;
  let steps = ownSteps(formula, kitchen);
  steps = applyBranches(steps, compose, kitchen);
  steps = placeFanOuts(unrollLoops(steps, kitchen), kitchen);
  if (kitchen.budget.spent) return [];
  // An aspect's advice is for the steps of others.
  if (formula.type !== 'aspect')
    // Which legs a convoy has is for its values to say.
    steps = withAdvice(
      steps,
      { advice, pointcuts, of: formula.name, certain: formula.type !== 'convoy', values: NOTHING, unset: NONE },
      kitchen,
    );
  steps = expandInline(steps, kitchen);
  steps = expandTargets(steps, compose, kitchen);
  steps = placeFanOuts(expandSelected(steps, compose, kitchen), kitchen);
  const applied = new Set<string>();
  for (const aspect of compose.aspects) {
    const { name, at } = aspect;
    if (applied.has(name)) kitchen.findings.refuse(at, `the aspect ${quote(name)} stands twice`);
    else steps = placeFanOuts(expandInline(applyAspect(steps, aspect, formula.name, kitchen), kitchen), kitchen);
    applied.add(name);
  }
  return kitchen.budget.spent ? [] : steps;
}

function ownSteps(formula: Formula, kitchen: Kitchen): readonly StepDraft[] {
  const { type, name, description, source, steps } = formula;
  switch (type) {
    case 'workflow':
      return steps;
    case 'expansion':
      return expandAlone(formula, kitchen, mainStep(name, description, { source, path: [] }));
    case 'aspect':
      for (const variable of formula.vars) kitchen.values.used.add(variable.name);
      return [];
    case 'convoy':
      return legsOf(formula, kitchen);
    default:
      return unreachable(type);
  }
}

function applyAspect(
  steps: readonly StepDraft[],
  { name, at }: Compose['aspects'][number],
  of: string,
  kitchen: Kitchen,
): readonly StepDraft[] {
  const aspect = kitchen.library.formula(name, at);
  if (aspect === null) return steps;
  if (aspect.type !== 'aspect') {
    kitchen.findings.refuse(at, `${quote(name)} is no aspect but of the type ${aspect.type}`);
    return steps;
  }
  refuseUnapplied(aspect, at, kitchen);
  const { advice, pointcuts } = aspect;
  return withAdvice(steps, { advice, pointcuts, of, certain: false, ...valuesOf(aspect, at, kitchen) }, kitchen);
}

/** The steps with those around them that advice brings in, whose loops are unrolled then. */
export function withAdvice(steps: readonly StepDraft[], advising: Advising, kitchen: Kitchen): readonly StepDraft[] {
  return unrollLoops(advise(steps, advising, kitchen), kitchen);
}

const NOTHING: Advising['values'] = new Map();
const NONE: Advising['unset'] = new Map();

/** The values of an aspect's variables: the formula's of the same name, else their defaults. */
function valuesOf(aspect: Formula, at: Origin, { values, findings }: Kitchen): Pick<Advising, 'values' | 'unset'> {
  const all = new Map<string, string>();
  for (const variable of aspect.vars) {
    const { name } = variable;
    const own = values.vars.has(name) ? values.values.get(name) : undefined;
    const wrong = own === undefined || own === '' ? null : unfit(variable, own);
    if (wrong !== null) findings.refuse(at, `the variable ${quote(name)} of ${quote(aspect.name)}: ${wrong}`);
    if (values.vars.has(name)) values.used.add(name);
    const value = own ?? variable.default;
    if (value !== null) all.set(name, value);
    else if (variable.required && !values.vars.has(name)) all.set(name, standIn(variable, aspect.name, at, findings));
  }
  const missing = unsetIn(aspect, all, at);
  const own = unsetIn({ name: '', vars: [...values.vars.values()] }, all, null);
  const unset = new Map(Array.from(missing, ([name, one]) => [name, own.get(name) ?? one] as const));
  return { values: all, unset };
}

/** What a formula of its type cannot have would be ignored. */
function checkParts(formula: Formula, { findings, library }: Kitchen): void {
  const { type, source, steps, template, advice, convoy } = formula;
  const refuse = (key: string, there: boolean, owner: string) => {
    if (there && type !== owner)
      findings.refuse(
        { source, path: [key] },
        `${key} is for the type ${owner}, and the formula is of the type ${type}`,
      );
  };
  refuse('steps', steps.length > 0, 'workflow');
  refuse('template', template.length > 0, 'expansion');
  refuse('legs', convoy.legs.length > 0, 'convoy');
  refuse('synthesis', convoy.synthesis !== null, 'convoy');
  refuse('presets', convoy.presets.length > 0, 'convoy');
  refuse('prompts', convoy.prompt !== null, 'convoy');
  refuse('output', convoy.output !== null, 'convoy');
  const empty = (key: string, message: string, hint: string) => {
    const written = source.toml.value[key];
    // What is written but cannot be read has been told already, and a parent that is missing may have it.
    if (library.gaps) return;
    if (written === undefined || (Array.isArray(written) && written.length === 0))
      findings.refuse({ source, path: [key] }, message, { hint });
  };
  if (type === 'workflow' && steps.length === 0)
    empty('steps', 'the formula has no steps', 'add one: [[steps]] with an id and a title');
  if (type === 'expansion' && template.length === 0)
    empty('template', 'the expansion has no template', 'add a step: [[template]] with an id and a title');
  if (type === 'aspect' && advice.length === 0) empty('advice', 'the aspect has no advice', 'add one: [[advice]]');
  if (type === 'convoy' && convoy.legs.length === 0)
    empty('legs', 'the convoy has no legs', 'add one: [[legs]] with an id');
  if (formula.reviewOnly && type !== 'convoy')
    findings.warn({ source, path: ['review_only'] }, 'review_only changes nothing: it is for the legs of a convoy');
}

export function mainStep(title: string, description: string, at: Origin, id = 'main'): StepDraft {
  return { ...EMPTY_STEP, at, id, title, description };
}
