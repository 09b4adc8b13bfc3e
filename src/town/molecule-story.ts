/** A molecule in a few sentences: what goes on, on whom it waits and since when, and what comes next and when. */
import { watches } from './molecule-gates.js';
import { loopAt, stepAt } from './molecule-live.js';
import type { Molecule } from './molecule-live.js';
import { dueLoop } from './molecule-loops.js';
import type { Closed, Step, StepState, Waiting } from './molecule-state.js';
import { fateOf, nextStep, stepOf } from './molecule.js';
import { own } from './own.js';
import { afterEnd, code, named, NAMED_MAX, short, timeAt } from './wording.js';
import { unreachable } from './unreachable.js';

/** Of thousands that need one step, so many are looked at; and so many groups around a step. */
const LOOKED_AT_MAX = 100;
const AROUND_MAX = 20;

/** What its run knows beside its steps. */
export type Run = {
  readonly isCancelled?: boolean;
  /** It was cancelled, and teardowns are at work. */
  readonly isTakingDown?: boolean;
  /** What it came to is not recorded yet. */
  readonly isEnding?: boolean;
  /** What was asked for and is under way, each as a sentence. */
  readonly doings?: readonly string[];
  /** By steps that wait for an answer, where they were brought. */
  readonly escalations?: Readonly<Record<string, string>>;
};

type Escalations = NonNullable<Run['escalations']>;

export function moleculeStory(
  molecule: Molecule,
  { isCancelled = false, isTakingDown = false, isEnding = false, doings = [], escalations = {} }: Run,
): string {
  if (isCancelled) return `It was cancelled: ${afterEnd(false)}.`;
  if (isTakingDown) {
    const active = heldAs(molecule, 'active').map((at) => activeLine(molecule, at));
    return ['It was cancelled, and what was set up is taken down before it ends.', ...active].join(' ');
  }
  const fate = fateOf(molecule);
  const next = afterEnd(isEnding);
  switch (fate.kind) {
    case 'done':
      return `All its steps have closed: ${next}.`;
    case 'failed': {
      const failed = `Step ${code(fate.step)} failed${failedAt(molecule, fate.step)}: ${short(fate.reason)}.`;
      const active = heldAs(molecule, 'active').map((at) => activeLine(molecule, at));
      if (active.length > 0) return [failed, ...active, 'That ends first, and then the molecule.'].join(' ');
      return `${failed} ${next.charAt(0).toUpperCase()}${next.slice(1)}.`;
    }
    case 'open': {
      const all = [...doings, ...dueLine(molecule)];
      return [...all, ...nowOf(molecule, escalations), ...nextOf(molecule, all.length > 0)].join(' ');
    }
    default:
      return unreachable(fate);
  }
}

function dueLine(molecule: Molecule): readonly string[] {
  const due = dueLoop(molecule);
  return due === null ? [] : [`All steps of ${code(due.id)} have closed, and whether it is over is looked at.`];
}

function failedAt(molecule: Molecule, id: string): string {
  const state = stepOf(molecule, id)?.state;
  return state?.kind === 'closed' ? ` at ${timeAt(state.atMs)}` : '';
}

function nowOf(molecule: Molecule, escalations: Escalations): readonly string[] {
  const { failed, holds } = molecule;
  const undone =
    failed === null ? [] : [`Step ${code(failed)} failed, and what was set up is taken down before the molecule ends.`];
  const held = holds.map(
    ({ by, sinceMs }) => `${by} paused it, since ${timeAt(sinceMs)}: nothing new begins until it is resumed.`,
  );
  const active = heldAs(molecule, 'active').map((at) => activeLine(molecule, at));
  return [...undone, ...held, ...active, ...waitLines(molecule, escalations)];
}

function activeLine(molecule: Molecule, at: number): string {
  const step = stepAt(molecule, at);
  const since = step.state.kind === 'active' ? ` since ${timeAt(step.state.sinceMs)}` : '';
  return `Session ${Math.max(1, step.sessions)} works on ${code(step.id)}${since}${soFar(triesOf(molecule, step, at))}.`;
}

/** What went wrong comes first. */
function waitLines(molecule: Molecule, escalations: Escalations): readonly string[] {
  const all = heldAs(molecule, 'waiting');
  const isAsked = (at: number) => waitOf(stepAt(molecule, at))?.for === 'escalation';
  const first = [...all.filter(isAsked), ...all.filter((at) => !isAsked(at))].slice(0, NAMED_MAX);
  const lines = first.flatMap((at) => {
    const step = stepAt(molecule, at);
    const wait = waitOf(step);
    const sessions = step.sessions > 0 ? `${step.sessions} sessions so far` : '';
    const tries = [sessions, triesOf(molecule, step, at)].filter((one) => one !== '').join(', ');
    return wait === null
      ? []
      : [
          `${code(step.id)} waits for ${waitingFor(wait)}${escalationText(own(escalations, step.id))} since ${timeAt(wait.sinceMs)}${soFar(tries)}: ${short(wait.why)}.`,
        ];
  });
  const more = all.length - first.length;
  return more > 0 ? [...lines, `${more} more steps wait for somebody or something outside.`] : lines;
}

