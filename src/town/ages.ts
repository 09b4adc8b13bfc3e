/**
 * How long ago, or how soon, each time of a board is. A workflow knows no clock but that of its last task, so a board has times only, and
 * whoever prints it adds the ages.
 */
const TIMES = /(?:\b(?:since|at) |\| )(\d{4}-\d\d-\d\d) (\d\d:\d\d:\d\d)/g;

const UNITS = [
  ['d', 86_400],
  ['h', 3_600],
  ['min', 60],
  ['s', 1],
] as const;

export function withAges(board: string, nowMs: number): string {
  return board.replaceAll(TIMES, (all: string, day: string, time: string) => {
    // A time that is read: the clock is not.
    // oxlint-disable-next-line no-restricted-globals
    const atMs = Date.parse(`${day}T${time}Z`);
    return Number.isNaN(atMs) ? all : `${all} (${ageOf(nowMs - atMs)})`;
  });
}

function ageOf(ms: number): string {
  return ms < 0 ? `in ${roughSpan(-ms)}` : `${roughSpan(ms)} ago`;
}

/** In its largest unit, rounded down: a time is written in whole seconds. */
export function roughSpan(ms: number): string {
  const seconds = Math.floor(Math.max(0, ms) / 1_000);
  const [unit, size] = UNITS.find(([, one]) => seconds >= one) ?? ['s', 1];
  return `${Math.floor(seconds / size)} ${unit}`;
}
