/**
 * Variables of a molecule at work: its formula cooked once more, with other values. Only texts may differ by that; which steps there are, and what
 * needs what, stays as it was poured. What has closed stays closed, what has not begun is told the new texts.
 */
import { gatesFor } from './molecule-gates.js';
import { fill } from './molecule-facts.js';
import { fanOutSteps } from './molecule-fan-out.js';
import { listed } from './listed.js';
import { counted, firstCounted, firstKept, templatesIn } from './molecule-iterations.js';
import { draftOf, positionOf, put, revive, stateOf, stepAt } from './molecule-live.js';
import type { Draft, Molecule } from './molecule-live.js';
import { present } from './molecule-plan.js';
import { renameLoop, renamer, renameStep } from './molecule-rename.js';
import type { LoopState, MoleculeEvent, Revision, Step } from './molecule-state.js';
import { iterationId } from './protomolecule.js';
import type { ProtoLoop, Protomolecule, ProtoStep } from './protomolecule.js';
import { code, short, timeAt } from './wording.js';

const REVISIONS_MAX = 20;

/** Why nobody can give the molecule's variables other values; null when one can. */
export function whyNoVars({ steps, formula }: Protomolecule): string | null {
  return steps.some(({ leg }) => leg !== undefined)
    ? `this is a part of the convoy ${formula}, whose variables were given to all parts: they stay as they are`
    : null;
}

/** Why the molecule cannot go on with what was cooked of other values; null when it can. */
export function shapeProblem(was: Protomolecule, now: Protomolecule): string | null {
  return JSON.stringify(shapeOf(was)) === JSON.stringify(shapeOf(now))
    ? null
    : `with these values ${was.formula} has other steps, or in another order: start it anew with them`;
}

/** What decides about the way of a molecule, without the words of its steps. */
function shapeOf({ steps, loops = [] }: Protomolecule): unknown {
  return [steps.map(stepShape), loops.map(loopShape)];
}

function loopShape({ id, body, max, counter, parent, until, check }: ProtoLoop): unknown {
  return { id, body, max, counter, parent, judged: [until !== null, check !== null] };
}

function stepShape(step: ProtoStep): unknown {
  const { id, kind, needs, needsAny, parent, agent, gates = [], run, script, fanOut, scope } = step;
  return {
    id,
    kind,
    needs,
    needsAny,
    parent,
    agent,
    scope,
    gates: gates.map(({ type, timeoutMs }) => ({ type, timeoutMs })),
    works: [run !== null, script !== null],
    fanOut: fanOut === undefined ? null : [fanOut.forEach, fanOut.sequential, fanOut.steps.map(stepShape)],
  };
}

type Revised = Extract<MoleculeEvent, { readonly kind: 'revised' }>;

export function revised(draft: Draft, { step: id, proto, vars, by }: Revised): void {
  const { nowMs } = draft;
  const fresh = freshSteps(draft, proto);
  const loops = freshLoops(draft, proto, fresh);
  for (const step of draft.steps) for (const one of fannedOut(draft, step, fresh)) fresh.set(one.id, one);
  const state = {
    ...stateOf(draft),
    steps: draft.steps.map((step) => retitled(step, fresh.get(step.id))),
    loops,
    added: draft.added.map((step) => fresh.get(step.id) ?? step),
    revisions: [...draft.revisions, { vars, by, atMs: nowMs }].slice(-REVISIONS_MAX),
  };
  Object.assign(draft, draftOf({ ...revive(proto, state, draft.how), head: draft.head }, nowMs));
  const at = positionOf(draft, id);
  if (at !== null) askAgain(draft, at);
}

/** The formula's own, those of counted loops with the first number. */
function freshSteps({ loops }: Draft, { steps }: Protomolecule): Map<string, ProtoStep> {
  const first = firstCounted(templatesIn(steps, loops), loops);
  return new Map([...steps, ...first].map((step) => [step.id, step]));
}

/** With the steps of further iterations, which become fresh on the way: whoever is in a loop stands behind it. */
function freshLoops(draft: Draft, proto: Protomolecule, fresh: Map<string, ProtoStep>): readonly LoopState[] {
  const templates = templatesIn(proto.steps, draft.loops);
  const known = new Map<string, ProtoLoop>((proto.loops ?? []).map((loop) => [loop.id, loop]));
  return draft.loops.map((loop) => {
    const inner = draft.loops.filter((other) => other.id !== loop.id && loop.body.includes(other.id));
    const body = loop.body.flatMap((id) => present(templates.get(id) ?? fresh.get(id)));
    for (let n = Math.max(2, firstKept(loop)); n <= loop.iteration; n += 1) {
      const to = renamer(
        body,
        inner.map((one) => one.id),
        (id) => iterationId(loop.id, id, n),
      );
      for (const step of body) fresh.set(to(step.id), counted(renameStep(step, to), loop, n));
      for (const one of inner) known.set(to(one.id), renameLoop(known.get(one.id) ?? one, to));
    }
    const { until, check } = known.get(loop.id) ?? loop;
    return { ...loop, until, check };
  });
}

function fannedOut(
  draft: Draft,
  { id, state, fan = [] }: Step,
  fresh: ReadonlyMap<string, ProtoStep>,
): readonly ProtoStep[] {
  const source = fresh.get(id);
  if (fan.length === 0 || state.kind !== 'closed' || source?.fanOut === undefined) return [];
  return fanOutSteps(source, source.fanOut, state.output, draft.how);
}

/** What has begun has its title as it was filled in then. */
function retitled(step: Step, proto: ProtoStep | undefined): Step {
  return step.state.kind !== 'pending' || proto === undefined ? step : { ...step, title: proto.title };
}

/** The step that this is said of is asked for anew, and waits for its gates as they are now. */
function askAgain(draft: Draft, at: number): void {
  const { id, gates } = stepAt(draft, at);
  const proto = draft.plan.protos[at] ?? null;
  if (proto === null) return;
  put(draft, at, { title: fill(draft, id, proto.title) });
  if (gates === undefined) return;
  const now = gatesFor(draft, id, proto.gates ?? []).map((gate, n) => ({
    ...gate,
    opened: gates[n]?.opened ?? gate.opened,
  }));
  put(draft, at, { gates: now });
}

/** The answer that goes with it, for a session that may find what the one before did by the old values. */
export function answerWith(note: string | undefined, vars: Readonly<Record<string, string>>): string {
  const values = Object.entries(vars).map(([name, value]) => `${name} is ${JSON.stringify(value)}`);
  const told = `From now on ${listed(values, 'and')}.`;
  return note === undefined ? told : `${note}\n\n${told}`;
}

/** For the board, the oldest first. */
export function revisionLines({ revisions }: Pick<Molecule, 'revisions'>): readonly string[] {
  return revisions.map(revisionLine);
}

function revisionLine({ vars, by, atMs }: Revision): string {
  const values = Object.entries(vars).map(([name, value]) => `${code(name)} is ${code(short(value))}`);
  return `\n> Since ${timeAt(atMs)}, by ${by}: ${values.join(', ')}.`;
}
