/**
 * The inbox of an agent or a person: mail that is not for the town to act on, kept to be read. What has no room any more, and what is put
 * away, goes to the ledger.
 */
import { CancellationScope, setHandler, uuid4 } from '@temporalio/workflow';
import { inboxQuery } from '../contract/inbox.js';
import { inboxMessages } from '../contract/messages.js';
import type { LedgerEntry } from '../contract/ledger.js';
import type { TownActivities } from '../contract/activities.js';
import { asSummary } from '../town/bytes.js';
import { delivered, isLight, marked, MAILS_MAX, taken, whyNoRoom, whyNotIn } from '../town/inbox.js';
import type { Inbox, KeptMail } from '../town/inbox.js';
import { isHandoff, readHandoff, replyTo, type Mail } from '../town/mail.js';
import { Awaiting } from './awaiting.js';
import type { Answer, Taking } from './desk.js';
import { done, refused } from './desk.js';
import { postman, town } from './hands.js';
import { patched } from './patches.js';

/** Whose it is. */
export type Owner = {
  readonly address: string;
  /** Of a polecat: mail for one that had the address before is not for it. */
  readonly incarnation?: number;
  /** Of what is written to the ledger, and of answers on their way. */
  readonly patience: number;
  /** Its sessions hand over to each other by mail to itself. */
  readonly isAgent: boolean;
  /** Told of each change. */
  readonly onChange: () => void;
  /** Whether its workflow is to go on in another run, which writes what is left to the ledger. */
  readonly mustGoOn: () => boolean;
};

type Kept = { readonly inbox: Inbox; readonly leaving: Inbox };
/** What one act writes to the ledger. */
const BATCH_MAX = 100;

export class Mailbox {
  readonly #owner: Owner;
  #inbox: Inbox;
  /** On its way to the ledger. */
  #leaving: Inbox;
  #writing: Promise<void> | null = null;
  #isClosed = false;

