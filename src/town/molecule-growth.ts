/** Steps of a molecule: how a cooked one becomes one at work, when the molecule is poured and when it grows later. */
import { leftOf, workersOf } from './molecule-live.js';
import type { Draft, How } from './molecule-live.js';
import { planOf, present } from './molecule-plan.js';
import type { LoopState, Step } from './molecule-state.js';
import type { ProtoLoop, ProtoStep } from './protomolecule.js';
import { own } from './own.js';
import { runtimeNamed, type RuntimeKind } from './runtime.js';
import { addUsage, NO_USAGE } from './session.js';

/** What is added to a molecule at work, by loops, fan-outs and bonds together. It travels in one payload. */
export const ADDED_STEPS_MAX = 5_000;

/** Without the steps of loops with a counter, which come and go. */
export function countAdded({ added, loops }: Pick<Draft, 'added' | 'loops'>): number {
  const counted = loops.map(({ counter, body, iteration, forgotten = 0 }) =>
    counter === undefined ? 0 : (iteration - Math.max(1, forgotten)) * body.length,
  );
  return added.length - counted.reduce((sum, one) => sum + one, 0);
}

export function stepFrom(proto: ProtoStep, how: How, from?: string): Step {
  return {
    id: proto.id,
    title: proto.title,
    needs: proto.needs,
    runtime: how.sandboxed ? runtimeOf(proto, how) : 'human',
    state: { kind: 'pending' },
    sessions: 0,
    handoffs: 0,
    rejections: 0,
    stalls: 0,
    note: null,
    usage: NO_USAGE,
    ...(proto.kind === 'group' ? { kind: 'group' as const } : {}),
    ...(proto.parent === undefined ? {} : { parent: proto.parent }),
    ...(from === undefined ? {} : { from }),
  };
}

/** With no key (`auto`) a scripted step runs its script and any other waits for a person: success is never faked. */
function runtimeOf(step: ProtoStep, { runtime: rigs, programs = false, agents = [] }: How): RuntimeKind {
  if (step.kind === 'human') return 'human';
  if (step.kind === 'run') return 'script';
  const named = step.agent === undefined ? null : agents.includes(step.agent) ? 'command' : runtimeNamed(step.agent);
  const runtime = named === null || (named === 'command' && !programs) ? rigs : named;
  if (runtime === 'auto' || runtime === 'script') return step.script === null ? 'human' : 'script';
  return runtime;
}

/** The step that stands for a loop, unless a group does; it needs what its steps need from outside. */
export function loopStep(loop: ProtoLoop, body: readonly ProtoStep[], how: How): Step {
  const inside = new Set([loop.id, ...loop.body]);
  const needs = [...new Set(body.flatMap((step) => step.needs.filter((need) => !inside.has(need))))];
  const end = loop.counter === undefined ? `until ${loop.until ?? loop.check?.command ?? ''}` : `${loop.max} times`;
  const proto: ProtoStep = {
    id: loop.id,
    title: `repeat ${end}`,
    description: '',
    kind: 'group',
    needs,
    acceptance: {},
    run: null,
    script: null,
    ...(loop.parent == null ? {} : { parent: loop.parent }),
  };
  return { ...stepFrom(proto, how), kind: 'loop' };
}

/** A loop with all that is in it: children of its groups, and the loops inside. */
function loopState(loop: ProtoLoop, steps: readonly ProtoStep[], loops: readonly ProtoLoop[]): LoopState {
  const body = new Set(loop.body);
  // Groups stand before their children.
  for (const step of steps) if (step.parent !== undefined && body.has(step.parent)) body.add(step.id);
  const inner = loops.filter((other) => other.id !== loop.id && other.body.every((id) => body.has(id)));
  const ordered = steps.filter((step) => body.has(step.id)).map((step) => step.id);
  return {
    ...loop,
    iteration: 1,
    body: [...new Set([...inner.map((other) => other.id), ...ordered])],
  };
}

/** Loops at work, and the steps that stand for them. */
export function loopsOf(
  steps: readonly ProtoStep[],
  loops: readonly ProtoLoop[],
  how: How,
): { readonly states: readonly LoopState[]; readonly own: readonly Step[] } {
  const states = loops.map((loop) => loopState(loop, steps, loops));
  const ids = new Set(steps.map((step) => step.id));
  const own = states
    .filter((loop) => !ids.has(loop.id))
    .map((loop) =>
      loopStep(
        loop,
        steps.filter((step) => loop.body.includes(step.id)),
        how,
      ),
    );
  return { states, own };
}

export type Growth = {
  readonly protos: readonly ProtoStep[];
  readonly steps: readonly Step[];
  readonly loops: readonly LoopState[];
};

/** Adds steps at the end. They are pending, and nothing of them has begun: the caller wakes them. */
export function grow(draft: Draft, { protos, steps, loops }: Growth): void {
  draft.added = [...draft.added, ...protos];
  draft.cooked = new Map([...draft.cooked, ...protos.map((step) => [step.id, step] as const)]);
  draft.loops = loops;
  draft.steps.push(...steps.map((step) => remembered(draft, step)));
  replan(draft);
}

/** Takes steps away that have closed, and keeps what they cost. Nobody needs them any more; what grows next makes the plan anew. */
export function forget(draft: Draft, ids: ReadonlySet<string>): void {
  const places = new Map<number, number>();
  let { steps: passed, atMs, sessions, usage } = draft.passed;
  draft.steps.forEach((step, at) => {
    if (!ids.has(step.id)) {
      places.set(at, places.size);
      return;
    }
    passed += 1;
    if (step.state.kind === 'closed') atMs = Math.max(atMs, step.state.atMs);
    sessions += step.sessions;
    usage = addUsage(usage, step.usage);
  });
  const moved = (list: readonly number[]) => list.flatMap((at) => present(places.get(at)));
  draft.closed -= draft.steps.length - places.size;
  draft.passed = { steps: passed, atMs, sessions, usage };
  draft.ready = moved(draft.ready);
  draft.held = moved(draft.held);
  draft.cursors = draft.cursors.filter((_cursor, at) => places.has(at));
  draft.steps = draft.steps.filter((_step, at) => places.has(at));
  draft.added = draft.added.filter((step) => !ids.has(step.id));
  draft.cooked = new Map([...draft.cooked].filter(([id]) => !ids.has(id)));
}

/** A step that comes again has cost something before, and its sessions are counted on. */
function remembered(draft: Draft, step: Step): Step {
  const before = own(draft.gone, step.id);
  if (before === undefined) return step;
  const { [step.id]: _again, ...gone } = draft.gone;
  draft.gone = gone;
  const { sessions, usage } = before;
  return { ...step, sessions, usage, ...(sessions === 0 ? {} : { sessionsBefore: sessions }) };
}

export function replan(draft: Draft): void {
  draft.plan = planOf(draft.steps, draft.cooked, draft.loops);
  draft.left = [...leftOf(draft.steps, draft.plan)];
  draft.workers = workersOf(draft);
  draft.cursors = draft.steps.map((_step, at) => draft.cursors[at] ?? 0);
}
