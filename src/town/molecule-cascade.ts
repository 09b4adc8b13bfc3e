/**
 * What follows from a change: steps whose needs are met begin, groups whose children have closed close, a failure brings its scopes to
 * their end. It goes by a list of steps that have settled, so that it costs what changes, not what there is.
 */
import type { Trouble } from './escalation-sources.js';
import { fill, whyNot } from './molecule-facts.js';
import { fanOutSteps } from './molecule-fan-out.js';
import {
  areOpen,
  conditionsThatHold,
  describeGates,
  gatesFor,
  opened,
  unreadableGate,
  waitsForGates,
} from './molecule-gates.js';
import { ADDED_STEPS_MAX, countAdded, grow, stepFrom } from './molecule-growth.js';
import { closedBy, isMet, isSettledAt, loopAt, put, stepAt } from './molecule-live.js';
import type { Draft, Molecule } from './molecule-live.js';
import { present } from './molecule-plan.js';
import type { Scope } from './molecule-plan.js';
import type { Closed, GateState, Step, StepState } from './molecule-state.js';

const ENGINE = 'the molecule';

export function escalated(why: string, sinceMs: number, trouble: Trouble): StepState {
  return { kind: 'waiting', for: 'escalation', why, sinceMs, trouble };
}

/** Closes a step; whoever waits for it is told when the draft is settled. */
export function close(draft: Draft, at: number, state: Closed): void {
  // Notes were for its next session.
  put(draft, at, { state, ...(stepAt(draft, at).notes === undefined ? {} : { notes: [] }) });
  const step = stepAt(draft, at);
  if (state.outcome === 'failed') {
    draft.failed ??= step.id;
    return;
  }
  if (state.head !== null) draft.head = state.head;
  if (state.outcome === 'done') fanOut(draft, at, state);
  if (isSettledAt(draft, at)) draft.settled.push(at);
}

function fanOut(draft: Draft, at: number, { output }: Closed): void {
  const step = stepAt(draft, at);
  const proto = draft.plan.protos[at];
  if (proto?.fanOut === undefined || step.fan !== undefined) return;
  const added = fanOutSteps(proto, proto.fanOut, output, draft.how);
  if (countAdded(draft) + added.length > ADDED_STEPS_MAX) {
    put(draft, at, { state: escalated(tooMany(added.length), draft.nowMs, { source: 'loop' }) });
    return;
  }
  put(draft, at, { fan: added.map((one) => one.id) });
  if (added.length === 0) return;
  const steps = added.map((one) => stepFrom(one, draft.how, step.id));
  const first = draft.steps.length;
  grow(draft, { protos: added, steps, loops: draft.loops });
  wakeFrom(draft, first);
}

export function tooMany(more: number): string {
  return `${more} more steps would be added than fit: a molecule takes at most ${ADDED_STEPS_MAX} steps that are not in its formula; split the work into several missions`;
}

/** Tells of everything that has settled until nothing more follows. */
export function settle(draft: Draft): void {
  for (;;) {
    while (draft.settled.length > 0) for (const at of draft.settled.splice(0)) tell(draft, at);
    if (draft.failed !== null) endScopes(draft);
    else openConditions(draft, []);
    if (draft.settled.length === 0) return;
  }
}

function tell(draft: Draft, at: number): void {
  for (const dependent of draft.plan.dependents[at] ?? []) wake(draft, dependent);
  for (const owner of draft.plan.owners[at] ?? []) {
    draft.left[owner] = (draft.left[owner] ?? 0) - 1;
    // Somebody may need the first child only.
    for (const dependent of draft.plan.dependents[owner] ?? []) wake(draft, dependent);
    if (draft.left[owner] === 0) complete(draft, owner);
  }
}

/** All that a group, a loop or a fan-out waited for has settled. A loop is then judged, unless nothing of it was done. */
function complete(draft: Draft, at: number): void {
  const { state, kind, fan } = stepAt(draft, at);
  if (state.kind === 'closed') {
    // Only a fan-out settles later than it closes; a group that was skipped has been told of.
    if (fan !== undefined && isSettledAt(draft, at)) draft.settled.push(at);
    return;
  }
  const loop = loopAt(draft, at);
  if (loop === null) {
    if (kind === 'group' && state.kind === 'open')
      close(draft, at, closedBy(draft, 'done', 'all its steps have closed', ENGINE));
    return;
  }
  const last = membersOf(draft, at).map((member) => stepAt(draft, member));
  // An iteration that did nothing by itself would do nothing the next time; what somebody has skipped is skipped this time.
  const isVain = ({ state, kind: own }: Step) =>
    state.kind === 'closed' &&
    (loop.counter === undefined ? state.outcome === 'skipped' : own !== undefined || isSkippedByCondition(state));
  if (last.every(isVain)) {
    close(draft, at, closedBy(draft, 'skipped', 'all its steps were skipped', ENGINE));
  }
}

