/**
 * The shape of a molecule: who needs whom, who is in which group, loop and scope, by position instead of by name. It follows from the
 * steps alone, so it is never carried; it is made anew only when steps are added.
 */
import { firstKept, idIn } from './molecule-iterations.js';
import type { ProtoStep } from './protomolecule.js';
import type { LoopState, Step } from './molecule-state.js';

/** `any`: the first of its children to close is enough. */
export type Need = { readonly target: number; readonly any: boolean };

export type Scope = {
  readonly body: number | null;
  readonly members: readonly number[];
  readonly teardowns: readonly number[];
};

export type Plan = {
  readonly index: ReadonlyMap<string, number>;
  /** By the id of a step of an iteration that is over, which others may name, the step of the last iteration. */
  readonly standIns: ReadonlyMap<string, number>;
  /** As cooked; null for a loop, which is no step of the formula. */
  readonly protos: readonly (ProtoStep | null)[];
  readonly needs: readonly (readonly Need[])[];
  readonly dependents: readonly (readonly number[])[];
  /** Children of groups, steps added by fan-outs. */
  readonly children: readonly (readonly number[])[];
  /** The groups, loops and fan-outs that count a step among what must close before they do. */
  readonly owners: readonly (readonly number[])[];
  /** Loops around a step, the outermost first. */
  readonly loopsAround: readonly (readonly number[])[];
  /** Position among the loops, by the position of the loop's own step. */
  readonly loops: ReadonlyMap<number, number>;
  readonly scopes: ReadonlyMap<string, Scope>;
};

export function planOf(
  steps: readonly Step[],
  protos: ReadonlyMap<string, ProtoStep>,
  loopStates: readonly LoopState[],
): Plan {
  const index = new Map(steps.map((step, at) => [step.id, at]));
  const at = (id: string | undefined) => (id === undefined ? undefined : index.get(id));
  const cooked = steps.map((step) => protos.get(step.id) ?? null);
  const loops = new Map(loopStates.flatMap(({ id }, position) => present(at(id)).map((own) => [own, position])));
  const loopsAround = aroundOf(steps, loopStates, index);
  const scopes = scopesOf(cooked, index);
  const standIns = new Map(
    loopStates.flatMap((loop) =>
      firstKept(loop) === 1
        ? []
        : loop.body.flatMap((id) => present(at(idIn(loop, id, loop.iteration))).map((own) => [id, own])),
    ),
  );
  const needs = steps.map((step, own) => needsOf(step, own, { cooked, index, standIns, loopsAround, scopes, steps }));
  const children: number[][] = steps.map(() => []);
  const owners: number[][] = steps.map(() => []);
  steps.forEach((step, own) => {
    for (const owner of [...present(at(step.parent)), ...present(at(step.from))]) {
      children[owner]?.push(own);
      owners[own]?.push(owner);
    }
  });
  for (const loop of loopStates) {
    const own = at(loop.id);
    // A loop that is a group counts its children, like any group.
    if (own === undefined || steps[own]?.kind !== 'loop') continue;
    for (const id of loop.body) {
      for (const member of present(at(idIn(loop, id, loop.iteration)))) owners[member]?.push(own);
    }
  }
  const dependents: number[][] = steps.map(() => []);
  needs.forEach((ofStep, own) => ofStep.forEach(({ target }) => dependents[target]?.push(own)));
  return { index, standIns, protos: cooked, needs, dependents, children, owners, loopsAround, loops, scopes };
}

export function present<T>(value: T | undefined): readonly T[] {
  return value === undefined ? [] : [value];
}

function aroundOf(
  steps: readonly Step[],
  loops: readonly LoopState[],
  index: ReadonlyMap<string, number>,
): readonly (readonly number[])[] {
  const direct: number[][] = steps.map(() => []);
  for (const loop of loops) {
    for (const own of present(index.get(loop.id))) {
      for (let iteration = firstKept(loop); iteration <= loop.iteration; iteration += 1) {
        for (const id of loop.body) {
          for (const member of present(index.get(idIn(loop, id, iteration)))) direct[member]?.push(own);
        }
      }
    }
  }
  const known: (readonly number[] | undefined)[] = steps.map(() => undefined);
  const around = (own: number): readonly number[] => {
    const before = known[own];
    if (before !== undefined) return before;
    // What a fan-out adds is in the loops of the step it stands on; what an inner loop adds is in the outer ones too.
    const source = steps[own]?.from;
    const inherited = source === undefined ? [] : present(index.get(source)).flatMap(around);
    const all = new Set([...(direct[own] ?? []).flatMap((loop) => [...around(loop), loop]), ...inherited]);
    const sorted = [...all].toSorted((a, b) => around(a).length - around(b).length);
    known[own] = sorted;
    return sorted;
  };
  return steps.map((_step, own) => around(own));
}

function scopesOf(cooked: readonly (ProtoStep | null)[], index: ReadonlyMap<string, number>): Plan['scopes'] {
  const scopes = new Map<string, { body: number | null; members: number[]; teardowns: number[] }>();
  cooked.forEach((step, own) => {
    if (step?.scope === undefined) return;
    const { of, role } = step.scope;
    const scope = scopes.get(of) ?? { body: index.get(of) ?? null, members: [], teardowns: [] };
    (role === 'member' ? scope.members : scope.teardowns).push(own);
    scopes.set(of, scope);
  });
  return scopes;
}

type Shape = Pick<Plan, 'index' | 'standIns' | 'loopsAround' | 'scopes'> & {
  readonly cooked: readonly (ProtoStep | null)[];
  readonly steps: readonly Step[];
};

function needsOf(step: Step, own: number, shape: Shape): readonly Need[] {
  const { index, standIns, cooked, scopes, loopsAround } = shape;
  const proto = cooked[own] ?? null;
  const anyOf = proto?.needsAny ?? [];
  const around = new Set(loopsAround[own]);
  const written = step.needs.flatMap((id): readonly Need[] => {
    const target = index.get(id) ?? standIns.get(id);
    // What a fan-out adds comes after its step by itself, and must not wait for the end of the fan-out.
    if (target === undefined || id === step.from) return [];
    const outside = loopsAround[target]?.find((loop) => !around.has(loop) && loop !== own);
    return [outside === undefined ? { target, any: anyOf.includes(id) } : { target: outside, any: false }];
  });
  const scope = proto?.scope?.role === 'teardown' ? scopes.get(proto.scope.of) : undefined;
  return [...written, ...(scope?.members ?? []).map((target) => ({ target, any: false }))];
}
