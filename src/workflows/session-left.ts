/** What is known of a session that has ended without a result. */
import { ActivityFailure, ApplicationFailure, CancelledFailure, TimeoutFailure } from '@temporalio/workflow';
import { SessionLeft, type Usage } from '../town/session.js';
import { patched } from './patches.js';

/** By what it failed of: as it tells itself, or as its last heartbeat did. */
export function leftBy(error: unknown): SessionLeft {
  const cause = error instanceof ActivityFailure ? error.cause : error;
  if (cause instanceof TimeoutFailure) return { ...read(cause.lastHeartbeatDetails), isOpen: true };
  if (cause instanceof ApplicationFailure) return read(cause.details?.[0]) ?? {};
  // Called off between two attempts it tells nothing.
  return cause instanceof CancelledFailure ? (read(cause.details[0]) ?? { isOpen: true }) : {};
}

function read(details: unknown): SessionLeft | null {
  const left = SessionLeft.safeParse(details);
  return left.success ? left.data : null;
}

/** Before 0.6 it was told to the mission alone. */
export function costOf({ usage }: SessionLeft): { readonly usage?: Usage } {
  return usage === undefined || !patched('a session without a result costs what it has cost', '0.6') ? {} : { usage };
}
