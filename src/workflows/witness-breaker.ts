/** The circuit breaker of a rig, as its witness has it: what opens it is told to the overseer once, and shown for as long as it lasts. */
import { uuid4 } from '@temporalio/workflow';
import type { WitnessCarry } from '../contract/witness.js';
import { DEACON, witnessOf } from '../town/address.js';
import { afterDeaths, afterSuccess, CLOSED, openUntilMs, type Breaker, type Death } from '../town/breaker.js';
import { breakerMail } from '../town/health-mail.js';
import { tellDeacon } from './witness-deacon.js';

type Witness = { readonly now: () => Pick<WitnessCarry, 'rig' | 'patience'>; readonly onChange: () => void };

export class WitnessBreaker {
  readonly #witness: Witness;
  #breaker: Breaker;

  constructor(breaker: Breaker = CLOSED, witness: Witness) {
    this.#breaker = breaker;
    this.#witness = witness;
  }

  get state(): Breaker {
    return this.#breaker;
  }

  /** Until when no slot is granted; null: they are. */
  get untilMs(): number | null {
    return openUntilMs(this.#breaker, Date.now());
  }

  hear(deaths: readonly Death[]): void {
    const { rig, patience } = this.#witness.now();
    const before = this.#breaker;
    this.#breaker = afterDeaths(before, deaths, Date.now(), patience);
    const { open, opened } = this.#breaker;
    if (open === null || opened === before.opened) return;
    this.#witness.onChange();
    if (opened > 1) return;
    const envelope = { id: `breaker:${rig.name}:${uuid4()}`, from: witnessOf(rig.name), to: DEACON };
    void tellDeacon({ ...envelope, ...breakerMail(rig.name, open) }, patience, `many died in ${rig.name}`);
  }

  succeed(): void {
    const before = this.#breaker;
    this.#breaker = afterSuccess(before);
    if (this.#breaker !== before) this.#witness.onChange();
  }
}
