/**
 * A molecule in memory: what is carried, and what follows from it and would be slow to work out each time. Never changed in place:
 * an event makes a draft of it, a copy that is written to, and the draft becomes the next molecule.
 */
import { planOf } from './molecule-plan.js';
import type { Need, Plan } from './molecule-plan.js';
import { firstCounted, templatesIn } from './molecule-iterations.js';
import type { Closed, LoopState, MoleculeState, Passed, Step, Waiting } from './molecule-state.js';
import type { Protomolecule, ProtoStep } from './protomolecule.js';
import { addUsage, NO_USAGE } from './session.js';
import type { RuntimeKind } from './runtime.js';
import type { Usage } from './session.js';

export type How = {
  readonly runtime: RuntimeKind | 'auto';
  /** False for a molecule on nobody's hook, whose agent and `run` steps wait for a person. */
  readonly sandboxed: boolean;
  /** Whether steps call agents that are programs by their names; absent as false, as in what began before. */
  readonly programs?: boolean;
  /** Names of town.toml's own agents, which steps may call, too; absent as none. */
  readonly agents?: readonly string[];
  /** Whose crew is meant by `crew/NAME`; absent on nobody's hook. */
  readonly rig?: string;
  /** The version by whose rules it goes, where they have changed since; absent in what began before 0.6. */
  readonly rules?: '0.6';
};

export type Molecule = Required<MoleculeState> & {
  readonly how: How;
  /** The steps as cooked, by id. */
  readonly cooked: ReadonlyMap<string, ProtoStep>;
  /** Those that are cooked once for many iterations, with the number of the iteration open. */
  readonly templates: ReadonlyMap<string, ProtoStep>;
  readonly plan: Plan;
  /** How many needs of a step, from the first on, are met. Whoever closes wakes only those whose next need it is. */
  readonly cursors: readonly number[];
  /** How many steps a group, a loop or a fan-out still waits for. */
  readonly left: readonly number[];
  /** Positions of steps that are ready, the most urgent first, the formula's order among equals. */
  readonly ready: readonly number[];
  /** Positions of steps that are active or waiting, in the formula's order. */
  readonly held: readonly number[];
  readonly closed: number;
  readonly usage: Usage;
  readonly sessions: number;
  /** What works on its steps, or has worked on the branch. */
  readonly workers: ReadonlySet<RuntimeKind>;
};

export function stateOf({
  steps,
  limits,
  added,
  loops,
  mails,
  bonds,
  turns,
  head,
  paused,
  holds,
  gone,
  passed,
  lost,
  revisions,
  workedBy,
  failed,
}: Molecule): Required<MoleculeState> {
  const all = { steps, limits, added, loops, mails, bonds, turns, head, paused, holds, gone, passed, lost };
  return { ...all, revisions, workedBy, failed };
}

const NOTHING_PASSED: Passed = { steps: 0, atMs: 0, sessions: 0, usage: NO_USAGE };

export function revive(proto: Pick<Protomolecule, 'steps'>, state: MoleculeState, how: How): Molecule {
  const { steps, limits, added = [], loops = [], mails = [], bonds = 0, paused = null, gone = {} } = state;
  // One that an earlier version carried on was held from one side only.
  const { holds = paused === null ? [] : [{ ...paused, isFromAnywhere: true as const }] } = state;
  const { passed = NOTHING_PASSED, lost = [], revisions = [], turns = 0, workedBy = workedOn(steps) } = state;
  const templates = templatesIn(proto.steps, loops);
  const all = [...proto.steps, ...firstCounted(templates, loops), ...added];
  const cooked = new Map(all.map((step) => [step.id, step]));
  const spent = [...steps, ...Object.values(gone), passed];
  const plan = planOf(steps, cooked, loops);
  return {
    steps,
    limits,
    added,
    loops,
    mails,
    bonds,
    turns,
    paused,
    holds,
    gone,
    passed,
    lost,
    revisions,
    workedBy,
    how,
    cooked,
    templates,
    plan,
    head: state.head ?? lastHead(steps),
    left: leftOf(steps, plan),
    cursors: steps.map(() => 0),
    ready: steps.flatMap((step, at) => (listOf(step) === 'ready' ? [at] : [])).toSorted(byUrgency(plan)),
    held: steps.flatMap((step, at) => (listOf(step) === 'held' ? [at] : [])),
    closed: steps.filter((step) => step.state.kind === 'closed').length,
    failed: failedIn(steps, state.failed ?? null),
    usage: spent.reduce((sum, { usage }) => addUsage(sum, usage), NO_USAGE),
    sessions: spent.reduce((sum, { sessions }) => sum + sessions, 0),
    workers: workersOf({ steps, workedBy }),
  };
}

/** A molecule that an earlier version carried on does not say what has worked on it. */
function workedOn(steps: readonly Step[]): readonly RuntimeKind[] {
  return [...new Set(steps.flatMap(({ runtime, sessions }) => (sessions > 0 ? [runtime] : [])))];
}

/** On groups and loops nobody works, whatever their runtime is. */
export function workersOf({ steps, workedBy }: Pick<Molecule, 'steps' | 'workedBy'>): ReadonlySet<RuntimeKind> {
  return new Set([...workedBy, ...steps.flatMap(({ kind, runtime }) => (kind === undefined ? [runtime] : []))]);
}

/** A molecule that an earlier version carried on does not say which of several was the first. */
function failedIn(steps: readonly Step[], first: string | null): string | null {
  const failed = steps.filter(hasFailed);
  return (failed.find((step) => step.id === first) ?? failed[0])?.id ?? null;
}

