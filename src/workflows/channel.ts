/**
 * A channel of a town: takes what is published, writes it to the ledger, and brings it to those who subscribed, each on its own way. It waits at
 * no cost; a timer runs only while somebody is to be tried again.
 */
import { CancellationScope, condition, isCancellation, setHandler, uuid4, workflowInfo } from '@temporalio/workflow';
import {
  CHANNEL_EXAMPLE,
  ChannelInput,
  channelMessages,
  messagesQuery,
  subscribersQuery,
} from '../contract/channel.js';
import type { ChannelCarry, SubscriberView } from '../contract/channel.js';
import { EMPTY_DESK } from '../contract/desk.js';
import type { LedgerEntry } from '../contract/ledger.js';
import { read } from '../contract/read.js';
import { attribute } from '../contract/search-attributes.js';
import { channelOf, makeId } from '../town/address.js';
import { asSummary, bytesOf } from '../town/bytes.js';
import { audienceOf, emptyChannel, idsIn, isSmall, lackedBy, orderFor, pruned, published } from '../town/channel.js';
import { retained, subscribed, toRecord, unsubscribed, whyFull } from '../town/channel.js';
import type { AfterMiss, ChannelState, Order, Published } from '../town/channel.js';
import { channelBoard, hooksInTrouble } from '../town/channel-board.js';
import { isSame, type Publication } from '../town/channel-input.js';
import { keysIn } from '../town/channel-match.js';
import { plainBody } from '../town/mail-text.js';
import type { Mail } from '../town/mail.js';
import { carryOut, type After } from './channel-order.js';
import { Desk, done, refused, takenUnless, type Answer } from './desk.js';
import { explainBy } from './explain.js';
import { failure, readInput } from './failing.js';
import { town } from './hands.js';
import { takeMail } from './mail-taking.js';
import { patched } from './patches.js';
import { actsEndMs } from './patience.js';
import { Standing, startAs } from './standing.js';
import { carried, goOn, isDue } from './start.js';

/** What one act writes to the ledger. */
const BATCH_MAX = 100;
/** The server takes 2 MB. */
const CARRY_BYTES_MAX = 1_900_000;

export async function channel(raw: unknown, carry?: ChannelCarry): Promise<never> {
  const start = startAs('channel', () => carried(carry, 'BadInput') ?? fresh(raw));
  return new ChannelRun(raw, start).run();
}

function fresh(raw: unknown): ChannelCarry {
  const { workflowId } = workflowInfo();
  if (channelOf(workflowId) === null)
    throw failure(
      'BadInput',
      `the workflow id of a channel is channel/NAME, for example "channel/deploys", not "${workflowId}"`,
    );
  const { patience, ...retention } = readInput(ChannelInput, raw, 'BadInput', CHANNEL_EXAMPLE);
  return { patience, state: emptyChannel(retention), leaving: [], desk: EMPTY_DESK };
}

class ChannelRun {
  readonly #raw: unknown;
  readonly #address = workflowInfo().workflowId;
  readonly #name = channelOf(this.#address) ?? '';
  readonly #patience: number;
  readonly #desk: Desk;
  readonly #standing = new Standing();
  #state: ChannelState;
  /** Of its messages. */
  #ids: Set<string>;
  /** On its way to the ledger. */
  #leaving: readonly LedgerEntry[];
  #isWriting = false;
  /** Subscribers who are being served, with what is in hand for them; null between two orders. */
  readonly #served = new Map<string, Order | null>();
  /** What is under way for them, when the run has become long and ends. */
  readonly #underWay = new Map<string, CancellationScope>();
  #isEnding = false;
  #isClosed = false;
  #news = true;

  constructor(raw: unknown, { patience, state, leaving, desk }: ChannelCarry) {
    this.#raw = raw;
    this.#patience = patience;
    this.#state = state;
    this.#ids = idsIn(state);
    this.#leaving = leaving;
    this.#desk = new Desk(desk);
    this.#listen();
    this.#desk.open();
  }

