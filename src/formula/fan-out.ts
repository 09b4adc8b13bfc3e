/**
 * `on_complete` and `for_each` over an output: steps that are added when a step has closed. They are cooked now, with the number and the
 * entry left open, so that a mistake in them is told before anything runs.
 */
import type { FanOut, ProtoStep, ValueCheck } from '../town/protomolecule.js';
import { renameStep } from '../town/molecule-rename.js';
import { composeSteps, mainStep } from './compose.js';
import { checkEntries } from './entry-shape.js';
import { copyTemplate, expandInline, isExpansion } from './expand.js';
import { finishStep } from './finish.js';
import type { Formula, OnComplete, Planned, StepDraft } from './formula.js';
import { beginning, noTraces, scopeIn, textIn, type Kitchen } from './kitchen.js';
import { nameInside, unrollLoops } from './loops.js';
import { NUMBER_MARK, withOpenNumber } from './number-mark.js';
import { placeFanOuts } from './output-loops.js';
import { mayBeList, partsIn, shapeAt } from './output-shape.js';
import { planSteps, type Plan } from './plan.js';
import { didYouMean, quote } from './problem.js';
import { warnOfEntryInShell } from './shell-braces.js';
import { References, type Finish } from './step-references.js';
import { fill } from './template.js';
import { waitedFor } from './standing.js';
import { copyStep, eachStep, endsOf, handDown, mapSteps } from './tree.js';
import { checkOf, standIn, unfit, unsetIn } from './vars.js';

/** Null when the steps cannot be cooked, which is reported. */
export function fanOutOf(step: Planned, onComplete: OnComplete, plan: Plan, finish: Finish): FanOut | null {
  const { bond, forEach, sequential } = onComplete;
  checkList(step.draft, onComplete, finish.kitchen);
  checkEntries(step.draft, onComplete, finish.kitchen);
  const made = bond.kind === 'body' ? fromBody(step, bond.loop, plan, finish) : fromFormula(step, onComplete, finish);
  if (made === null) return null;
  warnOfEntryInShell(made.steps, onComplete.at, finish.kitchen);
  const name = bond.kind === 'body' ? bond.loop.id : bond.name;
  const { parent } = step;
  const steps = made.steps.map((one) => (one.parent === undefined && parent !== null ? { ...one, parent } : one));
  return mapStrings({ bond: name, forEach, sequential, steps, checks: [...made.checks] }, withOpenNumber);
}

/** The list must be in the output that the step declares, if it declares one. */
function checkList({ id, output }: StepDraft, { at, forEach }: OnComplete, { findings }: Kitchen): void {
  if (output === null) return;
  const shape = shapeAt(output, forEach.split('.').slice(1));
  if (shape !== null && mayBeList(shape)) return;
  const lists = partsIn(output).flatMap(({ name, schema }) => (mayBeList(schema) ? name : []));
  const what = shape === null ? `no ${forEach}` : `${forEach} as no list`;
  findings.refuse({ source: at.source, path: [...at.path, 'for_each'] }, `the step ${quote(id)} declares ${what}`, {
    hint:
      didYouMean(forEach, lists) ?? (lists.length === 0 ? 'it declares no list' : `its lists are ${lists.join(', ')}`),
  });
}

type Made = { readonly steps: readonly ProtoStep[]; readonly checks: readonly ValueCheck[] };

function fromFormula(step: Planned, onComplete: OnComplete, finish: Finish): Made | null {
  const { kitchen } = finish;
  const { at, bond } = onComplete;
  if (bond.kind !== 'formula') return null;
  const use = { at: { source: at.source, path: [...at.path, 'bond'] }, formula: bond.name, vars: onComplete.vars };
  const bonded = kitchen.library.formula(bond.name, use.at);
  if (bonded === null) return null;
  if (bonded.type === 'aspect' || bonded.type === 'convoy') {
    kitchen.findings.refuse(use.at, `${quote(bond.name)} cannot be bonded: it is of the type ${bonded.type}`, {
      hint: 'bond a workflow or an expansion',
    });
    return null;
  }
  const checks: ValueCheck[] = [];
  const values = valuesOf(bonded, step.draft, onComplete, checks, kitchen);
  const prefix = `${step.draft.id}.item.${NUMBER_MARK}`;
  if (bonded.type === 'expansion') {
    if (!isExpansion(bonded, use, kitchen)) return null;
    const target = {
      ...mainStep(step.draft.title, step.draft.description, step.draft.at, prefix),
      scope: step.draft.scope,
    };
    const steps = copyTemplate(bonded, target, kitchen, [], { values, unset: unsetIn(bonded, values, use.at) });
    return { steps: cookAdded(workedBy(bonded, steps), kitchen, step, finish), checks };
  }
  const vars = new Map(bonded.vars.map((variable) => [variable.name, variable]));
  const { findings, library, budget } = kitchen;
  const inner: Kitchen = {
    findings,
    library,
    budget,
    mayCount: false,
    values: { vars, values, declares: bonded.declares, open: kitchen.values.open, used: new Set(), findings },
    ...noTraces(),
  };
  const steps = cookAdded(workedBy(bonded, composeSteps(bonded, inner)), inner, null, finish);
  return { steps: steps.map((one) => renameStep(one, (id) => `${prefix}.${id}`)), checks };
}

