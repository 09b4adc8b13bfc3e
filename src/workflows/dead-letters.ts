/** Mail of the town that a role could not bring to whoever it was for: kept, shown, and written to the ledger. */
import { CancellationScope, setHandler } from '@temporalio/workflow';
import { deadLettersQuery } from '../contract/inbox.js';
import { asSummary } from '../town/bytes.js';
import { withDead, type DeadLetter } from '../town/dead-letters.js';
import type { Mail } from '../town/mail.js';
import { town } from './hands.js';
import { mailRecord, type Owner } from './mailbox.js';

type Kept = { readonly dead?: readonly DeadLetter[]; readonly unwritten?: readonly DeadLetter[] };

export class DeadLetters {
  readonly #owner: Pick<Owner, 'address' | 'patience' | 'onChange'>;
  #letters: readonly DeadLetter[];
  /** Not in the ledger yet. */
  #unwritten: readonly DeadLetter[];
  #isWriting = false;

  constructor(owner: Pick<Owner, 'address' | 'patience' | 'onChange'>, { dead = [], unwritten = [] }: Kept) {
    this.#owner = owner;
    this.#letters = dead;
    this.#unwritten = unwritten;
    setHandler(deadLettersQuery, () => this.#letters, {
      description: 'Mail of the town that could not be brought to whoever it was for, the oldest first.',
    });
    if (unwritten.length > 0) this.#begin();
  }

  get letters(): readonly DeadLetter[] {
    return this.#letters;
  }

  /** What a next run takes over. */
  get kept(): Required<Kept> {
    return { dead: this.#letters, unwritten: this.#unwritten };
  }

  get isIdle(): boolean {
    return !this.#isWriting;
  }

  add(mail: Mail, why: string): void {
    const letter = { ...mail, atMs: Date.now(), why };
    this.#letters = withDead(this.#letters, letter);
    this.#unwritten = [...this.#unwritten, letter];
    if (!this.#isWriting) this.#begin();
  }

  #begin(): void {
    void CancellationScope.nonCancellable(() => this.#write());
  }

  async #write(): Promise<void> {
    const { address, patience, onChange } = this.#owner;
    this.#isWriting = true;
    while (this.#unwritten.length > 0) {
      const letters = this.#unwritten;
      const summary = asSummary(`dead letters of ${address} to the ledger`);
      const entries = letters.map((one) => mailRecord(one, address));
      await town(patience).recordAll.executeWithOptions({ summary }, [entries]);
      this.#unwritten = this.#unwritten.slice(letters.length);
    }
    this.#isWriting = false;
    onChange();
  }
}
