/** Loops: when all steps of an iteration have closed the loop is judged, and either ends or gets its next iteration. */
import { filesNamed, parseCondition, withStep } from './condition.js';
import type { Condition } from './condition.js';
import { close, escalated, tooMany, wakeFrom } from './molecule-cascade.js';
import { holdsNow } from './molecule-facts.js';
import { ADDED_STEPS_MAX, countAdded, forget, grow, loopStep, stepFrom } from './molecule-growth.js';
import { closedBy, loopAt, put, stepAt } from './molecule-live.js';
import type { Draft, Molecule } from './molecule-live.js';
import { present } from './molecule-plan.js';
import { counted, firstKept, idIn } from './molecule-iterations.js';
import { renameLoop, renamer, renameStep } from './molecule-rename.js';
import type { LoopState, LoopVerdict, Step } from './molecule-state.js';
import { iterationId } from './protomolecule.js';
import type { ProtoStep } from './protomolecule.js';
import { unreachable } from './unreachable.js';

/** A loop whose iteration is done, with what must be known before it can be judged. */
export type DueLoop = {
  readonly id: string;
  readonly iteration: number;
  readonly check: LoopState['check'];
  readonly confinement?: LoopState['confinement'];
  readonly files: readonly string[];
};

export function dueLoop(molecule: Molecule): DueLoop | null {
  if (molecule.failed !== null || molecule.paused !== null) return null;
  for (const [at] of molecule.plan.loops) {
    const loop = loopAt(molecule, at);
    if (loop === null || !isOver(molecule, at) || loop.counter !== undefined) continue;
    const parsed = loop.until === null ? null : parseCondition(loop.until);
    const files = parsed?.ok === true ? filesNamed(parsed.condition) : [];
    const { id, iteration, check, confinement } = loop;
    return { id, iteration, check, files, ...(confinement === undefined ? {} : { confinement }) };
  }
  return null;
}

/** Whether all steps of the iteration have closed, and nothing has come of it yet. */
function isOver(molecule: Pick<Molecule, 'steps' | 'left'>, at: number): boolean {
  const { kind } = stepAt(molecule, at).state;
  return molecule.left[at] === 0 && (kind === 'open' || kind === 'pending');
}

/** Goes on with a loop whose iteration is over, which needs nobody's judgement: answers whether there was one. */
export function nextCounted(draft: Draft): boolean {
  if (draft.failed !== null) return false;
  for (const [at] of draft.plan.loops) {
    const loop = loopAt(draft, at);
    if (loop?.counter === undefined || !isOver(draft, at)) continue;
    if (loop.iteration >= loop.max) close(draft, at, closedBy(draft, 'done', `done ${loop.max} times`, 'the molecule'));
    else nextIteration(draft, at, loop, {});
    return true;
  }
  return false;
}

export function judged(draft: Draft, id: string, verdict: LoopVerdict): void {
  const at = draft.plan.index.get(id);
  const loop = at === undefined ? null : loopAt(draft, at);
  if (at === undefined || loop === null || stepAt(draft, at).state.kind === 'closed') return;
  const found = foundBy(draft, loop, verdict);
  switch (found.kind) {
    case 'over': {
      const times = loop.iteration === 1 ? 'once' : `${loop.iteration} times`;
      close(draft, at, closedBy(draft, 'done', `done ${times}: ${found.why}`, 'the molecule'));
      return;
    }
    case 'again':
      if (loop.iteration >= loop.max) {
        const why = `not done after ${loop.iteration} iterations, the most is ${loop.max}: ${found.why}`;
        put(draft, at, { state: escalated(why, draft.nowMs, { source: 'loop' }) });
        return;
      }
      nextIteration(draft, at, loop, { note: found.why });
      return;
    case 'unknown':
      put(draft, at, { state: escalated(found.why, draft.nowMs, { source: 'loop' }) });
      return;
    default:
      unreachable(found.kind);
  }
}

type Found = { readonly kind: 'over' | 'again' | 'unknown'; readonly why: string };

function foundBy(draft: Draft, loop: LoopState, verdict: LoopVerdict): Found {
  switch (verdict.kind) {
    case 'checked':
      return { kind: verdict.ok ? 'over' : 'again', why: verdict.ok ? 'its check passes' : verdict.detail };
    case 'unknown':
      return { kind: 'unknown', why: verdict.why };
    case 'condition': {
      const until = loop.until ?? '';
      const parsed = parseCondition(until);
      if (!parsed.ok) return { kind: 'unknown', why: `until: ${parsed.message}` };
      const self = idIn(loop, loop.body.at(-1) ?? loop.id, loop.iteration);
      const holds = holdsNow(draft, self, inIteration(parsed.condition, loop), verdict.files);
      return holds ? { kind: 'over', why: until } : { kind: 'again', why: `${until} does not hold` };
    }
    default:
      return unreachable(verdict);
  }
}

/** Names of the loop's own steps, in full or as the author wrote them, mean those of the iteration just done. */
function inIteration(condition: Condition, loop: LoopState): Condition {
  return withStep(condition, (name) => {
    const first = [name, `${loop.id}.iter1.${name}`].find((id) => loop.body.includes(id));
    return first === undefined ? name : idIn(loop, first, loop.iteration);
  });
}

/**
 * Adds the next iteration; `told` is what its first steps are told. One over the most is added when a person asks for it. Of a loop that goes
 * round by itself the one before the last is forgotten.
 */
export function nextIteration(
  draft: Draft,
  at: number,
  loop: LoopState,
  told: Pick<Partial<Step>, 'note' | 'answers'>,
): void {
  const iteration = loop.iteration + 1;
  const body = loop.body.flatMap((id) => present(draft.templates.get(id) ?? draft.cooked.get(id)));
  const inner = draft.loops.filter((other) => other.id !== loop.id && loop.body.includes(other.id));
  if (loop.counter === undefined && countAdded(draft) + body.length > ADDED_STEPS_MAX) {
    put(draft, at, { state: escalated(tooMany(body.length), draft.nowMs, { source: 'loop' }) });
    return;
  }
  const to = renamer(
    body,
    inner.map((one) => one.id),
    (id) => iterationId(loop.id, id, iteration),
  );
  const protos = body.map((step) => counted(renameStep(step, to), loop, iteration));
  const loops = inner.map((one) => ({ ...renameLoop(one, to), iteration: 1 }));
  const own = loops.flatMap((one) =>
    protos.some((step) => step.id === one.id) ? [] : [loopStep(one, bodyOf(one, protos), draft.how)],
  );
  const inside = new Set(protos.map((step) => step.id));
  const steps = protos.map((step) => {
    const isFirst = !step.needs.some((need) => inside.has(need));
    return { ...stepFrom(step, draft.how), ...(isFirst ? told : {}) };
  });
  put(draft, at, { state: { kind: 'open', sinceMs: draft.nowMs } });
  const over = loop.iteration - 1;
  const forgets = loop.counter !== undefined && over >= firstKept(loop);
  if (forgets) forget(draft, new Set(loop.body.map((id) => idIn(loop, id, over))));
  const max = Math.max(loop.max, iteration);
  const grownLoop = { ...loop, iteration, max, ...(forgets ? { forgotten: over } : {}) };
  const first = draft.steps.length;
  grow(draft, {
    protos,
    steps: [...steps, ...own],
    loops: [...draft.loops.map((one) => (one.id === loop.id ? grownLoop : one)), ...loops],
  });
  wakeFrom(draft, first);
}

function bodyOf(loop: LoopState, steps: readonly ProtoStep[]): readonly ProtoStep[] {
  return steps.filter((step) => loop.body.includes(step.id));
}
