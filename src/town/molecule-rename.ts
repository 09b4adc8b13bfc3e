/** Steps and loops under other ids: the next iteration of a loop, a formula bonded to a molecule. */
import { parseCondition, printCondition, withStep } from './condition.js';
import type { FanOut, ProtoLoop, ProtoStep, StepGate } from './protomolecule.js';
import { renameReferences } from './references.js';
import { mapTexts } from './texts.js';

type Rename = (id: string) => string;

/** Every id of the steps, those that their fan-outs will add among them, mapped by `to`; other ids stay. */
export function renamer(steps: readonly ProtoStep[], loops: readonly string[], to: Rename): Rename {
  const ids = new Set([
    ...steps.flatMap((step) => [step.id, ...(step.fanOut?.steps ?? []).map((one) => one.id)]),
    ...loops,
  ]);
  return (id) => (ids.has(id) ? to(id) : id);
}

export function renameStep({ fanOut, ...step }: ProtoStep, to: Rename): ProtoStep {
  return { ...renamePlain(step, to), ...(fanOut === undefined ? {} : { fanOut: renameFanOut(fanOut, to) }) };
}

function renameFanOut(fanOut: FanOut, to: Rename): FanOut {
  return { ...fanOut, steps: fanOut.steps.map((step) => renamePlain(step, to)) };
}

function renamePlain(step: Omit<ProtoStep, 'fanOut'>, to: Rename): Omit<ProtoStep, 'fanOut'> {
  const { id, needs, needsAny, parent, gates, scope, output, ...rest } = step;
  return {
    ...mapTexts(rest, (text) => renameReferences(text, to)),
    id: to(id),
    needs: needs.map(to),
    ...(needsAny === undefined ? {} : { needsAny: needsAny.map(to) }),
    ...(parent === undefined ? {} : { parent: to(parent) }),
    ...(gates === undefined ? {} : { gates: gates.map((gate) => renameGate(gate, to)) }),
    ...(scope === undefined ? {} : { scope: { ...scope, of: to(scope.of) } }),
    ...(output === undefined ? {} : { output }),
  };
}

function renameGate(gate: StepGate, to: Rename): StepGate {
  return {
    ...gate,
    await: gate.type === 'condition' ? renameCondition(gate.await, to) : renameReferences(gate.await, to),
  };
}

export function renameLoop<Loop extends ProtoLoop>(loop: Loop, to: Rename): Loop {
  return {
    ...loop,
    id: to(loop.id),
    body: loop.body.map(to),
    until: loop.until === null ? null : renameCondition(loop.until, to),
    ...(loop.parent == null ? {} : { parent: to(loop.parent) }),
  };
}

/** A condition that cannot be read stays as it is: whoever evaluates it says so. */
function renameCondition(text: string, to: Rename): string {
  const parsed = parseCondition(text);
  return parsed.ok ? printCondition(withStep(parsed.condition, to)) : text;
}
