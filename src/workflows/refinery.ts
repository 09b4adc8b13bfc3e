/**
 * The refinery of a rig: lands requests, batch by batch. Each stacked on the target, gates on the very tip that will land, push by
 * compare-and-swap, proof; then the verdicts by mail. It uses no language model, and a crash at any point neither loses a
 * request nor lands one twice: base and tips are in this history before the push, and a push tried again looks first.
 */
import { CancellationScope, condition, setHandler, sleep, uuid4, workflowInfo } from '@temporalio/workflow';
import { EMPTY_DESK } from '../contract/desk.js';
import { mailMessage } from '../contract/messages.js';
import { landedQuery, queueQuery, refineryKeptQuery } from '../contract/refinery.js';
import type { QueueView, RefineryCarry, RefineryKept } from '../contract/refinery.js';
import { attribute } from '../contract/search-attributes.js';
import { RoleInput } from '../contract/witness.js';
import { refineryOf, witnessOf } from '../town/address.js';
import type { Letter } from '../town/mail.js';
import { writeMail } from '../town/mail.js';
import { batchOf, inOrder } from '../town/merge-order.js';
import type { MergeRequest, Queue, Queued } from '../town/refinery.js';
import { dueInMs, heldOfTarget, hold, holdRefused, holdVerified, unholdAgain, unholdDue } from '../town/refinery.js';
import { refineryTrouble } from '../town/refinery-trouble.js';
import { queueBoard } from '../town/rig-boards.js';
import { unreachable } from '../town/unreachable.js';
import { Asks } from './asks.js';
import { DeadLetters } from './dead-letters.js';
import { Desk } from './desk.js';
import { explainBy } from './explain.js';
import { readInput } from './failing.js';
import { town } from './hands.js';
import { sendToRole } from './outbox.js';
import { landAgainMs } from './patience.js';
import { patched } from './patches.js';
import { Ahead } from './refinery-ahead.js';
import { RefineryBook } from './refinery-book.js';
import { letterOf, verifiedLetter } from './refinery-letters.js';
import { mergeOnce, type Left } from './refinery-merge.js';
import { takeRefineryMessages, takesOver } from './refinery-messages.js';
import type { Outcome, Verdict } from './refinery-outcome.js';
import type { Made, Turn } from './refinery-turn.js';
import { Standing, startAs } from './standing.js';
import { carried, goOn, isOutdated } from './start.js';

const PUSH_AGAIN = 'push what was refused again';
/** So often a batch is verified anew since its target has gone on meanwhile; then others have their turn. */
const TRIES_MAX = 10;

export async function refinery(raw: unknown, carry?: RefineryCarry): Promise<never> {
  const [start, isFresh] = startAs('refinery', () => {
    const before = carried(carry, 'BadInput');
    return [before ?? freshRefinery(raw), before === null] as const;
  });
  return new RefineryRun(start, raw, isFresh).run();
}

function freshRefinery(raw: unknown): RefineryCarry {
  const { rig, patience } = readInput(RoleInput, raw, 'BadInput', 'roles are started by missions and by `gt`');
  return { rig, patience, queue: [], verdicts: [], desk: EMPTY_DESK };
}

function areTimers(): boolean {
  return patched('what is held has a timer', '0.6');
}

class RefineryRun {
  readonly #raw: unknown;
  readonly #book: RefineryBook;
  readonly #desk: Desk;
  readonly #asks: Asks;
  readonly #ahead = new Ahead();
  readonly #standing = new Standing();
  readonly #dead: DeadLetters;
  /** What may have been pushed on a host that was lost, by request, as far as this run knows. */
  readonly #pushing = new Map<string, string>();
  /** By what is held for a time, until when a timer runs for it. */
  readonly #timers = new Map<string, number>();
  /** What the refinery before knew is known. */
  #isKnown: boolean;

  constructor({ dead = [], unwritten = [], desk, asks, ...known }: RefineryCarry, raw: unknown, isFresh: boolean) {
    this.#raw = raw;
    this.#book = new RefineryBook(known);
    this.#isKnown = !isFresh;
    this.#desk = new Desk(desk);
    const book = this.#book;
    this.#asks = new Asks(asks, { patience: () => book.patience, onChange: () => (book.news = true) });
    const owner = { address: this.#me(), patience: known.patience, onChange: () => this.#show() };
    this.#dead = new DeadLetters(owner, { dead, unwritten });
    takeRefineryMessages(this.#desk, { book, asks: this.#asks, dead: this.#dead, isKnown: () => this.#isKnown });
    this.#answerQueries();
    this.#desk.open();
  }

  async run(): Promise<never> {
    this.#standing.introduce([
      { key: attribute.role, value: 'refinery' },
      { key: attribute.rig, value: [this.#book.rig.name] },
    ]);
    if (!this.#isKnown) await this.#takeOver();
    for (;;) {
      this.#book.news = false;
      await this.#tellAgain();
      await this.#removeAsked();
      this.#unholdInTime();
      this.#asks.see(refineryTrouble(this.#book.queue, this.#book.rig.name));
      const next = this.#next();
      this.#show();
      if (next.length > 0) await this.#work(next);
      else await this.#wait();
      await this.#continueWhenLong();
    }
  }

  #answerQueries(): void {
    setHandler(queueQuery, () => this.#view(), {
      description: 'The merge requests that wait, in order, and the one under way.',
    });
    explainBy(() => this.#board());
    setHandler(refineryKeptQuery, () => (this.#isKnown ? this.#kept() : null), {
      description: 'What a refinery after it takes over, null as long as it does not know that of the one before.',
    });
    setHandler(landedQuery, (molecule) => this.#book.landed(molecule), {
      description: 'The commit by which the work of a molecule landed.',
    });
  }

  /** One before this may have been terminated: what waited in its queue waits here, and what it had decided, or was to land no more, stands. */
  async #takeOver(): Promise<void> {
    const { rig, patience } = this.#book;
    if (takesOver()) {
      const how = { summary: 'what the refinery before knew' };
      const before = await town(patience).findRefineryBefore.executeWithOptions(how, [{ rig: rig.name }]);
      const { dead = [], unwritten = [], asks, ...kept } = before ?? {};
      this.#book.change(kept);
      this.#dead.adopt({ dead, unwritten });
      this.#asks.adopt(asks);
    }
    this.#isKnown = true;
  }

