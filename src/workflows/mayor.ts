/**
 * The mayor: takes wishes in words, has missions planned of them, and starts those that are approved. What is judgement a session does, or a
 * person; here wishes wait, at no cost. Mail that it cannot answer goes to the overseer.
 */
import { CancellationScope, condition, isCancellation, setHandler, uuid4, workflowInfo } from '@temporalio/workflow';
import { EMPTY_DESK } from '../contract/desk.js';
import { keptWishesQuery, MayorInput, mayorMessages, wishesQuery } from '../contract/mayor.js';
import type { KeptWishes, MayorCarry } from '../contract/mayor.js';
import { attribute } from '../contract/search-attributes.js';
import { agentsQuery } from '../contract/witness.js';
import { makeId, MAYOR, OVERSEER } from '../town/address.js';
import { stateOf } from '../town/inbox.js';
import { isOfEscalation, type Mail } from '../town/mail.js';
import { addUsage, NO_USAGE } from '../town/session.js';
import {
  after,
  byUrgency,
  heard,
  newWish,
  orderOf,
  whyNoRoom,
  whyNot,
  withoutPlan,
  type Order,
  type Outcome,
  type Said,
  type Wish,
} from '../town/wish.js';
import { lettersAbout, lettersOfEnd, mayorBoard, plannersOf, waitedFor, waitsForPerson } from '../town/wish-board.js';
import { tellsEndOf } from '../town/wish-mission.js';
import { keepsNoHelp, takeMail } from './mail-taking.js';
import { Post } from './post.js';
import { Desk, done, refused, takenOnce, takenUnless, type Answer } from './desk.js';
import { explainBy } from './explain.js';
import { failure, readInput } from './failing.js';
import { town } from './hands.js';
import { Mailbox } from './mailbox.js';
import { actFor, recordOf } from './mayor-acts.js';
import { patched } from './patches.js';
import { leftBy } from './session-left.js';
import { Standing, startAs } from './standing.js';
import { carried, goOn, isDue } from './start.js';

/** What is carried from run to run has its limit. */
const OPEN_MAX = 30;
const OVER_MAX = 50;
/** At once; the others are planned after them. */
const SESSIONS_MAX = 3;

export async function mayor(raw: unknown, carry?: MayorCarry): Promise<never> {
  const [start, isFresh] = startAs(MAYOR, () => {
    const before = carried(carry, 'BadInput');
    return [before ?? fresh(raw), before === null] as const;
  });
  return new MayorRun(start, raw, isFresh).run();
}

function fresh(raw: unknown): MayorCarry {
  const { workflowId } = workflowInfo();
  if (workflowId !== MAYOR)
    throw failure('BadInput', `the workflow id of the mayor is "${MAYOR}", not "${workflowId}"`);
  return {
    ...readInput(MayorInput, raw, 'BadInput', '{}'),
    wishes: [],
    letters: [],
    dead: [],
    inbox: [],
    leaving: [],
    desk: EMPTY_DESK,
  };
}

type UnderWay = { readonly order: Order; readonly scope: CancellationScope };

class MayorRun {
  readonly #raw: unknown;
  /** Of town.toml, once somebody has looked. */
  #patience: number;
  readonly #desk: Desk;
  readonly #mailbox: Mailbox;
  readonly #post: Post;
  readonly #standing = new Standing();
  /** Wishes with an act under way. */
  readonly #acts = new Map<string, UnderWay>();
  #wishes: readonly Wish[];
  /** It is known what the one before had. */
  #isKnown: boolean;
  /** Missions that others tell to have ended: an act of their wish is under way as long as they are here. */
  readonly #silent = new Set<string>();
  #isGone = false;
  #news = true;

