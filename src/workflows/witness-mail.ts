/**
 * What the witness of a rig does with mail: it verifies what polecats hand in and passes it to the refinery, brings the refinery's verdicts back, and
 * keeps what is for its reader alone. What cannot be brought to anybody is a dead letter.
 */
import { uuid4 } from '@temporalio/workflow';
import { mailMessage } from '../contract/messages.js';
import type { WitnessCarry, WitnessMailCarry } from '../contract/witness.js';
import { polecatAt, refineryOf, witnessOf } from '../town/address.js';
import type { Letter, Mail } from '../town/mail.js';
import { branchKeys, isFree, isOfEscalation, lettersOf, townsWord, writeMail } from '../town/mail.js';
import { unreachable } from '../town/unreachable.js';
import { DeadLetters } from './dead-letters.js';
import { done, refused, type Answer, type Desk } from './desk.js';
import { reasonOf } from './failing.js';
import { town } from './hands.js';
import { readLetter } from './letters.js';
import { keepsNoHelp } from './mail-taking.js';
import { Mailbox } from './mailbox.js';
import { send, sendToRole, type Delivery } from './outbox.js';
import { patched } from './patches.js';
import { isDue } from './start.js';

/** A repository may be away for long: what is handed in is verified beside the loop, which grants slots meanwhile. */
const besideLoop = () => patched('a hand-in is verified beside the loop');

type HandedIn = Extract<Letter, { readonly type: 'POLECAT_DONE' }>;

type Witness = {
  readonly now: () => WitnessCarry;
  readonly onNews: () => void;
};

export class WitnessMail {
  readonly #now: () => WitnessCarry;
  readonly #desk: Desk;
  readonly #onNews: () => void;
  readonly #mailbox: Mailbox;
  readonly #dead: DeadLetters;
  #queue: { readonly mail: Mail; readonly letter: Letter }[];
  /** Hand-ins that are being verified, by request and commit: asked again meanwhile, they are the same. */
  readonly #verifying = new Map<string, Mail>();

  constructor(desk: Desk, { now, onNews }: Witness) {
    const { rig, handIns = [], mail } = now();
    this.#now = now;
    this.#desk = desk;
    this.#onNews = onNews;
    this.#queue = lettersOf(handIns);
    const owner = {
      address: witnessOf(rig.name),
      get patience() {
        return now().patience;
      },
      onChange: onNews,
      isAgent: false,
      mustGoOn: isDue,
    };
    this.#mailbox = new Mailbox(owner, mail);
    this.#mailbox.serve(desk);
    this.#dead = new DeadLetters(owner, mail ?? {});
  }

  /** `isKnown`: whether the rig has a polecat of that name. */
  take(mail: Mail, isKnown: (polecat: string) => boolean): Answer {
    const { rig } = this.#now();
    if (isOfEscalation(mail) && keepsNoHelp()) return done('heard');
    if (isFree(mail) && townsWord(mail.subject) === null && patched('a witness has an inbox', '0.9'))
      return mail.to === witnessOf(rig.name)
        ? this.#mailbox.take(mail)
        : refused(`this is ${witnessOf(rig.name)}, not ${mail.to.slice(0, 200)}`);
    const reading = readLetter(mail, rig.name);
    if (!reading.ok) return refused(reading.problem);
    const { Polecat } = reading.letter.keys;
    if (!isKnown(Polecat)) return refused(`${rig.name} has no polecat "${Polecat.slice(0, 100)}"`);
    // Whoever has sent it sends it again.
    const why = this.#dead.whyFull;
    if (why !== null) return refused(why);
    this.#queue.push({ mail, letter: reading.letter });
    this.#onNews();
    return done('taken');
  }

