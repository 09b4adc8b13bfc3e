/** What comes after what: points, some of which stand before others. */
export class Order {
  readonly #after: number[][] = [];

  point(): number {
    return this.#after.push([]) - 1;
  }

  put(before: number, after: number): void {
    this.#after[before]?.push(after);
  }

  /** All that comes after the point, through others too. */
  behind(point: number): ReadonlySet<number> {
    const seen = new Set<number>();
    const open = [point];
    for (let next = open.pop(); next !== undefined; next = open.pop())
      for (const after of this.#after[next] ?? [])
        if (!seen.has(after)) {
          seen.add(after);
          open.push(after);
        }
    return seen;
  }

  isPossible(): boolean {
    const waiting = this.#after.map(() => 0);
    for (const all of this.#after) for (const after of all) waiting[after] = (waiting[after] ?? 0) + 1;
    const open = [...waiting.keys()].filter((point) => waiting[point] === 0);
    let done = 0;
    for (let next = open.pop(); next !== undefined; next = open.pop()) {
      done += 1;
      for (const after of this.#after[next] ?? []) {
        waiting[after] = (waiting[after] ?? 0) - 1;
        if (waiting[after] === 0) open.push(after);
      }
    }
    return done === this.#after.length;
  }
}
