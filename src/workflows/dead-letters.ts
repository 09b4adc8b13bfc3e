/** Mail of the town that a role could not bring to whoever it was for: kept, shown, and written to the ledger beside its other work. */
import { CancellationScope, setHandler } from '@temporalio/workflow';
import { deadLettersQuery } from '../contract/inbox.js';
import { asSummary } from '../town/bytes.js';
import { withDead, type DeadLetter } from '../town/dead-letters.js';
import { whyNoRoom } from '../town/inbox.js';
import type { Mail } from '../town/mail.js';
import { refused, type Answer } from './desk.js';
import { town } from './hands.js';
import { mailRecord, type Owner } from './mailbox.js';
import { patched } from './patches.js';

/** Of the ledger, which may be away. */
const UNWRITTEN_MAX = 1_000;

type Of = Pick<Owner, 'address' | 'patience' | 'onChange'>;
type Kept = { readonly dead?: readonly DeadLetter[]; readonly unwritten?: readonly DeadLetter[] };

export class DeadLetters {
  readonly #owner: Of;
  #letters: readonly DeadLetter[];
  /** Not in the ledger yet. */
  #unwritten: readonly DeadLetter[];
  #writing: Promise<void> | null = null;

  constructor(owner: Of, { dead = [], unwritten = [] }: Kept) {
    this.#owner = owner;
    this.#letters = dead;
    this.#unwritten = unwritten;
    setHandler(deadLettersQuery, () => this.#letters, {
      description: 'Mail of the town that could not be brought to whoever it was for, the oldest first.',
    });
    void this.#begin();
  }

  get letters(): readonly DeadLetter[] {
    return this.#letters;
  }

  /** What a next run takes over. */
  get kept(): Required<Kept> {
    return { dead: this.#letters, unwritten: this.#unwritten };
  }

  get isIdle(): boolean {
    return this.#writing === null;
  }

  /** Why nothing is taken that may become one; null when it is. */
  get whyFull(): string | null {
    const { length } = this.#unwritten;
    if (length < UNWRITTEN_MAX || !patched('dead letters are bounded', '0.10')) return null;
    return `${length} dead letters are not in the ledger yet, which is written first: send it again later`;
  }

  /** Of one that died and left them. */
  adopt({ dead = [], unwritten = [] }: Kept): void {
    this.#letters = this.#letters.reduce(withDead, dead);
    this.#unwritten = [...unwritten, ...this.#unwritten];
    void this.#begin();
  }

  /** What whoever it was for can take no more: whoever has sent it hears so, if anybody waits for that. Sent once more it is kept already. */
  refuse(mail: Mail, why: string): Answer {
    const isKept = this.#letters.some(({ id }) => id === mail.id);
    const hasRoom = whyNoRoom(mail, this.#unwritten, this.#owner.address) === null;
    if (!isKept && hasRoom && patched('what is for one before is a dead letter', '0.11')) void this.add([mail], why);
    return refused(why);
  }

  /** Done once all there are stand in the ledger. */
  async add(mails: readonly Mail[], why: string): Promise<void> {
    const letters = mails.map((mail) => ({ ...mail, atMs: Date.now(), why }));
    this.#letters = letters.reduce(withDead, this.#letters);
    this.#unwritten = [...this.#unwritten, ...letters];
    await this.#begin();
  }

  async #begin(): Promise<void> {
    if (this.#unwritten.length === 0) return;
    this.#writing ??= CancellationScope.nonCancellable(() => this.#write());
    await this.#writing;
  }

  async #write(): Promise<void> {
    const { address, patience, onChange } = this.#owner;
    while (this.#unwritten.length > 0) {
      const letters = this.#unwritten;
      const summary = asSummary(`dead letters of ${address} to the ledger`);
      const entries = letters.map((one) => mailRecord(one, address));
      await town(patience).recordAll.executeWithOptions({ summary }, [entries]);
      this.#unwritten = this.#unwritten.slice(letters.length);
    }
    this.#writing = null;
    onChange();
  }
}
