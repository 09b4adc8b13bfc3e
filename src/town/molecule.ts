/**
 * The rules of a molecule: one run of a cooked formula.
 *
 *     pending → ready → active(session n) → closed(done | skipped | failed)
 *                  ↑         ↓
 *                  └──── waiting(human | escalation)
 *
 * Steps share one sandbox, so at most one is active, and a step that waits for an answer to its escalation keeps the sandbox
 * (its half-done work must not end up in another step's commit). Steps worked by people hold no sandbox and wait side by side.
 */
import type { ProtoStep, Protomolecule } from './protomolecule.js';
import type { Limits } from './rig.js';
import { addUsage, NO_USAGE } from './session.js';
import type { RuntimeKind, SessionResult, Usage } from './session.js';
import { unreachable } from './unreachable.js';

export type StepState =
  | { readonly kind: 'pending' }
  | { readonly kind: 'ready'; readonly sinceMs: number }
  | { readonly kind: 'active'; readonly sinceMs: number }
  | { readonly kind: 'waiting'; readonly for: 'human' | 'escalation'; readonly why: string; readonly sinceMs: number }
  | {
      readonly kind: 'closed';
      readonly outcome: 'done' | 'skipped' | 'failed';
      readonly summary: string;
      readonly by: string;
      readonly atMs: number;
      /** The commit the branch stood at when the step was accepted; null for a step without a sandbox. */
      readonly head: string | null;
    };

export type Step = {
  readonly id: string;
  readonly title: string;
  readonly needs: readonly string[];
  readonly runtime: RuntimeKind;
  readonly state: StepState;
  /** Sessions begun, those of them that ended in a handoff or a question, closes that the engine's checks refused, stalls in a row. */
  readonly sessions: number;
  readonly handoffs: number;
  readonly rejections: number;
  readonly stalls: number;
  /** What the next session is told about the ones before. */
  readonly note: string | null;
  readonly usage: Usage;
};

export type Molecule = { readonly steps: readonly Step[]; readonly limits: Limits };

export type MoleculeEvent =
  | { readonly kind: 'session-started'; readonly step: string }
  | { readonly kind: 'session-ended'; readonly step: string; readonly result: SessionResult }
  | { readonly kind: 'session-refused'; readonly step: string; readonly why: string }
  | {
      readonly kind: 'accepted';
      readonly step: string;
      readonly summary: string;
      readonly by: string;
      readonly head: string | null;
    }
  | { readonly kind: 'rejected'; readonly step: string; readonly why: string }
  | { readonly kind: 'skipped'; readonly step: string; readonly reason: string; readonly by: string }
  | { readonly kind: 'failed'; readonly step: string; readonly reason: string; readonly by: string }
  | { readonly kind: 'retried'; readonly step: string; readonly note: string | null };

/** `sandboxed`: false for a molecule on nobody's hook, whose agent and `run` steps wait for a person. */
export function pour(
  proto: Protomolecule,
  how: { readonly runtime: RuntimeKind | 'auto'; readonly sandboxed: boolean; readonly limits: Limits },
  nowMs: number,
): Molecule {
  const steps = proto.steps.map((step) => ({
    id: step.id,
    title: step.title,
    needs: step.needs,
    runtime: how.sandboxed ? runtimeOf(step, how.runtime) : 'human',
    state: { kind: 'pending' } as const,
    sessions: 0,
    handoffs: 0,
    rejections: 0,
    stalls: 0,
    note: null,
    usage: NO_USAGE,
  }));
  return unlock({ steps, limits: how.limits }, nowMs);
}

/** With no key (`auto`) a scripted step runs its script and any other waits for a person: success is never faked. */
function runtimeOf(step: ProtoStep, runtime: RuntimeKind | 'auto'): RuntimeKind {
  if (step.kind === 'human') return 'human';
  if (step.kind === 'run') return 'script';
  if (runtime === 'auto' || runtime === 'script') return step.script === null ? 'human' : 'script';
  return runtime;
}

