/**
 * How a person hears outside of the town of what has come to the inbox. Of whom town.toml has no way nothing of this is in any history: the worker is told of
 * mail by a sink, and says by the message `reach` when there is a way. From then on what is untold is kept here until a way has taken it, or it was read.
 * What is urgent has a lane of its own, which waits for nothing that goes on in the other.
 */
import { CancellationScope, condition, isCancellation, proxySinks, uuid4, workflowInfo } from '@temporalio/workflow';
import { reachMessages, type LaneCarry, type ReachCarry, type ReachSinks } from '../contract/reach.js';
import { asSummary } from '../town/bytes.js';
import { stateOf, type Inbox } from '../town/inbox.js';
import type { Mail } from '../town/mail.js';
import { isUrgent, tellingNow, withinHour, type Delivery, type Reachable, type Telling } from '../town/reach.js';
import { reachBoard } from '../town/reach-board.js';
import { tellingOf, testOf } from '../town/reach-message.js';
import { done, refused, type Answer, type Taking } from './desk.js';
import { reasonOf } from './failing.js';
import { postman } from './hands.js';
import { patched } from './patches.js';
import { gatherMs, reachAgainMs } from './patience.js';
import { ReachWays } from './reach-ways.js';

type Owner = {
  readonly address: string;
  readonly patience: number;
  readonly inbox: () => Inbox;
  /** Told of each change. */
  readonly onChange: () => void;
  /** Whether its workflow is to go on in another run, which tells what is left. */
  readonly mustGoOn: () => boolean;
  /** Whether nothing is open that keeps it from that. */
  readonly isQuiet: () => boolean;
};

type Lane = 'urgent' | 'calm';
const LANES: readonly Lane[] = ['urgent', 'calm'];
/** A way that hangs does not make them ever more. */
const OPEN_MAX = 20;
const AT_REST: LaneCarry = { waits: null, isHurried: false, failures: 0 };

const { people } = proxySinks<ReachSinks>();
const isUnread = (mail: Inbox[number]): boolean => stateOf(mail) === 'unread';

export class Reaching {
  readonly #owner: Owner;
  readonly #ways: ReachWays;
  readonly #scopes: Partial<Record<Lane, CancellationScope>> = {};
  /** Null: as far as is known there is no way. */
  #kept: ReachCarry | null;
  #acts = 0;
  #isOver = false;

  constructor(owner: Owner, carried: ReachCarry | undefined) {
    this.#owner = owner;
    this.#kept = carried ?? null;
    this.#ways = new ReachWays(owner, carried?.deliveries ?? []);
    this.#begin();
  }

