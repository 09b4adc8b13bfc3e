/** Going back: a step, and all that came of it (`molecule-reach`), is to be done again as if it had not begun. */
import { withAnswer } from './answer.js';
import type { Answer } from './answer.js';
import { cut } from './findings.js';
import { wakeFrom } from './molecule-cascade.js';
import { draftOf, positionOf, revive, sessionsOf, stateOf, stepAt } from './molecule-live.js';
import type { Draft, Molecule } from './molecule-live.js';
import { hasBegun, reach } from './molecule-reach.js';
import type { Reach } from './molecule-reach.js';
import { list, offer } from './molecule-refusal.js';
import { firstKept } from './molecule-iterations.js';
import type { Gone, MoleculeEvent, Step } from './molecule-state.js';
import type { ProtoStep } from './protomolecule.js';

const NOTE_CHARS_MAX = 10_000;
const BEGUN = 'the steps that have begun';

export type WayBack = Pick<Reach, 'sandbox'> & {
  /** Ids of the steps that are to be done again, in the formula's order. */
  readonly again: readonly string[];
  /** Ids of those that go away: loops and fan-outs had added them since. */
  readonly gone: readonly string[];
};

/** Why nobody can go back to before the step, in a sentence that says what is possible instead; null when one can. */
export function backRefusal(molecule: Molecule, id: string): string | null {
  const at = positionOf(molecule, id);
  if (at === null) {
    return `there is no step "${id}"; ${offer(id, begunIn(molecule), BEGUN)}`;
  }
  if (molecule.failed !== null) return `step "${molecule.failed}" has failed, and the molecule with it: start it again`;
  if (!hasBegun(stepAt(molecule, at)))
    return `step "${id}" has not begun: there is nothing to go back to; ${BEGUN} are ${list(begunIn(molecule))}`;
  const { gone, iterations, isForgotten } = reach(molecule, at);
  const loop = molecule.loops.find((one) => (iterations.get(one.id) ?? Infinity) < firstKept(one));
  if (loop !== undefined)
    return `"${loop.id}" keeps the steps of its last iterations only: go back to a step of iteration ${firstKept(loop)} or later`;
  if (isForgotten) return 'the commits of iterations that are forgotten would go with it: go back to a later step';
  const orphan = molecule.steps.find(
    (step, own) => !gone.has(own) && step.needs.some((need) => gone.has(positionOf(molecule, need) ?? -1)),
  );
  return orphan === undefined
    ? null
    : `step "${orphan.id}" needs a step that a loop or a fan-out has added since, and would be left behind: go back to before that was added`;
}

function begunIn({ steps }: Molecule): readonly string[] {
  return steps.filter(hasBegun).map(({ id }) => id);
}

export function wayBack(molecule: Molecule, id: string): WayBack {
  const { again, gone, sandbox } = reach(molecule, positionOf(molecule, id) ?? -1);
  const idsOf = (these: ReadonlySet<number>) => molecule.steps.flatMap((step, at) => (these.has(at) ? [step.id] : []));
  return { again: idsOf(again), gone: idsOf(gone), sandbox };
}

export function wentBack(
  draft: Draft,
  { step: id, by, note, head }: Extract<MoleculeEvent, { kind: 'went-back' }>,
): void {
  const { nowMs } = draft;
  const { again, gone, open, iterations } = reach(draft, positionOf(draft, id) ?? -1);
  const told = `${by} went back to before "${id}", and this step is to be done again`;
  const word = note === null ? null : { asked: null, by, atMs: nowMs, text: note };
  const stays = (_item: unknown, at: number) => !gone.has(at);
  const goneIds = new Set(draft.steps.flatMap((step, at) => (gone.has(at) ? [step.id] : [])));
  const all = new Map([...draft.cooked, ...draft.templates]);
  const protos = [...all.values()].filter((step) => !goneIds.has(step.id));
  const added = draft.added.filter((step) => !goneIds.has(step.id));
  const addedIds = new Set(added.map((step) => step.id));
  const state = {
    ...stateOf(draft),
    steps: draft.steps
      .map((step, at): Step => {
        if (again.has(at)) return asNew(step, draft.plan.protos[at] ?? null, told, word);
        return open.has(at) ? { ...step, state: { kind: 'open', sinceMs: nowMs } } : step;
      })
      .filter(stays),
    loops: draft.loops.flatMap((loop) => {
      const iteration = iterations.get(loop.id) ?? loop.iteration;
      return goneIds.has(loop.id) ? [] : [{ ...loop, iteration }];
    }),
    added,
    gone: {
      ...draft.gone,
      ...Object.fromEntries(draft.steps.flatMap((step, at) => (gone.has(at) ? [spentBy(step)] : []))),
    },
    ...(head === undefined ? {} : { head }),
  };
  const cooked = { steps: protos.filter((step) => !addedIds.has(step.id)) };
  Object.assign(draft, draftOf({ ...revive(cooked, state, draft.how), head: state.head }, nowMs));
  wakeFrom(draft, 0);
}

/** What it has cost stays, and the numbers of its sessions go on: none comes twice. */
function asNew(step: Step, proto: ProtoStep | null, note: string, word: Answer | null): Step {
  const { gates: _gates, fan: _fan, notes: _notes, failures: _failures, ...rest } = step;
  const isTold = step.state.kind === 'closed' || sessionsOf(step) > 0;
  return {
    ...rest,
    title: proto?.title ?? step.title,
    state: { kind: 'pending' },
    handoffs: 0,
    rejections: 0,
    stalls: 0,
    note: isTold ? withBefore(note, step.note) : step.note,
    ...(isTold && word !== null ? withAnswer(step, word) : {}),
    ...(step.sessions === 0 ? {} : { sessionsBefore: step.sessions }),
  };
}

/** What its sessions were told before is told after it. */
function withBefore(note: string, before: string | null): string {
  return before === null || before.startsWith(note)
    ? (before ?? note)
    : cut(`${note}\n\nBefore that: ${before}`, NOTE_CHARS_MAX);
}

function spentBy({ id, sessions, usage }: Step): readonly [string, Gone] {
  return [id, { sessions, usage }];
}
