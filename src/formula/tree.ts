/** Steps with steps inside: the walks that loops, expansions and advice have in common. */
import type { LoopDraft, Need, OnComplete, Scope, StepDraft } from './formula.js';
import { handCondition, handGates, NOTHING_HANDED, withHanded } from './handed.js';
import { scopeIn, standingFor, type Budget, type Kitchen, type NeedsMade } from './kitchen.js';
import type { Path } from './problem.js';
import { fill, fillSubject, isOpen } from './template.js';
import { stricter } from '../town/confinement.js';
import { referencesIn } from '../town/references.js';
import { readStepCondition } from './step-condition.js';
import { waitedFor, type Standing } from './standing.js';

/** All steps, each before its children. */
export function* eachStep(steps: readonly StepDraft[]): Generator<StepDraft> {
  for (const step of steps) {
    yield step;
    if (step.children.length > 0) yield* eachStep(step.children);
  }
}

/** The steps that advice and `compose` may find: all but those where a loop goes round not at all. */
export function* targets(steps: readonly StepDraft[]): Generator<StepDraft> {
  for (const step of eachStep(steps)) if (!step.hollow) yield step;
}

export function anyStep(steps: readonly StepDraft[], test: (step: StepDraft) => boolean): boolean {
  return steps.some((step) => test(step) || (step.children.length > 0 && anyStep(step.children, test)));
}

/** The steps with each one replaced by none, one or more; children first. The list itself when nothing changed. */
export function mapSteps(
  steps: readonly StepDraft[],
  change: (step: StepDraft) => StepDraft | readonly StepDraft[],
): readonly StepDraft[] {
  let changed = false;
  const all = steps.flatMap((step) => {
    const children = step.children.length === 0 ? step.children : mapSteps(step.children, change);
    const to = change(children === step.children ? step : { ...step, children });
    changed ||= to !== step;
    return to;
  });
  return changed ? all : steps;
}

export type Ends = {
  /** Steps of the list that need no other of it. */
  readonly sources: ReadonlySet<StepDraft>;
  /** Those of them with which work begins: not groups all of whose steps need others of the list. */
  readonly opening: ReadonlySet<StepDraft>;
  /** Steps of the list that no other of it needs; never empty for a list that is not. */
  readonly sinks: readonly StepDraft[];
};

export function endsOf(steps: readonly StepDraft[], kitchen: Standing): Ends {
  const owners = new Map<string, StepDraft>();
  for (const step of steps) for (const { id } of eachStep([step])) owners.set(id, step);
  const needed = (step: StepDraft) =>
    step.needs.flatMap(({ id, any }) =>
      (waitedFor(id, owners, kitchen) ?? []).flatMap((one) => {
        const owner = owners.get(one);
        // Who needs a child of a group, or any of several, does not wait for all of it.
        return owner === undefined ? [] : { owner, isWhole: !any && owner.id === one };
      }),
    );
  const free = new Set<StepDraft>();
  const sinks = new Set(steps);
  for (const step of steps)
    for (const inner of eachStep([step])) {
      const others = needed(inner);
      if (others.length === 0) free.add(inner);
      for (const { owner, isWhole } of others) if (isWhole && owner !== step) sinks.delete(owner);
    }
  const isOpening = (step: StepDraft): boolean =>
    free.has(step) && (step.children.length === 0 || step.children.some(isOpening));
  // Only in a circle does every step need another, and the circle is told later.
  return {
    sources: new Set(steps.filter((step) => free.has(step))),
    opening: new Set(steps.filter(isOpening)),
    sinks: sinks.size > 0 ? [...sinks] : steps.slice(-1),
  };
}

/** A copy of a step under other names, its texts to be read in a scope of its own. */
export type Copy = {
  readonly scope: Scope;
  readonly kitchen: Kitchen;
  /** From an id as the copy's texts write it to the id of the copy. */
  readonly rename: (id: string) => string;
  readonly repeated: StepDraft['repeated'];
  /** The scope in which ids are read, where loops inside of the copy have variables that are not known yet. */
  readonly naming?: Scope;
};

export function copyStep(step: StepDraft, copy: Copy): StepDraft {
  const { scope, kitchen, rename, repeated, naming = scope } = copy;
  kitchen.budget.take(1, step.at);
  kitchen.budget.takeNeeds('made', copying(step));
  const named = (id: string, at: StepDraft['at']) =>
    rename(id.includes('{') ? fill(id, naming, kitchen.values, () => at) : id);
  const needed = (need: Need): Need => {
    if (need.outside === true) return need;
    const id = named(need.id, need.at);
    return scope.prefix === null ? { ...need, id } : { ...need, id, scope };
  };
  return {
    ...step,
    scope,
    repeated,
    id: named(step.id, step.at),
    needs: step.needs.map(needed),
    children: step.children.length === 0 ? step.children : step.children.map((child) => copyStep(child, copy)),
    loop: step.loop === null ? null : { ...step.loop, body: copyBody(step.loop, copy) },
  };
}

