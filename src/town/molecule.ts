/**
 * The rules of a molecule: one run of a cooked formula.
 *
 *     pending → ready → active(session n) → closed(done | skipped | failed | soft-failed)
 *        ↓        ↑         ↓
 *        └→ waiting(human | escalation | gate)
 *
 * A step begins when its needs are met and its group is open: if its condition is false it is skipped, then its gates are waited for.
 * A group or a loop is not worked: it is `open` until all its steps have closed (`molecule-cascade`, `molecule-loops`). Steps share one
 * sandbox, so at most one is active, and a step that waits for an answer to its escalation keeps the sandbox (its half-done work must not
 * end up in another step's commit). What needs no sandbox, people and gates, is waited for side by side.
 *
 * Once a step has failed the molecule fails, as soon as the teardowns of the scopes that were begun have closed.
 */
import { askedAnew } from './approvals.js';
import { approvalRejected, approved } from './molecule-approvals.js';
import { wentBack } from './molecule-back.js';
import { bonded } from './molecule-bond.js';
import { withAnswer } from './answer.js';
import {
  begunScopes,
  close,
  escalated,
  openConditions,
  openGates,
  settle,
  skip,
  skipWithGroup,
  start,
  wakeFrom,
} from './molecule-cascade.js';
import { areOpen, awaits, describeGate, timeoutWhy, waitsForGates } from './molecule-gates.js';
import { firstCounted, templatesIn } from './molecule-iterations.js';
import { loopsOf, stepFrom } from './molecule-growth.js';
import { hostLost } from './molecule-lost.js';
import {
  charge,
  closedBy,
  draftOf,
  loopAt,
  moleculeOf,
  positionOf,
  put,
  revive,
  sessionsOf,
  stepAt,
} from './molecule-live.js';
import type { Draft, How, Molecule } from './molecule-live.js';
import { judged, nextCounted, nextIteration } from './molecule-loops.js';
import { ended, rejected, withNotes } from './molecule-session-end.js';
import { revised } from './molecule-vars.js';
import type { MoleculeEvent, Step, StepState } from './molecule-state.js';
import type { Protomolecule } from './protomolecule.js';
import type { Limits } from './rig.js';
import type { RuntimeKind } from './runtime.js';
import type { Usage } from './session.js';
import { withHold, withoutHold, type Pause } from './pause.js';
import { unreachable } from './unreachable.js';

/** `workedBy`: what has worked on the branch before. */
export function pour(
  proto: Protomolecule,
  {
    limits,
    workedBy = [],
    ...how
  }: How & { readonly limits: Limits; readonly workedBy?: readonly RuntimeKind[] | undefined },
  nowMs: number,
): Molecule {
  const { states, own } = loopsOf(proto.steps, proto.loops ?? [], how);
  const first = new Map(firstCounted(templatesIn(proto.steps, states), states).map((step) => [step.id, step]));
  const steps = [...proto.steps.map((step) => stepFrom(first.get(step.id) ?? step, how)), ...own];
  const draft = draftOf(revive(proto, { steps, limits, loops: states, workedBy }, how), nowMs);
  wakeFrom(draft, 0);
  settleAll(draft);
  return moleculeOf(draft);
}

export function after(molecule: Molecule, event: MoleculeEvent, nowMs: number): Molecule {
  const draft = draftOf(molecule, nowMs);
  if ('step' in event) ofStep(draft, event);
  else moleculeEvent(draft, event);
  settleAll(draft);
  return moleculeOf(draft);
}

function settleAll(draft: Draft): void {
  do settle(draft);
  while (nextCounted(draft));
}

type StepEvent = Extract<MoleculeEvent, { readonly step: string }>;