  serve(desk: Taking): void {
    desk.on(reachMessages.reach, ({ test }) => {
      if (test) return this.#test();
      this.#kept ??= this.#afresh();
      for (const lane of LANES) if (this.#hasWork(lane)) this.#set(lane, { isHurried: true });
      this.#begin();
      return done('what is untold is told, if town.toml has a way');
    });
  }

  /** Of one that has had the address before: what that had not told is told. */
  adopt(carried: ReachCarry): void {
    this.#kept ??= { ...carried, urgent: AT_REST, calm: AT_REST };
    this.#begin();
  }

  /** What a next run takes over; nothing of whom no way is known. */
  get kept(): { readonly reach?: ReachCarry } {
    return this.#kept === null ? {} : { reach: { ...this.#kept, deliveries: this.#ways.deliveries } };
  }

  get isIdle(): boolean {
    return this.#acts === 0 && this.#ways.isIdle;
  }

  /** A mail was taken into the inbox, which was `before`. */
  came(mail: Mail, before: Inbox): void {
    const kept = this.#kept;
    if (kept === null) {
      if (!workflowInfo().unsafe.isReplaying) people.haveMail(this.#owner.address);
      return;
    }
    const here = new Set(this.#owner.inbox().map(({ id }) => id));
    const untold = before.filter((one) => isUnread(one) && kept.untold.includes(one.id)).map(({ id }) => id);
    const left = untold.filter((id) => !here.has(id)).length;
    this.#kept = { ...kept, untold: [...untold.filter((id) => here.has(id)), mail.id], gone: kept.gone + left };
    if (isUrgent(mail)) this.#set('urgent', { isHurried: true });
    this.#begin();
  }

  /** Its owner leaves. */
  close(): void {
    this.#isOver = true;
    for (const scope of Object.values(this.#scopes)) scope.cancel();
  }

  /** Nothing of whom no way is known. */
  board(): string {
    const kept = this.#kept;
    const { deliveries } = this.#ways;
    if (kept === null && deliveries.length === 0) return '';
    const untold = LANES.reduce((sum, lane) => sum + this.#untold(lane).length, kept?.gone ?? 0);
    const waits = LANES.flatMap((lane) => kept?.[lane].waits ?? [])[0];
    return `\n\n${reachBoard({ untold, deliveries, ...(waits === undefined ? {} : { waits }) })}`;
  }

  #afresh(): ReachCarry {
    const untold = this.#owner
      .inbox()
      .filter(isUnread)
      .map(({ id }) => id);
    const { patience } = this.#owner;
    return { patience, untold, gone: 0, urgent: AT_REST, calm: AT_REST, toldMs: [], deliveries: [] };
  }

  #set(lane: Lane, change: Partial<LaneCarry>): void {
    if (this.#kept !== null) this.#kept = { ...this.#kept, [lane]: { ...this.#kept[lane], ...change } };
  }

  #untold(lane: Lane): Inbox {
    const untold = this.#kept?.untold ?? [];
    const all = this.#owner.inbox().filter((mail) => isUnread(mail) && untold.includes(mail.id));
    return all.filter((mail) => isUrgent(mail) === (lane === 'urgent'));
  }

  #hasWork(lane: Lane): boolean {
    return this.#untold(lane).length > 0 || (lane === 'calm' && (this.#kept?.gone ?? 0) > 0);
  }

  #begin(): void {
    if (this.#isOver) return;
    for (const lane of LANES)
      if (this.#scopes[lane] === undefined && this.#hasWork(lane) && !this.#mustLeave(lane)) this.#run(lane);
  }

  /** To the next run, which begins once nothing is open: what is urgent does not wait for that. */
  #mustLeave(lane: Lane): boolean {
    if (!this.#owner.mustGoOn()) return false;
    return lane === 'calm' || this.#owner.isQuiet() || !patched('what is urgent waits for no next run', '0.14');
  }

  #run(lane: Lane): void {
    const outside = new CancellationScope({ cancellable: false });
    void outside.run(async () => {
      const scope = new CancellationScope();
      this.#scopes[lane] = scope;
      await scope
        .run(() => this.#go(lane))
        .catch((error: unknown) => {
          if (!isCancellation(error)) throw error;
        });
      delete this.#scopes[lane];
      // What it waited for is of no use to what comes later.
      if (!this.#hasWork(lane)) this.#set(lane, AT_REST);
      this.#owner.onChange();
      // What has come since it saw that nothing was left.
      this.#begin();
    });
  }

  async #go(lane: Lane): Promise<void> {
    const isOver = () => this.#isOver || this.#mustLeave(lane) || !this.#hasWork(lane);
    while (!isOver()) {
      await this.#pause(lane);
      if (isOver()) return;
      this.#acts += 1;
      try {
        await this.#act(lane);
      } finally {
        this.#acts -= 1;
        this.#owner.onChange();
      }
    }
  }

  /** Until it is time. What was read meanwhile ends it, too. */
  async #pause(lane: Lane): Promise<void> {
    const isWoken = () => this.#kept?.[lane].isHurried !== false || !this.#hasWork(lane);
    if (isWoken()) return;
    const patience = this.#kept?.patience ?? this.#owner.patience;
    const wait = this.#kept?.[lane].waits ?? {
      why: 'for what comes with it',
      untilMs: Date.now() + gatherMs(patience),
    };
    this.#set(lane, { waits: wait });
    this.#owner.onChange();
    const summary = asSummary(`${this.#owner.address} is told then: ${wait.why}`);
    // A timer in any case: what is decided by the clock alone might not replay.
    await condition(isWoken, Math.max(1, wait.untilMs - Date.now()), { summary });
  }

  async #act(lane: Lane): Promise<void> {
    this.#set(lane, { waits: null, isHurried: false });
    const hasRoom = () => this.#ways.open < OPEN_MAX;
    if (!hasRoom() && (lane === 'calm' || !patched('what is urgent waits for no way', '0.14')))
      await condition(hasRoom);
    const how = await this.#read().catch((error: unknown) => reasonOf(error));
    if (typeof how === 'string') return this.#failed(lane, how);
    const kept = this.#kept;
    if (how === null || kept === null) {
      this.#kept = null;
      return;
    }
    this.#kept = { ...kept, patience: how.patience };
    const mails = this.#untold(lane);
    const { gone, toldMs } = kept;
    const telling = tellingNow({ mails, gone: lane === 'calm' ? gone : 0, toldMs }, how);
    if (telling.kind === 'nothing') return this.#drop(mails, 0);
    if (telling.kind === 'wait') return this.#set(lane, { waits: { why: telling.why, untilMs: telling.untilMs } });
    if (await this.#tell(how, telling)) this.#told(lane, telling, how.nowMs);
    else this.#failed(lane, 'no way has worked');
  }

  /** How its owner is reached now; null when there is no way. */
  async #read(): Promise<Reachable | null> {
    const { address: person } = this.#owner;
    const summary = asSummary(`by which ways ${person} is reached`);
    const patience = this.#kept?.patience ?? this.#owner.patience;
    return postman(patience).waysTo.executeWithOptions({ summary }, [{ person }]);
  }

  /** Whether a way has taken it. What is urgent goes by all of them at once, and the first that works is enough to go on; anything else goes by one. */
  async #tell(how: Reachable, telling: Extract<Telling, { kind: 'tell' }>): Promise<boolean> {
    const message = tellingOf({ id: uuid4(), town: how.town, to: this.#owner.address }, telling);
    const by = async (way: string) => isTold(await this.#ways.tell(way, message, how));
    if (telling.isUrgent) {
      const free = () => this.#ways.withRoom(how.ways, OPEN_MAX);
      if (free().length === 0) await condition(() => free().length > 0);
      return anyTrue(free().map(by));
    }
    for (const way of how.ways) if (await by(way)) return true;
    return false;
  }

  #told(lane: Lane, { mails, gone, isUrgent: byAll }: Extract<Telling, { kind: 'tell' }>, nowMs: number): void {
    this.#drop(mails, gone);
    this.#set(lane, { failures: 0 });
    if (this.#kept === null || byAll) return;
    this.#kept = { ...this.#kept, toldMs: [...withinHour(this.#kept.toldMs, nowMs), nowMs] };
  }

  #drop(mails: Inbox, gone: number): void {
    const kept = this.#kept;
    if (kept === null) return;
    const ids = new Set(mails.map(({ id }) => id));
    this.#kept = { ...kept, untold: kept.untold.filter((id) => !ids.has(id)), gone: kept.gone - gone };
  }

  #failed(lane: Lane, why: string): void {
    const kept = this.#kept;
    if (kept === null) return;
    const failures = kept[lane].failures + 1;
    const untilMs = Date.now() + reachAgainMs(kept.patience, failures);
    this.#set(lane, { failures, waits: { why, untilMs } });
  }

  async #test(): Promise<Answer> {
    const { address } = this.#owner;
    const how = await this.#read().catch((error: unknown) => reasonOf(error));
    if (typeof how === 'string') return refused(how);
    const key = /^\w+$/.test(address) ? address : JSON.stringify(address);
    if (how === null)
      return refused(
        `town.toml has no way to ${address}: [people.${key}] has reach = ["NAME"], and [reach.NAME] says how`,
      );
    const message = testOf({ id: uuid4(), town: how.town, to: address });
    const all = await Promise.all(
      how.ways.map((way) => this.#ways.tell(way, message, { patience: how.patience, once: true })),
    );
    const says = all.map(({ way, why, ...one }) => `${way}: ${isTold(one) ? 'told' : `not told, ${why}`}`).join('\n');
    return all.every(isTold) ? done(says) : refused(says);
  }
}

const isTold = ({ outcome }: Pick<Delivery, 'outcome'>): boolean => outcome === 'told';

/** As soon as one is. */
function anyTrue(all: readonly Promise<boolean>[]): Promise<boolean> {
  return new Promise((resolve) => {
    void Promise.all(all.map(async (one) => (await one) && resolve(true))).then(() => resolve(false));
  });
}
