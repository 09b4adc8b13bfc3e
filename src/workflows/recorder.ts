/** What a workflow writes to the ledger beside its work: what comes while something is being written goes with the next act. */
import { CancellationScope } from '@temporalio/workflow';
import type { LedgerEntry } from '../contract/ledger.js';
import { asSummary } from '../town/bytes.js';
import { town } from './hands.js';

const BATCH_MAX = 100;

export class Recorder {
  readonly #summary: string;
  readonly #patience: number;
  readonly #onWritten: () => void;
  #left: readonly LedgerEntry[];
  #isWriting = false;

  /** `left`: by the run before. */
  constructor(summary: string, patience: number, left: readonly LedgerEntry[], onWritten: () => void) {
    this.#summary = asSummary(summary);
    this.#patience = patience;
    this.#left = left;
    this.#onWritten = onWritten;
    if (left.length > 0) void this.#write();
  }

  /** Not written yet. */
  get left(): readonly LedgerEntry[] {
    return this.#left;
  }

  record(entries: readonly LedgerEntry[]): void {
    this.#left = [...this.#left, ...entries];
    if (!this.#isWriting && entries.length > 0) void this.#write();
  }

  async #write(): Promise<void> {
    this.#isWriting = true;
    const { recordAll } = town(this.#patience);
    while (this.#left.length > 0) {
      const batch = this.#left.slice(0, BATCH_MAX);
      await CancellationScope.nonCancellable(() =>
        recordAll.executeWithOptions({ summary: this.#summary }, [[...batch]]),
      );
      this.#left = this.#left.slice(batch.length);
    }
    this.#isWriting = false;
    this.#onWritten();
  }
}
