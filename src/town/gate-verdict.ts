/** What the gates of a rig say about a tree, by how their commands ended, there and on the target alone. */

/** What the gates said about one tip. Only `passed` lets it through. */
export type GateVerdict =
  /** `notes`: of gates that are flaky, or quarantined and did not pass. `isKnown`: they have passed on the very same tree before. */
  | { readonly kind: 'passed'; readonly notes?: readonly string[]; readonly isKnown?: true }
  | { readonly kind: 'failed'; readonly gate: string; readonly log: string }
  | { readonly kind: 'could-not-run'; readonly gate: string; readonly log: string };

/** How a shell tells that there was nothing to run: not found, or not executable. */
const COULD_NOT_RUN_CODES: readonly number[] = [126, 127];

export function judgeGate(gate: string, end: GateEnd, log: string): GateVerdict {
  if (end.kind === 'exited' && end.code === 0) return { kind: 'passed' };
  const ran = end.kind === 'exited' && !foundNothing(end);
  const isItsDoing = ran || end.kind === 'timed-out' || end.kind === 'over-limit';
  return { kind: isItsDoing ? 'failed' : 'could-not-run', gate, log };
}

/** Whether what a gate runs may be missing by the branch's own doing: then the target is asked, see `judgeByTarget`. */
export function foundNothing(end: GateEnd): boolean {
  return end.kind === 'exited' && COULD_NOT_RUN_CODES.includes(end.code);
}

/**
 * The verdict on a gate that could not run, once it was tried on the target alone and ended there with `end`. Where it runs,
 * well or not, the branch took away what it needs; where it cannot run either, it is the operator's. It never becomes `passed`.
 */
export function judgeByTarget(
  { gate, log }: Exclude<GateVerdict, { readonly kind: 'passed' }>,
  target: string,
  end: GateEnd,
  onTarget: string,
): GateVerdict {
  if (judgeGate(gate, end, onTarget).kind === 'could-not-run')
    return { kind: 'could-not-run', gate, log: `${log}\nOn ${target} alone it cannot run either.` };
  const why = `On ${target} alone this gate runs, so the branch took away, or made not executable, what it needs:`;
  return { kind: 'failed', gate, log: `${log}\n${why}\n${onTarget}` };
}

export type GateEnd =
  | { readonly kind: 'exited'; readonly code: number }
  | { readonly kind: 'signalled' | 'timed-out' | 'over-limit' | 'cancelled' | 'not-started' };