function ofStep(draft: Draft, event: StepEvent): void {
  const at = positionOf(draft, event.step);
  if (at === null) return;
  const cost = costIn(event);
  if (cost !== undefined) charge(draft, at, cost);
  const { kind } = stepAt(draft, at).state;
  if (kind === 'closed' && event.kind !== 'went-back' && draft.how.rules !== undefined) {
    tooLate(draft, at, event);
    return;
  }
  stepEvent(draft, at, event);
  if (kind === 'active' && event.kind !== 'went-back') skipWithGroup(draft, at);
}

/** Of the session that has ended by it. */
function costIn(event: StepEvent): Usage | undefined {
  if (event.kind === 'session-ended') return event.result.usage;
  return 'usage' in event ? event.usage : undefined;
}

/** What was under way when the step closed leaves that as it is. But the branch stands where its commit is. */
function tooLate(draft: Draft, at: number, event: StepEvent): void {
  const { state } = stepAt(draft, at);
  const head = event.kind === 'accepted' || event.kind === 'skipped' ? (event.head ?? null) : null;
  if (head === null || state.kind !== 'closed') return;
  draft.head = head;
  put(draft, at, { state: { ...state, head } });
}

function stepEvent(draft: Draft, at: number, event: StepEvent): void {
  const { limits, nowMs } = draft;
  const step = stepAt(draft, at);
  const change = (to: Partial<Step>) => put(draft, at, to);
  switch (event.kind) {
    case 'session-started':
      draft.sessions += 1;
      if (!draft.workedBy.includes(step.runtime)) draft.workedBy = [...draft.workedBy, step.runtime];
      return change({ sessions: step.sessions + 1, state: { kind: 'active', sinceMs: nowMs } });
    case 'session-ended': {
      const { closed, ...to } = ended(step, draft.plan.protos[at] ?? null, event.result, limits, nowMs);
      change(to);
      return closed === undefined
        ? undefined
        : close(draft, at, closedBy(draft, 'soft-failed', closed, 'the molecule'));
    }
    case 'session-refused':
      return change({
        ...withNotes(step, event.notes ?? []),
        state: escalated(event.why, nowMs, { source: event.source ?? 'failure' }),
      });
    case 'accepted': {
      const { summary, by, head, output } = event;
      return close(
        draft,
        at,
        closedBy(draft, 'done', summary, by, { head, ...(output === undefined ? {} : { output }) }),
      );
    }
    case 'rejected':
      return change(rejected(step, draft.plan.protos[at] ?? null, event, limits, nowMs));
    case 'skipped':
      return skip(draft, at, event.reason, event.by, event.head ?? null);
    case 'failed':
      return close(draft, at, closedBy(draft, 'failed', event.reason, event.by));
    case 'given-up':
      return change({
        state: escalated(`${event.by} says that it failed: ${event.why}`, nowMs, { source: 'given-up' }),
      });
    case 'retried':
      return retried(draft, at, event);
    case 'revised':
      return revised(draft, event);
    case 'called-off':
      return change({ note: step.note ?? event.why, state: { kind: 'ready', sinceMs: nowMs } });
    case 'cut-off':
      return undefined;
    case 'went-back':
      return wentBack(draft, event);
    case 'gate-opened':
    case 'gate-stuck':
    case 'gate-timed-out':
      return gateEvent(draft, at, event);
    case 'approved':
      return approved(draft, at, event);
    case 'approval-rejected':
      return approvalRejected(draft, at, event);
    default:
      return unreachable(event);
  }
}

type GateEvent = Extract<StepEvent, { readonly gate: number }>;

function gateEvent(draft: Draft, at: number, event: GateEvent): void {
  const { state, gates } = stepAt(draft, at);
  const gate = gates?.[event.gate];
  const ask = (why: string) => put(draft, at, { state: escalated(why, draft.nowMs, { source: 'gate' }) });
  switch (event.kind) {
    case 'gate-opened':
      // It may have been waited for before the step was to be done again.
      if (state.kind !== 'waiting' || gate?.opened !== null) return undefined;
      return openGates(draft, at, (one) => one === event.gate, event.by);
    case 'gate-stuck':
      return ask(`${gate === undefined ? 'a gate' : describeGate(gate)}: ${event.why}`);
    case 'gate-timed-out':
      if (gate === undefined || gate.opened !== null) return undefined;
      if (gate.type === 'timer') return openGates(draft, at, (one) => one === event.gate, 'the timer');
      return ask(timeoutWhy(gate));
    default:
      return unreachable(event);
  }
}