function isSkippedByCondition({ outcome, by }: Closed): boolean {
  return outcome === 'skipped' && by === ENGINE;
}

/** Steps that count for a group or loop now. */
function membersOf(draft: Pick<Draft, 'plan'>, at: number): readonly number[] {
  const children = draft.plan.children[at] ?? [];
  if (children.length > 0) return children;
  return draft.plan.owners.flatMap((owners, member) => (owners.includes(at) ? [member] : []));
}

export function wakeFrom(draft: Draft, first: number): void {
  for (let at = first; at < draft.steps.length; at += 1) wake(draft, at);
}

/** Begins a step when it is pending and all it needs is there. */
function wake(draft: Draft, at: number): void {
  const step = stepAt(draft, at);
  if (step.state.kind !== 'pending' || draft.failed !== null) return;
  const needs = draft.plan.needs[at] ?? [];
  let cursor = draft.cursors[at] ?? 0;
  for (let need = needs[cursor]; need !== undefined && isMet(draft, need); need = needs[cursor]) cursor += 1;
  draft.cursors[at] = cursor;
  if (cursor < needs.length) return;
  const group = step.parent === undefined ? undefined : draft.plan.index.get(step.parent);
  if (group !== undefined && stepAt(draft, group).state.kind !== 'open') return;
  begin(draft, at);
}

function begin(draft: Draft, at: number): void {
  const step = stepAt(draft, at);
  const proto = draft.plan.protos[at] ?? null;
  const not = proto?.condition === undefined ? null : whyNot(draft, step.id, proto.condition);
  if (not !== null) {
    skip(draft, at, not, ENGINE);
    return;
  }
  const title = fill(draft, step.id, step.title);
  if (title !== step.title) put(draft, at, { title });
  const gates = proto?.gates ?? [];
  if (gates.length > 0) {
    const shut = gatesFor(draft, step.id, gates);
    const unreadable = unreadableGate(shut);
    const state =
      unreadable === null ? waitsForGates(shut, draft.nowMs) : escalated(unreadable, draft.nowMs, { source: 'gate' });
    put(draft, at, { gates: shut, state });
    if (!areOpen(shut)) return;
  }
  start(draft, at);
}

/** Behind its gates: a group opens for its children, a person is waited for, anything else is ready to be worked. */
export function start(draft: Draft, at: number): void {
  const { id, kind, runtime } = stepAt(draft, at);
  if (kind !== undefined) {
    put(draft, at, { state: { kind: 'open', sinceMs: draft.nowMs } });
    tellFirst(draft, at);
    for (const child of draft.plan.children[at] ?? []) wake(draft, child);
    if (draft.left[at] === 0) complete(draft, at);
    return;
  }
  if (runtime === 'human') {
    const { assignee } = draft.plan.protos[at] ?? {};
    const why =
      assignee === undefined ? 'a person works on this step' : `${fill(draft, id, assignee)} works on this step`;
    put(draft, at, { state: { kind: 'waiting', for: 'human', why, sinceMs: draft.nowMs } });
    return;
  }
  put(draft, at, { state: { kind: 'ready', sinceMs: draft.nowMs } });
}

/** What was answered while a group waited for its gates is for the first of its steps. */
function tellFirst(draft: Draft, at: number): void {
  const { answers } = stepAt(draft, at);
  if (answers === undefined) return;
  const children = draft.plan.children[at] ?? [];
  const inside = new Set(children.map((child) => stepAt(draft, child).id));
  for (const child of children) {
    const { needs, state, answers: before = [] } = stepAt(draft, child);
    const untold = answers.filter(({ atMs, by }) => !before.some((one) => one.atMs === atMs && one.by === by));
    if (state.kind === 'pending' && !needs.some((need) => inside.has(need)))
      put(draft, child, { answers: [...before, ...untold] });
  }
}

