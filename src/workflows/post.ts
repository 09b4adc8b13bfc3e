/**
 * The post of a role of the town: its mail on the way, letters of others that are passed on to the overseer, and what it has to tell. Beside its other
 * work, which does not wait for it.
 */
import { OVERSEER } from '../town/address.js';
import { asSummary } from '../town/bytes.js';
import type { DeadLetter } from '../town/dead-letters.js';
import { withLetter } from '../town/letters.js';
import type { Mail } from '../town/mail.js';
import { DeadLetters } from './dead-letters.js';
import { postman } from './hands.js';
import { patched } from './patches.js';
import { landAgainMs } from './patience.js';

/** Who answers what is written to such a role. */
const ANSWERS = OVERSEER;
/** `unwritten`: dead letters on their way to the ledger. */
type Kept = {
  readonly letters: readonly Mail[];
  readonly dead: readonly DeadLetter[];
  readonly unwritten: readonly DeadLetter[];
};

export class Post {
  readonly #patience: number;
  readonly #onEnd: () => void;
  readonly #from: string;
  #letters: readonly Mail[];
  readonly #dead: DeadLetters;
  #isSending = false;
  /** There is something that was not tried yet. */
  #isWanted: boolean;
  /** After so many tries in vain. */
  #tries = 0;
  #againMs: number | null = null;

  /** `from`: whose it is. `onEnd`: all is sent, or is to be tried again later. */
  constructor(from: string, { letters, ...dead }: Kept, patience: number, onEnd: () => void) {
    this.#from = from;
    this.#patience = patience;
    this.#onEnd = onEnd;
    this.#letters = letters;
    this.#dead = new DeadLetters({ address: from, patience, onChange: () => undefined }, dead);
    this.#isWanted = letters.length > 0;
  }

  /** What a next run takes over. */
  get kept(): Kept {
    return { letters: this.#letters, ...this.#dead.kept };
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

  /** Of one that died and left them. */
  adopt({ letters, ...dead }: Kept): void {
    for (const mail of letters) this.tell(mail);
    this.#dead.adopt(dead);
  }

  tryAgain(): void {
    this.#isWanted = true;
  }

  /** For the overseer to read, whose answer goes to whoever wrote it. False: there is no room. */
  take(mail: Mail): boolean {
    if (this.#dead.whyFull !== null) return false;
    const letter = { ...mail, id: `${mail.id} by ${this.#from}`.slice(0, 2_000), to: ANSWERS };
    const isOfTown = mail.from.endsWith('/witness') && patched('help for polecats is never turned away', '0.9');
    const { letters, isTaken } = this.#with(letter, isOfTown);
    if (!isTaken) return false;
    this.#letters = letters;
    this.#isWanted = true;
    return true;
  }

  /** Before, letters could become larger together than what the server takes. */
  #with(letter: Mail, isOfTown: boolean): ReturnType<typeof withLetter> {
    const taken = withLetter(this.#letters, letter, isOfTown);
    if (taken.isTaken) return taken;
    const ofAnySize = withLetter(this.#letters, letter, isOfTown, Infinity);
    return ofAnySize.isTaken && !patched('letters have their size', '0.10') ? ofAnySize : taken;
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
        if (!isTaken) await this.#bury(sent);
        this.#letters = this.#letters.filter((one) => one !== sent);
      } catch (error) {
        // Letters to others do not wait behind one that nobody answers to.
        silent.push({ to: sent.to, error });
      }
    }
    if (silent[0] !== undefined) throw silent[0].error;
  }

  /** The letters behind it do not wait for the ledger, as they did before. */
  async #bury(mail: Mail): Promise<void> {
    const written = this.#dead.add([mail], `${mail.to} does not take it`);
    if (!patched('a dead letter holds nobody up', '0.10')) await written;
  }

  /** The role ends: what is left stands in the ledger. */
  async close(): Promise<void> {
    await this.#dead.add(this.#letters, `the ${this.#from} has ended`).catch(() => undefined);
  }
}
