/** What stands in the way of a message about a step, in a sentence that says what is possible instead. */
import { isAsked } from './approvals.js';
import { signatureIn } from './escalation-signature.js';
import { isNoSuperior, isSameAgent } from './escalation-who.js';
import { describeGates } from './molecule-gates.js';
import { stepAt } from './molecule-live.js';
import type { Molecule } from './molecule-live.js';
import { areOpen } from './molecule-gates.js';
import type { Step } from './molecule-state.js';
import { iterationRefusal } from './molecule-iterations.js';
import { nearest } from './nearest.js';
import { unreachable } from './unreachable.js';

export type Verb = 'close' | 'skip' | 'fail' | 'retry' | 'approve' | 'reject';

const NAMES_MAX = 20;

/**
 * Whoever was told of a step while it waited acts under this. When it waits anew, because somebody went back to before it or answered
 * it, what comes under the old one is from somebody who does not know. The time alone would not do: two waits may begin in one millisecond,
 * and clocks are set back; the turn neither: a run that was reset counts on from an earlier one.
 */
export function tokenOf({ state }: Step): string | null {
  if (state.kind !== 'waiting') return null;
  const since = state.sinceMs.toString(36);
  return state.turn === undefined ? since : `${since}-${state.turn.toString(36)}`;
}

/** When the wait began that has this token. */
export function waitsSince(token: string): number {
  return Number.parseInt(token.split('-')[0] ?? '', 36);
}

/** Null when nothing does. */
export function refusal(molecule: Molecule, verb: Verb, id: string, token?: string): string | null {
  const at = molecule.plan.index.get(id);
  if (at === undefined) {
    const iteration = iterationRefusal(molecule.loops, id);
    if (iteration !== null) return `${iteration}; ${instead(molecule)}`;
    const ids = molecule.steps.map((step) => step.id);
    const meant = offer(id, ids, 'the steps');
    return `there is no step "${id}"; ${meant}${meant.endsWith('?') ? ' Else' : ';'} ${instead(molecule)}`;
  }
  const step = stepAt(molecule, at);
  const why = refusalOf(molecule, verb, step) ?? staleness(molecule, step, token);
  return why === null ? null : `step "${id}" ${why}`;
}

/** Why an agent does not do for people what its own step asks of them, in its own molecule; null for anybody else. */
export function ownWorkRefusal(molecule: Molecule, id: string, by: string, agent: string | null): string | null {
  const at = molecule.plan.index.get(id);
  const step = at === undefined ? null : stepAt(molecule, at);
  const who = signatureIn(by)?.who ?? by;
  if (step === null || agent === null || !isSameAgent(who, agent) || !isForPeople(step)) return null;
  if (!isNoSuperior(who, [molecule.how.rig ?? []].flat())) return null;
  return `step "${id}" waits for a person, and it is the work of ${agent}: people answer, or the agents above it`;
}

function isForPeople({ state, gates }: Step): boolean {
  return state.kind === 'waiting' && (state.for === 'human' || (gates ?? []).some(isAsked));
}

/**
 * Why an agent does not answer a step that waits for others: the one whose step it is, where it has asked itself, and any that is neither that nor above it. Null for
 * anybody else, and any other step. `agent`: whose molecule it is; null on nobody's hook.
 */
export function answererRefusal(molecule: Molecule, id: string, by: string, agent: string | null): string | null {
  const at = molecule.plan.index.get(id);
  const step = at === undefined ? null : stepAt(molecule, at);
  if (step?.state.kind !== 'waiting') return null;
  const isEscalated = step.state.for === 'escalation';
  const who = signatureIn(by)?.who ?? by;
  if (agent !== null && isSameAgent(who, agent))
    return isEscalated
      ? `step "${id}" waits for an answer to ${agent}, which does not give it itself: the tiers of its escalation do, or a person`
      : null;
  if (!(isEscalated || isForPeople(step)) || !isNoSuperior(who, [molecule.how.rig ?? []].flat())) return null;
  return `step "${id}" waits for ${isEscalated ? 'an answer' : 'a person'}, and ${who.slice(0, 200)} is another agent: ${
    isEscalated ? 'the tiers of its escalation answer, or a person' : 'people answer, or the agents above it'
  }`;
}

