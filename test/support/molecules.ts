/** Molecules for tests of the rules: steps in a line or two, events by short names. */
import { after, pour, stepOf } from '../../src/town/molecule.js';
import { revive, stateOf } from '../../src/town/molecule-live.js';
import type { Molecule } from '../../src/town/molecule-live.js';
import type { MoleculeEvent, Step } from '../../src/town/molecule-state.js';
import type { Json } from '../../src/town/act.js';
import type { ProtoLoop, Protomolecule, ProtoStep } from '../../src/town/protomolecule.js';
import { DEFAULT_LIMITS } from '../../src/town/rig.js';
import { NO_USAGE } from '../../src/town/session.js';
import type { SessionResult } from '../../src/town/session.js';

export const limits = { ...DEFAULT_LIMITS, sessionsPerStepMax: 4, rejectionsPerStepMax: 2 };

export function step(id: string, more: Partial<ProtoStep> = {}): ProtoStep {
  return {
    id,
    title: id,
    description: '',
    kind: 'agent',
    needs: [],
    acceptance: {},
    run: null,
    script: [{ close: 'done' }],
    ...more,
  };
}

export function proto(steps: readonly ProtoStep[], loops: readonly ProtoLoop[] = []): Protomolecule {
  return {
    formula: 'f',
    description: '',
    vars: {},
    rework: 'rework',
    steps: [...steps],
    ...(loops.length === 0 ? {} : { loops: [...loops] }),
    hash: '0'.repeat(64),
  };
}

export const loop = (id: string, body: string[], more: Partial<ProtoLoop>): ProtoLoop => ({
  id,
  body,
  max: 5,
  until: null,
  check: null,
  ...more,
});

export const how = { runtime: 'script', sandboxed: true, rules: '0.6' } as const;

export function poured(steps: readonly ProtoStep[], loops: readonly ProtoLoop[] = []): Molecule {
  return pour(proto(steps, loops), { ...how, limits }, 0);
}

/** Every state on the way is what continue-as-new would carry: plain data from which the molecule is made again. */
export function all(molecule: Molecule, ...events: readonly MoleculeEvent[]): Molecule {
  return events.reduce((now, event) => after(now, event, 1), molecule);
}

export function carried(molecule: Molecule, steps: readonly ProtoStep[]): Molecule {
  const state = JSON.parse(JSON.stringify(stateOf(molecule))) as ReturnType<typeof stateOf>;
  return revive({ steps: [...steps] }, state, how);
}

const base = { usage: { ...NO_USAGE, turns: 1 }, notes: [] };

export const start = (id: string): MoleculeEvent => ({ kind: 'session-started', step: id });
export const end = (id: string, result: SessionResult): MoleculeEvent => ({ kind: 'session-ended', step: id, result });
export const closedDone: SessionResult = { ...base, outcome: 'closed', verdict: 'done', summary: 'all' };
export const brokeDown = (transient: boolean): SessionResult => ({
  ...base,
  outcome: 'closed',
  verdict: 'failed',
  summary: 'the network is away',
  transient,
});
export const accepted = (id: string, output?: Json): MoleculeEvent => ({
  kind: 'accepted',
  step: id,
  summary: `${id} is done`,
  by: 'Toast',
  head: 'h',
  ...(output === undefined ? {} : { output }),
});

/** A whole session that closes the step. */
export function work(molecule: Molecule, id: string, output?: Json): Molecule {
  return all(molecule, start(id), end(id, closedDone), accepted(id, output));
}

/** The state of a step, or for a closed one its outcome. */
export function stateOfStep(molecule: Molecule, id: string): string {
  const state = stepOf(molecule, id)?.state;
  if (state === undefined) return 'none';
  return state.kind === 'closed' ? state.outcome : state.kind === 'waiting' ? state.for : state.kind;
}

export function why(molecule: Molecule, id: string): string {
  const state = stepOf(molecule, id)?.state;
  return state?.kind === 'waiting' ? state.why : state?.kind === 'closed' ? state.summary : '';
}

export const ids = (steps: readonly Step[]) => steps.map((one) => one.id);
