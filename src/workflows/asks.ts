/** Brings trouble that lasts before the ladder, and takes it back when it is over: beside the loop of whoever has it. */
import { CancellationScope, workflowInfo } from '@temporalio/workflow';
import {
  answeredBy,
  askLines,
  bring,
  endedIn,
  lookedAfter,
  nextOf,
  NO_ASKS,
  settled,
  withoutAnswered,
  type EscalationEnd,
  type EscalationStand,
  type Lasting,
  type Next,
} from '../town/asks.js';
import type { Asks as State } from '../town/asks.js';
import { asSummary } from '../town/bytes.js';
import { raise, settle, type Brought } from './escalating.js';
import { town } from './hands.js';
import { patched } from './patches.js';
import { ladderWithinMs } from './patience.js';

/** Before 0.11 it waited, or was told by mail, and nothing more came of it. */
export const goesBeforeLadder = () => patched('what lasts goes before the ladder', '0.11');

/** Before 0.12 what was brought there was looked after by the run alone that had started it. */
const looksAfter = () => patched('what was brought before the ladder is looked after', '0.12');

/** Before 0.13 it was joined again. */
const asksAfter = () => patched('what was brought before the ladder is asked after', '0.13');

type Owner = { readonly patience: () => number; readonly onChange: () => void };

export class Asks {
  readonly #owner: Owner;
  #state: State;
  #lasting: readonly Lasting[] = [];
  /** By escalations, whose ends this run hears. */
  readonly #heard = new Map<string, Brought['end']>();
  #isTelling = false;

  constructor(state: State | undefined, owner: Owner) {
    this.#state = state ?? NO_ASKS;
    this.#owner = owner;
  }

  get state(): State {
    return this.#state;
  }

  get isIdle(): boolean {
    return !this.#isTelling;
  }

  get lines(): readonly string[] {
    return askLines(this.#state);
  }

  /** What whoever had this place before had brought there. */
  adopt(before: State | undefined): void {
    if (before !== undefined) this.#state = before;
  }

  /** All that lasts now. */
  see(lasting: readonly Lasting[]): void {
    this.#lasting = lasting;
    if (this.#isTelling || this.#next() === null) return;
    if (!goesBeforeLadder()) return;
    this.#isTelling = true;
    void CancellationScope.nonCancellable(() => this.#tellAll()).finally(() => {
      this.#isTelling = false;
      this.#owner.onChange();
    });
  }

  /** `waiter`: as `waiterKey` names it. */
  answered(waiter: string, by: string): void {
    const after = answeredBy(this.#state, waiter, by);
    this.#state = looksAfter() ? after : withoutAnswered(after);
  }

  async #hear({ escalation, end }: Brought): Promise<void> {
    if (end === null) return;
    this.#heard.set(escalation, end);
    const how = await end;
    // One that was begun anew meanwhile has another end; one that somebody has cancelled is so meant, and does not come back.
    if (this.#heard.get(escalation) !== end || how === null) return;
    this.#heard.delete(escalation);
    this.#ended(escalation, how);
  }

  #ended(escalation: string, end: EscalationEnd): void {
    this.#state = endedIn(this.#state, escalation, end, Date.now());
    // After an answer there is time: its owner looks again by itself.
    if (end.kind === 'terminated') this.#owner.onChange();
  }

  #next(): Next | null {
    const isHeard = (escalation: string | null) => this.#heard.has(escalation ?? '') || !looksAfter();
    const patience = this.#owner.patience();
    return nextOf(this.#state, this.#lasting, { nowMs: Date.now(), patience, isHeard, asksAfter });
  }

  /** Who cannot be asked now is taken for open, and is asked in another hour. */
  async #standOf({
    escalation,
    waiter,
    atMs = 0,
  }: Extract<Next, { kind: 'look' }>['brought']): Promise<EscalationStand> {
    const patience = this.#owner.patience();
    const limits = { scheduleToCloseTimeout: ladderWithinMs(patience) };
    const options = { ...limits, summary: asSummary(`how does it stand: ${escalation}`) };
    return town(patience)
      .lookAtEscalation.executeWithOptions(options, [{ escalation, waiter, sinceMs: atMs }])
      .catch(() => ({ kind: 'open' }));
  }

  async #tellAll(): Promise<void> {
    for (let next = this.#next(); next !== null; next = this.#next()) {
      if (next.kind === 'raise') {
        const { lasting } = next;
        // What cannot be brought there the deacon sees, as it sees whatever waits for long.
        const brought = await raise(lasting.raised, this.#owner.patience()).catch(() => null);
        this.#state = bring(this.#state, lasting, brought?.escalation ?? null, Date.now());
        if (brought !== null) void this.#hear(brought);
      } else if (next.kind === 'look') {
        const stand = await this.#standOf(next.brought);
        this.#state = lookedAfter(this.#state, next.brought, stand, Date.now());
      } else {
        const { waiter, escalation } = next.brought;
        const by = workflowInfo().workflowId;
        if (escalation !== null) await settle(escalation, waiter, by, 'it is over');
        this.#state = settled(this.#state, next.brought);
      }
    }
  }
}
