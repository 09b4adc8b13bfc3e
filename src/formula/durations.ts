/** Durations as Go writes them (`90s`, `1h30m`, `1.5h`), and days and weeks besides. */

const UNITS: Readonly<Record<string, number>> = {
  ms: 1,
  s: 1000,
  m: 60_000,
  h: 3_600_000,
  d: 86_400_000,
  w: 604_800_000,
};
const PART = /(\d{1,9}(?:\.\d{1,6})?)(ms|s|m|h|d|w)/y;
/** Ten years: Temporal's timers go no further. */
const DURATION_MS_MAX = 10 * 365 * 86_400_000;

export const DURATION_FORM = 'write it as 90s, 30m, 1h30m or 7d';

/** Milliseconds, null for what is no duration, is nothing or is more than ten years. */
export function durationMs(text: string): number | null {
  const written = text.trim();
  let total = 0;
  let at = 0;
  while (at < written.length) {
    PART.lastIndex = at;
    const part = PART.exec(written);
    if (part === null) return null;
    total += Number(part[1]) * (UNITS[part[2] ?? ''] ?? 0);
    at = PART.lastIndex;
  }
  const ms = Math.round(total);
  return ms > 0 && ms <= DURATION_MS_MAX ? ms : null;
}
