/** Work that witnesses have recovered of missions that are gone: given to other missions, or told. */
import { isCancellation } from '@temporalio/workflow';
import { DEACON, OVERSEER } from '../town/address.js';
import { asSummary } from '../town/bytes.js';
import type { Mail } from '../town/mail.js';
import {
  dueNow,
  isFailureTold,
  isSpent,
  nextDueMs,
  postponed,
  recoveredMail,
  settled,
  withHeard,
  withRecovered,
} from '../town/redispatch.js';
import type { Entry, Failing, Recovered, Redispatch } from '../town/redispatch.js';
import { done, type Answer } from './desk.js';
import { reasonOf } from './failing.js';
import { town } from './hands.js';
import { patrolAct } from './patience.js';

type Deacon = {
  readonly patience: () => number;
  readonly tell: (mail: Mail) => void;
  readonly drop: (why: string) => void;
};

export class DeaconRedispatch {
  readonly #deacon: Deacon;
  #all: readonly Entry[];

  constructor(all: readonly Entry[] = [], deacon: Deacon) {
    this.#all = all;
    this.#deacon = deacon;
  }

  get carry(): readonly Entry[] {
    return this.#all;
  }

  /** What the deacon before had, to which comes what was heard since. */
  adopt(before: readonly Entry[]): void {
    this.#all = withHeard(before, this.#all, this.#deacon.patience());
  }

  /** When one is due next; null: none is. */
  get nextMs(): number | null {
    return nextDueMs(this.#all);
  }

  /** Heard twice it is heard once. */
  recovered(found: Recovered): Answer {
    const before = this.#all;
    this.#all = withRecovered(before, found, Date.now(), this.#deacon.patience());
    return done(this.#all === before ? 'known already' : 'taken up');
  }

  /** Those that are due, one after the other. */
  async goOn(): Promise<void> {
    for (let entry = dueNow(this.#all, Date.now()); entry !== null; entry = dueNow(this.#all, Date.now())) {
      const result = isSpent(entry) ? null : await this.#try(entry);
      if (result?.kind === 'failing') {
        this.#postpone(entry, result);
        // Whatever else is due, as mail and patrols, is not to wait for many that fail.
        return;
      }
      this.#all = settled(this.#all, entry, result?.kind === 'started' ? result.mission : null, Date.now());
      if (result?.kind === 'started') continue;
      this.#tell(entry, result, 'recovered');
    }
  }

  #postpone(entry: Entry, failing: Failing): void {
    this.#all = postponed(this.#all, entry, Date.now(), this.#deacon.patience());
    if (isFailureTold(entry)) this.#tell(entry, failing, 'failing');
  }

  #tell(entry: Entry, result: Parameters<typeof recoveredMail>[1], what: string): void {
    const { mission, item, tried, head } = entry;
    const id = `${what} ${mission}/${item} ${tried.length} ${head}`.slice(-2_000);
    this.#deacon.tell({ id, from: DEACON, to: OVERSEER, ...recoveredMail(entry, result), priority: 'high' });
  }

  async #try({ rig, mission, run, item, branch, head, tried }: Entry): Promise<Redispatch | Failing> {
    const { patience, drop } = this.#deacon;
    const options = { ...patrolAct(patience()), summary: asSummary(`start ${item} of ${mission} again`) };
    const last = tried.at(-1);
    const found = { rig, ...(last === undefined ? { mission, run } : { mission: last }), item, branch, head };
    try {
      return await town(patience()).redispatch.executeWithOptions(options, [found]);
    } catch (error) {
      if (isCancellation(error)) throw error;
      drop(reasonOf(error));
      return { kind: 'failing', why: reasonOf(error) };
    }
  }
}
