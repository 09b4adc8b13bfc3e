/** Which of many backups are kept: the last ones, and of days and weeks before the last of each, so that what went wrong unseen can still be undone. */

const NEWEST = 3;
const DAYS = 7;
const WEEKS = 4;
const DAY_MS = 24 * 60 * 60_000;

/** Of those that were made then. Days and weeks on which none was made do not count. */
export function superfluous<Made extends { readonly madeMs: number }>(all: readonly Made[]): readonly Made[] {
  const byAge = all.toSorted((a, b) => b.madeMs - a.madeMs);
  const lastOfEach = (spanMs: number, count: number): readonly Made[] => {
    const spanOf = ({ madeMs }: Made) => Math.floor(madeMs / spanMs);
    return byAge.filter((one, at) => at === byAge.findIndex((other) => spanOf(other) === spanOf(one))).slice(0, count);
  };
  const kept = new Set([...byAge.slice(0, NEWEST), ...lastOfEach(DAY_MS, DAYS), ...lastOfEach(7 * DAY_MS, WEEKS)]);
  return all.filter((one) => !kept.has(one));
}