function copying({ at, needs }: StepDraft): NeedsMade {
  const why = `each copy of this step needs ${needs.length} others`;
  return { count: needs.length, at, why, todo: 'let one step need them, and this one need that' };
}

/** A loop's body inside a copy: its own ids are its own, so that only what it needs from around it is renamed. */
function copyBody({ body, variable }: LoopDraft, copy: Copy): readonly StepDraft[] {
  const { scope, kitchen, naming: outer = scope } = copy;
  const naming = variable === null ? outer : scopeIn(outer, { single: new Map([[variable, `{${variable}}`]]) });
  const own = new Set<string>();
  for (const { id } of eachStep(body)) own.add(fill(id, naming, kitchen.values, () => copyOrigin(body)));
  const rename = (id: string) => (own.has(id) ? id : copy.rename(id));
  return body.map((step) => copyStep(step, { ...copy, rename, naming }));
}

function copyOrigin(body: readonly StepDraft[]): StepDraft['at'] {
  const [first] = body;
  if (first === undefined) throw new Error('an empty body has no ids to fill in');
  return first.at;
}

export function addNeeds(step: StepDraft, needs: readonly Need[]): StepDraft {
  return needs.length === 0 ? step : { ...step, needs: [...needs, ...step.needs] };
}

/** A need on each of these steps, written where `at` is. */
export function needsOn(steps: readonly { readonly id: string }[], at: StepDraft['at']): readonly Need[] {
  return steps.map(({ id }) => ({ id, at, any: false }));
}

/** What a step with a loop or an expansion hands down to the steps that stand in its place. */
export function handDown(
  from: StepDraft,
  to: readonly StepDraft[],
  gated: ReadonlySet<StepDraft>,
  kitchen: Kitchen,
): readonly StepDraft[] {
  const { condition, priority, labels, assignee, agent, confinement, type, gates, metadata } = from;
  const nothing =
    condition === null &&
    priority === null &&
    labels.length === 0 &&
    assignee === null &&
    agent === null &&
    confinement === null &&
    type === null &&
    gates.length === 0 &&
    Object.keys(metadata).length === 0;
  if (nothing) return to;
  const outer = handGates(from);
  return to.map((step) => ({
    ...step,
    ...workers(from, step),
    condition: bothConditions(from, step, kitchen),
    labels: [...step.labels, ...labels],
    type: step.type ?? type,
    metadata: { ...metadata, ...step.metadata },
    gates: gated.has(step) ? [...outer, ...step.gates] : step.gates,
    handed: withHanded(step, from, handedPaths(from, step)),
    children: handWorkers(from, step.children),
  }));
}

/** Who works them, and how urgent they are. Conditions and gates hold the children of a group by holding the group. */
function handWorkers(from: StepDraft, to: readonly StepDraft[]): readonly StepDraft[] {
  if (to.length === 0) return to;
  return to.map((step) => ({
    ...step,
    ...workers(from, step),
    handed: withHanded(step, from, workerPaths(from, step)),
    children: handWorkers(from, step.children),
  }));
}

function workers(from: StepDraft, step: StepDraft): Pick<StepDraft, 'priority' | 'assignee' | 'agent' | 'confinement'> {
  const { confinement } = step;
  return {
    priority: step.priority ?? from.priority,
    assignee: step.assignee ?? from.assignee,
    agent: step.agent ?? from.agent,
    // Neither lets out what the other shuts in.
    confinement:
      confinement === null || from.confinement === null
        ? (confinement ?? from.confinement)
        : stricter(confinement, from.confinement),
  };
}

function workerPaths(from: StepDraft, step: StepDraft): readonly (readonly [Path, Path])[] {
  const whole = (['assignee', 'agent'] as const).filter((key) => step[key] === null && from[key] !== null);
  return whole.map((key) => [[key], [key]] as const);
}

/** Where the step has texts from `from`, and where they are there. */
function handedPaths(from: StepDraft, step: StepDraft): readonly (readonly [Path, Path])[] {
  const entries = Object.keys(from.metadata).filter((key) => !Object.hasOwn(step.metadata, key));
  return [
    ...workerPaths(from, step),
    ...entries.map(
      (key) =>
        [
          ['metadata', key],
          ['metadata', key],
        ] as const,
    ),
    ...from.labels.map(
      (_, index) =>
        [
          ['labels', step.labels.length + index],
          ['labels', index],
        ] as const,
    ),
  ];
}

/** A step has one condition: of two, one must be known already. */
function bothConditions(outer: StepDraft, inner: StepDraft, kitchen: Kitchen): StepDraft['condition'] {
  if (outer.condition === null || inner.condition === null) return inner.condition ?? handCondition(outer);
  const [around, own] = [decided(outer, kitchen), decided(inner, kitchen)];
  if (around === false || own === true) return handCondition(outer);
  if (around === null && own === null)
    kitchen.findings.refuse(
      inner.condition.at,
      'the step has a condition of its own and one from the step it stands in the place of, and neither is known before it runs',
      { hint: 'put one of them on a group around it, a step with children' },
    );
  return inner.condition;
}

