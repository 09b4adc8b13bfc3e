/** What a molecule's run knows, in one place: the state that its rules make of each event, and whether there is news since it was looked at. */
import { workflowInfo } from '@temporalio/workflow';
import type { Hook, MoleculeCarry } from '../contract/molecule.js';
import { filled } from '../town/molecule-facts.js';
import { revive, stateOf } from '../town/molecule-live.js';
import type { Molecule } from '../town/molecule-live.js';
import type { MoleculeEvent, Step } from '../town/molecule-state.js';
import { after, stepOf } from '../town/molecule.js';
import type { Protomolecule, ProtoStep } from '../town/protomolecule.js';
import { DEFAULT_LIMITS } from '../town/rig.js';
import { failure } from './failing.js';
import { patched } from './patches.js';

export class Book {
  readonly id = workflowInfo().workflowId;
  #proto: Protomolecule;
  #hook: Hook | null;
  readonly wisp: boolean;
  readonly patience: number;
  readonly beganMs: number;
  #molecule: Molecule;
  #watchers: readonly (() => void)[] = [];
  news = true;

  constructor({ proto, hook, molecule, wisp, beganMs }: Omit<MoleculeCarry, 'desk'>) {
    this.#proto = proto;
    this.#hook = hook;
    this.wisp = wisp ?? proto.vapor ?? false;
    this.patience = hook?.limits.patience ?? DEFAULT_LIMITS.patience;
    this.beganMs = beganMs ?? workflowInfo().startTime.getTime();
    this.#molecule = revive(proto, molecule, howOf(hook));
  }

  get proto(): Protomolecule {
    return this.#proto;
  }

  get hook(): Hook | null {
    return this.#hook;
  }

  /** Its sandbox is another one from now on, on another host. */
  moved(to: Pick<Hook, 'host' | 'sandbox'>): void {
    if (this.#hook !== null) this.#hook = { ...this.#hook, ...to };
  }

  get molecule(): Molecule {
    return this.#molecule;
  }

  note(event: MoleculeEvent): void {
    this.put(after(this.#molecule, event, Date.now()));
  }

  /** Its variables have other values from now on. */
  revise(event: Extract<MoleculeEvent, { readonly kind: 'revised' }>): void {
    this.#proto = event.proto;
    this.note(event);
  }

  /** What several events have made of it, as one. */
  put(molecule: Molecule): void {
    this.#molecule = molecule;
    this.news = true;
    for (const look of this.#watchers) look();
  }

  /** Called after every event, before anything else happens. */
  onEvent(look: () => void): void {
    this.#watchers = [...this.#watchers, look];
  }

  step(id: string): Step {
    const step = stepOf(this.#molecule, id);
    if (step === null) throw failure('MoleculeFailed', `there is no step "${id}"`);
    return step;
  }

  /** A step as cooked, whatever brought it; null for a loop. */
  cooked(id: string): ProtoStep | null {
    return this.#molecule.cooked.get(id) ?? null;
  }

  /** A step to be worked, with what others left filled into its texts. */
  filled(id: string): ProtoStep {
    const step = this.cooked(id);
    if (step === null) throw failure('MoleculeFailed', `the formula ${this.proto.formula} has no step "${id}"`);
    return filled(this.#molecule, step);
  }

  /** The commit of the branch after the last accepted step. */
  head(): string | null {
    return this.#molecule.head ?? this.hook?.sandbox.base ?? null;
  }

  carry(): Omit<MoleculeCarry, 'desk'> {
    const { proto, hook, wisp, beganMs } = this;
    return { proto, hook, wisp, beganMs, molecule: stateOf(this.#molecule) };
  }
}

/** On nobody's hook there is no sandbox, and every step waits for a person. */
export function howOf(hook: Hook | null): Molecule['how'] {
  const rules = patched('each wait has a turn', '0.6') ? ({ rules: '0.6' } as const) : {};
  if (hook === null) return { runtime: 'human', sandboxed: false, ...rules };
  const programs = patched('a step calls an agent by its name', '0.6');
  const isOwnCalled = patched('a step calls an agent of town.toml', '0.8');
  const agents = isOwnCalled ? { agents: Object.keys(hook.rig.agents ?? {}) } : {};
  return { runtime: hook.rig.runtime.kind, sandboxed: true, programs, rig: hook.rig.name, ...agents, ...rules };
}