function refusalOf(molecule: Molecule, verb: Verb, step: Step): string | null {
  const { state } = step;
  switch (state.kind) {
    case 'waiting':
      return waitingRefusal(molecule, verb, step);
    case 'pending':
      if (verb === 'skip') return null;
      return `is not ready, it ${waitsOn(molecule, step)}; ${instead(molecule)}`;
    case 'open':
      return `${closesWhen(molecule, step.id)}; ${instead(molecule)}`;
    case 'ready':
      // Before 0.6 it had to begin first.
      if (verb === 'skip' && molecule.how.rules !== undefined) return null;
      return `is ready: a session begins with it ${whenAble(molecule, 'when the sandbox is free')}; ${instead(molecule)}`;
    case 'active':
      return `is in work (session ${Math.max(1, step.sessions)}), which ends by itself; ${instead(molecule)}`;
    case 'closed':
      return `is closed already (${state.outcome} by ${state.by}: ${state.summary}); ${instead(molecule)}`;
    default:
      return unreachable(state);
  }
}

function staleness(molecule: Molecule, step: Step, token: string | undefined): string | null {
  if (token === undefined || token === tokenOf(step)) return null;
  return `waits anew since token ${token} was given: see what it asks for now (query \`current\`, gt mol current), and act under the token that it has; ${instead(molecule)}`;
}

function waitingRefusal({ how }: Pick<Molecule, 'how'>, verb: Verb, step: Step): string | null {
  if (step.state.kind !== 'waiting') return null;
  const gates = step.gates ?? [];
  const isShut = !areOpen(gates);
  if (verb === 'approve') return isShut ? null : 'has no gate that is shut; close, skip or fail it';
  if (verb === 'reject')
    return gates.some(isAsked)
      ? null
      : `has no approval that is waited for; ${isShut ? 'skip or fail it' : 'close it with the outcome failed, skip or fail it'}`;
  if (step.state.for === 'human' && verb === 'retry') return 'waits for a person; close, skip or fail it';
  if (step.state.for === 'gate' && (verb === 'retry' || verb === 'close')) {
    return `waits for ${describeGates(gates)}; approve opens it, or skip or fail the step`;
  }
  // Nothing of it has begun, and behind a group that has closed nothing would; before 0.6 it closed so.
  if (verb === 'close' && step.kind !== undefined && isShut && how.rules !== undefined)
    return `is a group whose steps wait behind ${describeGates(gates)}; approve lets them begin, or skip or fail it`;
  return null;
}

/** `needs a, b`, of which only what is open matters, or the group that has not opened. */
export function waitsOn(molecule: Pick<Molecule, 'plan' | 'steps'>, step: Step): string {
  const open = step.needs.filter((need) => {
    const at = molecule.plan.index.get(need);
    return at !== undefined && stepAt(molecule, at).state.kind !== 'closed';
  });
  if (open.length > 0) return `needs ${list(open)}`;
  if (step.parent !== undefined) return `waits for its group ${step.parent}`;
  return step.needs.length > 0 ? `needs the end of ${list(step.needs)}` : 'has not begun';
}

function closesWhen(molecule: Molecule, id: string): string {
  const open = openBelow(molecule, id);
  if (open.length > 0) return `closes by itself when ${list(open)} have closed`;
  return `has no open step any more: whether it is over is looked at ${whenAble(molecule, 'now')}`;
}

function whenAble({ paused }: Pick<Molecule, 'paused'>, able: string): string {
  return paused === null ? able : 'when the molecule is resumed';
}

function openBelow({ plan, steps }: Molecule, id: string): readonly string[] {
  const at = plan.index.get(id) ?? -1;
  return plan.owners.flatMap((owners, member) => {
    const step = steps[member];
    return step !== undefined && owners.includes(at) && step.state.kind !== 'closed' ? [step.id] : [];
  });
}

/** What is ready instead, in a sentence without its end. */
export function instead({ held, steps }: Molecule): string {
  const waiting = held.flatMap((at) => {
    const step = steps[at];
    return step?.state.kind === 'waiting' ? [step.id] : [];
  });
  return waiting.length === 0 ? 'no step waits for an answer now' : `waiting for an answer: ${list(waiting)}`;
}

/** The name that was meant, or the names there are. */
export function offer(word: string, known: readonly string[], all: string): string {
  if (known.length === 0) return `${all} are none`;
  const near = nearest(word, known);
  return near === null ? `${all} are ${list(known)}` : `did you mean "${near}"?`;
}

export function list(names: readonly string[]): string {
  const more = names.length > NAMES_MAX ? `, and ${names.length - NAMES_MAX} more` : '';
  return `${names.slice(0, NAMES_MAX).join(', ')}${more}`;
}
