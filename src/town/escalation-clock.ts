/** The clocks of an escalation, of which the next one alone has a timer. */
import type { Escalation } from './escalation.js';
import { isClimbing, isLast, silent, stale, tierOf, toldAgain } from './escalation.js';
import { unreachable } from './unreachable.js';

const DAY_MS = 86_400_000;
/** Whoever has taken it up has so many times as long. */
const ACKED_TIMES = 4;

/** In the order in which they are heard when they strike at once: what becomes more urgent goes to the next tier so. */
const CLOCKS = ['stale', 'silence', 'reminder'] as const;
export type Clock = (typeof CLOCKS)[number];

export type NextClock = { readonly atMs: number; readonly clocks: readonly Clock[] };

/** Null: none runs, as while an answer is on its way to all who wait. */
export function nextClock(now: Escalation, patience: number): NextClock | null {
  if (!isClimbing(now)) return null;
  const due = CLOCKS.map((clock) => ({ clock, atMs: atMsOf(clock, now, patience) }));
  const atMs = Math.min(...due.map((one) => one.atMs));
  if (atMs === Infinity) return null;
  return { atMs, clocks: due.filter((one) => one.atMs === atMs).map(({ clock }) => clock) };
}

/** Infinity: it does not run. */
function atMsOf(clock: Clock, now: Escalation, patience: number): number {
  const { ladder, severity, raises, ack, telling, toldMs, againMs, tierSinceMs, restMs } = now;
  if (ladder === null) return Infinity;
  const withinMs = ladder.withinMs[severity] * patience;
  switch (clock) {
    case 'silence':
      if (ack !== null) return ack.atMs + ACKED_TIMES * withinMs;
      if (!isLast(now)) return tierSinceMs + withinMs;
      return telling === 'vain' ? Math.min(againMs ?? Infinity, toldMs + withinMs) : Infinity;
    case 'stale':
      return ack === null && raises < ladder.raisesMax ? restMs + ladder.staleMs * patience : Infinity;
    case 'reminder': {
      const isSpent = isLast(now) && ack === null && raises >= ladder.raisesMax && telling === 'told';
      return isSpent ? toldMs + DAY_MS * patience : Infinity;
    }
    default:
      return unreachable(clock);
  }
}

export function struck(now: Escalation, clocks: readonly Clock[], nowMs: number): Escalation {
  return clocks.reduce((before, clock) => {
    switch (clock) {
      case 'silence':
        return silent(before, nowMs);
      case 'stale':
        return stale(before, nowMs);
      case 'reminder':
        return toldAgain(before);
      default:
        return unreachable(clock);
    }
  }, now);
}

/** What the next timer is for. */
export function clockText(now: Escalation, clocks: readonly Clock[]): string {
  if (clocks.includes('silence'))
    return isLast(now) ? `tell ${tierOf(now)} again` : `until ${tierOf(now)} has been silent for too long`;
  return clocks.includes('stale') ? 'until it is more urgent, as nobody has taken it up' : `remind ${tierOf(now)}`;
}
