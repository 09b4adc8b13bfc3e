/** What a session is told, and what the engine checks when it says that its step is done. */
import type { AcceptRequest, RebuildRequest, SandboxRef } from '../contract/activities.js';
import type { Hook } from '../contract/molecule.js';
import { sessionsOf } from '../town/molecule-live.js';
import type { Step } from '../town/molecule-state.js';
import type { Json } from '../town/act.js';
import type { ProtoStep } from '../town/protomolecule.js';
import { agentNamed } from '../town/agents.js';
import { nextBranch } from '../town/branch.js';
import { confined } from '../town/confinement.js';
import { rigRef } from '../town/rig.js';
import type { RigSnapshot } from '../town/rig.js';
import type { RuntimeKind } from '../town/runtime.js';
import { stepFor, type SessionSpec } from '../town/session.js';
import { failure } from './failing.js';
import { commandMs } from './patience.js';

/** A close to be checked: by a session, or by somebody outside. */
export type Claim = {
  readonly step: string;
  readonly summary: string;
  readonly by: string;
  readonly output: Json | undefined;
  /** Refuse it when nothing has changed. */
  readonly mustMove: boolean;
  /** Its session says so, and not somebody outside. */
  readonly bySession?: true;
  /** The step is given up: what it left is committed, and nothing is asked of it. */
  readonly skipped?: boolean;
  /** Marks of lines that `by` lets through. */
  readonly allow?: readonly string[] | undefined;
};

export function sessionSpec(
  molecule: string,
  hook: Hook,
  proto: ProtoStep,
  step: Step,
  head: string | null,
  workers: ReadonlySet<RuntimeKind>,
): SessionSpec {
  const { rig, limits, sandbox } = hook;
  const { agent, confinement } = proto;
  return {
    sessionId: `${molecule}/${proto.id}/${step.sessions}`,
    mission: hook.mission,
    molecule,
    rig: rig.name,
    agent: hook.agent,
    incarnation: hook.incarnation,
    session: step.sessions,
    handoffs: step.handoffs,
    isFirst: sessionsOf(step) === 1,
    ...reworkOf(hook, head),
    step: stepFor(proto),
    worktree: sandbox.path,
    branch: sandbox.branch,
    base: head ?? sandbox.base,
    ...(hook.from === undefined || hook.round > 0 ? {} : { from: hook.from }),
    note: step.note,
    ...(step.notes === undefined || step.notes.length === 0 ? {} : { notes: step.notes }),
    ...(step.answers === undefined ? {} : { answers: step.answers }),
    runtime: runtimeOf(rig, step, agent),
    limits: {
      turnsMax: limits.turnsMax,
      minutesMax: limits.sessionMinutesMax,
      contextTokensMax: limits.contextTokensMax,
      quietSecondsMax: limits.quietSecondsMax,
      ...(limits.sessionUsdMax === undefined ? {} : { usdMax: limits.sessionUsdMax }),
    },
    ...confined(rig, workers, confinement),
    commands: Object.fromEntries(rig.gates.map((gate) => [gate.name, gate.command])),
  };
}

function runtimeOf(rig: RigSnapshot, { runtime }: Step, named: string | undefined): SessionSpec['runtime'] {
  const { model } = rig.runtime;
  if (runtime !== 'command') return { kind: runtime === 'anthropic' ? 'anthropic' : 'script', model };
  const isOfStep = named !== undefined && agentNamed(named, rig.agents) !== null;
  const name = isOfStep ? named : (rig.runtime.agent ?? '');
  const agent = agentNamed(name, rig.agents);
  if (agent === null) throw failure('BadTown', `rig "${rig.name}" has no agent "${name}"`);
  // The rig's model is for the rig's own agent.
  return { kind: 'command', model: agent.model ?? (isOfStep ? '' : model), agent };
}

export function sandboxOf({ rig, name, incarnation, sandbox }: Hook): SandboxRef {
  return { rig: rigRef(rig), name, incarnation, branch: sandbox.branch };
}

/** Work that was sent back begins on top of its target: so it does when it begins once more. */
export function reworkOf({ round, rig, sandbox }: Hook, head: string | null): { readonly catchUp?: string } {
  return round > 0 && (head ?? sandbox.base) === sandbox.base ? { catchUp: rig.branch } : {};
}

/** `step`: the one whose checks were under way. */
export function rebuildRequest(molecule: string, hook: Hook, head: string | null, step: string | null): RebuildRequest {
  const { branch, base } = hook.sandbox;
  const since = head ?? base;
  return {
    ...sandboxOf(hook),
    branch: nextBranch(branch),
    lost: branch,
    molecule,
    since,
    step,
    ...reworkOf(hook, head),
  };
}

export function acceptRequest(
  molecule: string,
  hook: Hook,
  { title, acceptance, check, leg, output, confinement }: ProtoStep,
  { step, summary, by, mustMove, bySession, skipped = false, allow = [] }: Claim,
  head: string | null,
  workers: ReadonlySet<RuntimeKind>,
): AcceptRequest {
  const { sandbox, limits, item } = hook;
  // Of a step that is checked otherwise, or whose fruit is an output, nobody expects a change of files.
  const isSeenOtherwise = acceptance.command !== undefined || output !== undefined || leg?.reviewOnly === true;
  return {
    ...sandboxOf(hook),
    molecule,
    item,
    step,
    // What formulas say themselves is the operator's, and is not searched for secrets.
    ...([...workers].every((worker) => worker === 'script') ? { isScripted: true as const } : {}),
    title,
    summary: skipped ? `Skipped: ${summary}` : summary,
    command: skipped ? null : (acceptance.command ?? null),
    mustMove: mustMove && !isSeenOtherwise,
    ...(allow.length === 0 ? {} : { allowed: { lines: allow, by } }),
    since: head ?? sandbox.base,
    ...(bySession === undefined ? {} : { bySession }),
    ...reworkOf(hook, head),
    ...confined(hook.rig, workers, confinement),
    timeoutMs: commandMs(limits.patience),
    check: check === undefined || skipped ? null : { command: check.command, timeoutMs: check.timeoutMs },
    file: leg === undefined || leg.file === '' || skipped ? null : leg.file,
  };
}
