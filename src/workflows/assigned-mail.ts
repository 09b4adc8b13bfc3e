/**
 * People who do not look hear by mail of what waits for them: of all that has begun to wait and does so still after a while, in one. Whoever answers at once is
 * not written to.
 */
import { CancellationScope, condition, workflowInfo } from '@temporalio/workflow';
import { OVERSEER } from '../town/address.js';
import { assignedMail, waitKey } from '../town/assigned-mail.js';
import type { AssignedStep, Telling, Tellings } from '../town/assigned.js';
import { deliverOrLeave } from './leaving.js';
import { patched } from './patches.js';
import { gatherMs } from './patience.js';
import { isLong } from './start.js';

type Source = {
  readonly id: string;
  /** All that waits now. */
  readonly now: () => Tellings;
  readonly patience: () => number;
  readonly onIdle: () => void;
};

export class AssignedMail {
  readonly #source: Source;
  /** Waits that were told, and by person, until when all that waited was. */
  readonly #told = new Set<string>();
  readonly #toldUntil = new Map<string, number>();
  #isAtWork = false;
  #isOver = false;

  constructor(source: Source) {
    this.#source = source;
  }

  get isIdle(): boolean {
    return !this.#isAtWork;
  }

  look(): void {
    if (this.#isAtWork || this.#isOver || this.#untold() === null) return;
    if (!patched('who is waited for has mail', '0.15')) return;
    this.#isAtWork = true;
    void CancellationScope.nonCancellable(() => this.#tellAll()).finally(() => {
      this.#isAtWork = false;
      this.#source.onIdle();
    });
  }

  /** Nothing waits any more. */
  end(): void {
    this.#isOver = true;
  }

  async #tellAll(): Promise<void> {
    const { patience } = this.#source;
    const summary = 'who is waited for still has mail then';
    while (this.#untold() !== null) {
      await condition(() => this.#untold() === null || isLong(), gatherMs(patience()), { summary });
      // As it stands then: to tell one may take long.
      for (let next = this.#untold(); next !== null; next = this.#untold()) await this.#tell(next);
    }
  }

  async #tell({ person, telling }: Untold): Promise<void> {
    for (const step of telling.steps) this.#told.add(keyOf(person, step));
    // What has no room is counted, and not told again once it has.
    if (telling.more > 0) this.#toldUntil.set(person, Date.now());
    const isTaken = await this.#send(person, telling, person);
    // No member of the crew, or one who has left.
    if (!isTaken && person !== OVERSEER && !this.#isOver) await this.#send(person, telling, OVERSEER);
  }

  #send(meant: string, telling: Telling, to: string): Promise<boolean> {
    const { id, patience } = this.#source;
    const mail = assignedMail(id, meant, telling, to);
    return deliverOrLeave(mail, `mail to ${to}: ${mail.subject}`, patience());
  }

  /** For one of those who were not told. What waited before this run began, the one before has told. */
  #untold(): Untold | null {
    if (this.#isOver) return null;
    const { continuedFromExecutionRunId, runStartTime } = workflowInfo();
    const beganMs = continuedFromExecutionRunId === undefined ? 0 : runStartTime.getTime();
    for (const [person, { steps, more }] of this.#source.now()) {
      const untilMs = Math.max(beganMs, this.#toldUntil.get(person) ?? 0);
      const news = steps.filter(
        (step) => step.isEscalated !== true && step.sinceMs > untilMs && !this.#told.has(keyOf(person, step)),
      );
      if (news.length > 0) return { person, telling: { steps: news, more } };
    }
    return null;
  }
}

type Untold = { readonly person: string; readonly telling: Telling };

const keyOf = (person: string, step: AssignedStep): string => `${person} ${waitKey(step)}`;