/** Whether a condition holds, null when that is known at run time only. */
function decided({ condition: written, scope: own }: StepDraft, { values }: Kitchen): boolean | null {
  const condition = written === null ? null : readStepCondition(written.text);
  if (written === null || condition === null || condition.value.startsWith('{{steps.')) return null;
  const { at, scope = own } = written;
  const quiet = { ...values, open: true };
  const value = fillSubject(condition.value, scope, values, () => at);
  const against = fill(condition.against, scope, quiet, () => at);
  if ([value, against].some((text) => isOpen(text) || ENTRY.test(text)) || referencesIn(value).length > 0) return null;
  const truthy = value !== '' && !['false', '0', 'no', 'off'].includes(value.toLowerCase());
  if (condition.op === 'truthy' || condition.op === 'falsy') return truthy === (condition.op === 'truthy');
  return (value === against) === (condition.op === 'is');
}

/** What stands for an entry of a fan-out, which is known when it has been left. */
const ENTRY = /\{(?:item(?:\.[\w-]+)*|index|n)\}/;

/** What ids have become: by each the ids that are needed now. */
export type Instead = Pick<ReadonlyMap<string, readonly string[]>, 'get' | 'has'>;
export type Rewrite = (needs: readonly Need[], instead: Instead) => readonly Need[];

/** Needs with ids replaced by those of others. */
export function rewriteNeeds(needs: readonly Need[], instead: Instead, budget: Budget): readonly Need[] {
  if (!needs.some(({ id }) => instead.has(id))) return needs;
  return needs.flatMap((need) => {
    const ids = instead.get(need.id);
    budget.takeNeeds('made', standingFor(need, ids ?? [need.id]));
    return budget.spent || ids === undefined ? need : ids.map((id) => inPlace(need, id));
  });
}

/**
 * The need on a step that stands where the needed one has given way, by the id that this has in the end. Who waits for all that stands
 * there waits for its children.
 */
export function inPlace({ children, scope: _scope, ...need }: Need, id: string): Need {
  return need.any && children !== undefined ? { ...need, children, id } : { ...need, id };
}

/** The step with its needs rewritten, and those of what a loop over its output adds to it. */
export function relink(step: StepDraft, instead: Instead, rewrite: Rewrite): StepDraft {
  const needs = rewrite(step.needs, instead);
  const onComplete = step.onComplete === null ? null : relinkFanOut(step.id, step.onComplete, instead, rewrite);
  return needs === step.needs && onComplete === step.onComplete ? step : { ...step, needs, onComplete };
}

/** `of` is the step that fans out: what comes after it as a whole comes after the added steps, too. */
export function relinkFanOut(of: string, fanOut: OnComplete, instead: Instead, rewrite: Rewrite): OnComplete {
  const { bond } = fanOut;
  if (bond.kind === 'formula') return fanOut;
  const get = (id: string) => (id === of ? undefined : instead.get(id));
  const others = { get, has: (id: string) => get(id) !== undefined };
  const loop = relinkLoop(bond.loop, NOTHING, (needs) => rewrite(needs, others));
  return { ...fanOut, bond: { ...bond, loop } };
}

/** Whether the need is on a step of the bodies that it stands in. */
export function isOwn({ id, outside }: Need, own: ReadonlySet<string>): boolean {
  return outside !== true && own.has(id);
}

/** A loop's step with its needs and those in its body rewritten, but those of the body on itself: `own` are its ids. */
function relinkLoop(
  step: StepDraft,
  own: ReadonlySet<string>,
  rewrite: (needs: readonly Need[]) => readonly Need[],
): StepDraft {
  const { loop } = step;
  const inner = loop === null ? own : new Set([...own, ...Array.from(eachStep(loop.body), ({ id }) => id)]);
  return {
    ...step,
    needs: step.needs.flatMap((need) =>
      isOwn(need, own) ? need : rewrite([need]).map((one) => (own.has(one.id) ? { ...one, outside: true } : one)),
    ),
    children: step.children.map((child) => relinkLoop(child, own, rewrite)),
    loop: loop === null ? null : { ...loop, body: loop.body.map((one) => relinkLoop(one, inner, rewrite)) },
  };
}

const NOTHING: ReadonlySet<string> = new Set();

export const EMPTY_STEP: Omit<StepDraft, 'at' | 'id' | 'title' | 'description'> = {
  scope: null,
  notes: null,
  kind: 'agent',
  type: null,
  needs: [],
  acceptance: { text: null, command: null, shorthand: false },
  run: null,
  script: null,
  priority: null,
  labels: [],
  metadata: {},
  assignee: null,
  agent: null,
  confinement: null,
  condition: null,
  gates: [],
  output: null,
  retry: null,
  check: null,
  loop: null,
  expand: null,
  onComplete: null,
  children: [],
  hollow: false,
  leg: null,
  repeated: null,
  handed: NOTHING_HANDED,
};
