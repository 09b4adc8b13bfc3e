/** Bonding: the steps of another formula are added to a molecule at work, under ids of their own. */
import { wakeFrom } from './molecule-cascade.js';
import { behind, sinksOf } from './molecule-fan-out.js';
import { ADDED_STEPS_MAX, countAdded, grow, loopsOf, replan, stepFrom } from './molecule-growth.js';
import { loopAt, positionOf, put, stepAt } from './molecule-live.js';
import { present } from './molecule-plan.js';
import type { Draft, Molecule } from './molecule-live.js';
import { renameLoop, renamer, renameStep } from './molecule-rename.js';
import type { BondPlace, Step } from './molecule-state.js';
import { offer } from './molecule-refusal.js';
import type { BondPoint, ProtoLoop, Protomolecule, ProtoStep } from './protomolecule.js';
import { unreachable } from './unreachable.js';

type Asked = { readonly after?: string | undefined; readonly at?: string | undefined };
type Found = { readonly ok: true; readonly place: BondPlace } | { readonly ok: false; readonly why: string };

/** Where a bond goes that was asked for, or why it cannot go there and where it can. */
export function bondPlace(molecule: Molecule, points: readonly BondPoint[], { after, at }: Asked): Found {
  if (after !== undefined && at !== undefined) {
    return { ok: false, why: 'give either `after`, a step, or `at`, a bond point of the formula' };
  }
  if (at !== undefined) return atPoint(molecule, points, at);
  if (after === undefined) return { ok: true, place: { kind: 'beside' } };
  const problem = unknownStep(molecule, after);
  return problem === null
    ? { ok: true, place: { kind: 'after', steps: [after], between: false } }
    : { ok: false, why: problem };
}

function atPoint(molecule: Molecule, points: readonly BondPoint[], id: string): Found {
  const point = points.find((one) => one.id === id);
  const ids = points.map((one) => one.id);
  if (point === undefined)
    return { ok: false, why: `there is no bond point "${id}"; ${offer(id, ids, 'the bond points')}` };
  const place = placeOf(point);
  for (const step of stepsAt(place)) {
    const why = unknownStep(molecule, step) ?? notAt(molecule, point, place, step);
    if (why !== null) return { ok: false, why };
  }
  const why = inClosed(molecule, point, place);
  return why === null ? { ok: true, place } : { ok: false, why };
}

/** A group that has closed waits for nothing that is bonded into it, and lets nothing in it begin. Before 0.6 nobody looked. */
function inClosed(molecule: Molecule, { id }: BondPoint, place: BondPlace): string | null {
  const { parent } = around(molecule, place);
  const at = parent === undefined ? null : positionOf(molecule, parent);
  if (at === null || molecule.how.rules === undefined) return null;
  const { id: group, state } = stepAt(molecule, at);
  return state.kind === 'closed'
    ? `bond point "${id}" is in the group "${group}", which has closed; bond with {"after": "${group}"} instead`
    : null;
}

function placeOf({ before, after }: BondPoint): BondPlace {
  if (before !== null) return { kind: 'before', steps: [before].flat() };
  return after === null ? { kind: 'beside' } : { kind: 'after', steps: [after].flat(), between: true };
}

function stepsAt(place: BondPlace): readonly string[] {
  return place.kind === 'beside' ? [] : place.steps;
}

/** Why nothing can be bonded there now. */
function notAt(molecule: Molecule, { id }: BondPoint, { kind }: BondPlace, step: string): string | null {
  const position = positionOf(molecule, step) ?? 0;
  const loop = molecule.plan.loopsAround[position]?.[0];
  if (loop !== undefined) {
    const around = stepAt(molecule, loop).id;
    return `bond point "${id}" is in the loop "${around}", whose steps repeat; bond with {"after": "${around}"}`;
  }
  return kind === 'before' && stepAt(molecule, position).state.kind !== 'pending'
    ? `bond point "${id}" is before step "${step}", which has begun; bond with {"after": …} instead`
    : null;
}

function unknownStep(molecule: Molecule, id: string): string | null {
  const position = positionOf(molecule, id);
  const [around] = position === null ? [] : (molecule.plan.loopsAround[position] ?? []);
  const loop = around === undefined ? null : loopAt(molecule, around);
  if (loop?.counter !== undefined)
    return `step "${id}" is of an iteration of "${loop.id}", and forgotten when that is over; bond with {"after": "${loop.id}"}`;
  if (position !== null) return null;
  const ids = molecule.steps.map((step) => step.id);
  return `there is no step "${id}"; ${offer(id, ids, 'the steps')}`;
}

