/**
 * The post of a role of the town: its mail on the way, letters of others that are passed on to the overseer, and what it has to tell. Beside its other
 * work, which does not wait for it.
 */
import { setHandler } from '@temporalio/workflow';
import { deadLettersQuery } from '../contract/inbox.js';
import { OVERSEER } from '../town/address.js';
import { asSummary } from '../town/bytes.js';
import { withDead, type DeadLetter } from '../town/dead-letters.js';
import type { Mail } from '../town/mail.js';
import { withLetter } from '../town/letters.js';
import { postman, town } from './hands.js';
import { mailRecord } from './mailbox.js';
import { patched } from './patches.js';
import { landAgainMs } from './patience.js';

/** Who answers what is written to such a role. */
const ANSWERS = OVERSEER;
type Kept = { readonly letters: readonly Mail[]; readonly dead: readonly DeadLetter[] };

export class Post {
  readonly #patience: number;
  readonly #onEnd: () => void;
  readonly #from: string;
  #letters: readonly Mail[];
  #dead: readonly DeadLetter[];
  #isSending = false;
  /** There is something that was not tried yet. */
  #isWanted: boolean;
  /** After so many tries in vain. */
  #tries = 0;
  #againMs: number | null = null;

  /** `from`: whose it is. `onEnd`: all is sent, or is to be tried again later. */
  constructor(from: string, { letters, dead }: Kept, patience: number, onEnd: () => void) {
    this.#from = from;
    this.#patience = patience;
    this.#onEnd = onEnd;
    this.#letters = letters;
    this.#dead = dead;
    this.#isWanted = letters.length > 0;
    setHandler(deadLettersQuery, () => this.#dead, {
      description: 'Mail that could not be brought to whoever it was for, the oldest first.',
    });
  }

  /** What a next run takes over. */
  get kept(): Kept {
    return { letters: this.#letters, dead: this.#dead };
  }

  get letters(): readonly Mail[] {
    return this.#letters;
  }

  get isIdle(): boolean {
    return !this.#isSending;
  }

  get isWanted(): boolean {
    return this.#isWanted && !this.#isSending;
  }

  /** When what nobody has answered to is tried again. */
  get againMs(): number | null {
    return this.#isSending ? null : this.#againMs;
  }

  tryAgain(): void {
    this.#isWanted = true;
  }

  /** For the overseer to read, whose answer goes to whoever wrote it. */
  take(mail: Mail): boolean {
    const { letters, isTaken } = withLetter(
      this.#letters,
      { ...mail, id: `${mail.id} by ${this.#from}`.slice(0, 2_000), to: ANSWERS },
      mail.from.endsWith('/witness') && patched('help for polecats is never turned away', '0.9'),
    );
    if (!isTaken) return false;
    this.#letters = letters;
    this.#isWanted = true;
    return true;
  }

  tell(mail: Mail): void {
    this.#letters = [...this.#letters, mail];
    this.#isWanted = true;
  }

  send(): void {
    if (!this.isWanted) return;
    this.#isWanted = false;
    this.#isSending = true;
    void this.#sendAll()
      .then(
        () => this.#sent(),
        () => this.#failed(),
      )
      .finally(() => {
        this.#isSending = false;
        this.#onEnd();
      });
  }

  #sent(): void {
    this.#tries = 0;
    this.#againMs = null;
  }

  #failed(): void {
    this.#againMs = Date.now() + landAgainMs(this.#patience, this.#tries);
    this.#tries += 1;
  }

  async #sendAll(): Promise<void> {
    const silent: { readonly to: string; readonly error: unknown }[] = [];
    const next = () => this.#letters.find(({ to }) => !silent.some((one) => one.to === to));
    for (let mail = next(); mail !== undefined; mail = next()) {
      const sent = mail;
      try {
        const summary = asSummary(`mail to ${sent.to}: ${sent.subject}`);
        const isTaken = await postman(this.#patience).deliver.executeWithOptions({ summary }, [sent]);
        if (!isTaken) await this.#bury([sent], `${sent.to} does not take it`);
        this.#letters = this.#letters.filter((one) => one !== sent);
      } catch (error) {
        // Letters to others do not wait behind one that nobody answers to.
        silent.push({ to: sent.to, error });
      }
    }
    if (silent[0] !== undefined) throw silent[0].error;
  }

  /** The role ends: what is left stands in the ledger. */
  async close(): Promise<void> {
    await this.#bury(this.#letters, `the ${this.#from} has ended`).catch(() => undefined);
  }

  async #bury(mails: readonly Mail[], why: string): Promise<void> {
    if (mails.length === 0) return;
    const letters = mails.map((mail) => ({ ...mail, atMs: Date.now(), why }));
    this.#dead = letters.reduce(withDead, this.#dead);
    const entries = letters.map((letter) => mailRecord(letter, this.#from));
    await town(this.#patience).recordAll.executeWithOptions({ summary: 'dead letters to the ledger' }, [entries]);
  }
}
