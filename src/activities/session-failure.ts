/** How a session fails. What it has noted and cost goes with its failure to its molecule, which hears of it once nobody tries it again. */
import { Context } from '@temporalio/activity';
import { ApplicationFailure, CancelledFailure } from '@temporalio/common';
import { spentIn } from '../agents/journal.js';
import { notesIn } from '../agents/notes.js';
import { RuntimeTrouble } from '../agents/trouble.js';
import { spentIdOf, type SessionLeft } from '../town/session.js';
import { recordSession, type Ended, type Recorder } from './session-record.js';

/** `isOpened`: it has got as far as its journal. */
type Stopped = Omit<Ended, 'result'> & { readonly isOpened: boolean };

/** The failure of a session that has stopped by the error. If that is its end, what is kept of it is kept. */
export async function failureOf(record: Recorder, stopped: Stopped, error: unknown): Promise<unknown> {
  const { spec, run, journal, isOpened } = stopped;
  const left = leftIn(journal, spec.sessionId, run);
  const open = { ...left, isOpen: true };
  if (!isOver(error)) return withLeft(error, open);
  try {
    const isBegun = isOpened && !(error instanceof ApplicationFailure);
    if (isBegun || journal.entries.length > 0) await recordSession(record, { ...stopped, result: null });
  } catch (trouble) {
    return withLeft(trouble, open);
  }
  const { usage } = left;
  return isCalledOff() ? new CancelledFailure('the session was called off', [{ usage }]) : withLeft(error, left);
}

/** What is known of a session by its journal. */
export function leftIn(journal: Ended['journal'], sessionId: string, run: string) {
  return { notes: notesIn(journal), usage: spentIn(journal), spentId: spentIdOf(sessionId, run) };
}

function isOver(error: unknown): boolean {
  if (isCalledOff()) return true;
  if (error instanceof RuntimeTrouble) return !error.retryable;
  return error instanceof ApplicationFailure && error.nonRetryable === true;
}

/** By its workflow, and not by a worker that stops: then the session goes on elsewhere. */
function isCalledOff(): boolean {
  return Context.current().cancellationDetails?.cancelRequested === true;
}

function withLeft(error: unknown, left: SessionLeft): unknown {
  if (error instanceof RuntimeTrouble) return ofTrouble(error, left);
  // A worker that stops cancels, too, and the SDK knows that by the error.
  if (!(error instanceof Error) || error instanceof CancelledFailure || error.name === 'AbortError') return error;
  const known = error instanceof ApplicationFailure ? error : null;
  return ApplicationFailure.create({
    type: known?.type ?? error.name,
    message: error.message,
    nonRetryable: known?.nonRetryable === true,
    details: [left],
    ...(known === null ? { cause: error } : known.cause === undefined ? {} : { cause: known.cause }),
  });
}

/** Provider trouble as Temporal knows it: whether to try again, and when the provider says to. */
function ofTrouble(trouble: RuntimeTrouble, left: SessionLeft): ApplicationFailure {
  return ApplicationFailure.create({
    type: trouble.type,
    message: trouble.message,
    nonRetryable: !trouble.retryable,
    details: [{ requestId: trouble.requestId, ...left }],
    cause: trouble,
    ...(trouble.retryAfterMs === null ? {} : { nextRetryDelay: trouble.retryAfterMs }),
  });
}
