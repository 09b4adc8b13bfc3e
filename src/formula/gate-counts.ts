/**
 * Gates that wait until so many steps of the molecule have closed, `steps.complete >= 2`: as many must be able to close while the gate is
 * shut. All steps are let go as far as they can, each as if it closed in the way that every gate waits for.
 */
import type { Condition } from '../town/condition.js';
import type { Waits } from './graph.js';
import { quote, type Findings, type Origin } from './problem.js';

export type Counted = {
  /** The step with the gate. */
  readonly from: string;
  /** How many must have closed. */
  readonly least: number;
  readonly condition: string;
  readonly at: Origin;
};

/** Null for a condition that does not ask for so many closed steps at least. */
export function leastClosed(condition: Condition): number | null {
  if (condition.kind !== 'steps') return null;
  const { status, op, n } = condition;
  if (status !== 'complete' && status !== 'skipped' && status !== 'failed') return null;
  if (op === '>') return n + 1;
  return op === '>=' || op === '==' ? n : null;
}

/** `grows` are the steps behind which others are added as the molecule runs, nobody knows how many. */
export function refuseCounts(
  gates: readonly Counted[],
  waits: Waits,
  { places, grows }: { readonly places: ReadonlyMap<string, number>; readonly grows: ReadonlySet<number> },
  findings: Findings,
): void {
  const shut = new Map<number, Counted[]>();
  for (const gate of gates) {
    const node = places.get(gate.from);
    if (node !== undefined) shut.set(node, [...(shut.get(node) ?? []), gate]);
  }
  if (shut.size === 0) return;
  const { closed, stuck } = letGo(waits, shut, grows);
  for (const { condition, at, from, least } of stuck)
    findings.refuse(at, `the gate can never open: ${quote(condition)} wants ${least} steps that have closed`, {
      hint: `${closed} at most can close before it`,
      step: from,
    });
}

type Outcome = { readonly closed: number; readonly stuck: readonly Counted[] };

function letGo(waits: Waits, shut: ReadonlyMap<number, readonly Counted[]>, grows: ReadonlySet<number>): Outcome {
  const { count, edges, steps, closeOf } = waits;
  const waiting = Int32Array.from(edges, (needs) => needs.length);
  const behind: number[][] = Array.from({ length: count }, () => []);
  for (const [node, needs] of edges.entries()) for (const need of needs) behind[need]?.push(node);
  const closes = new Set(Array.from({ length: steps }, (_, step) => closeOf(step)));
  const held = new Map<number, readonly number[]>();
  const leastAt = (node: number) => Math.max(0, ...(shut.get(node) ?? []).map(({ least }) => least));
  const open = Array.from({ length: count }, (_, node) => node).filter((node) => waiting[node] === 0);
  let closed = 0;
  for (let node = open.pop(); node !== undefined; node = open.pop()) {
    const least = leastAt(node);
    if (least > closed) {
      held.set(least, [...(held.get(least) ?? []), node]);
      continue;
    }
    // Behind a step that others are added to any number may close.
    if (grows.has(node)) return { closed, stuck: [] };
    for (const next of behind[node] ?? []) {
      waiting[next] = (waiting[next] ?? 0) - 1;
      if (waiting[next] === 0) open.push(next);
    }
    if (!closes.has(node)) continue;
    closed += 1;
    open.push(...(held.get(closed) ?? []));
    held.delete(closed);
  }
  const stuck = [...held.values()].flat().flatMap((node) => shut.get(node) ?? []);
  return { closed, stuck: stuck.filter(({ least }) => least > closed) };
}