/**
 * Closes a step as skipped, and with a group all that is in it, but for what must run after a failure and what a session works on: that
 * ends first, and counts if it is done (`skipWithGroup`). Before 0.6 it was closed at once, and again by its session; and a teardown was
 * not skipped after a failure, whoever asked for it.
 */
export function skip(draft: Draft, at: number, reason: string, by: string, head: string | null = null): void {
  const isOld = draft.how.rules === undefined;
  const below = [at];
  for (let next = below.pop(); next !== undefined; next = below.pop()) {
    const { state } = stepAt(draft, next);
    const isTeardown = draft.plan.protos[next]?.scope?.role === 'teardown';
    if (draft.failed !== null && isTeardown && (next !== at || isOld)) continue;
    if (state.kind !== 'closed' && (state.kind !== 'active' || isOld))
      close(draft, next, closedBy(draft, 'skipped', reason, by, { head: next === at ? head : null }));
    below.push(...(stepAt(draft, next).kind === undefined ? [] : membersOf(draft, next)));
  }
}

/** A session that has ended without closing its step is the last of it when the group or loop around it was skipped meanwhile. */
export function skipWithGroup(draft: Draft, at: number): void {
  const { kind } = stepAt(draft, at).state;
  if (draft.how.rules === undefined || kind === 'active' || kind === 'closed') return;
  for (const owner of draft.plan.owners[at] ?? []) {
    const { state } = stepAt(draft, owner);
    if (state.kind !== 'closed' || state.outcome !== 'skipped') continue;
    skip(draft, at, state.summary, state.by);
    return;
  }
}

export function openGates(draft: Draft, at: number, which: (gate: number) => boolean, by: string): void {
  putGates(
    draft,
    at,
    opened(stepAt(draft, at), (_gate, position) => which(position), by),
  );
}

/** Something has become of gates: when all are open the step begins. */
export function putGates(draft: Draft, at: number, gates: readonly GateState[]): void {
  const step = stepAt(draft, at);
  put(draft, at, { gates });
  if (areOpen(gates)) start(draft, at);
  else if (step.state.kind === 'waiting' && step.state.for === 'gate') {
    put(draft, at, { state: { ...step.state, why: describeGates(gates) } });
  }
}

export function openConditions(draft: Draft, files: readonly string[]): void {
  for (const { at, gate } of conditionsThatHold(draft, files)) {
    const awaited = stepAt(draft, at).gates?.[gate]?.await ?? '';
    openGates(draft, at, (position) => position === gate, awaited);
  }
}

/** Scopes of which something was begun: what they set up is there and must be taken down. */
export function begunScopes(molecule: Pick<Molecule, 'plan' | 'steps'>): readonly Scope[] {
  return [...molecule.plan.scopes.values()].filter((scope) => scope.members.some((at) => hasBegun(molecule, at)));
}

function hasBegun(molecule: Pick<Molecule, 'steps'>, at: number): boolean {
  const { state, sessions } = stepAt(molecule, at);
  if (state.kind === 'closed') return state.outcome !== 'skipped';
  return state.kind === 'active' || sessions > 0 || (state.kind === 'waiting' && state.for === 'human');
}

/** After a failure nothing begins but the teardowns of scopes that were begun; their open members are skipped. */
function endScopes(draft: Draft): void {
  for (const { body, members, teardowns } of begunScopes(draft)) {
    for (const at of [...members, ...present(body ?? undefined)]) {
      const { state } = stepAt(draft, at);
      // A session that runs ends by itself, and its step is skipped then.
      if (state.kind === 'closed' || state.kind === 'active') continue;
      skip(draft, at, `step "${draft.failed ?? ''}" has failed`, ENGINE);
    }
    for (const at of teardowns) beginTeardown(draft, at, teardowns);
  }
}

/** A teardown waits for no gate, and for no step but the teardowns before it. */
function beginTeardown(draft: Draft, at: number, teardowns: readonly number[]): void {
  const step = stepAt(draft, at);
  if (step.state.kind === 'waiting' && step.state.for === 'gate') start(draft, at);
  if (step.state.kind !== 'pending') return;
  const before = (draft.plan.needs[at] ?? [])
    .map(({ target }) => target)
    .filter((target) => teardowns.includes(target));
  if (before.some((target) => stepAt(draft, target).state.kind !== 'closed')) return;
  const condition = draft.plan.protos[at]?.condition;
  const not = condition === undefined ? null : whyNot(draft, step.id, condition);
  if (not !== null) {
    skip(draft, at, not, ENGINE);
    return;
  }
  start(draft, at);
}
