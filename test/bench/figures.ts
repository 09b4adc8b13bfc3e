/** Figures of a benchmark: each a line for a person when it is known, and all as lines of JSON at the end. */

type Figure = {
  readonly figure: string;
  readonly value: number;
  readonly unit: string;
  /** What it should be, in words; null when there is no goal. */
  readonly goal: string | null;
  readonly met: boolean | null;
  /** Measures it again, alone or with others. */
  readonly command: string;
};

let command = '';

/** What is told from now on. */
export function measuredBy(by: string): void {
  command = by;
}

const figures: Figure[] = [];

export function tell(
  figure: string,
  value: number,
  unit: string,
  goal: string | null = null,
  met: boolean | null = null,
): void {
  const rounded = Number.isInteger(value) ? value : Number(value.toPrecision(4));
  figures.push({ figure, value: rounded, unit, goal, met, command });
  const judged = goal === null ? '' : `   goal ${goal}: ${met === true ? 'met' : 'MISSED'}`;
  console.log(`${figure.padEnd(34)} ${String(rounded).padStart(10)} ${unit}${judged}`);
}

/** At the end, for programs. */
export function tellJson(): void {
  for (const figure of figures) console.log(JSON.stringify(figure));
}

export function median(values: readonly number[]): number {
  const sorted = values.toSorted((a, b) => a - b);
  return sorted[Math.floor(sorted.length / 2)] ?? 0;
}

export function timed(work: () => void): number {
  const start = performance.now();
  work();
  return performance.now() - start;
}
