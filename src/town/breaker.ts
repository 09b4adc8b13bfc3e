/**
 * The circuit breaker of a rig: when polecats or sessions die in numbers, something kills them, and whoever is sent after them dies, too. So no slot is
 * granted for a while, each time for twice as long; the first success closes it.
 */

const MINUTE_MS = 60_000;
const HOUR_MS = 60 * MINUTE_MS;
/** So many within so long. */
const DEATHS_MAX = 3;
const WINDOW_MS = 30_000;
const FIRST_MS = MINUTE_MS;
const LONGEST_MS = HOUR_MS;
const KNOWN_MAX = 200;

/** `key`: who died, and in which attempt. */
export type Death = { readonly key: string; readonly atMs: number };

export type Breaker = {
  /** Of the last hour, the oldest first; those that have opened it count no more. */
  readonly deaths: readonly (Death & { readonly isCounted: boolean })[];
  /** How often in a row. */
  readonly opened: number;
  /** It is open until then; null: it is closed. */
  readonly open: { readonly sinceMs: number; readonly untilMs: number; readonly why: string } | null;
};

export const CLOSED: Breaker = { deaths: [], opened: 0, open: null };

/** What has died since, as far as it is not known yet. */
export function afterDeaths(breaker: Breaker, news: readonly Death[], nowMs: number, patience: number): Breaker {
  const isNew = ({ key, atMs }: Death) => nowMs - atMs < HOUR_MS && breaker.deaths.every((one) => one.key !== key);
  const added = news.filter(isNew).map((one) => ({ ...one, isCounted: false }));
  if (added.length === 0) return breaker;
  const recent = breaker.deaths.filter(({ atMs }) => nowMs - atMs < HOUR_MS);
  const deaths = [...recent, ...added].toSorted((a, b) => a.atMs - b.atMs).slice(-KNOWN_MAX);
  const uncounted = deaths.filter(({ isCounted }) => !isCounted);
  const count = mostAtOnce(uncounted.map(({ atMs }) => atMs));
  if (count < DEATHS_MAX) return { ...breaker, deaths };
  // What happened long after it has closed by itself is another matter.
  const before = breaker.open !== null && nowMs - breaker.open.untilMs > LONGEST_MS * patience ? 0 : breaker.opened;
  const untilMs = nowMs + Math.min(LONGEST_MS, FIRST_MS * 2 ** before) * patience;
  const why = `${count} polecats or sessions died within ${WINDOW_MS / 1_000} seconds`;
  return {
    deaths: deaths.map((one) => ({ ...one, isCounted: true })),
    opened: before + 1,
    open: { sinceMs: nowMs, untilMs, why },
  };
}

/** The most of these times, in order, that lie within the window. */
function mostAtOnce(times: readonly number[]): number {
  const counts = times.map((from, at) => times.slice(at).filter((one) => one - from <= WINDOW_MS).length);
  return Math.max(0, ...counts);
}

/** Somebody's work is done. */
export function afterSuccess(breaker: Breaker): Breaker {
  return breaker.open === null && breaker.opened === 0 ? breaker : { ...breaker, opened: 0, open: null };
}

/** Until when no slot is granted; null: they are. */
export function openUntilMs({ open }: Breaker, nowMs: number): number | null {
  return open !== null && open.untilMs > nowMs ? open.untilMs : null;
}