  async passAll(): Promise<void> {
    for (let one = this.#queue.shift(); one !== undefined; one = this.#queue.shift())
      await this.#pass(one.mail, one.letter);
  }

  /** What the ledger does not take now goes with a run that is to end: the next one writes it. */
  get isIdle(): boolean {
    return this.#queue.length === 0 && (isDue() || (this.#mailbox.isIdle && this.#dead.isIdle));
  }

  /** Requests that are being verified. */
  get verifying(): readonly string[] {
    return [...this.#verifying.keys()].map((key) => key.slice(0, key.indexOf(' ')));
  }

  get inbox() {
    return this.#mailbox.inbox;
  }

  get dead() {
    return this.#dead.letters;
  }

  /** What a next run takes over. */
  get kept(): Pick<WitnessCarry, 'handIns'> & { readonly mail: WitnessMailCarry } {
    return { handIns: [...this.#verifying.values()], mail: { ...this.#mailbox.kept, ...this.#dead.kept } };
  }

  /** Nobody takes it: it is kept, and nobody is left to wonder. */
  bury(mail: Mail, why: string): void {
    if (patched('a dead letter goes to the ledger', '0.9')) void this.#dead.add([mail], why);
    else this.#desk.drop('mail', mail, why);
  }

  async #pass(mail: Mail, letter: Letter): Promise<void> {
    switch (letter.type) {
      case 'POLECAT_DONE':
        return besideLoop() ? this.#verify(mail, letter) : this.#handOver(mail, letter);
      case 'VERIFIED':
      case 'MERGED':
      case 'MERGE_FAILED':
      case 'REWORK_REQUEST':
        return this.#bringBack({ ...mail, to: polecatAt(this.#now().rig.name, letter.keys.Polecat) });
      case 'MERGE_READY':
        return this.bury(mail, 'MERGE_READY is mail for a refinery');
      default:
        return unreachable(letter);
    }
  }

  async #bringBack(mail: Mail): Promise<void> {
    const delivery = await send(mail.to, mailMessage, mail);
    if (delivery !== 'delivered') this.bury(mail, `${mail.to} cannot be reached: ${delivery}`);
  }

  #verify(mail: Mail, letter: HandedIn): void {
    const { Request, Head } = letter.keys;
    const key = `${Request} ${Head}`;
    if (this.#verifying.has(key)) return;
    this.#verifying.set(key, mail);
    // Its polecat asks again in any case.
    void this.#handOver(mail, letter)
      .catch((error: unknown) => this.#desk.drop('mail', mail, `${Request} is not verified: ${reasonOf(error)}`))
      .finally(() => this.#verifying.delete(key));
  }

  /** A branch that the remote does not have is sent back at once: nobody can merge it. */
  async #handOver(mail: Mail, { keys }: HandedIn): Promise<void> {
    const { rig, patience } = this.#now();
    const me = witnessOf(rig.name);
    const pushed = await town(patience).isPushed.executeWithOptions({ summary: `verify · ${keys.Polecat}` }, [
      { rig, branch: keys.Branch, head: keys.Head },
    ]);
    if (!(await this.#isAtWork(keys)))
      return this.bury(
        mail,
        `no polecat ${keys.Polecat} #${keys.Incarnation} of mission ${keys.Mission} is at work here`,
      );
    if (!pushed) {
      const to = polecatAt(rig.name, keys.Polecat);
      const failed = { ...branchKeys(keys), 'Failure-Type': 'not-pushed', 'Failed-At': new Date().toISOString() };
      const text = `The remote does not have ${keys.Branch} at ${keys.Head}. Push it and hand it in again.`;
      const letter = { type: 'MERGE_FAILED', keys: failed, text } as const;
      const back = writeMail({ id: uuid4(), from: me, to }, keys.Polecat, letter);
      return this.#orBury(back, await send(to, mailMessage, back));
    }
    const to = refineryOf(rig.name);
    const ready = writeMail({ id: uuid4(), from: me, to }, keys.Polecat, { type: 'MERGE_READY', keys, text: '' });
    const ensure = () =>
      town(patience).ensureRole.executeWithOptions({ summary: `ensure ${to}` }, [{ role: 'refinery', rig, patience }]);
    this.#orBury(ready, await sendToRole(to, mailMessage, ready, ensure));
  }

  /** Nothing of an earlier holder of the slot lands beside the work of who has it now. Who holds one unknown to us, as after a reset, the server knows. */
  async #isAtWork({ Polecat, Incarnation, Mission }: HandedIn['keys']): Promise<boolean> {
    const { rig, slots, patience } = this.#now();
    type Known = { readonly name: string; readonly incarnation: number; readonly mission: string };
    const isIt = (one: Known) => one.name === Polecat && one.incarnation === Incarnation && one.mission === Mission;
    if (slots.leases.some(isIt) || !patched('a hand-in is of one who is at work', '0.10')) return true;
    const how = { summary: `is ${Polecat} #${Incarnation} at work` };
    const { polecats } = await town(patience).findPolecats.executeWithOptions(how, [{ ...rig, names: [Polecat] }]);
    return polecats.some((one) => one.isOpen && isIt(one));
  }

  /** Before 0.9 this was left to the polecat alone, which asks again. */
  #orBury(mail: Mail, delivery: Delivery): void {
    if (delivery === 'delivered' || !patched('a dead letter goes to the ledger', '0.9')) return;
    this.bury(mail, `${mail.to} cannot be reached: ${delivery}`);
  }
}