/** Steps that name no runtime have that of their own formula, if it names one. */
function workedBy({ agent }: Formula, steps: readonly StepDraft[]): readonly StepDraft[] {
  return agent === null ? steps : mapSteps(steps, (step) => (step.agent === null ? { ...step, agent } : step));
}

/** Values of the bonded formula's variables; what holds a part of the entry is checked when that is known. */
function valuesOf(
  bonded: Formula,
  draft: StepDraft,
  { at, vars }: OnComplete,
  checks: ValueCheck[],
  kitchen: Kitchen,
): ReadonlyMap<string, string> {
  const { findings } = kitchen;
  const inside = (...path: readonly string[]) => ({ source: at.source, path: [...at.path, 'vars', ...path] });
  const values = new Map<string, string>();
  const names = new Set(bonded.vars.map(({ name }) => name));
  for (const name of Object.keys(vars))
    if (!names.has(name))
      findings.refuse(inside(name), `${quote(bonded.name)} has no variable ${quote(name)}`, {
        hint:
          didYouMean(name, names) ?? (names.size === 0 ? 'it declares none' : `it declares ${[...names].join(', ')}`),
      });
  for (const variable of bonded.vars) {
    const { name } = variable;
    const written = Object.hasOwn(vars, name) ? vars[name] : undefined;
    if (written === undefined) {
      if (variable.default !== null) values.set(name, variable.default);
      else if (variable.required) values.set(name, standIn(variable, bonded.name, inside(), findings));
      continue;
    }
    const value = fill(written, draft.scope, kitchen.values, () => inside(name));
    values.set(name, value);
    if (/\{(item[.}]|index\}|n\}|\{)/.test(value)) {
      const check = checkOf(variable, value);
      if (check !== null) checks.push(check);
      continue;
    }
    const wrong = unfit(variable, value);
    if (wrong !== null) findings.refuse(inside(name), `the variable ${quote(name)} of ${quote(bonded.name)}: ${wrong}`);
  }
  return values;
}

/** The body of a loop over an output: its variable is the entry. */
function fromBody(step: Planned, loop: StepDraft, plan: Plan, finish: Finish): Made {
  const { kitchen } = finish;
  const prefix = `${loop.id}.item.${NUMBER_MARK}.`;
  const single = new Map(loop.loop?.variable == null ? [] : [[loop.loop.variable, '{item}']]);
  const plain = scopeIn(loop.scope, { single });
  const body = loop.loop?.body ?? [];
  const ids = new Set(Array.from(eachStep(body), ({ id }) => textIn({ ...loop, scope: plain }, id, kitchen)));
  const stepNamed = (id: string) => (ids.has(id) ? prefix + id : null);
  const scope = { ...plain, stepNamed, prefix };
  const rename = (id: string) => stepNamed(id) ?? id;
  const once = body.map((one) => copyStep(one, { scope, kitchen, rename, repeated: null }));
  const copies = expandInline(nameInside(once, unrollLoops(once, kitchen)), kitchen);
  const { sources, opening } = endsOf(copies, kitchen);
  // What is added comes after the step that fans out by itself.
  const needs = loop.needs.filter(
    ({ id }) => waitedFor(id, plan.ids, kitchen)?.every((one) => one === step.draft.id) !== true,
  );
  kitchen.budget.takeNeeds('made', beginning(loop, sources.size, needs.length));
  if (kitchen.budget.spent) return { steps: [], checks: [] };
  const linked = copies.map((one) => (sources.has(one) ? { ...one, needs: [...needs, ...one.needs] } : one));
  const gated = new Set(linked.filter((_, index) => opening.has(copies[index] ?? loop)));
  const steps = handDown({ ...loop, scope: plain }, linked, gated, kitchen);
  return { steps: cookAdded(steps, kitchen, step, finish, plan), checks: [] };
}

/** `around` is the step that fans out, where the added steps may speak of steps outside. */
function cookAdded(
  steps: readonly StepDraft[],
  kitchen: Kitchen,
  around: Planned | null,
  finish: Finish,
  outside: Plan | null = null,
): readonly ProtoStep[] {
  const plan = planSteps(placeFanOuts(steps, kitchen), kitchen, outside?.ids);
  const references = new References(
    plan.ids,
    kitchen,
    around === null ? null : { references: finish.references, step: around.draft.id },
  );
  const inner: Finish = { kitchen, references, agent: finish.agent, chars: finish.chars };
  const cooked = plan.steps.map((one): ProtoStep => {
    if (one.loop !== null || one.draft.onComplete !== null)
      kitchen.findings.refuse(one.draft.at, 'a step that is added at run time cannot be repeated or fan out itself');
    return finishStep(one, inner);
  });
  finish.chars = inner.chars;
  references.check(plan);
  return cooked;
}

/** The same data with each text passed through `change`. */
function mapStrings<Value>(value: Value, change: (text: string) => string): Value {
  const mapped = (one: unknown): unknown => {
    if (typeof one === 'string') return change(one);
    if (Array.isArray(one)) return one.map(mapped);
    if (typeof one !== 'object' || one === null) return one;
    return Object.fromEntries(Object.entries(one).map(([key, part]) => [key, mapped(part)]));
  };
  // Texts for texts: the shape is that of the value.
  return mapped(value) as Value;
}
