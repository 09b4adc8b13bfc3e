/** A span of time as a person writes it: `90 s`, `15 min`, `2 h`, `7 d`. */
const UNITS = [
  ['d', 86_400_000],
  ['h', 3_600_000],
  ['min', 60_000],
  ['s', 1_000],
] as const;

export function printSpan(ms: number): string {
  // The largest unit that says it whole, or seconds.
  const unit = UNITS.find(([, size]) => ms >= size && ms % size === 0);
  return unit === undefined ? `${ms / 1_000} s` : `${ms / unit[1]} ${unit[0]}`;
}
