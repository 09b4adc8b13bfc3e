/** What the end of a session, and the engine's word on it, does to a step. */
import { askedIn } from './escalation-sources.js';
import { cut } from './findings.js';
import { escalated } from './molecule-cascade.js';
import { sessionsOf } from './molecule-live.js';
import type { MoleculeEvent, Step } from './molecule-state.js';
import type { ProtoStep } from './protomolecule.js';
import type { Limits } from './rig.js';
import type { SessionResult } from './session.js';
import { unreachable } from './unreachable.js';

const STALLS_MAX = 2;

/** `closed`: the summary of a step that is given up softly. */
type Change = Partial<Step> & { readonly closed?: string };

/** A close is not yet done: the engine's checks decide (`accepted`, `rejected`). */
export function ended(
  step: Step,
  proto: ProtoStep | null,
  result: SessionResult,
  limits: Limits,
  nowMs: number,
): Change {
  const noted = withNotes(step, result.notes);
  const again = (note: string, counts: Partial<Step>): Change =>
    sessionsOf(step) >= sessionsMax(proto, limits)
      ? {
          ...noted,
          ...counts,
          state: escalated(`no end after ${sessionsOf(step)} sessions; the last said: ${note}`, nowMs, {
            source: 'sessions',
          }),
        }
      : { ...noted, ...counts, note, state: { kind: 'ready', sinceMs: nowMs } };
  switch (result.outcome) {
    case 'closed':
      if (result.verdict === 'failed') return { ...noted, ...failed(step, proto, result, nowMs) };
      return { ...noted, stalls: 0 };
    case 'handoff':
      // Stopped by the budget it has not cycled: however often that is raised a little, the step does not ask for help.
      if (result.budgetUsd !== undefined)
        return { ...noted, sessions: step.sessions, note: result.note, state: { kind: 'ready', sinceMs: nowMs } };
      return again(result.note, { handoffs: step.handoffs + 1, stalls: 0 });
    case 'blocked':
      // The answer goes to the session after this one, which takes up the work behind the question.
      return {
        ...noted,
        handoffs: step.handoffs + 1,
        state: escalated(result.detail, nowMs, { source: 'question', ...askedIn(result) }),
      };
    case 'stalled': {
      const stalls = step.stalls + 1;
      if (stalls > STALLS_MAX)
        return {
          ...noted,
          stalls,
          state: escalated(`stalled ${stalls} times: ${result.detail}`, nowMs, { source: 'stalled' }),
        };
      return again(`The session before this one stalled: ${result.detail} Finish the step or say what blocks you.`, {
        stalls,
      });
    }
    default:
      return unreachable(result);
  }
}

const NOTE_CHARS_MAX = 2_000;
/** Of the notes of a step together: the oldest make room. */
const NOTES_CHARS_MAX = 10_000;

/** The notes of a step with those of a session that has ended, however it ended. */
export function withNotes(step: Step, more: readonly string[]): Pick<Step, 'notes'> {
  if (more.length === 0) return {};
  let room = NOTES_CHARS_MAX;
  const newest = [...(step.notes ?? []), ...more.map((note) => cut(note, NOTE_CHARS_MAX))].toReversed();
  const kept = newest.filter((note) => {
    room -= note.length;
    return room >= 0;
  });
  return { notes: kept.toReversed() };
}

/** A failure that may pass is tried again as often as the step allows; any other asks a person at once. */
function failed(
  step: Step,
  proto: ProtoStep | null,
  { summary, transient }: Extract<SessionResult, { readonly outcome: 'closed' }>,
  nowMs: number,
): Change {
  const retry = proto?.retry;
  if (retry === undefined || transient !== true) return { state: escalated(summary, nowMs, { source: 'failure' }) };
  const failures = (step.failures ?? 0) + 1;
  if (failures < retry.max) {
    const note = `Attempt ${failures} of ${retry.max} failed for a reason that may pass: ${summary}`;
    return { failures, stalls: 0, note, state: { kind: 'ready', sinceMs: nowMs } };
  }
  const why = `failed ${failures} times; the last time: ${summary}`;
  return retry.exhausted === 'soft'
    ? { failures, closed: why }
    : { failures, state: escalated(why, nowMs, { source: 'failure' }) };
}

/** What an author allows a step counts before what the town allows any. */
function sessionsMax(proto: ProtoStep | null, limits: Limits): number {
  return Math.max(limits.sessionsPerStepMax, proto?.check?.max ?? 0, proto?.retry?.max ?? 0);
}

export function rejected(
  step: Step,
  proto: ProtoStep | null,
  { why, check, isLeak }: Pick<Extract<MoleculeEvent, { readonly kind: 'rejected' }>, 'why' | 'check' | 'isLeak'>,
  limits: Limits,
  nowMs: number,
): Partial<Step> {
  const rejections = step.rejections + 1;
  // The close of a person, or a skip between sessions, was refused: the step goes on waiting for that person, or for its next session.
  if (step.state.kind === 'waiting' || step.state.kind === 'ready') return { rejections };
  const most = check === true && proto?.check !== undefined ? proto.check.max : limits.rejectionsPerStepMax;
  const tooOften = rejections >= most || sessionsOf(step) >= sessionsMax(proto, limits);
  if (tooOften) {
    const source = isLeak === true ? 'security' : 'acceptance';
    return { rejections, state: escalated(`refused ${rejections} times: ${why}`, nowMs, { source }) };
  }
  return { rejections, note: why, state: { kind: 'ready', sinceMs: nowMs } };
}