export function after(molecule: Molecule, event: MoleculeEvent, nowMs: number): Molecule {
  const { limits } = molecule;
  const change = (to: (step: Step) => Partial<Step>) => unlock(withStep(molecule, event.step, to), nowMs);
  switch (event.kind) {
    case 'session-started':
      return change((step) => ({ sessions: step.sessions + 1, state: { kind: 'active', sinceMs: nowMs } }));
    case 'session-ended':
      return change((step) => ended(step, event.result, limits, nowMs));
    case 'session-refused':
      return change(() => ({ state: escalated(event.why, nowMs) }));
    case 'accepted': {
      const { summary, by, head } = event;
      return change(() => ({ state: { kind: 'closed', outcome: 'done', summary, by, head, atMs: nowMs } }));
    }
    case 'rejected':
      return change((step) => rejected(step, event.why, limits, nowMs));
    case 'skipped':
    case 'failed': {
      const { kind: outcome, reason: summary, by } = event;
      return change(() => ({ state: { kind: 'closed', outcome, summary, by, head: null, atMs: nowMs } }));
    }
    case 'retried':
      return change((step) => ({
        rejections: 0,
        stalls: 0,
        note: event.note ?? step.note,
        state: { kind: 'ready', sinceMs: nowMs },
      }));
    default:
      return unreachable(event);
  }
}

const STALLS_MAX = 2;

/** What a session's end does to its step. A close is not yet done: the engine's checks decide (`accepted`, `rejected`). */
function ended(step: Step, result: SessionResult, limits: Limits, nowMs: number): Partial<Step> {
  const spent = { usage: addUsage(step.usage, result.usage) };
  const again = (note: string, counts: Partial<Step>): Partial<Step> =>
    step.sessions >= limits.sessionsPerStepMax
      ? {
          ...spent,
          ...counts,
          state: escalated(`no end after ${step.sessions} sessions; the last said: ${note}`, nowMs),
        }
      : { ...spent, ...counts, note, state: { kind: 'ready', sinceMs: nowMs } };
  switch (result.outcome) {
    case 'closed':
      if (result.verdict === 'failed') return { ...spent, state: escalated(result.summary, nowMs) };
      return { ...spent, stalls: 0 };
    case 'handoff':
      return again(result.note, { handoffs: step.handoffs + 1, stalls: 0 });
    case 'blocked':
      // The answer goes to the session after this one, which takes up the work behind the question.
      return { ...spent, handoffs: step.handoffs + 1, state: escalated(result.detail, nowMs) };
    case 'stalled': {
      const stalls = step.stalls + 1;
      if (stalls > STALLS_MAX)
        return { ...spent, stalls, state: escalated(`stalled ${stalls} times: ${result.detail}`, nowMs) };
      return again(`The session before this one stalled: ${result.detail} Finish the step or say what blocks you.`, {
        stalls,
      });
    }
    default:
      return unreachable(result);
  }
}

function rejected(step: Step, why: string, limits: Limits, nowMs: number): Partial<Step> {
  const rejections = step.rejections + 1;
  // A person's close was refused: the step goes on waiting for that person.
  if (step.state.kind === 'waiting') return { rejections };
  const tooOften = rejections >= limits.rejectionsPerStepMax || step.sessions >= limits.sessionsPerStepMax;
  if (tooOften) return { rejections, state: escalated(`refused ${rejections} times: ${why}`, nowMs) };
  return { rejections, note: why, state: { kind: 'ready', sinceMs: nowMs } };
}

function escalated(why: string, sinceMs: number): StepState {
  return { kind: 'waiting', for: 'escalation', why, sinceMs };
}

