/**
 * Gates, and loops with `until`, that ask for what cannot be while they are shut. As long as a gate is, its step waits, all steps that come
 * after it are pending unless a person skips them, and what it comes after is over. Everything else may stand in any way.
 */
import { compared, type Condition, type Operator } from '../town/condition.js';
import { unreachable } from '../town/unreachable.js';
import type { Waits } from './graph.js';
import { quote, type Findings, type Origin } from './problem.js';

export type AskedOf = {
  /** The step with the gate, or the loop. */
  readonly from: string;
  readonly by: 'step' | 'loop';
  /** The step that the condition is of, null for one of all steps. */
  readonly to: string | null;
  readonly condition: Condition;
  readonly text: string;
  readonly at: Origin;
};

export type Shape = {
  readonly waits: Waits;
  readonly places: ReadonlyMap<string, number>;
  /** The places of the groups that steps are in. */
  readonly parents: readonly (number | null)[];
  /** Whether steps are added as the molecule runs, nobody knows how many. */
  readonly grows: (place: number) => boolean;
};

const OVER = ['complete', 'skipped', 'failed'];
const NOT_BEGUN = ['pending', 'skipped'];
/** More conditions than this are not thought through: each may go through all steps. */
const ASKED_MAX = 200;

export function refuseNever(asked: readonly AskedOf[], shape: Shape, findings: Findings): void {
  const { waits, places } = shape;
  let behindOf: ((node: number) => ReadonlySet<number>) | null = null;
  for (const one of asked.slice(0, ASKED_MAX)) {
    const node = one.by === 'loop' ? waits.loopEndOf(one.from) : places.get(one.from);
    if (node === undefined) continue;
    behindOf ??= reachable(waits);
    const why = whyNever(one, node, behindOf, shape);
    if (why === null) continue;
    const what = one.by === 'loop' ? 'the loop can never end' : 'the gate can never open';
    findings.refuse(one.at, `${what}: ${quote(one.text)}, and ${why}`, { step: one.from });
  }
}

type Behind = (node: number) => ReadonlySet<number>;

function whyNever({ condition, to, by }: AskedOf, node: number, behindOf: Behind, shape: Shape): string | null {
  const behind = behindOf(node);
  switch (condition.kind) {
    case 'file':
      return null;
    case 'steps':
      return whyNotSteps(condition, node, behind, shape);
    case 'compare':
      return to === null || by === 'loop' ? null : whyNotStep(condition, to, node, behindOf, shape);
    case 'among':
      return to === null ? null : whyNotAmong(condition, to, behind, shape);
    default:
      return unreachable(condition);
  }
}

function whyNotSteps(
  { status, op, n }: Extract<Condition, { kind: 'steps' }>,
  node: number,
  behind: ReadonlySet<number>,
  { waits, parents, grows }: Shape,
): string | null {
  const pending = [...behind].filter((one) => one < waits.steps).length;
  const isGrowing = parents.some((_, place) => grows(place));
  // At least so many that are over is worked out with more care elsewhere.
  const isMore = op === '>' || op === '>=' || (op === '==' && n > 0);
  if (OVER.includes(status) && isMore) return null;
  const least = status === 'pending' ? pending : status === 'waiting' && node < waits.steps ? 1 : 0;
  const most = isGrowing ? Number.POSITIVE_INFINITY : waits.steps - (status === 'pending' ? 1 : pending);
  if (canBe({ least, most }, op, n)) return null;
  if (status === 'pending' && !canBe({ least, most: Number.POSITIVE_INFINITY }, op, n))
    return `${least} that come after it are pending until then`;
  return most === Number.POSITIVE_INFINITY ? `there are ${least} at least` : `there are ${least} to ${most} such steps`;
}

function whyNotStep(
  { value, op, right }: Extract<Condition, { kind: 'compare' }>,
  to: string,
  node: number,
  behindOf: Behind,
  { waits, places }: Shape,
): string | null {
  const place = places.get(to);
  if (place === undefined) return null;
  const isStatus = value.kind === 'status';
  const holds = (statuses: readonly string[]) => statuses.some((one) => compared(isStatus ? one : null, op, right));
  if (place === node) return holds(['waiting']) ? null : 'it is waiting until then';
  if (behindOf(node).has(place)) return holds(NOT_BEGUN) ? null : `${quote(to)} comes after it`;
  const isOver = behindOf(waits.closeOf(place)).has(node);
  return isOver && isStatus && !holds(OVER) ? `${quote(to)} is over before it` : null;
}

function whyNotAmong(
  { inner: { value, op, right }, how, deep }: Extract<Condition, { kind: 'among' }>,
  to: string,
  behind: ReadonlySet<number>,
  { places, parents, grows }: Shape,
): string | null {
  const group = places.get(to);
  // Of a group that comes after it the circle is told.
  if (group === undefined || behind.has(group) || grows(group)) return null;
  const isIn = (place: number): boolean => {
    const parent = parents[place] ?? null;
    return parent !== null && (parent === group || (deep && isIn(parent)));
  };
  const children = parents.flatMap((_, place) => (isIn(place) ? [place] : []));
  if (children.length === 0 || children.some(grows)) return null;
  const pending = children.filter((place) => behind.has(place)).length;
  const may = NOT_BEGUN.map((status) => compared(value.kind === 'status' ? status : null, op, right));
  const [least, most] = [may.includes(false) ? 0 : pending, children.length - (may.includes(true) ? 0 : pending)];
  if (how.kind === 'all') return null;
  const wanted = how.kind === 'count' ? how : { op: '>=' as const, n: 1 };
  if (canBe({ least, most }, wanted.op, wanted.n)) return null;
  return pending === 0
    ? `${quote(to)} has ${children.length} children`
    : `of the ${children.length} children of ${quote(to)} ${pending} come after it`;
}

/** Whether one of the numbers from `least` to `most` compares so with `n`. */
function canBe({ least, most }: { readonly least: number; readonly most: number }, op: Operator, n: number): boolean {
  switch (op) {
    case '==':
      return least <= n && n <= most;
    case '!=':
      return least !== n || most !== n;
    case '>':
      return most > n;
    case '>=':
      return most >= n;
    case '<':
      return least < n;
    case '<=':
      return least <= n;
    default:
      return unreachable(op);
  }
}

/** For a node all that certainly comes after it. */
function reachable({ certain, count }: Waits): Behind {
  const next: number[][] = Array.from({ length: count }, () => []);
  for (const [node, needs] of certain.entries()) for (const need of needs) next[need]?.push(node);
  const known = new Map<number, ReadonlySet<number>>();
  return (node) => {
    const before = known.get(node);
    if (before !== undefined) return before;
    const found = new Set(next[node]);
    // A set goes on to what is added to it meanwhile.
    for (const one of found) for (const other of next[one] ?? []) found.add(other);
    known.set(node, found);
    return found;
  };
}
