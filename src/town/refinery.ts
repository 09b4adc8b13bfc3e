/**
 * The rules of a rig's merge queue. One batch of requests is in work at a time; a request leaves the queue only with a verdict that its
 * polecat hears, merged or sent back, or when its polecat is gone. What is nobody's fault but the operator's is `held` with its
 * reason, and others go on: a gate that cannot run, on the target neither, until `retry` or the next configuration, a target that
 * refuses the push also by itself after a while. Nothing lands unproved.
 */
import type { Strategy } from './strategy.js';
import type { RuntimeKind } from './runtime.js';

export type MergeRequest = {
  /** `<molecule>.<round>`: a branch handed in again after rework is a new request. */
  readonly id: string;
  readonly branch: string;
  readonly head: string;
  readonly target: string;
  readonly issue: string;
  readonly mission: string;
  readonly polecat: string;
  readonly incarnation: number;
  readonly priority: number;
  /** 0 for the first hand-in, then the number of reworks before this one. */
  readonly round: number;
  readonly sinceMs: number;
  /** The models that worked on it. Absent where none did, and from versions that did not tell. */
  readonly workedBy?: readonly RuntimeKind[];
  /** Absent from versions that did not tell. */
  readonly missionSinceMs?: number;
  /** Absent: as the rig has it. */
  readonly strategy?: Strategy;
  /** It is verified, and lands when its mission says so. */
  readonly onlyVerify?: true;
};

export type Queued = MergeRequest & {
  readonly hold: Hold | null;
  /** So often the target has not taken it so far: it refused the push, or did not pass its own gates. */
  readonly refusals?: number;
  /** Where it lay when it was verified last, and since when it waits for the rest of its mission. */
  readonly verified?: { readonly base: string; readonly atMs: number };
  /** It was in a batch of which the target alone did not pass, either. */
  readonly isOfTarget?: true;
};

/** `againAtMs`: until then it holds by itself. `by`: who wants it held, until somebody names it. */
type Hold = { readonly why: string; readonly sinceMs: number; readonly againAtMs?: number; readonly by?: string };

export type Queue = readonly Queued[];

export function enqueue(queue: Queue, request: MergeRequest): Queue {
  return queue.some((one) => one.id === request.id) ? queue : [...queue, { ...request, hold: null }];
}

export function dequeue(queue: Queue, id: string): Queue {
  return queue.filter((one) => one.id !== id);
}

export function hold(queue: Queue, id: string, why: string, nowMs: number): Queue {
  return queue.map((one) => (one.id === id ? { ...one, hold: { why, sinceMs: nowMs } } : one));
}

/** By somebody's word: neither other settings nor a retry of all let it go. */
export function holdBy(queue: Queue, id: string, by: string, why: string, nowMs: number): Queue {
  return queue.map((one) => (one.id === id ? { ...one, hold: { why, sinceMs: nowMs, by } } : one));
}

/** It waits for the rest of its mission: `retry` alone verifies it anew. */
export function holdVerified(queue: Queue, id: string, base: string, nowMs: number): Queue {
  return queue.map((one) => {
    if (one.id !== id) return one;
    const why = `verified on ${base.slice(0, 10)}; it lands with the rest of ${one.mission}`;
    return { ...one, verified: { base, atMs: nowMs }, hold: { why, sinceMs: nowMs, by: one.mission } };
  });
}

/** What was known of these counts no more. */
export function verifiedAnew(queue: Queue, ids: readonly string[]): Queue {
  return queue.map((one) => {
    const { verified: _, ...rest } = one;
    return ids.includes(one.id) ? rest : one;
  });
}

/** Its mission says that it may land. */
export function mayLand(queue: Queue, id: string): Queue {
  return queue.map((one) => {
    if (one.id !== id) return one;
    const { onlyVerify: _only, verified: _verified, ...rest } = one;
    return { ...rest, hold: one.hold?.by === one.mission ? null : one.hold };
  });
}

/** It is held for what its target does not pass, either. */
export function heldOfTarget(queue: Queue, id: string): Queue {
  return queue.map((one) => (one.id === id ? { ...one, isOfTarget: true } : one));
}

/** Held for as long as `waitMs` says of the refusals before this one. */
export function holdRefused(
  queue: Queue,
  id: string,
  why: string,
  nowMs: number,
  waitMs: (refusals: number) => number,
): Queue {
  return queue.map((one) => {
    if (one.id !== id) return one;
    const refusals = one.refusals ?? 0;
    const held = { why, sinceMs: nowMs, againAtMs: nowMs + waitMs(refusals) };
    return { ...one, hold: held, refusals: refusals + 1 };
  });
}

/** Lets go of what is held until then, and not of what was held anew since. */
export function unholdAgain(queue: Queue, id: string, againAtMs: number): Queue {
  return queue.map((one) => (one.id === id && one.hold?.againAtMs === againAtMs ? { ...one, hold: null } : one));
}

/** Lets go of what was held for a time that is over. */
export function unholdDue(queue: Queue, nowMs: number): Queue {
  return queue.map((one) =>
    one.hold?.againAtMs !== undefined && one.hold.againAtMs <= nowMs ? { ...one, hold: null } : one,
  );
}

/** How long until a held request is due, null when none is held for a time. */
export function dueInMs(queue: Queue, nowMs: number): number | null {
  const due = queue.flatMap(({ hold }) => (hold?.againAtMs === undefined ? [] : [hold.againAtMs - nowMs]));
  return due.length === 0 ? null : Math.max(0, Math.min(...due));
}

/** Whether an id is that of a molecule and a round. */
export function isRequest(id: string): boolean {
  return /^.+\.\d+$/.test(id);
}

/** Whether an id can be part of a path, and of a ref of git's. */
export function isPlainRequest(id: string): boolean {
  return isRequest(id) && !/[\s\p{Cc}/\\~^:?*[]|\.\.|@\{|^[.-]/u.test(id);
}

/** The requests of one molecule: its first hand-in and those after rework. */
export function requestsOf<One extends { readonly id: string }>(
  queue: readonly One[],
  molecule: string,
): readonly One[] {
  return queue.filter((one) => one.id.slice(0, one.id.lastIndexOf('.')) === molecule);
}

/** What fits the ids of `requestsOf` in a pattern of git's. */
export function requestsPattern(molecule: string): string {
  return `${molecule}.*`;
}

/** Lets held requests try again: one by its id, or all that nobody wants held. */
export function unhold(queue: Queue, id: string | null): Queue {
  return queue.map((one) =>
    (id === null ? one.hold?.by === undefined : one.id === id) ? { ...one, hold: null } : one,
  );
}
