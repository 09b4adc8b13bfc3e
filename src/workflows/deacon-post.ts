/** Mail on its way from the deacon to the overseer: letters that are passed on, and what it has to tell. Beside patrols, which do not wait for it. */
import { DEACON, OVERSEER } from '../town/address.js';
import type { Mail } from '../town/mail.js';
import { postman, town } from './hands.js';
import { mailRecord } from './mailbox.js';
import { landAgainMs } from './patience.js';

/** Letters of others; more wait with their senders. */
const LETTERS_MAX = 100;

export class DeaconPost {
  readonly #patience: number;
  readonly #onEnd: () => void;
  #letters: readonly Mail[];
  #isSending = false;
  /** There is something that was not tried yet. */
  #isWanted: boolean;
  /** After so many tries in vain. */
  #tries = 0;
  #againMs: number | null = null;

  /** `onEnd`: all is sent, or is to be tried again later. */
  constructor(letters: readonly Mail[], patience: number, onEnd: () => void) {
    this.#patience = patience;
    this.#onEnd = onEnd;
    this.#letters = letters;
    this.#isWanted = letters.length > 0;
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
    if (this.#letters.length >= LETTERS_MAX) return false;
    this.tell({ ...mail, id: `${mail.id} by ${DEACON}`.slice(0, 2_000), to: OVERSEER });
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
    for (let [mail] = this.#letters; mail !== undefined; [mail] = this.#letters) {
      const summary = `mail to ${mail.to}: ${mail.subject}`.slice(0, 200);
      const isTaken = await postman(this.#patience).deliver.executeWithOptions({ summary }, [mail]);
      if (!isTaken) await this.#record([mail]);
      this.#letters = this.#letters.slice(1);
    }
  }

  /** The deacon ends: what is left stands in the ledger. */
  async close(): Promise<void> {
    await this.#record(this.#letters).catch(() => undefined);
  }

  /** Dead letters: nobody takes them. */
  async #record(mails: readonly Mail[]): Promise<void> {
    if (mails.length === 0) return;
    const entries = mails.map((mail) => mailRecord(mail, DEACON));
    await town(this.#patience).recordAll.executeWithOptions({ summary: 'dead letters to the ledger' }, [entries]);
  }
}