  #kept(): RefineryKept {
    const { queue, verdicts, abandoned = [] } = this.#book.known;
    return { queue, verdicts, abandoned, ...this.#dead.kept, asks: this.#asks.state };
  }

  /** Timers say what is due, not the clock: see `Pace`. */
  #unholdInTime(): void {
    const { queue } = this.#book;
    if (!areTimers()) return this.#book.change({ queue: unholdDue(queue, Date.now()) });
    for (const { id, hold: held } of queue) {
      const againAtMs = held?.againAtMs;
      if (againAtMs !== undefined && this.#timers.get(id) !== againAtMs)
        void CancellationScope.nonCancellable(() => this.#unholdAt(id, againAtMs));
    }
  }

  async #unholdAt(id: string, againAtMs: number): Promise<void> {
    this.#timers.set(id, againAtMs);
    await sleep(Math.max(1, againAtMs - Date.now()), { summary: PUSH_AGAIN });
    if (this.#timers.get(id) !== againAtMs) return;
    this.#timers.delete(id);
    this.#book.change({ queue: unholdAgain(this.#book.queue, id, againAtMs) });
    this.#book.news = true;
  }

  async #wait(): Promise<void> {
    const woken = () => this.#book.news || (isOutdated() && this.#isQuiet());
    if (areTimers()) return condition(woken);
    const dueMs = dueInMs(this.#book.queue, Date.now());
    if (dueMs === null) await condition(woken);
    else await condition(woken, Math.max(1, dueMs), { summary: PUSH_AGAIN });
  }

  /** Those that are tried together. */
  #next(): readonly Queued[] {
    const { queue } = this.#book;
    return this.#ahead.batchIn(queue, this.#book.known) ?? this.#batchOf(queue);
  }

