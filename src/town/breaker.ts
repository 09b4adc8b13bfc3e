/**
 * The circuit breaker of a rig: when polecats or the workers of their sessions die in numbers, something kills them, and whoever is sent after them dies, too. So no slot is
 * granted for a while, each time for twice as long, and then one, which has to live. The first who has begun since and ends in peace closes it.
 */

const MINUTE_MS = 60_000;
const HOUR_MS = 60 * MINUTE_MS;
/** So many within so long. */
const DEATHS_MAX = 3;
const WINDOW_MS = 30_000;
const FIRST_MS = MINUTE_MS;
const LONGEST_MS = HOUR_MS;
const KNOWN_MAX = 200;

/** `key`: who died, and in which attempt. `cause`: all that died of it at once are one death; that of one who died alone is its claim. */
export type Death = { readonly key: string; readonly cause: string; readonly atMs: number };

export type Breaker = {
  /** Of the last hour, the oldest first; those that have opened it count no more. */
  readonly deaths: readonly (Death & { readonly isCounted: boolean })[];
  /** How often in a row. */
  readonly opened: number;
  /** Somebody has been told since it opened first. */
  readonly isTold?: boolean;
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
  const count = mostAtOnce(uncounted);
  if (count < DEATHS_MAX) return { ...breaker, deaths };
  // What happened long after it has closed by itself is another matter.
  const before = breaker.open !== null && nowMs - breaker.open.untilMs > LONGEST_MS * patience ? 0 : breaker.opened;
  const untilMs = nowMs + Math.min(LONGEST_MS, FIRST_MS * 2 ** before) * patience;
  const why = `${count} polecats or workers died within ${WINDOW_MS / 1_000} seconds`;
  return {
    ...breaker,
    deaths: deaths.map((one) => ({ ...one, isCounted: true })),
    opened: before + 1,
    open: { sinceMs: nowMs, untilMs, why },
  };
}

/** Of how many causes deaths lie within the window at the most; they are in order. */
function mostAtOnce(deaths: readonly Death[]): number {
  const counts = deaths.map(({ atMs: from }, at) => {
    const within = deaths.slice(at).filter(({ atMs }) => atMs - from <= WINDOW_MS);
    return new Set(within.map(({ cause }) => cause)).size;
  });
  return Math.max(0, ...counts);
}

/** Somebody has ended in peace who has held a slot since `sinceMs`. */
export function afterEnd(breaker: Breaker, claim: string, sinceMs: number): Breaker {
  const isOld = breaker.open !== null && sinceMs <= breaker.open.sinceMs;
  return isOld || breaker.deaths.some(({ cause }) => cause === claim) ? breaker : closed(breaker);
}

export function closed(breaker: Breaker): Breaker {
  if (breaker.open === null && breaker.opened === 0) return breaker;
  return { ...breaker, opened: 0, open: null, isTold: false };
}

/** How many slots may be granted now, and when more may be; null: that is no matter of time. */
export function roomIn(
  { open }: Breaker,
  leases: readonly { readonly sinceMs: number }[],
  nowMs: number,
  patience: number,
): { readonly max: number; readonly againMs: number | null } {
  if (open === null) return { max: Infinity, againMs: null };
  if (open.untilMs > nowMs) return { max: 0, againMs: open.untilMs };
  const probes = leases.flatMap(({ sinceMs }) => (sinceMs >= open.untilMs ? sinceMs : []));
  if (probes.length === 0) return { max: 1, againMs: null };
  const provenMs = Math.min(...probes) + FIRST_MS * patience;
  return provenMs <= nowMs ? { max: Infinity, againMs: null } : { max: 0, againMs: provenMs };
}

/** Until when no slot is granted; null: they are. */
export function openUntilMs({ open }: Breaker, nowMs: number): number | null {
  return open !== null && open.untilMs > nowMs ? open.untilMs : null;
}
