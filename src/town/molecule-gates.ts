/**
 * Gates of a step whose turn has come. They are shut together and open one by one, by time, a person, a mail, a condition or something
 * outside; when all are open the step begins. One that stays shut too long, or can never open, asks a person.
 */
import { approvalText, approvedText } from './approvals.js';
import { filesNamed, parseCondition } from './condition.js';
import { fill, holdsNow } from './molecule-facts.js';
import { listed } from './listed.js';
import { stepAt } from './molecule-live.js';
import type { Molecule } from './molecule-live.js';
import type { GateState, Step, StepState } from './molecule-state.js';
import type { StepGate } from './protomolecule.js';
import { personMeant } from './person.js';
import { printSpan } from './span.js';
import { unreachable } from './unreachable.js';

type Known = Pick<Molecule, 'steps' | 'plan' | 'loops' | 'cooked' | 'mails' | 'how'>;

/** The gates as they are when the step's turn comes: what is there already opens them at once. */
export function gatesFor(known: Known, step: string, gates: readonly StepGate[]): readonly GateState[] {
  return gates.map((gate) => {
    const shut: GateState = {
      ...gate,
      await: gate.type === 'condition' ? gate.await : fill(known, step, gate.await),
      ...(gate.approvers === undefined
        ? {}
        : { approvers: gate.approvers.map((one) => personMeant(one, known.how.rig ?? null)) }),
      opened: null,
    };
    const mail = known.mails.find((subject) => awaits(shut, subject));
    return mail === undefined ? shut : { ...shut, opened: `mail "${mail}"` };
  });
}

export function awaits(gate: GateState, subject: string): boolean {
  return gate.opened === null && gate.type === 'mail' && subject.toLowerCase().includes(gate.await.toLowerCase());
}

/**
 * Why a mail is nothing to a molecule, and who reads such; null when there is a gate that it opens, now, later or when the step is tried again. What
 * fills in what a gate awaits is known only once its turn has come.
 */
export function whyNoMail(
  { cooked, templates }: Pick<Molecule, 'cooked' | 'templates'>,
  subject: string,
  { id, agent }: { readonly id: string; readonly agent: string | null },
): string | null {
  const gates = [...cooked.values(), ...templates.values()].flatMap((step) => step.gates ?? []);
  const awaited = gates.filter(({ type }) => type === 'mail').map((gate) => gate.await);
  const words = subject.toLowerCase();
  if (awaited.some((one) => one.includes('{{') || words.includes(one.toLowerCase()))) return null;
  const gatesText = awaited.length === 0 ? 'none of its steps waits for a mail' : `its gates await ${quoted(awaited)}`;
  const reader = agent === null ? 'gt explain shows who can answer what it asks' : `${agent}, who works on it, has one`;
  return `${id} is a molecule, which has no inbox, and ${gatesText}; ${reader}`;
}

const AWAITED_MAX = 3;

function quoted(awaited: readonly string[]): string {
  const more = awaited.length > AWAITED_MAX ? [`${awaited.length - AWAITED_MAX} more`] : [];
  return listed([...awaited.slice(0, AWAITED_MAX).map((one) => `"${one.slice(0, 100)}"`), ...more], 'and');
}

export function areOpen(gates: readonly GateState[] | undefined): boolean {
  return (gates ?? []).every((gate) => gate.opened !== null);
}

/** The gates after one of them, or all shut ones, were opened. */
export function opened(step: Step, which: (gate: GateState, at: number) => boolean, by: string): readonly GateState[] {
  return (step.gates ?? []).map((gate, at) =>
    gate.opened === null && which(gate, at) ? { ...gate, opened: by } : gate,
  );
}

export function waitsForGates(gates: readonly GateState[], sinceMs: number): StepState {
  return { kind: 'waiting', for: 'gate', why: describeGates(gates), sinceMs };
}

export function describeGates(gates: readonly GateState[]): string {
  return gates
    .filter((gate) => gate.opened === null)
    .map(describeGate)
    .join('; ');
}

type Described = Pick<GateState, 'type' | 'await' | 'timeoutMs' | 'approvers' | 'quorum' | 'approvals'>;

export function describeGate(gate: Described): string {
  const { type, await: awaited, timeoutMs } = gate;
  const at = timeoutMs === null ? '' : `, at most ${printSpan(timeoutMs)}`;
  switch (type) {
    case 'timer':
      return `a timer of ${printSpan(timeoutMs ?? 0)}`;
    case 'human':
      return `${approvalText(gate)}${at}${approvedText(gate)}`;
    case 'mail':
      return `a mail about "${awaited}"${at}`;
    case 'bead':
      return `workflow ${awaited} to complete${at}`;
    case 'gh:run':
      return `the GitHub run ${awaited}${at}`;
    case 'gh:pr':
      return `the pull request ${awaited}${at}`;
    case 'condition':
      return `${awaited}${at}`;
    default:
      return unreachable(type);
  }
}