/** Mails are kept by their subjects for gates whose turn comes later. */
const MAILS_MAX = 200;

function setHolds(draft: Draft, holds: readonly Pause[]): void {
  draft.holds = holds;
  draft.paused = holds[0] ?? null;
}

function moleculeEvent(draft: Draft, event: Exclude<MoleculeEvent, StepEvent>): void {
  switch (event.kind) {
    case 'paused': {
      const { kind: _, ...hold } = event;
      return setHolds(draft, withHold(draft.holds, { ...hold, sinceMs: draft.nowMs }));
    }
    case 'host-lost':
      return hostLost(draft, event);
    case 'resumed':
      return setHolds(draft, withoutHold(draft.holds, event.above));
    case 'mailed': {
      draft.mails = [...draft.mails, event.subject].slice(-MAILS_MAX);
      for (const at of draft.held) {
        const gates = stepAt(draft, at).gates ?? [];
        const which = (gate: number) => {
          const state = gates[gate];
          return state !== undefined && awaits(state, event.subject);
        };
        if (gates.some((_gate, gate) => which(gate)))
          openGates(draft, at, which, `mail "${event.subject}" from ${event.from}`);
      }
      return;
    }
    case 'files-seen':
      return openConditions(draft, event.files);
    case 'loop-judged':
      return judged(draft, event.loop, event.verdict);
    case 'bonded':
      return bonded(draft, event.proto, event.place);
    default:
      return unreachable(event);
  }
}

/** A new session, a loop's further iteration, or gates waited for anew. */
function retried(draft: Draft, at: number, { by, note }: Extract<MoleculeEvent, { readonly kind: 'retried' }>): void {
  const step = stepAt(draft, at);
  const asked = step.state.kind === 'waiting' ? step.state.why : null;
  const answered = withAnswer(step, { asked, by, atMs: draft.nowMs, text: note });
  const loop = loopAt(draft, at);
  const isShut = !areOpen(step.gates);
  // Behind a gate that is shut there is no iteration yet; before 0.6 there was another one beside it.
  if (loop !== null && !(isShut && draft.how.rules !== undefined)) {
    // Its steps come and go: how often it was answered is kept by itself.
    put(draft, at, answered);
    nextIteration(draft, at, loop, answered);
    return;
  }
  if (isShut) {
    const gates = askedAnew(step.gates ?? []);
    put(draft, at, { ...answered, gates, state: waitsForGates(gates, draft.nowMs) });
    return;
  }
  put(draft, at, {
    rejections: 0,
    stalls: 0,
    ...(step.failures === undefined ? {} : { failures: 0 }),
    ...answered,
  });
  start(draft, at);
}

/**
 * The step to work on now: the most urgent ready one, the first in the formula's order among equals; none while one holds the
 * sandbox, and none while the molecule is paused.
 */
export function nextStep(molecule: Molecule): Step | null {
  const { held, ready, failed, paused } = molecule;
  if (paused !== null) return null;
  if (failed === null && held.some((at) => holdsSandbox(stepAt(molecule, at)))) return null;
  const allowed = failed === null ? null : new Set(begunScopes(molecule).flatMap((scope) => scope.teardowns));
  const next = ready.find((at) => allowed?.has(at) !== false);
  return next === undefined ? null : stepAt(molecule, next);
}