/** Pending steps whose needs are closed become ready, or wait for their person. Needs on a failed step stay unmet. */
function unlock(molecule: Molecule, nowMs: number): Molecule {
  const open = new Set(molecule.steps.filter((step) => !isMet(step)).map((step) => step.id));
  const steps = molecule.steps.map((step): Step => {
    const canStart = step.state.kind === 'pending' && step.needs.every((need) => !open.has(need));
    if (!canStart) return step;
    if (step.runtime === 'human') {
      return { ...step, state: { kind: 'waiting', for: 'human', why: 'a person works on this step', sinceMs: nowMs } };
    }
    return { ...step, state: { kind: 'ready', sinceMs: nowMs } };
  });
  return { ...molecule, steps };
}

function isMet(step: Step): boolean {
  return step.state.kind === 'closed' && step.state.outcome !== 'failed';
}

/** The step to work on now: the first ready one in the formula's order, unless another holds the sandbox. */
export function nextStep(molecule: Molecule): Step | null {
  const holdsSandbox = (step: Step) =>
    step.state.kind === 'active' || (step.state.kind === 'waiting' && step.state.for === 'escalation');
  if (molecule.steps.some(holdsSandbox)) return null;
  return molecule.steps.find((step) => step.state.kind === 'ready') ?? null;
}

export type Fate =
  | { readonly kind: 'open' }
  | { readonly kind: 'done' }
  | { readonly kind: 'failed'; readonly step: string; readonly reason: string };

export function fateOf(molecule: Molecule): Fate {
  for (const step of molecule.steps) {
    if (step.state.kind === 'closed' && step.state.outcome === 'failed') {
      return { kind: 'failed', step: step.id, reason: step.state.summary };
    }
  }
  return molecule.steps.every((step) => step.state.kind === 'closed') ? { kind: 'done' } : { kind: 'open' };
}

export function stepOf(molecule: Molecule, id: string): Step | null {
  return molecule.steps.find((step) => step.id === id) ?? null;
}

export function phaseOf(molecule: Molecule): 'working' | 'waiting' | 'escalated' {
  const waiting = molecule.steps.flatMap((step) => (step.state.kind === 'waiting' ? [step.state.for] : []));
  if (waiting.includes('escalation')) return 'escalated';
  const canWork = molecule.steps.some((step) => step.state.kind === 'active' || step.state.kind === 'ready');
  return waiting.length > 0 && !canWork ? 'waiting' : 'working';
}

export function usageOf(molecule: Molecule): Usage {
  return molecule.steps.reduce((sum, step) => addUsage(sum, step.usage), NO_USAGE);
}

export function sessionsOf(molecule: Molecule): number {
  return molecule.steps.reduce((sum, step) => sum + step.sessions, 0);
}

/** What stands in the way of a verb on a step, in a sentence that says what is possible instead; null when nothing does. */
export function refusal(molecule: Molecule, verb: 'close' | 'skip' | 'fail' | 'retry', id: string): string | null {
  const step = stepOf(molecule, id);
  if (step === null) {
    return `there is no step "${id}"; the steps are ${molecule.steps.map((one) => one.id).join(', ')}`;
  }
  const waiting = molecule.steps.filter((one) => one.state.kind === 'waiting').map((one) => one.id);
  const instead =
    waiting.length === 0 ? 'no step waits for an answer now' : `waiting for an answer: ${waiting.join(', ')}`;
  switch (step.state.kind) {
    case 'waiting':
      return verb === 'retry' && step.state.for === 'human'
        ? `step "${id}" waits for a person; close, skip or fail it`
        : null;
    case 'pending':
      if (verb === 'skip') return null;
      return `step "${id}" is not ready, it needs ${step.needs.join(', ')}; ${instead}`;
    case 'ready':
    case 'active':
      return `step "${id}" is in work (session ${Math.max(1, step.sessions)}), which ends by itself; ${instead}`;
    case 'closed':
      return `step "${id}" is closed already (${step.state.outcome} by ${step.state.by}: ${step.state.summary}); ${instead}`;
    default:
      return unreachable(step.state);
  }
}

function withStep(molecule: Molecule, id: string, change: (step: Step) => Partial<Step>): Molecule {
  return { ...molecule, steps: molecule.steps.map((step) => (step.id === id ? { ...step, ...change(step) } : step)) };
}