/** Where a step that escalated is answered for all that wait for the same. */
export function escalationText(escalation: string | undefined): string {
  return escalation === undefined ? '' : ` (escalation ${code(escalation)})`;
}

function soFar(tries: string): string {
  return tries === '' ? '' : ` (${tries})`;
}

/** Iterations of a loop, attempts of a step. */
export function triesOf(molecule: Molecule, step: Step, at: number): string {
  const loop = loopAt(molecule, at);
  if (loop !== null) return `iteration ${loop.iteration} of ${loop.max}`;
  const proto = molecule.plan.protos[at];
  const { failures = 0 } = step;
  if (proto?.retry !== undefined && failures > 0) return `${failures} of ${proto.retry.max} attempts failed`;
  if (proto?.check !== undefined && step.rejections > 0)
    return `check: ${step.rejections} of ${proto.check.max} failed`;
  return '';
}

export function waitingFor(state: Waiting): string {
  switch (state.for) {
    case 'human':
      return 'a person';
    case 'escalation':
      return 'an answer';
    case 'gate':
      return 'its gate';
    default:
      return unreachable(state.for);
  }
}

function nextOf(molecule: Molecule, isBusy: boolean): readonly string[] {
  const deadline = deadlineLine(molecule);
  const isIdle =
    !isBusy && molecule.ready.length === 0 && heldAs(molecule, 'active').length === 0 && molecule.held.length > 0;
  const idle = deadline === null ? 'Nothing happens until that comes.' : 'Nothing happens before, unless that comes.';
  return [
    ...readyLine(molecule),
    ...(deadline === null ? [] : [deadline]),
    ...(isIdle ? [idle] : []),
    ...afterLine(molecule),
  ];
}

function readyLine(molecule: Molecule): readonly string[] {
  const [first] = molecule.ready;
  if (first === undefined) return [];
  const next = nextStep(molecule);
  if (next !== null) return [`${code(next.id)} begins next.`];
  const more = molecule.ready.length > 1 ? ` (and ${molecule.ready.length - 1} more)` : '';
  const when = molecule.paused === null ? 'when the sandbox is free' : 'when it is resumed';
  return [`${code(stepAt(molecule, first).id)}${more} is ready, and begins ${when}.`];
}

/** The nearest of the moments at which something happens by itself. */
function deadlineLine(molecule: Molecule): string | null {
  let nearest: { readonly step: string; readonly atMs: number; readonly isTimer: boolean } | null = null;
  for (const { step, state, deadlineMs } of watches(molecule)) {
    if (deadlineMs === null || (nearest !== null && nearest.atMs <= deadlineMs)) continue;
    nearest = { step, atMs: deadlineMs, isTimer: state.type === 'timer' };
  }
  if (nearest === null) return null;
  const { step, atMs, isTimer } = nearest;
  return isTimer
    ? `The timer of ${code(step)} ends at ${timeAt(atMs)}.`
    : `If the gate of ${code(step)} is still shut at ${timeAt(atMs)}, a person is asked.`;
}

/** What needs the steps at work, ready or waiting. */
function afterLine(molecule: Molecule): readonly string[] {
  const { held, ready, closed, steps, failed } = molecule;
  if (failed !== null) return [];
  const now = [...held.slice(0, NAMED_MAX), ...ready.slice(0, NAMED_MAX)];
  const after = [...new Set(now.flatMap((at) => dependentsOf(molecule, at)))];
  if (after.length > 0) return [`After that ${after.length === 1 ? 'comes' : 'come'} ${named(after)}.`];
  return now.length === 1 && steps.length - closed === 1 ? ['It is the last step.'] : [];
}

/** Steps that have not begun; of those who need its group, when nobody needs the step itself. */
function dependentsOf({ plan, steps }: Molecule, at: number): readonly string[] {
  let [here, around]: [number | undefined, number] = [at, 0];
  while (here !== undefined && around < AROUND_MAX) {
    const found = (plan.dependents[here] ?? []).slice(0, LOOKED_AT_MAX).flatMap((one) => {
      const step = steps[one];
      return step?.state.kind === 'pending' ? [step.id] : [];
    });
    if (found.length > 0) return found;
    [here, around] = [plan.owners[here]?.[0], around + 1];
  }
  return [];
}

function heldAs({ held, steps }: Molecule, kind: Exclude<StepState['kind'], Closed['kind']>): readonly number[] {
  return held.filter((at) => steps[at]?.state.kind === kind);
}

function waitOf({ state }: Step): Waiting | null {
  return state.kind === 'waiting' ? state : null;
}
