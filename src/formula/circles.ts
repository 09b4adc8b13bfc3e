/**
 * Circles in what waits for what, to be told: short ones, no two of which share a need, and one at least of each set of steps that all
 * wait for one another.
 */
import type { Waits } from './graph.js';
import { quote } from './problem.js';

/** More circles than this are not named one by one. */
const CIRCLES_NAMED_MAX = 10;

/** What stands along a circle, each waiting for the next and the last for the first. */
export type Circle = readonly { readonly id: string; readonly label: string; readonly added: boolean }[];

export function circlesOf(waits: Waits): readonly Circle[] {
  const circles: Circle[] = [];
  const cut = new Set<number>();
  const needsOf = (node: number): readonly number[] => {
    const needs = waits.edges[node] ?? [];
    return cut.size === 0 ? needs : needs.filter((need) => !cut.has(keyOf(node, need, waits)));
  };
  for (;;) {
    const knots = knotsOf(waits.count, needsOf);
    for (const knot of knots) {
      if (circles.length === CIRCLES_NAMED_MAX) return circles;
      const circle = shortest(knot, needsOf);
      circles.push(named(circle, waits));
      for (const edge of mendable(circle, waits)) cut.add(edge);
    }
    if (knots.length === 0) return circles;
  }
}

/** The circle, first and last the same, from the first of this id on. */
export function printCircle(circle: Circle, first = circle[0]?.id): string {
  const at = circle.findIndex(({ id }) => id === first);
  const turned = [...circle.slice(at), ...circle.slice(0, at + 1)];
  return turned.map(({ label }) => label).join(' → ');
}

/** How a circle can be mended through which a loop over an output needs what waits for it; null for others. */
export function wayOut(circle: Circle): string | null {
  const at = circle.findIndex(({ added }) => added);
  const [fanOut, needed] = [circle[at], circle[(at + 1) % circle.length]];
  if (fanOut === undefined || needed === undefined) return null;
  return `who needs ${quote(fanOut.id)} waits for the loop over its output: let a step that needs ${quote(needed.id)} leave the list once more, and loop over that`;
}

function keyOf(from: number, to: number, { count }: Waits): number {
  return from * count + to;
}

/** The waits of a circle that somebody has written, which all others stand on. */
function mendable(circle: readonly number[], waits: Waits): readonly number[] {
  const pairs = circle.map((from, at) => ({ from, to: after(circle, at) }));
  const written = pairs.filter(({ from, to }) => !waits.isPlaced(from, to));
  return (written.length > 0 ? written : pairs).map(({ from, to }) => keyOf(from, to, waits));
}

function after(circle: readonly number[], at: number): number {
  return circle[(at + 1) % circle.length] ?? -1;
}

function named(circle: readonly number[], { nameOf, isAdded }: Waits): Circle {
  const all = circle.map((node, at) => {
    const id = nameOf(node);
    const added = isAdded(node, after(circle, at));
    return { id, added, label: added ? `what ${id} adds` : id };
  });
  // A step and its end stand side by side, and are one.
  const once = all.filter(({ label }, at) => label !== all[at - 1]?.label);
  return once.length > 1 && once[0]?.label === once.at(-1)?.label ? once.slice(0, -1) : once;
}

type NeedsOf = (node: number) => readonly number[];

/** The shortest way from the first node of a knot back to it. */
function shortest(knot: readonly number[], needsOf: NeedsOf): readonly number[] {
  const [first = 0] = knot;
  const inside = new Set(knot);
  const cameFrom = new Map<number, number>();
  const open = [first];
  for (const node of open)
    for (const need of needsOf(node)) {
      if (need === first) return wayTo(node, first, cameFrom);
      if (!inside.has(need) || cameFrom.has(need)) continue;
      cameFrom.set(need, node);
      open.push(need);
    }
  throw new Error('the nodes of a knot wait for one another');
}

function wayTo(last: number, first: number, cameFrom: ReadonlyMap<number, number>): readonly number[] {
  const way = [last];
  for (let node = last; node !== first;) {
    node = cameFrom.get(node) ?? first;
    way.push(node);
  }
  return way.toReversed();
}

/** Sets of nodes that all wait for one another (Tarjan), in the order of their first nodes, which stand first. */
function knotsOf(count: number, needsOf: NeedsOf): readonly (readonly number[])[] {
  const seen = new Int32Array(count);
  const lowest = new Int32Array(count);
  const isOpen = new Uint8Array(count);
  const open: number[] = [];
  const knots: (readonly number[])[] = [];
  let clock = 0;
  const enter = (node: number) => {
    clock += 1;
    seen[node] = clock;
    lowest[node] = clock;
    isOpen[node] = 1;
    open.push(node);
    return { node, needs: needsOf(node), next: 0 };
  };
  const lower = (node: number, to: number) => {
    lowest[node] = Math.min(lowest[node] ?? 0, to);
  };
  const leave = (node: number) => {
    if (lowest[node] !== seen[node]) return;
    const knot = open.splice(open.lastIndexOf(node));
    for (const one of knot) isOpen[one] = 0;
    if (knot.length > 1) knots.push(knot.toSorted((a, b) => a - b));
  };
  for (let start = 0; start < count; start += 1) {
    if (seen[start] !== 0) continue;
    const path = [enter(start)];
    for (let top = path.at(-1); top !== undefined; top = path.at(-1)) {
      const need = top.needs[top.next];
      top.next += 1;
      if (need === undefined) {
        path.pop();
        leave(top.node);
        const under = path.at(-1);
        if (under !== undefined) lower(under.node, lowest[top.node] ?? 0);
      } else if (seen[need] === 0) path.push(enter(need));
      else if (isOpen[need] === 1) lower(top.node, seen[need] ?? 0);
    }
  }
  return knots.toSorted((a, b) => (a[0] ?? 0) - (b[0] ?? 0));
}
