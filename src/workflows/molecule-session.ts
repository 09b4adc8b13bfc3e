/** What a session is told, and what the engine checks when it says that its step is done. */
import type { AcceptRequest } from '../contract/activities.js';
import type { Hook } from '../contract/molecule.js';
import type { Step } from '../town/molecule.js';
import type { Protomolecule, ProtoStep } from '../town/protomolecule.js';
import type { SessionSpec } from '../town/session.js';
import { failure } from './failing.js';
import { commandMs } from './patience.js';

export function sessionSpec(
  molecule: string,
  hook: Hook,
  proto: Protomolecule,
  step: Step,
  head: string | null,
): SessionSpec {
  const { id, title, description, acceptance, script, run } = protoStep(proto, step.id);
  const { rig, limits, sandbox } = hook;
  return {
    sessionId: `${molecule}/${id}/${step.sessions}`,
    mission: hook.mission,
    molecule,
    rig: rig.name,
    agent: hook.agent,
    session: step.sessions,
    handoffs: step.handoffs,
    step: { id, title, description, acceptance, script, run },
    worktree: sandbox.path,
    branch: sandbox.branch,
    base: head ?? sandbox.base,
    note: step.note,
    runtime: { kind: step.runtime === 'anthropic' ? 'anthropic' : 'script', model: rig.runtime.model },
    limits: {
      turnsMax: limits.turnsMax,
      minutesMax: limits.sessionMinutesMax,
      contextTokensMax: limits.contextTokensMax,
      quietSecondsMax: limits.quietSecondsMax,
    },
    commands: Object.fromEntries(rig.gates.map((gate) => [gate.name, gate.command])),
  };
}

export function acceptRequest(
  molecule: string,
  { rig, name, incarnation, sandbox, limits, item }: Hook,
  proto: Protomolecule,
  step: string,
  summary: string,
  head: string | null,
  mustMove: boolean,
): AcceptRequest {
  const { title, acceptance } = protoStep(proto, step);
  return {
    rig,
    name,
    incarnation,
    branch: sandbox.branch,
    molecule,
    item,
    step,
    title,
    summary,
    command: acceptance.command ?? null,
    mustMove: mustMove && acceptance.command === undefined,
    since: head ?? sandbox.base,
    timeoutMs: commandMs(limits.patience),
  };
}

function protoStep(proto: Protomolecule, id: string): ProtoStep {
  const step = proto.steps.find((one) => one.id === id);
  if (step === undefined) throw failure('MoleculeFailed', `the formula ${proto.formula} has no step "${id}"`);
  return step;
}