  async run(): Promise<never> {
    this.#standing.introduce([{ key: attribute.role, value: 'channel' }]);
    try {
      return await this.#wait();
    } catch (error) {
      if (isCancellation(error)) await CancellationScope.nonCancellable(() => this.#close());
      throw error;
    }
  }

  #listen(): void {
    const here = takenUnless(this.#desk, () => (this.#isClosed ? `${this.#address} is closed` : null));
    const { publish, subscribe, unsubscribe, retain } = channelMessages;
    here.on(publish, ({ id = makeId('ms', uuid4()), ...rest }) => this.#publish({ ...rest, id }));
    takeMail(here, (mail) => this.#publishMail(mail));
    here.on(subscribe, ({ id: _id, by: _by, ...asked }) => {
      const isNew = !this.#state.subscribers.some(({ id }) => id === asked.subscriber);
      const after = subscribed(this.#state, asked, Date.now());
      if (!after.ok) return refused(after.why);
      this.#set(after.state);
      return done(`${asked.subscriber} ${isNew ? 'has subscribed' : 'is a subscriber, as is said now'}`);
    });
    here.on(unsubscribe, ({ subscriber }) => {
      const known = this.#state.subscribers.map(({ id }) => id);
      if (!known.includes(subscriber))
        return refused(
          `${subscriber.slice(0, 200)} is no subscriber; there are ${known.join(', ').slice(0, 500) || 'none'}`,
        );
      this.#take(unsubscribed(this.#state, subscriber));
      this.#news = true;
      return done(`${subscriber} is a subscriber no more`);
    });
    here.on(retain, ({ messages, hours }) => {
      const before = this.#state.retention;
      const retention = { messages: messages ?? before.messages, hours: hours ?? before.hours };
      this.#set({ ...this.#state, retention });
      return done(`the last ${retention.messages} messages are kept for ${retention.hours} hours`);
    });
    setHandler(messagesQuery, () => retained(this.#state, Date.now()), {
      description: 'What is kept of what was published, the oldest first.',
    });
    setHandler(subscribersQuery, () => this.#views(), { description: 'Who gets what, and how far each is.' });
    explainBy(() => this.#board());
  }

  #publish(publication: Publication): Answer {
    const { id } = publication;
    if (this.#ids.has(id)) {
      const before = this.#state.messages.find((one) => one.id === id);
      const isOther = before !== undefined && !isSame(before, publication);
      return isOther && patched('what is published under an id is one, however it came', '0.10')
        ? refused(`the id "${id}" is of another message, which was published before; give this one an id of its own`)
        : done(`${id} was published before`);
    }
    const why = whyFull(this.#state);
    if (why !== null) return refused(why);
    this.#set(published(this.#state, publication, Date.now()));
    this.#ids.add(id);
    return done(
      `${id} is published; it is for ${audienceOf(this.#state, id)} of ${this.#state.subscribers.length} subscribers`,
    );
  }

  /** Who writes to the channel publishes. */
  #publishMail({ id, from, to, subject, body, priority, replyTo }: Mail): Answer {
    if (to !== this.#address) return refused(`this is ${this.#address}, not ${to.slice(0, 200)}`);
    if (replyTo !== undefined) return refused('an answer is for one, and is not published: write a mail of its own');
    const { keys, text } = this.#keysIn(body);
    const more = priority === undefined ? {} : { priority };
    const asked = read(channelMessages.publish.schema, { id, from, subject, keys, body: text, ...more });
    if (!asked.ok) return refused(`it cannot be published: ${asked.problems.join('; ')}`);
    return this.#publish({ ...asked.value, id });
  }

  /** Lines that are no keys are words, as they were written. */
  #keysIn(body: string): ReturnType<typeof keysIn> {
    const plain = plainBody(body);
    const found = keysIn(plain);
    const isNew = plain !== body && Object.keys(found.keys).length > 0;
    return isNew && patched('keys may be indented', '0.10') ? found : keysIn(body);
  }

  async #wait(): Promise<never> {
    for (;;) {
      this.#news = false;
      this.#act();
      this.#show();
      const mustGoOn = () => isDue() && this.#isQuiet();
      await condition(() => this.#news || mustGoOn() || (isDue() && !this.#isEnding));
      if (isDue() && !this.#isEnding) void CancellationScope.nonCancellable(() => this.#end());
      // What has come since is made to fit before a next run is given it.
      if (!this.#news && mustGoOn()) await goOn<typeof channel>(this.#raw, this.#carry());
    }
  }

  /** An act that hangs holds nobody else: the next run does it again. */
  async #end(): Promise<void> {
    this.#isEnding = true;
    const isOver = () => this.#isClosed || this.#isQuiet();
    const summary = 'until what is under way is done again in a next run';
    if (await condition(isOver, actsEndMs(this.#patience), { summary })) return;
    for (const scope of this.#underWay.values()) scope.cancel();
  }

  /** Begins whatever can be done and is not under way. */
  #act(): void {
    this.#prune();
    if (!this.#isWriting && this.#mustWrite()) void CancellationScope.nonCancellable(() => this.#write());
    for (const { id } of this.#state.subscribers)
      if (!this.#served.has(id) && this.#nextFor(id) !== null)
        void CancellationScope.nonCancellable(() => this.#serve(id));
  }

  #mustWrite(): boolean {
    const isOpen = this.#leaving.length > 0 || toRecord(this.#state, 1).length > 0;
    // More than that no next run is given.
    const isMuch = () => !isSmall(this.#state) || bytesOf(this.#carry()) > CARRY_BYTES_MAX;
    return isOpen && (this.#goesOn() || isMuch());
  }

  /** What comes while others are being written goes with the next ones: a flood of messages is few acts. */
  async #write(): Promise<void> {
    this.#isWriting = true;
    while (this.#mustWrite()) {
      const messages = toRecord(this.#state, BATCH_MAX);
      const missed = this.#leaving.slice(0, BATCH_MAX);
      const entries = [...messages.map((one) => this.#recordOf(one)), ...missed];
      const summary = `messages of ${this.#address} to the ledger`;
      await town(this.#patience).recordAll.executeWithOptions({ summary }, [entries]);
      this.#leaving = this.#leaving.slice(missed.length);
      const last = messages.at(-1);
      if (last !== undefined) this.#set({ ...this.#state, unrecorded: last.place + 1 });
    }
    this.#isWriting = false;
    this.#news = true;
  }

  /** One order after the other, as long as there are any. */
  async #serve(id: string): Promise<void> {
    for (let order = this.#nextFor(id); order !== null; order = this.#nextFor(id)) {
      this.#served.set(id, null);
      const waitMs = (order.againAtMs ?? 0) - Date.now();
      if (waitMs > 0 && !this.#isClosed) await this.#untilAgain(order, waitMs);
      else {
        this.#served.set(id, order);
        const after = await this.#carryOut(order);
        this.#served.set(id, null);
        if (after !== null) this.#take(after(this.#state, this.#isClosed));
        this.#news = true;
      }
    }
    this.#served.delete(id);
    this.#news = true;
  }

  /** Null when it was called off, which is no try. */
  async #carryOut(order: Order): Promise<After | null> {
    const scope = new CancellationScope();
    this.#underWay.set(order.id, scope);
    try {
      return await scope.run(() => carryOut(this.#name, order, this.#patience));
    } catch (error) {
      if (isCancellation(error)) return null;
      throw error;
    } finally {
      this.#underWay.delete(order.id);
    }
  }

  /** Whoever subscribes anew is tried at once. */
  async #untilAgain({ id, incarnation }: Order, waitMs: number): Promise<void> {
    const isTheSame = () => this.#state.subscribers.some((one) => one.id === id && one.incarnation === incarnation);
    const isOver = () => this.#isClosed || !this.#goesOn() || !isTheSame();
    await condition(isOver, waitMs, { summary: asSummary(`until ${id} is tried again`) });
  }

  /** Null when nothing is to be done for it in this run. */
  #nextFor(id: string): Order | null {
    return this.#goesOn() ? orderFor(this.#state, id) : null;
  }

  /** Closed: nothing more comes, what was published is in the ledger, and whoever can be reached has it. */
  async #close(): Promise<void> {
    this.#isClosed = true;
    do {
      this.#news = false;
      this.#act();
      await condition(() => this.#news || this.#isQuiet());
    } while (this.#news || !this.#isQuiet());
    this.#standing.show({ phase: 'done' }, () => this.#board());
  }

  #goesOn(): boolean {
    return this.#isClosed || !isDue();
  }

  #isQuiet(): boolean {
    return this.#served.size === 0 && !this.#isWriting && this.#desk.isQuiet();
  }

  #set(state: ChannelState): void {
    this.#state = state;
    this.#news = true;
  }

  #prune(): void {
    const inHand = [...this.#served.values()].flatMap((order) => order?.messages.map(({ place }) => place) ?? []);
    this.#take(pruned(this.#state, Date.now(), new Set(inHand)));
    if (this.#ids.size !== this.#state.messages.length) this.#ids = idsIn(this.#state);
  }

  #take({ state, missed }: AfterMiss): void {
    this.#state = state;
    const at = new Date().toISOString();
    const entries = missed.map(({ message, subscriber, why }): LedgerEntry => {
      const of = this.#recordOf(message).id;
      return {
        id: `${of}/${subscriber}`,
        kind: 'missed',
        at,
        channel: this.#address,
        message: message.id,
        subscriber,
        why,
      };
    });
    this.#leaving = [...this.#leaving, ...entries];
  }

  #recordOf({ id: message, atMs, from, subject, body, keys }: Published): LedgerEntry {
    const channel = this.#address;
    // An id may come again once it is forgotten here.
    const id = `${channel}/${message}@${atMs}`;
    return { id, kind: 'message', at: new Date(atMs).toISOString(), channel, message, from, subject, keys, body };
  }

  #carry(): ChannelCarry {
    return { patience: this.#patience, state: this.#state, leaving: this.#leaving, desk: this.#desk.state() };
  }

  #views(): readonly SubscriberView[] {
    return this.#state.subscribers.map((subscriber) => {
      const { incarnation: _incarnation, next: _next, ...one } = subscriber;
      return { ...one, lacks: lackedBy(this.#state, subscriber).length };
    });
  }

  #board(): string {
    return channelBoard(this.#address, this.#state, { nowMs: Date.now(), isClosed: this.#isClosed });
  }

  /** A hook that starts nothing waits for somebody who mends it; an inbox that is away may be so for good. */
  #show(): void {
    const names = hooksInTrouble(this.#state);
    const waitingFor = names.length === 0 ? '' : `overseer: ${names.join(', ')}`.slice(0, 200);
    this.#standing.show({ phase: names.length === 0 ? 'waiting' : 'escalated', waitingFor }, () => this.#board());
  }
}
