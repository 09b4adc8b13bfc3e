/**
 * Gates, and loops with `until`, that wait for steps of their own molecule. What they wait for is one more thing that their step, or the
 * end of the loop, waits for, so that the needs and the gates together must not go in a circle.
 */
import type { Condition } from '../town/condition.js';
import { circlesOf, printCircle, type Circle } from './circles.js';
import type { Waits } from './graph.js';
import { quote, type Findings, type Origin } from './problem.js';

/** What must be over before a condition can hold: the needs and gates of a step, the step, its children too. */
export type Moment = 'begun' | 'closed' | 'children closed';

export type Awaited = {
  /** The step with the gate, the one whose fan-out the gate is in, or the loop. */
  readonly from: string;
  readonly by: 'step' | 'added' | 'loop';
  readonly to: string;
  readonly moment: Moment;
  readonly condition: string;
  readonly at: Origin;
};

/** Null for a condition that may hold whatever becomes of the step it names. */
export function awaitedMoment(condition: Condition): Moment | null {
  if (condition.kind === 'compare') return comparedMoment(condition);
  if (condition.kind !== 'among' || comparedMoment(condition.inner) !== 'closed') return null;
  if (condition.how.kind === 'all') return 'children closed';
  // Of a count it depends on the number what must be over.
  return condition.how.kind === 'any' ? 'begun' : null;
}

function comparedMoment({ value, op, right }: Pick<Extract<Condition, { kind: 'compare' }>, 'value' | 'op' | 'right'>) {
  // What is not there yet equals the empty text.
  if (value.kind === 'output') return (op === '!=') === (right === '') ? 'closed' : null;
  if (op !== '==') return null;
  if (right === 'complete') return 'closed';
  return right === 'ready' || right === 'active' ? 'begun' : null;
}

/** `waits` go in no circle by themselves; `places` are the nodes of the ids. */
export function refuseGateCircles(
  gates: readonly Awaited[],
  waits: Waits,
  places: ReadonlyMap<string, number>,
  findings: Findings,
): void {
  if (gates.length === 0) return;
  const refuse = ({ by, condition, at, from }: Awaited, circle: string, of: string) => {
    const what = by === 'loop' ? 'the loop waits for itself' : 'the gate goes in a circle';
    findings.refuse(at, `${what}${circle}: ${quote(condition)} is of ${of}`, { step: from });
  };
  const edges = [...waits.edges];
  for (const gate of gates) {
    const [from, to] = [nodeOf(gate, waits, places), places.get(gate.to)];
    if (from === undefined || to === undefined) continue;
    if (from === to) refuse(gate, '', 'the step itself');
    else edges[from] = [...(edges[from] ?? []), endAt(gate.moment, to, waits)];
  }
  for (const circle of circlesOf({ ...waits, edges })) {
    const gate = gates.find(({ from, to }) => goesAlong(circle, from, to));
    if (gate !== undefined)
      refuse(
        gate,
        `, ${printCircle(circle, gate.from)}`,
        `${quote(gate.to)}, which waits for ${gate.by === 'loop' ? 'the loop' : 'this step'}`,
      );
  }
}

/** What waits for the condition. */
function nodeOf({ from, by }: Awaited, waits: Waits, places: ReadonlyMap<string, number>): number | undefined {
  if (by === 'loop') return waits.loopEndOf(from);
  const place = places.get(from);
  return place === undefined || by === 'step' ? place : waits.wholeOf(place);
}

function goesAlong(circle: Circle, from: string, to: string): boolean {
  return circle.some(({ id }, at) => id === from && circle[(at + 1) % circle.length]?.id === to);
}

function endAt(moment: Moment, step: number, { closeOf, wholeOf }: Waits): number {
  if (moment === 'begun') return step;
  return moment === 'closed' ? closeOf(step) : wholeOf(step);
}
