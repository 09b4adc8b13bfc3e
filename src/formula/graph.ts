/**
 * What waits for what, as numbers. Besides a node for the beginning-and-close of each step there is one for the end of what a step has
 * to wait for as a whole: the children of a group, the entries of a fan-out, all iterations of a loop. A need on the step is a need
 * on that end, so that an order that goes along the edges can run, and a circle through a group or a loop is found.
 */

export type WaitNode = {
  readonly id: string;
  readonly needs: readonly string[];
  /** Those of them of which the first child to close is enough. */
  readonly needsAny: readonly string[];
  /** Place of the group among the nodes, null for a step of its own. */
  readonly parent: number | null;
  /** The loop that ends at run time, if the step belongs to one. */
  readonly loop: string | null;
  readonly group: boolean;
  /** What the steps of its fan-out need besides it; null when it has none. */
  readonly fanOut: readonly string[] | null;
};

export type Waits = {
  readonly count: number;
  /** For each node those that it waits for. Nodes behind the first `steps` are ends. */
  readonly edges: readonly (readonly number[])[];
  /** The same but for needs of any child: behind them it is only certain that the step with the children has begun. */
  readonly certain: readonly (readonly number[])[];
  readonly steps: number;
  /** The node at which a step is closed: a group with its children. */
  readonly closeOf: (step: number) => number;
  /** The node at which all of a step is over: what its fan-out adds, too. */
  readonly wholeOf: (step: number) => number;
  /** The node at which a loop that ends at run time is over. */
  readonly loopEndOf: (loop: string) => number | undefined;
  /** The id that stands for the node in a message. */
  readonly nameOf: (node: number) => string;
  /** Whether one node waits for another by how steps stand in groups, loops and fan-outs, not by a need that somebody has written. */
  readonly isPlaced: (from: number, to: number) => boolean;
  /** Whether a step waits, at this node, for what its fan-out adds and not for itself. */
  readonly isAdded: (from: number, to: number) => boolean;
};

/** `nodes` have different ids, and needs that name none of them are left out. */
export function waitsOf(nodes: readonly WaitNode[]): Waits {
  const places = new Map(nodes.map(({ id }, index) => [id, index]));
  const edges: number[][] = nodes.map(() => []);
  const names: string[] = nodes.map(({ id }) => id);
  const end = (name: string): number => {
    edges.push([]);
    return names.push(name) - 1;
  };
  const groupEnds = new Map<number, number>();
  const fanEnds = new Map<number, number>();
  const loopEnds = new Map<string, number>();
  for (const [index, { id, group, fanOut, loop }] of nodes.entries()) {
    if (group) groupEnds.set(index, end(id));
    if (fanOut !== null) fanEnds.set(index, end(id));
    if (loop !== null && !loopEnds.has(loop)) loopEnds.set(loop, end(loop));
  }
  const closeOf = (index: number): number => groupEnds.get(index) ?? index;
  const wholeOf = (index: number): number => fanEnds.get(index) ?? closeOf(index);
  /** What a need of `from` on `index` waits for: from outside of a loop, the end of the loop. */
  const awaited = (from: WaitNode, index: number): number => {
    const loop = nodes[index]?.loop ?? null;
    return loop === null || loop === from.loop ? wholeOf(index) : (loopEnds.get(loop) ?? index);
  };
  /** What a group waits for of a child: of one in a loop that the group is not in, the end of the loop. */
  const awaitedBy = (group: number, { loop }: WaitNode, whole: number): number =>
    loop === null || loop === nodes[group]?.loop ? whole : (loopEnds.get(loop) ?? whole);
  for (const [index, node] of nodes.entries()) {
    const own = edges[index] ?? [];
    const needs = (ids: readonly string[], into: number[]) => {
      for (const id of ids) {
        const place = places.get(id);
        if (place !== undefined && place !== index) into.push(awaited(node, place));
      }
    };
    needs(node.needs, own);
    if (node.parent !== null) own.push(node.parent);
    edges[groupEnds.get(index) ?? -1]?.push(index);
    const fanEnd = fanEnds.get(index);
    if (fanEnd !== undefined) {
      edges[fanEnd]?.push(index);
      needs(node.fanOut ?? [], edges[fanEnd] ?? []);
    }
    const whole = wholeOf(index);
    if (node.parent !== null) edges[groupEnds.get(node.parent) ?? -1]?.push(awaitedBy(node.parent, node, whole));
    if (node.loop !== null) edges[loopEnds.get(node.loop) ?? -1]?.push(whole);
  }
  const certain = edges.map((all, index) => {
    const node = nodes[index];
    if (node === undefined || node.needsAny.length === 0) return all;
    const began = new Map<number, number>();
    for (const place of node.needsAny.flatMap((id) => places.get(id) ?? []))
      if (awaited(node, place) === wholeOf(place)) began.set(wholeOf(place), place);
    return all.map((to) => began.get(to) ?? to);
  });
  const added = new Map(Array.from(fanEnds, ([step, node]) => [node, step] as const));
  return {
    count: names.length,
    edges,
    certain,
    steps: nodes.length,
    closeOf,
    wholeOf,
    loopEndOf: (loop) => loopEnds.get(loop),
    nameOf: (node) => names[node] ?? '',
    isPlaced: (from, to) => from >= nodes.length || groupEnds.has(to),
    isAdded: (from, to) => added.has(from) && added.get(from) !== to,
  };
}

/** All nodes in an order that can run: of those that can come next always the one that was declared first. Null in a circle. */
export function orderOf({ count, edges, steps }: Waits): readonly number[] | null {
  const waiting = new Int32Array(count);
  const behind: number[][] = Array.from({ length: count }, () => []);
  for (const [node, needs] of edges.entries()) {
    waiting[node] = needs.length;
    for (const need of needs) behind[need]?.push(node);
  }
  const ready = new Heap();
  const order: number[] = [];
  const free = (node: number) => {
    // Ends are nobody's work: they are over as soon as they can be.
    if (node < steps) ready.add(node);
    else close(node);
  };
  const close = (first: number) => {
    const closed = [first];
    for (let node = closed.pop(); node !== undefined; node = closed.pop()) {
      order.push(node);
      for (const next of behind[node] ?? []) {
        waiting[next] = (waiting[next] ?? 0) - 1;
        if (waiting[next] !== 0) continue;
        if (next < steps) ready.add(next);
        else closed.push(next);
      }
    }
  };
  for (let node = 0; node < count; node += 1) if (edges[node]?.length === 0) free(node);
  for (let node = ready.take(); node !== null; node = ready.take()) {
    close(node);
  }
  return order.length === count ? order : null;
}

/** The smallest number first. */
class Heap {
  readonly #all: number[] = [];

  add(number: number): void {
    const all = this.#all;
    let at = all.push(number) - 1;
    while (at > 0) {
      const above = (at - 1) >> 1;
      if ((all[above] ?? 0) <= number) break;
      all[at] = all[above] ?? 0;
      at = above;
    }
    all[at] = number;
  }

  take(): number | null {
    const all = this.#all;
    const [first] = all;
    const last = all.pop();
    if (first === undefined || last === undefined) return null;
    if (all.length === 0) return first;
    let at = 0;
    for (;;) {
      const left = 2 * at + 1;
      if (left >= all.length) break;
      const right = left + 1;
      const below = right < all.length && (all[right] ?? 0) < (all[left] ?? 0) ? right : left;
      if ((all[below] ?? 0) >= last) break;
      all[at] = all[below] ?? 0;
      at = below;
    }
    all[at] = last;
    return first;
  }
}