  constructor(
    { patience, wishes, letters, dead, unwritten = [], inbox, leaving, desk }: MayorCarry,
    raw: unknown,
    isFresh: boolean,
  ) {
    this.#isKnown = !isFresh || !patched('a mayor asks for the wishes of the one before', '0.10');
    this.#raw = raw;
    this.#patience = patience;
    this.#wishes = wishes;
    this.#desk = new Desk(desk);
    const onChange = () => void (this.#news = true);
    this.#post = new Post(MAYOR, { letters, dead, unwritten }, patience, onChange);
    const mustGoOn = () => !this.#isGone && isDue();
    this.#mailbox = new Mailbox({ address: MAYOR, patience, isAgent: false, onChange, mustGoOn }, { inbox, leaving });
    this.#listen();
    this.#desk.open();
  }

  async run(): Promise<never> {
    this.#standing.introduce([{ key: attribute.role, value: MAYOR }]);
    try {
      return await this.#live();
    } catch (error) {
      if (isCancellation(error)) await CancellationScope.nonCancellable(() => this.#leave());
      throw error;
    }
  }

  #listen(): void {
    const waiting = takenOnce(this.#desk, () => this.#isKnown || this.#isGone);
    const here = takenUnless(waiting, () => (this.#isGone ? `the ${MAYOR} is no more in this town` : null));
    this.#mailbox.serve(here);
    takeMail(here, (mail) => this.#take(mail));
    const { sling, approve, reject, change, plan, ended } = mayorMessages;
    here.on(sling, ({ id = makeId('ws', uuid4()), wish: text, rig = null, budget = null, ...more }) =>
      this.#wish({ ...more, id, text, rig, budget }),
    );
    here.on(approve, ({ by, wish }) => this.#say(wish, { kind: 'approve', by }, 'its mission is started'));
    here.on(reject, ({ by, wish, reason }) => this.#say(wish, { kind: 'reject', by, reason }, 'nothing comes of it'));
    here.on(change, ({ by, wish, words }) =>
      this.#say(wish, { kind: 'change', by, text: words }, 'it is planned anew'),
    );
    here.on(plan, ({ by, wish, mission }) => this.#say(wish, { kind: 'plan', by, mission }, 'the plan is checked'));
    here.on(ended, ({ mission }) => this.#ended(mission));
    setHandler(keptWishesQuery, () => this.#kept(), {
      description: 'All that the next mayor is to know, null as long as it is not known what the one before had.',
    });
    setHandler(agentsQuery, () => plannersOf(this.#wishes, [...this.#acts.keys()], Date.now()), {
      description: 'Who plans, and for which wish.',
    });
    setHandler(wishesQuery, () => this.#wishes, { description: 'What was wished, and what became of it.' });
    explainBy(() => this.#board());
  }

  #wish(asked: Parameters<typeof newWish>[0]): Answer {
    const { id } = asked;
    if (this.#wishes.some((one) => one.id === id)) return done(`the wish ${id} was taken before`);
    if (this.#open.length >= OPEN_MAX)
      return refused(`${OPEN_MAX} wishes are open: gt wish list shows them; approve or reject some first`);
    const wish = newWish(asked, Date.now());
    const why = whyNoRoom(this.#wishes, wish);
    if (why !== null) return refused(why);
    this.#wishes = [...this.#wishes, wish];
    this.#news = true;
    return done(`the wish ${id} is taken: gt wish show ${id} shows what becomes of it`);
  }

  get #open(): readonly Wish[] {
    return this.#wishes.filter(({ state }) => state.kind !== 'closed');
  }

  #say(id: string, said: Said, what: string): Answer {
    const wish = this.#wishes.find((one) => one.id === id);
    if (wish === undefined) {
      const known = this.#open
        .map((one) => one.id)
        .join(', ')
        .slice(0, 500);
      return refused(`there is no wish "${id}"; ${known === '' ? 'none is open' : `open are ${known}`}`);
    }
    const why = whyNot(wish, said) ?? this.#whyNotAgain(wish, said);
    if (why !== null) return refused(why);
    const next = heard(wish, said, Date.now());
    const isMore = said.kind === 'change' || said.kind === 'plan';
    const tooMuch = isMore ? whyNoRoom(this.#wishes, next) : null;
    if (tooMuch !== null) return refused(tooMuch);
    this.#set(next);
    // A session whose answer nobody waits for any more costs nothing more.
    if (said.kind !== 'approve') this.#acts.get(id)?.scope.cancel();
    return done(`the wish ${id}: ${what}`);
  }

  /** A plan that could not be started is approved once more. */
  #whyNotAgain({ id, state }: Wish, said: Said): string | null {
    const isAgain = said.kind === 'approve' && state.kind === 'unplanned';
    if (!isAgain || patched('a plan that could not be started is approved again', '0.10')) return null;
    return `there is no plan to approve: the wish ${id} is unplanned`;
  }

  #take(mail: Mail): Answer {
    if (mail.to !== MAYOR) return refused(`this is ${MAYOR}, not ${mail.to.slice(0, 200)}`);
    if (isOfEscalation(mail) && keepsNoHelp()) return done('heard');
    const wish = this.#wishes.find(({ state }) => state.kind === 'started' && tellsEndOf(state.mission, mail));
    if (wish !== undefined) {
      this.#set(after(wish, wish.turn, { kind: 'told' }, Date.now()));
      return done(`taken: how the wish ${wish.id} ended is looked at`);
    }
    const answered = this.#open.find(({ id, atMs }) => mail.replyTo?.startsWith(`wish/${id}@${atMs}/`) === true);
    if (answered !== undefined && (mail.from === OVERSEER || mail.from === answered.by))
      return this.#say(answered.id, { kind: 'change', by: mail.from, text: mail.body }, 'it is planned anew');
    // Of a landing nobody has to decide anything; what the overseer says is for nobody else.
    if (mail.from === OVERSEER || tellsEndOf(mail.from, mail)) return this.#mailbox.take(mail);
    return this.#post.take(mail)
      ? done('is passed on to the overseer')
      : refused('too many letters wait here to be passed on to the overseer: write again later');
  }

  /** It may have told so itself, or be of a wish of which it is still to be heard that it has begun. */
  #ended(mission: string): Answer {
    const wish = this.#wishes.find(({ state }) => state.kind === 'started' && state.mission === mission);
    const isAwaited = wish?.state.kind === 'started' && !wish.state.isOver;
    if (isAwaited || this.#wishes.some(({ state }) => state.kind === 'starting')) this.#silent.add(mission);
    if (!isAwaited) return done(`known, or of no wish: ${mission}`);
    this.#set(after(wish, wish.turn, { kind: 'told' }, Date.now()));
    return done(`how the wish ${wish.id} ended is looked at`);
  }

  #set(wish: Wish): void {
    const before = this.#wishes.find(({ id }) => id === wish.id);
    const all = this.#wishes.map((one) => (one.id === wish.id ? wish : one));
    const over = all.filter(({ state }) => state.kind === 'closed' && state.isRecorded);
    const forgotten = over.slice(0, Math.max(0, over.length - OVER_MAX));
    this.#wishes = all.filter((one) => !forgotten.includes(one));
    if (waitsForPerson(wish) && before?.state !== wish.state)
      for (const mail of lettersAbout(wish)) this.#post.tell(mail);
    this.#news = true;
  }

  /** First of all of a mayor that begins: the one before may have been terminated. */
  async #adopt(): Promise<void> {
    if (!this.#isKnown) {
      const how = { summary: 'wishes of the mayor before' };
      const before = await town(this.#patience).findWishesBefore.executeWithOptions(how, []);
      if (before !== null) this.#takeOver(before, before.over);
    }
    this.#isKnown = true;
  }

  #takeOver({ wishes, letters, dead = [], unwritten = [], ...mails }: KeptWishes, over: readonly string[]): void {
    this.#wishes = wishes;
    this.#post.adopt({ letters, dead, unwritten });
    this.#mailbox.adopt(mails);
    for (const wish of wishes.filter(({ id }) => over.includes(id)))
      this.#set(after(wish, wish.turn, { kind: 'told' }, Date.now()));
  }

  /** One that is cancelled has left all of it to the ledger. */
  #kept(): KeptWishes | null {
    if (!this.#isKnown) return null;
    if (this.#isGone) return { wishes: [], letters: [], inbox: [], leaving: [] };
    return { wishes: this.#wishes, ...this.#post.kept, ...this.#mailbox.kept };
  }

  async #live(): Promise<never> {
    await this.#adopt();
    for (;;) {
      this.#news = false;
      this.#act();
      this.#post.send();
      this.#show();
      if (this.#mustGoOn()) await goOn<typeof mayor>(this.#raw, this.#carry());
      await this.#wait();
    }
  }

  async #wait(): Promise<void> {
    const woken = () => this.#news || this.#post.isWanted || this.#mustGoOn();
    const { againMs } = this.#post;
    if (againMs === null) return condition(woken);
    const isNews = await condition(woken, Math.max(1, againMs - Date.now()), { summary: 'send mail again' });
    if (!isNews) this.#post.tryAgain();
  }

  /** Begins whatever can be done and is not under way. */
  #act(): void {
    for (const wish of byUrgency(this.#wishes)) {
      const order = orderOf(wish);
      const sessions = [...this.#acts.values()].filter((one) => one.order === 'plan').length;
      const hasRoom = order !== 'plan' || sessions < SESSIONS_MAX;
      if (order !== null && hasRoom && !this.#acts.has(wish.id) && !isDue()) this.#begin(wish, order);
    }
  }

  #begin(wish: Wish, order: Order): void {
    const { id, turn } = wish;
    const scope = new CancellationScope();
    this.#acts.set(id, { order, scope });
    const note = (outcome: Outcome): Wish => {
      const known = this.#wishes.find((one) => one.id === id);
      const next = this.#after(known ?? wish, turn, outcome);
      if (next !== known) this.#set(next);
      return next;
    };
    const begun = (patience: number): Wish => {
      this.#patience = patience;
      return note({ kind: 'begun' });
    };
    void scope
      .run(() => actFor(wish, order, this.#patience, { begun }))
      .then(note, (error: unknown) => this.#gaveUp(id, error))
      .finally(() => {
        this.#acts.delete(id);
        this.#news = true;
      });
  }

  #after(wish: Wish, turn: number, outcome: Outcome): Wish {
    const next = after(wish, turn, outcome, Date.now());
    if (outcome.kind === 'answered') {
      const why = next.plan === wish.plan ? null : whyNoRoom(this.#wishes, next);
      return why === null ? next : withoutPlan(next, `there is no room for its plan: ${why}`, Date.now());
    }
    // A mission may end before whoever started it hears that it has begun.
    const { state } = next;
    const told = state.kind === 'started' && this.#mailbox.inbox.find((mail) => tellsEndOf(state.mission, mail));
    if (outcome.kind === 'ended' && wish.state.kind === 'started' && this.#silent.delete(wish.state.mission))
      for (const mail of lettersOfEnd(next)) this.#post.tell(mail);
    const isSilent = state.kind === 'started' && this.#silent.has(state.mission);
    if (outcome.kind !== 'started' || !(told || isSilent)) return next;
    if (told) this.#mailbox.heard([told.id]);
    return after(next, next.turn, { kind: 'told' }, Date.now());
  }

  /** Called off: by a person's word, or with all of this. What it has cost counts. */
  #gaveUp(id: string, error: unknown): void {
    if (!isCancellation(error)) this.#desk.drop('wish', { id }, String(error));
    const wish = this.#wishes.find((one) => one.id === id);
    if (wish !== undefined) this.#set({ ...wish, usage: addUsage(wish.usage, leftBy(error).usage ?? NO_USAGE) });
  }

  /** Cancelled: what is open goes to the ledger, as far as it has come. */
  async #leave(): Promise<void> {
    this.#isGone = true;
    await condition(() => this.#acts.size === 0);
    await this.#post.close();
    await this.#mailbox.close();
    const left = this.#wishes.filter(({ state }) => state.kind !== 'closed' || !state.isRecorded);
    if (left.length > 0) {
      const entries = left.map(recordOf);
      await town(this.#patience).recordAll.executeWithOptions({ summary: 'wishes to the ledger' }, [entries]);
    }
    await condition(() => this.#mailbox.isIdle && this.#desk.isQuiet());
    this.#standing.show({ phase: 'done' }, () => this.#board());
  }

  #mustGoOn(): boolean {
    return isDue() && this.#acts.size === 0 && this.#post.isIdle && this.#mailbox.isIdle && this.#desk.isQuiet();
  }

  #carry(): MayorCarry {
    const kept = { ...this.#post.kept, ...this.#mailbox.kept };
    return { patience: this.#patience, wishes: this.#wishes, ...kept, desk: this.#desk.state() };
  }

  #board(): string {
    const unread = this.#mailbox.inbox.filter((mail) => stateOf(mail) === 'unread').length;
    const { letters, dead } = this.#post.kept;
    return mayorBoard(this.#wishes, unread, letters.length, dead);
  }

  #show(): void {
    const isAtWork = this.#acts.size > 0;
    const waitingFor = waitedFor(this.#wishes);
    const usd = this.#wishes.reduce((sum, { usage }) => sum + usage.usd, 0);
    this.#standing.show({ phase: isAtWork ? 'working' : 'waiting', waitingFor, usd }, () => this.#board());
  }
}