/** Why a formula cannot be bonded, whatever the place. */
export function bondProblem(
  molecule: Molecule,
  { steps, loops = [], formula }: Pick<Protomolecule, 'steps' | 'loops' | 'formula'>,
): string | null {
  const long = loops.find(({ counter }) => counter !== undefined);
  if (long !== undefined)
    return `the loop "${long.id}" of ${formula} goes round ${long.max} times, too often to be bonded: start a molecule of it`;
  const all = countAdded(molecule) + steps.length;
  return all > ADDED_STEPS_MAX
    ? `with the ${steps.length} steps of ${formula} the molecule would have ${all} that are not in its formula, the most is ${ADDED_STEPS_MAX}`
    : null;
}

export function bonded(
  draft: Draft,
  proto: Pick<Protomolecule, 'formula' | 'steps' | 'loops'>,
  place: BondPlace,
): void {
  draft.bonds += 1;
  const prefix = `${proto.formula}.${draft.bonds}.`;
  const to = renamer(
    proto.steps,
    (proto.loops ?? []).map((loop) => loop.id),
    (id) => `${prefix}${id}`,
  );
  const renamed = proto.steps.map((step) => renameStep(step, to));
  const { needs, parent } = around(draft, place);
  const protos = renamed.map((step) => inGroup(behind(step, renamed, needs), parent));
  const { states, own } = loopsOf(
    protos,
    (proto.loops ?? []).map((loop) => loopInGroup(renameLoop(loop, to), parent)),
    draft.how,
  );
  const first = draft.steps.length;
  const steps = [...protos.map((step) => stepFrom(step, draft.how)), ...own];
  const followers = followersOf(draft, place);
  grow(draft, { protos, steps, loops: [...draft.loops, ...states] });
  if (followers.length > 0) {
    const sinks = sinksOf(renamed);
    for (const at of followers) put(draft, at, { needs: [...stepAt(draft, at).needs, ...sinks] });
    replan(draft);
  }
  wakeFrom(draft, first);
}

/** What the first bonded steps need, and the group that all of them are in. */
function around(
  molecule: Pick<Molecule, 'plan' | 'steps'>,
  place: BondPlace,
): { readonly needs: readonly string[]; readonly parent: string | undefined } {
  switch (place.kind) {
    case 'beside':
      return { needs: [], parent: undefined };
    case 'after': {
      const [first, ...others] = place.steps.map((id) => stepNamed(molecule, id));
      const isOne = others.every((other) => other.parent === first?.parent);
      return { needs: place.steps, parent: place.between && isOne ? first?.parent : undefined };
    }
    case 'before': {
      const [first, ...others] = place.steps.map((id) => stepNamed(molecule, id));
      // What only some of them need may come after the others.
      const needs = first?.needs.filter((need) => others.every((other) => other.needs.includes(need))) ?? [];
      return { needs, parent: first?.parent };
    }
    default:
      return unreachable(place);
  }
}

function stepNamed(molecule: Pick<Molecule, 'plan' | 'steps'>, id: string): Step {
  return stepAt(molecule, positionOf(molecule, id) ?? -1);
}

function inGroup(step: ProtoStep, parent: string | undefined): ProtoStep {
  return parent === undefined || step.parent !== undefined ? step : { ...step, parent };
}

/** A loop that an earlier version cooked says nothing of a group, and stays in none. */
function loopInGroup(loop: ProtoLoop, parent: string | undefined): ProtoLoop {
  return parent === undefined || loop.parent !== null ? loop : { ...loop, parent };
}

/** Steps that have not begun and must wait for the bonded ones. */
function followersOf(draft: Draft, place: BondPlace): readonly number[] {
  const positions = stepsAt(place).flatMap((step) => present(positionOf(draft, step) ?? undefined));
  return followers(draft, place, positions).filter((one) => stepAt(draft, one).state.kind === 'pending');
}

function followers(draft: Draft, place: BondPlace, positions: readonly number[]): readonly number[] {
  if (place.kind === 'before') return positions.flatMap((at) => [at, ...firstOfLoop(draft, at)]);
  if (place.kind === 'beside' || !place.between) return [];
  // Who needs only some of several last steps does not come after the whole.
  const [first, ...others] = positions.map((at) => draft.plan.dependents[at] ?? []);
  return (first ?? []).filter((one) => others.every((dependents) => dependents.includes(one)));
}

/** The steps of a loop's body that need no other of it. */
function firstOfLoop(draft: Draft, at: number): readonly number[] {
  const body = new Set(loopAt(draft, at)?.body);
  return [...body].flatMap((id) => {
    const own = positionOf(draft, id);
    if (own === null) return [];
    const { needs, parent } = stepAt(draft, own);
    return needs.some((need) => body.has(need)) || (parent !== undefined && body.has(parent)) ? [] : [own];
  });
}