  #batchOf(queue: Queue): readonly Queued[] {
    const { batch: max, isAfterOne } = this.#book;
    const batch = batchOf(inOrder(queue, Date.now()), max, isAfterOne);
    return batch.length > 1 && !patched('requests land together', '0.14') ? batch.slice(0, 1) : batch;
  }

  /** Until each has a verdict, is held, or waits for its turn again. */
  async #work(batch: readonly Queued[]): Promise<void> {
    const book = this.#book;
    const ids = batch.map(({ id }) => id);
    book.begin(batch, Date.now());
    let ahead: Made | null = null;
    if (this.#ahead.isAtWork) {
      this.#stage('gates, begun ahead');
      ahead = await this.#ahead.finish(batch, () => ids.some((id) => book.whyStopped(id) !== null));
    }
    let left: Left = { requests: batch, isLost: false };
    let stands = false;
    for (let tries = 0; left.requests.length > 0; tries += 1) {
      left = await mergeOnce(left.requests, book.rig, book.patience, {
        again: tries > 0,
        isLast: tries >= TRIES_MAX && patched('a target that goes on and on is tried later', '0.14'),
        stage: (stage) => this.#stage(stage),
        removed: (id) => book.whyStopped(id),
        release: (requests) => book.release(requests, Date.now()),
        mayHaveLanded: (members) => {
          for (const one of members) this.#pushing.set(one.request.id, one.tip);
        },
        ahead: tries === 0 ? ahead : null,
        pushing: this.#pushing,
        begins: (turn, tip) => this.#lookAhead(turn, tip),
        turnsRed: () => void this.#ahead.drop(),
        settle: async (request, outcome) => {
          if (outcome.kind === 'merged' && this.#ahead.standsOn(outcome.commit)) stands = true;
          await this.#settle(request, outcome);
        },
      });
      // What was looked at stood on what has not landed.
      if (!stands && this.#ahead.isAtWork) await this.#ahead.drop();
    }
    book.rest(Date.now());
  }

  /** At those who come next, if they are for the same target. */
  #lookAhead(turn: Turn, tip: string): void {
    const { queue, rig } = this.#book;
    // Of what only is verified nothing comes to the target now.
    if (rig.merge?.concurrent === false || turn.batch[0]?.onlyVerify === true) return;
    const inWork = new Set(turn.batch.map(({ id }) => id));
    const others = queue.filter(({ id }) => !inWork.has(id) && this.#book.whyStopped(id) === null);
    const batch = this.#batchOf(others);
    if (batch[0]?.target === turn.batch[0]?.target && patched('the next batch is verified ahead', '0.14'))
      this.#ahead.begin({ ...turn, batch, pushing: new Map() }, tip);
  }

  async #settle(request: MergeRequest, outcome: Outcome): Promise<void> {
    const { id } = request;
    const book = this.#book;
    switch (outcome.kind) {
      case 'refused':
      case 'held':
        return this.#hold(id, outcome);
      case 'removed':
        if (book.holdsStopped(id, Date.now())) return;
        return this.#decide(request, outcome);
      case 'verified':
        return this.#verified(id, outcome.base);
      case 'merged':
      case 'conflict':
      case 'gate-failed':
      case 'missing':
        return this.#decide(request, outcome);
      default:
        return unreachable(outcome);
    }
  }

  /** Unless somebody wants it held, or out. */
  async #verified(id: string, base: string): Promise<void> {
    const book = this.#book;
    if (book.holdsStopped(id, Date.now()) || book.whyRemoved(id) !== null) return;
    book.change({ queue: holdVerified(book.queue, id, base, Date.now()) });
    await this.#tellVerified(id);
  }

  async #tellVerified(id: string): Promise<void> {
    const one = this.#book.queue.find((each) => each.id === id);
    const letter = one === undefined ? null : verifiedLetter(one, this.#book.rig.name);
    if (letter !== null) await this.#tell(letter);
  }

  #hold(id: string, { kind, why, isOfTarget }: Extract<Outcome, { readonly kind: 'refused' | 'held' }>): void {
    const book = this.#book;
    const nowMs = Date.now();
    if (book.holdsStopped(id, nowMs)) return;
    const wait = (refusals: number) => landAgainMs(book.patience, refusals);
    const queue = kind === 'held' ? hold(book.queue, id, why, nowMs) : holdRefused(book.queue, id, why, nowMs, wait);
    book.change({ queue: isOfTarget === true ? heldOfTarget(queue, id) : queue });
  }

  async #decide(request: MergeRequest, verdict: Verdict): Promise<void> {
    const letter = letterOf(request, this.#book.rig.name, verdict, new Date().toISOString());
    this.#book.decide(request.id, letter);
    this.#pushing.delete(request.id);
    await this.#tell(letter);
  }

  async #tell(letter: Letter): Promise<void> {
    const { rig, patience } = this.#book;
    const to = witnessOf(rig.name);
    const mail = writeMail({ id: uuid4(), from: this.#me(), to }, letter.keys.Polecat, letter);
    const ensure = () =>
      town(patience).ensureRole.executeWithOptions({ summary: `ensure ${to}` }, [{ role: 'witness', rig, patience }]);
    await sendToRole(to, mailMessage, mail, ensure);
  }

  async #tellAgain(): Promise<void> {
    for (const id of this.#book.takeRepeats()) {
      const letter = this.#book.verdictOf(id);
      await (letter === null ? this.#tellVerified(id) : this.#tell(letter));
    }
  }

  async #removeAsked(): Promise<void> {
    for (const request of this.#book.queue) {
      const why = this.#book.whyRemoved(request.id);
      if (why !== null) await this.#decide(request, { kind: 'removed', why });
    }
    this.#book.forgetRemovals();
  }

  async #continueWhenLong(): Promise<void> {
    if (!this.#isQuiet() || !(workflowInfo().continueAsNewSuggested || isOutdated())) return;
    await this.#ahead.drop();
    if (this.#isQuiet())
      await goOn<typeof refinery>(this.#raw, { ...this.#book.known, ...this.#kept(), desk: this.#desk.state() });
  }

  /** What has come and was not looked at is handed over, as the queue is. */
  #isQuiet(): boolean {
    const isLeft = this.#book.isIdle && this.#asks.isIdle && this.#desk.isQuiet();
    return isLeft && (!this.#book.news || patched('mail does not keep a long run going', '0.14'));
  }

  #me(): string {
    return refineryOf(this.#book.rig.name);
  }

  #stage(stage: string): void {
    this.#book.stage({ stage, sinceMs: Date.now() });
    this.#show();
  }

  #view(): QueueView {
    return this.#book.view(Date.now(), (id) => this.#ahead.has(id));
  }

  #board(): string {
    const queue = this.#view();
    return [queueBoard(queue, this.#me(), this.#dead.letters), ...this.#asks.lines].join('\n');
  }

  #show(): void {
    const view = this.#view();
    const isHeld = view.some(({ hold: held }) => held !== null && held.by === undefined);
    const phase = isHeld ? 'escalated' : view.length > 0 ? 'merging' : 'waiting';
    const waitingFor = isHeld ? 'overseer: held requests' : view.length > 0 ? '' : 'requests';
    this.#standing.show({ phase, waitingFor }, () => this.#board());
  }
}
