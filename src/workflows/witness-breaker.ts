/** The circuit breaker of a rig, as its witness has it: what opens it is told to the overseer once, and shown for as long as it lasts. */
import { uuid4 } from '@temporalio/workflow';
import type { WitnessCarry } from '../contract/witness.js';
import { DEACON, witnessOf } from '../town/address.js';
import {
  afterDeaths,
  afterEnd,
  closed,
  CLOSED,
  openUntilMs,
  roomIn,
  type Breaker,
  type Death,
} from '../town/breaker.js';
import { breakerMail } from '../town/health-mail.js';
import type { Mail } from '../town/mail.js';
import type { Lease } from '../town/slots.js';
import { goesBeforeLadder } from './asks.js';
import { tellDeacon } from './witness-deacon.js';

type Witness = {
  readonly now: () => Pick<WitnessCarry, 'rig' | 'patience' | 'slots'>;
  readonly onChange: () => void;
  /** For mail that reaches nobody. */
  readonly bury: (mail: Mail, why: string) => void;
};

export class WitnessBreaker {
  readonly #witness: Witness;
  #breaker: Breaker;
  #isTelling = false;

  constructor(breaker: Breaker = CLOSED, witness: Witness) {
    this.#breaker = breaker;
    this.#witness = witness;
  }

  get state(): Breaker {
    return this.#breaker;
  }

  get isIdle(): boolean {
    return !this.#isTelling;
  }

  /** Until when no slot is granted; null: they are. */
  get untilMs(): number | null {
    return openUntilMs(this.#breaker, Date.now());
  }

  get room() {
    const { slots, patience } = this.#witness.now();
    return roomIn(this.#breaker, slots.leases, Date.now(), patience);
  }

  /** As the witness before had it, with what was heard since. */
  adopt(before: Breaker): void {
    const heard = this.#breaker.deaths;
    this.#breaker = before;
    this.hear(heard);
  }

  hear(deaths: readonly Death[]): void {
    const before = this.#breaker;
    this.#breaker = afterDeaths(before, deaths, Date.now(), this.#witness.now().patience);
    const { open, opened, isTold = false } = this.#breaker;
    if (open === null || opened === before.opened) return;
    this.#witness.onChange();
    if (!isTold && !this.#isTelling && !goesBeforeLadder()) void this.#tell(open);
  }

  /** Beside the loop. What reached nobody is told again when it opens again. */
  async #tell(open: NonNullable<Breaker['open']>): Promise<void> {
    const { rig, patience } = this.#witness.now();
    const envelope = { id: `breaker:${rig.name}:${uuid4()}`, from: witnessOf(rig.name), to: DEACON };
    const mail = { ...envelope, ...breakerMail(rig.name, open) };
    this.#isTelling = true;
    const delivery = await tellDeacon(mail, patience, `many died in ${rig.name}`);
    this.#isTelling = false;
    if (delivery === 'delivered') this.#breaker = { ...this.#breaker, isTold: this.#breaker.open !== null };
    else this.#witness.bury(mail, `${mail.to} cannot be reached: ${delivery ?? 'it cannot be started'}`);
    this.#witness.onChange();
  }

  /** Whoever held it has ended, and has not died. */
  ended({ id, sinceMs }: Lease): void {
    this.#set(afterEnd(this.#breaker, id, sinceMs));
  }

  /** Somebody knows better; whether it was open at all. */
  close(): boolean {
    return this.#set(closed(this.#breaker));
  }

  #set(breaker: Breaker): boolean {
    const isChanged = breaker !== this.#breaker;
    this.#breaker = breaker;
    if (isChanged) this.#witness.onChange();
    return isChanged;
  }
}
