/** What a mission brings before the ladder: see `town/mission-trouble`. */
import { workflowInfo } from '@temporalio/workflow';
import type { MissionCarry } from '../contract/mission.js';
import { waiterKey } from '../town/escalation-id.js';
import { missionTrouble } from '../town/mission-trouble.js';
import { Asks } from './asks.js';

export class MissionAsks {
  readonly #id = workflowInfo().workflowId;
  readonly #now: () => MissionCarry;
  readonly #asks: Asks;

  constructor(now: () => MissionCarry, onChange: () => void) {
    this.#now = now;
    this.#asks = new Asks(now().asks, { patience: () => now().limits.patience, onChange });
  }

  get kept(): Pick<MissionCarry, 'asks'> {
    return { asks: this.#asks.state };
  }

  get isIdle(): boolean {
    return this.#asks.isIdle;
  }

  get lines(): readonly string[] {
    return this.#asks.lines;
  }

  /** One that ends, or was cancelled, waits for nobody. */
  see(isEnding: boolean): void {
    this.#asks.see(isEnding ? [] : missionTrouble(this.#now().state, this.#id));
  }

  /** Once what was answered is done: the item is tried again, or the budget set. */
  answered(of: { readonly kind: 'item'; readonly item: string } | { readonly kind: 'budget' }, by: string): void {
    this.#asks.answered(waiterKey({ ...of, at: this.#id, answered: 0 }), by);
  }
}