  constructor(owner: Owner, { inbox, leaving }: Kept = { inbox: [], leaving: [] }) {
    this.#owner = owner;
    this.#inbox = inbox;
    this.#leaving = leaving;
    setHandler(inboxQuery, () => this.#inbox, { description: 'The mail that has come for it, the oldest first.' });
    if (leaving.length > 0) void this.#keep([]);
  }

  /** Of one that has had the address before. */
  adopt({ inbox, leaving }: Kept): void {
    this.#set(inbox);
    void this.#keep(leaving);
  }

  get inbox(): Inbox {
    return this.#inbox;
  }

  /** What a next run takes over. */
  get kept(): Kept {
    return { inbox: this.#inbox, leaving: this.#leaving };
  }

  /** No act of it is under way. */
  get isIdle(): boolean {
    return this.#writing === null;
  }

  /** What its owner does with the mail. */
  serve(desk: Taking): void {
    const { address, incarnation, mustGoOn, onChange } = this.#owner;
    new Awaiting({
      address,
      inbox: () => this.#inbox,
      isEnding: () => this.#isClosed || mustGoOn(),
      onEnd: onChange,
    }).serve(desk);
    desk.on(inboxMessages.read, ({ mail: ids }) => this.#mark(ids, 'read'));
    desk.on(inboxMessages.ack, ({ mail: ids }) => this.#mark(ids, 'acked'));
    desk.on(inboxMessages.archive, async ({ mail: ids }) => {
      const why = whyNotIn(this.#inbox, ids, address);
      if (why !== null) return refused(why);
      const { inbox, mails } = taken(this.#inbox, ids);
      this.#set(inbox);
      await this.#keep(mails);
      return done('put away in the ledger');
    });
    desk.on(inboxMessages.reply, async ({ id, mail: answered, body }) => {
      const [mail] = taken(this.#inbox, [answered]).mails;
      if (mail === undefined) return refused(whyNotIn(this.#inbox, [answered], address) ?? '');
      const reply = replyTo(mail, {
        id: `${id ?? uuid4()} of ${address}`.slice(0, 2_000),
        from: address,
        body,
        ...(incarnation === undefined ? {} : { fromIncarnation: incarnation }),
      });
      const heard = await CancellationScope.nonCancellable(() => this.#sent(reply)).catch(() => null);
      if (heard === null)
        return refused(`${reply.to.slice(0, 200)} does not answer: whether it has come there is not known`);
      if (!heard.isTaken)
        return refused(`${reply.to.slice(0, 200)} does not take it${saying(heard.says)}: nothing was sent`);
      this.#set(marked(this.#inbox, [answered], 'acked'));
      return done(`sent to ${reply.to}${saying(heard.says)}`);
    });
  }

  /** Before 0.14 nobody heard what whoever has it said to it. */
  async #sent(reply: Mail): ReturnType<TownActivities['deliverReply']> {
    const summary = asSummary(`mail to ${reply.to}`);
    const hands = postman(this.#owner.patience);
    if (patched('who replies hears what is said to it', '0.14'))
      return hands.deliverReply.executeWithOptions({ summary }, [reply]);
    return { isTaken: await hands.deliver.executeWithOptions({ summary }, [reply]), says: '' };
  }

  /** Why it is for one that had the address before; null when it is not. */
  whyForAnother({ toIncarnation }: Mail): string | null {
    const { address, incarnation } = this.#owner;
    if (toIncarnation === undefined || toIncarnation === incarnation) return null;
    return `${address} is another one by now: whoever this is for, number ${toIncarnation}, has ended`;
  }

  take(mail: Mail): Answer {
    const { address, isAgent } = this.#owner;
    const another = this.whyForAnother(mail);
    if (another !== null) return refused(another);
    const isItsOwn = isAgent && isHandoff(mail);
    // Of anybody else it would take the place of what the agent has left itself.
    if (isItsOwn && mail.from !== address)
      return refused(`a handoff comes from ${address} itself, not from ${mail.from.slice(0, 200)}`);
    const reading = isItsOwn ? readHandoff(mail) : null;
    if (reading?.ok === false && patched('a handoff has its keys', '0.10')) return refused(reading.problem);
    if (this.#inbox.some(({ id }) => id === mail.id)) return done('taken');
    // The last one tells how things stand.
    const others = isItsOwn ? this.#inbox.filter((one) => !isHandoff(one)) : this.#inbox;
    if (others.length >= MAILS_MAX && !patched('an inbox that is full makes room', '0.7'))
      return refused(`the inbox of ${address} holds ${MAILS_MAX} mails: it is full`);
    const why = isItsOwn ? null : whyNoRoom(mail, this.#leaving, address);
    if (why !== null && isBoundedBySize()) return refused(why);
    const bytesMax = isLight(others, mail) || isBoundedBySize() ? undefined : Infinity;
    const { inbox, overflow } = delivered(others, mail, Date.now(), bytesMax);
    this.#set(inbox);
    if (overflow.length > 0) void this.#keep(overflow);
    return done('taken');
  }

  /** Its agent was told these before its turn. */
  heard(ids: readonly string[]): void {
    if (ids.length > 0) this.#set(marked(this.#inbox, ids, 'read'));
  }

  /** Its owner is no more: all that is left goes to the ledger, and can be seen here still. */
  async close(): Promise<void> {
    this.#isClosed = true;
    await this.#keep(this.#inbox);
  }

  #mark(ids: readonly string[], state: 'read' | 'acked'): Answer {
    const why = whyNotIn(this.#inbox, ids, this.#owner.address);
    if (why !== null) return refused(why);
    this.#set(marked(this.#inbox, ids, state));
    return done(state === 'read' ? 'read' : 'acknowledged');
  }

  #set(inbox: Inbox): void {
    this.#inbox = inbox;
    this.#owner.onChange();
  }

  /** What comes while others are being written goes with the next ones: a flood of mail is few acts. */
  async #keep(mails: Inbox): Promise<void> {
    this.#leaving = [...this.#leaving, ...mails];
    if (this.#leaving.length === 0) return;
    this.#writing ??= this.#write();
    await this.#writing;
  }

  async #write(): Promise<void> {
    const { address, patience, mustGoOn, onChange } = this.#owner;
    do {
      const batch = this.#leaving.slice(0, BATCH_MAX);
      const summary = asSummary(`mail of ${address} to the ledger`);
      const entries = batch.map((mail) => mailRecord(mail, address));
      await CancellationScope.nonCancellable(() => town(patience).recordAll.executeWithOptions({ summary }, [entries]));
      this.#leaving = this.#leaving.slice(batch.length);
    } while (this.#leaving.length > 0 && !mustGoOn());
    this.#writing = null;
    onChange();
  }
}

/** Before, an inbox could become larger than what the server takes. */
const isBoundedBySize = () => patched('an inbox has its size', '0.10');

/** As the ledger has a mail that leaves an inbox, or never came into one. */
export function mailRecord(mail: KeptMail, inbox: string): LedgerEntry {
  const at = new Date(mail.atMs ?? Date.now()).toISOString();
  return { ...mail, mail: mail.id, id: `mail/${inbox}/${mail.id}`, kind: 'mail', at, inbox };
}

const SAYS_CHARS_MAX = 500;
/** That it was taken goes without saying. */
const saying = (says: string): string => (says === '' || says === 'taken' ? '' : ` (${says.slice(0, SAYS_CHARS_MAX)})`);
