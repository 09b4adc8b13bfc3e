/** The ways to a person, one act a telling; how each went is kept, shown, and written to the ledger. */
import {
  ActivityFailure,
  ApplicationFailure,
  CancellationScope,
  isCancellation,
  setHandler,
} from '@temporalio/workflow';
import type { LedgerEntry } from '../contract/ledger.js';
import { deliveriesQuery } from '../contract/reach.js';
import { asSummary } from '../town/bytes.js';
import { DELIVERIES_MAX, type Delivery } from '../town/reach.js';
import type { ReachMessage } from '../town/reach-message.js';
import { reasonOf } from './failing.js';
import { messenger, town } from './hands.js';
import { REACH_TRIES_MAX, reachWithinMs } from './patience.js';

type Owner = { readonly address: string; readonly onChange: () => void };

export class ReachWays {
  readonly #owner: Owner;
  #deliveries: readonly Delivery[];
  #records: readonly LedgerEntry[] = [];
  /** By way, tellings under way. */
  readonly #open = new Map<string, number>();
  #isWriting = false;

  constructor(owner: Owner, deliveries: readonly Delivery[]) {
    this.#owner = owner;
    this.#deliveries = deliveries;
    setHandler(deliveriesQuery, () => this.#deliveries, {
      description: 'What was told to this person outside of the town, by which way, and how that went.',
    });
  }

  get deliveries(): readonly Delivery[] {
    return this.#deliveries;
  }

  /** Tellings under way. */
  get open(): number {
    return [...this.#open.values()].reduce((sum, open) => sum + open, 0);
  }

  get isIdle(): boolean {
    return this.open === 0 && !this.#isWriting;
  }

  /** Without those by which so much is under way that they may hang. */
  withRoom(ways: readonly string[], openMax: number): readonly string[] {
    return ways.filter((way) => (this.#open.get(way) ?? 0) < openMax);
  }

  /** Never rejects. `once`: it is not tried again. */
  async tell(way: string, message: ReachMessage, { patience, once = false }: Patience): Promise<Delivery> {
    const { id, subject: about } = message;
    this.#count(way, 1);
    const how = await this.#tried(way, message, { patience, once });
    this.#count(way, -1);
    const delivery = { id, way, about, mails: message.mails.map((mail) => mail.id), atMs: Date.now(), ...how };
    this.#deliveries = [...this.#deliveries, delivery].slice(-DELIVERIES_MAX);
    this.#records = [...this.#records, recordOf(delivery, this.#owner.address)];
    this.#owner.onChange();
    if (!this.#isWriting) void CancellationScope.nonCancellable(() => this.#write(patience));
    return delivery;
  }

  #count(way: string, by: 1 | -1): void {
    this.#open.set(way, (this.#open.get(way) ?? 0) + by);
  }

  async #tried(way: string, message: ReachMessage, { patience, once }: Required<Patience>): Promise<How> {
    const summary = asSummary(`tell ${this.#owner.address} by ${way}: ${message.subject}`);
    const options = once ? { summary, retry: { maximumAttempts: 1 } } : { summary };
    const request = { way, message, withinMs: reachWithinMs(patience) };
    try {
      const { tries } = await messenger(patience).reach.executeWithOptions(options, [request]);
      return { outcome: 'told', tries };
    } catch (error) {
      const why = isCancellation(error) ? `${this.#owner.address} left meanwhile` : reasonOf(error);
      return { outcome: 'failed', tries: triesOf(error) ?? (once ? 1 : REACH_TRIES_MAX), why };
    }
  }

  async #write(patience: number): Promise<void> {
    this.#isWriting = true;
    while (this.#records.length > 0) {
      const batch = this.#records;
      const summary = asSummary(`how ${this.#owner.address} was told, to the ledger`);
      await town(patience).recordAll.executeWithOptions({ summary }, [batch]);
      this.#records = this.#records.slice(batch.length);
    }
    this.#isWriting = false;
    this.#owner.onChange();
  }
}

type Patience = { readonly patience: number; readonly once?: boolean };
type How = Pick<Delivery, 'outcome' | 'tries' | 'why'>;

/** As the act has told it; null of one that told nothing, as its time was over. */
function triesOf(error: unknown): number | null {
  const cause = error instanceof ActivityFailure ? error.cause : null;
  const tries = cause instanceof ApplicationFailure ? cause.details?.[0] : null;
  return typeof tries === 'number' ? tries : null;
}

function recordOf({ id, atMs, ...delivery }: Delivery, person: string): LedgerEntry {
  const at = new Date(atMs).toISOString();
  return { ...delivery, telling: id, id: `delivery/${person}/${id}/${delivery.way}`, kind: 'delivery', at, person };
}