/** A molecule that an earlier version carried on does not say where its branch stands. */
function lastHead(steps: readonly Step[]): string | null {
  const closed = steps.flatMap(({ state }) => (state.kind === 'closed' && state.head !== null ? [state] : []));
  return closed.toSorted((a, b) => a.atMs - b.atMs).at(-1)?.head ?? null;
}

export function leftOf(steps: readonly Step[], { owners }: Pick<Plan, 'owners'>): readonly number[] {
  const left: number[] = steps.map(() => 0);
  // From the end: what a fan-out adds stands behind its step, which is settled only with it.
  for (let at = steps.length - 1; at >= 0; at -= 1) {
    const step = steps[at];
    if (step === undefined || isSettled(step, left[at] ?? 0)) continue;
    for (const owner of owners[at] ?? []) left[owner] = (left[owner] ?? 0) + 1;
  }
  return left;
}

function listOf({ state }: Step): 'ready' | 'held' | null {
  if (state.kind === 'ready') return 'ready';
  return state.kind === 'active' || state.kind === 'waiting' ? 'held' : null;
}

type Order = (a: number, b: number) => number;

const PRIORITY = 2;

function byUrgency({ protos }: Pick<Plan, 'protos'>): Order {
  const urgency = (at: number) => protos[at]?.priority ?? PRIORITY;
  return (a, b) => urgency(a) - urgency(b) || a - b;
}

const byPosition: Order = (a, b) => a - b;

/** Where an entry stands in a sorted list, or would. */
function placeIn(list: readonly number[], at: number, order: Order): number {
  let [from, to] = [0, list.length];
  while (from < to) {
    const middle = (from + to) >> 1;
    if (order(list[middle] ?? 0, at) < 0) from = middle + 1;
    else to = middle;
  }
  return from;
}

function hasFailed({ state }: Step): boolean {
  return state.kind === 'closed' && state.outcome === 'failed';
}

/** Closed for those who need it, with all that its fan-out added. */
function isSettled(step: Step, left: number): boolean {
  return step.state.kind === 'closed' && !hasFailed(step) && (step.fan === undefined || left === 0);
}

type Writable<T> = { -readonly [Key in keyof T]: T[Key] };

export type Draft = Omit<Writable<Molecule>, 'steps' | 'cursors' | 'left'> & {
  readonly nowMs: number;
  steps: Step[];
  cursors: number[];
  left: number[];
  /** Positions of steps that have settled, and of whom nobody has been told. */
  readonly settled: number[];
};

export function draftOf(molecule: Molecule, nowMs: number): Draft {
  const { steps, cursors, left } = molecule;
  return { ...molecule, steps: [...steps], cursors: [...cursors], left: [...left], settled: [], nowMs };
}

export function moleculeOf({ nowMs: _nowMs, settled: _settled, ...molecule }: Draft): Molecule {
  return molecule;
}

/** Sessions of the step that count: those since it was to be done again. */
export function sessionsOf({ sessions, sessionsBefore = 0 }: Step): number {
  return sessions - sessionsBefore;
}

export function positionOf({ plan }: Pick<Molecule, 'plan'>, id: string): number | null {
  return plan.index.get(id) ?? null;
}

export function stepAt(molecule: Pick<Molecule, 'steps'>, at: number): Step {
  const step = molecule.steps[at];
  if (step === undefined) throw new RangeError(`a molecule has no step number ${at}`);
  return step;
}

export function loopAt({ plan, loops }: Pick<Molecule, 'plan' | 'loops'>, at: number): LoopState | null {
  const position = plan.loops.get(at);
  return position === undefined ? null : (loops[position] ?? null);
}

export function put(draft: Draft, at: number, change: Partial<Step>): void {
  const before = stepAt(draft, at);
  const step: Writable<Step> = { ...before, ...change };
  if (change.state?.kind === 'waiting') step.state = inTurn(draft, change.state);
  draft.steps[at] = step;
  const was = listOf(before);
  const is = listOf(step);
  if (was !== is) {
    const orders = { ready: byUrgency(draft.plan), held: byPosition };
    if (was !== null) draft[was] = draft[was].toSpliced(placeIn(draft[was], at, orders[was]), 1);
    if (is !== null) draft[is] = draft[is].toSpliced(placeIn(draft[is], at, orders[is]), 0, at);
  }
  const closings = Number(step.state.kind === 'closed') - Number(before.state.kind === 'closed');
  draft.closed += closings;
}

/** What a session has cost counts, in its step and with the molecule, whatever becomes of them. */
export function charge(draft: Draft, at: number, usage: Usage): void {
  draft.usage = addUsage(draft.usage, usage);
  put(draft, at, { usage: addUsage(stepAt(draft, at).usage, usage) });
}

function inTurn(draft: Draft, state: Waiting): Waiting {
  if (state.turn !== undefined || draft.how.rules === undefined) return state;
  draft.turns += 1;
  return { ...state, turn: draft.turns };
}

export function closedBy(
  draft: Draft,
  outcome: Closed['outcome'],
  summary: string,
  by: string,
  more: Pick<Partial<Closed>, 'head' | 'output'> = {},
): Closed {
  return { kind: 'closed', outcome, summary, by, atMs: draft.nowMs, head: null, ...more };
}

export function isMet(molecule: Pick<Molecule, 'steps' | 'left' | 'plan'>, { target, any }: Need): boolean {
  if (isSettled(stepAt(molecule, target), molecule.left[target] ?? 0)) return true;
  return any && (molecule.plan.children[target] ?? []).some((child) => isDone(stepAt(molecule, child)));
}

function isDone({ state }: Step): boolean {
  return state.kind === 'closed' && (state.outcome === 'done' || state.outcome === 'soft-failed');
}

export function isSettledAt(molecule: Pick<Molecule, 'steps' | 'left'>, at: number): boolean {
  return isSettled(stepAt(molecule, at), molecule.left[at] ?? 0);
}
