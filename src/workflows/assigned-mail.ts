/**
 * People who do not look hear by mail of what waits for them: of all that has begun to wait and does so still after a while, in one. Whoever answers at once is
 * not written to.
 */
import { CancellationScope, condition, workflowInfo } from '@temporalio/workflow';
import { assignedMail, waitKey } from '../town/assigned-mail.js';
import type { AssignedStep, Tellings } from '../town/assigned.js';
import { asSummary } from '../town/bytes.js';
import { postman } from './hands.js';
import { patched } from './patches.js';
import { gatherMs } from './patience.js';
import { isDue } from './start.js';

type Source = {
  readonly id: string;
  /** All that waits now. */
  readonly now: () => Tellings;
  readonly patience: () => number;
  readonly onIdle: () => void;
};

export class AssignedMail {
  readonly #source: Source;
  /** Waits of which nobody is to be told any more. */
  #told: ReadonlySet<string> = new Set();
  #isAtWork = false;
  #isOver = false;

  constructor(source: Source) {
    this.#source = source;
  }

  get isIdle(): boolean {
    return !this.#isAtWork;
  }

  look(): void {
    if (this.#isAtWork || this.#isOver || this.#untold().size === 0) return;
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
    const isOver = () => this.#isOver || this.#untold().size === 0;
    while (!isOver()) {
      const summary = 'who is waited for still has mail then';
      await condition(() => isOver() || isDue(), gatherMs(patience()), { summary });
      for (const [person, steps] of this.#untold()) await this.#tell(person, steps);
    }
  }

  async #tell(to: string, steps: readonly AssignedStep[]): Promise<void> {
    const { id, patience } = this.#source;
    this.#told = new Set([...this.#told, ...steps.map((step) => keyOf(to, step))]);
    const mail = assignedMail(id, to, steps);
    const summary = asSummary(`mail to ${to}: ${mail.subject}`);
    // It is in the inbox of whoever looks there.
    await postman(patience())
      .deliver.executeWithOptions({ summary }, [mail])
      .catch(() => false);
  }

  /** By person. What waited before this run began, the one before has told. */
  #untold(): ReadonlyMap<string, readonly AssignedStep[]> {
    const { continuedFromExecutionRunId, runStartTime } = workflowInfo();
    const sinceMs = continuedFromExecutionRunId === undefined ? 0 : runStartTime.getTime();
    const untold = new Map<string, readonly AssignedStep[]>();
    for (const [person, { steps }] of this.#isOver ? [] : this.#source.now()) {
      const news = steps.filter(
        (step) => step.isEscalated !== true && step.sinceMs > sinceMs && !this.#told.has(keyOf(person, step)),
      );
      if (news.length > 0) untold.set(person, news);
    }
    return untold;
  }
}

const keyOf = (person: string, step: AssignedStep): string => `${person} ${waitKey(step)}`;