/** Why a gate escalates whose time is over. Operators and tests look for the first word. */
export function timeoutWhy(gate: GateState): string {
  return `gate_timeout: waited for ${describeGate(gate)}`;
}

/** Why a gate can never open by itself: its condition cannot be read. */
export function unreadableGate(gates: readonly GateState[]): string | null {
  for (const gate of gates) {
    const parsed = gate.type === 'condition' ? parseCondition(gate.await) : null;
    if (parsed?.ok === false) return `${gate.await}: ${parsed.message}`;
  }
  return null;
}

/** Gates of type condition that hold now, as positions of their steps and their own. `files` are the awaited ones that exist. */
export function conditionsThatHold(
  molecule: Pick<Molecule, 'steps' | 'plan' | 'loops' | 'cooked' | 'held'>,
  files: readonly string[],
): readonly { readonly at: number; readonly gate: number }[] {
  return shutGates(molecule, isCondition).flatMap(({ at, gate, state }) => {
    const parsed = parseCondition(state.await);
    const holds = parsed.ok && holdsNow(molecule, stepAt(molecule, at).id, parsed.condition, files);
    return holds ? [{ at, gate }] : [];
  });
}

/** Gates that ask whether files exist. */
export function fileGates(
  molecule: Pick<Molecule, 'steps' | 'held'>,
): readonly (Shut & { readonly files: readonly string[] })[] {
  return shutGates(molecule, isCondition).flatMap((shut) => {
    const step = stepAt(molecule, shut.at).state;
    if (step.kind !== 'waiting' || step.for !== 'gate') return [];
    const parsed = parseCondition(shut.state.await);
    const files = parsed.ok ? filesNamed(parsed.condition) : [];
    return files.length === 0 ? [] : [{ ...shut, files }];
  });
}

type Shut = { readonly at: number; readonly gate: number; readonly state: GateState };

const isCondition = ({ type }: GateState): boolean => type === 'condition';
const isAny = (): boolean => true;

/** Asked after every event, of thousands of steps that wait, most of which have no such gate. */
function shutGates(
  { steps, held }: Pick<Molecule, 'steps' | 'held'>,
  is: (gate: GateState) => boolean,
): readonly Shut[] {
  const shut: Shut[] = [];
  for (const at of held) {
    let gate = 0;
    for (const state of steps[at]?.gates ?? []) {
      if (state.opened === null && is(state)) shut.push({ at, gate, state });
      gate += 1;
    }
  }
  return shut;
}

/** What a shell must keep an eye on: a deadline, or something outside. `key` changes when the gate is waited for anew. */
export type Watch = {
  readonly key: string;
  readonly step: string;
  readonly gate: number;
  readonly state: GateState;
  readonly deadlineMs: number | null;
};

export function watches(molecule: Pick<Molecule, 'steps' | 'held'>): readonly Watch[] {
  return shutGates(molecule, isAny).flatMap(({ at, gate, state }) => {
    const step = stepAt(molecule, at);
    if (step.state.kind !== 'waiting' || step.state.for !== 'gate') return [];
    const { sinceMs } = step.state;
    const deadlineMs = state.timeoutMs === null ? null : sinceMs + state.timeoutMs;
    return [{ key: `${step.id} ${gate} ${sinceMs}`, step: step.id, gate, state, deadlineMs }];
  });
}

type Outside = Extract<GateState['type'], 'bead' | 'gh:run' | 'gh:pr'>;

/** Opened by something that an act of the town must look at. */
export function isOutside(type: GateState['type']): type is Outside {
  return type === 'bead' || type === 'gh:run' || type === 'gh:pr';
}

/** By their keys the gates to be watched now, `max` of a kind: the nearest deadlines, and acts that are under way before those that are not. */
export function inWindow(
  all: readonly Watch[],
  max: number,
  isUnderWay: (key: string) => boolean,
): { readonly timers: ReadonlySet<string>; readonly acts: ReadonlySet<string> } {
  const timed = all.flatMap(({ key, deadlineMs }) => (deadlineMs === null ? [] : [{ key, deadlineMs }]));
  const nearest = timed.length <= max ? timed : timed.toSorted((a, b) => a.deadlineMs - b.deadlineMs);
  const asked = all.filter(({ state }) => isOutside(state.type)).map(({ key }) => key);
  const first = asked.length <= max ? asked : [...asked.filter(isUnderWay), ...asked.filter((key) => !isUnderWay(key))];
  return {
    timers: new Set(nearest.slice(0, max).map(({ key }) => key)),
    acts: new Set(first.slice(0, max)),
  };
}