/** Of escalations only those of a step that was worked: a shut gate and a loop have nothing in the sandbox. */
function holdsSandbox({ state, kind, gates }: Step): boolean {
  if (state.kind === 'active') return true;
  return state.kind === 'waiting' && state.for === 'escalation' && kind === undefined && areOpen(gates);
}

/** Whether another step than this one has begun and not closed, so that what lies in the sandbox may be its. */
export function isHalfDone({ held, ready, steps }: Molecule, id: string): boolean {
  return [...held, ...ready].some((at) => {
    const step = steps[at];
    return step !== undefined && step.id !== id && sessionsOf(step) > 0 && step.state.kind !== 'closed';
  });
}

export type Fate =
  | { readonly kind: 'open' }
  | { readonly kind: 'done' }
  | { readonly kind: 'failed'; readonly step: string; readonly reason: string };

export function fateOf(molecule: Molecule): Fate {
  const { failed, closed, steps, held } = molecule;
  if (failed === null) return closed === steps.length ? { kind: 'done' } : { kind: 'open' };
  const scopes = begunScopes(molecule);
  const isOpen = (at: number) => stepAt(molecule, at).state.kind !== 'closed';
  const isAtWork = held.some((at) => steps[at]?.state.kind === 'active');
  if (scopes.some(({ teardowns }) => teardowns.some(isOpen)) || (scopes.length > 0 && isAtWork))
    return { kind: 'open' };
  const state = stepOf(molecule, failed)?.state;
  return { kind: 'failed', step: failed, reason: state?.kind === 'closed' ? state.summary : '' };
}

/** Teardowns that a command can do alone, of scopes that were begun, in order: what is left to do when the molecule is cancelled. */
export function teardownsLeft(molecule: Molecule): readonly string[] {
  const all = begunScopes(molecule).flatMap((scope) => scope.teardowns);
  return all
    .toSorted((a, b) => a - b)
    .map((at) => stepAt(molecule, at))
    .filter((step) => step.runtime === 'script' && step.state.kind !== 'closed')
    .map((step) => step.id);
}

export function stepOf(molecule: Molecule, id: string): Step | null {
  const at = positionOf(molecule, id);
  return at === null ? null : stepAt(molecule, at);
}

type WaitsFor = Extract<StepState, { readonly kind: 'waiting' }>['for'];
const ANYTHING: readonly WaitsFor[] = ['human', 'escalation', 'gate'];

/** Steps that somebody outside can act on: those that wait for a person, for an answer or for a gate; the first in the formula's order. */
export function waitingSteps({ held, steps }: Molecule, max = Infinity, what = ANYTHING): readonly Step[] {
  const waiting: Step[] = [];
  for (const at of held) {
    if (waiting.length >= max) break;
    const step = steps[at];
    if (step?.state.kind === 'waiting' && what.includes(step.state.for)) waiting.push(step);
  }
  return waiting;
}

/** Ids of the steps that a session works on. */
export function activeSteps({ held, steps }: Molecule): readonly string[] {
  return held.flatMap((at) => (steps[at]?.state.kind === 'active' ? [steps[at].id] : []));
}

/** Whether a step is the other one, or in that group or loop. */
export function isWithin({ plan }: Molecule, id: string, around: string): boolean {
  const open = [plan.index.get(id)];
  for (let at = open.pop(); at !== undefined; at = open.pop()) {
    if (at === plan.index.get(around)) return true;
    open.push(...(plan.owners[at] ?? []));
  }
  return false;
}

export function phaseOf({ held, ready, steps, paused }: Molecule): 'working' | 'waiting' | 'escalated' | 'paused' {
  if (paused !== null) return 'paused';
  let isWaiting = false;
  let canWork = ready.length > 0;
  for (const at of held) {
    const state = steps[at]?.state;
    if (state?.kind === 'waiting' && state.for === 'escalation') return 'escalated';
    if (state?.kind === 'waiting') isWaiting = true;
    else canWork = true;
  }
  return isWaiting && !canWork ? 'waiting' : 'working';
}
