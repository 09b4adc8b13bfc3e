/**
 * The witness of a rig: grants slots to missions, verifies what polecats hand in and passes it to the refinery, brings the
 * refinery's verdicts back. It holds no work of its own, and waits at no cost.
 */
import { condition, setHandler, uuid4, workflowInfo } from '@temporalio/workflow';
import { missionMessages, refineryMessages, witnessMessages } from '../contract/messages.js';
import { agentsQuery, polecatsQuery, RoleInput, slotsQuery, witnessKeptQuery } from '../contract/witness.js';
import type { WitnessCarry, WitnessKept } from '../contract/witness.js';
import { EMPTY_DESK } from '../contract/desk.js';
import { attribute } from '../contract/search-attributes.js';
import { polecatAt, refineryOf, witnessOf } from '../town/address.js';
import { RESUME } from '../town/pause.js';
import { witnessBoard } from '../town/rig-boards.js';
import { areAlike, settingsAfter } from '../town/rig.js';
import {
  adoptLeases,
  claimSlot,
  grantSlots,
  inheritSlots,
  openSlots,
  releaseSlot,
  resizeSlots,
} from '../town/slots.js';
import type { Lease } from '../town/slots.js';
import { breakerTrouble } from '../town/witness-trouble.js';
import { Asks } from './asks.js';
import { Desk, done, OLDER, refused } from './desk.js';
import { explainBy } from './explain.js';
import { readInput } from './failing.js';
import { takeMail } from './mail-taking.js';
import { send } from './outbox.js';
import { patched } from './patches.js';
import { leaseCheckMs } from './patience.js';
import { Standing, startAs } from './standing.js';
import { carried, goOn, isOutdated } from './start.js';
import { whoWorks } from './witness-adopt.js';
import { WitnessBreaker } from './witness-breaker.js';
import { WitnessHolds } from './witness-holds.js';
import { renewed, WitnessLeases } from './witness-leases.js';
import { LookTimes } from './witness-looks.js';
import { WitnessMail } from './witness-mail.js';
import { Pinger } from './witness-pinger.js';

const ROLE_EXAMPLE = 'roles are started by missions and by `gt`';

export async function witness(raw: unknown, carry?: WitnessCarry): Promise<never> {
  const [start, isFresh] = startAs('witness', () => {
    const before = carried(carry, 'BadInput');
    return [before ?? freshWitness(raw), before === null] as const;
  });
  return new WitnessRun(start, raw, isFresh).run(isFresh);
}

function freshWitness(raw: unknown): WitnessCarry {
  const { rig, patience } = readInput(RoleInput, raw, 'BadInput', ROLE_EXAMPLE);
  return { rig, patience, slots: openSlots(rig.names, rig.capacity), desk: EMPTY_DESK };
}

class WitnessRun {
  readonly #raw: unknown;
  readonly #desk: Desk;
  readonly #standing = new Standing();
  readonly #pinger: Pinger;
  readonly #mail: WitnessMail;
  readonly #holds: WitnessHolds;
  readonly #leases: WitnessLeases;
  readonly #breaker: WitnessBreaker;
  readonly #asks: Asks;
  #now: WitnessCarry;
  /** Claims made again by missions that may not have heard of their grant. */
  #asked: string[] = [];
  /** Claims released while it is looked who is at work: what is found of them is past. */
  #released: string[] | null = null;
  readonly #looks = new LookTimes();
  /** Somebody wants to know how those at work do. */
  #isLookAsked = false;
  /** A look has ended: that alone is no news. */
  #isLooked = false;
  #news = true;
  /** The rig was configured otherwise than before, and the refinery has not heard of it. */
  #isChanged = false;
  /** What the witness before knew is known. */
  #isKnown: boolean;

  constructor(carry: WitnessCarry, raw: unknown, isFresh: boolean) {
    this.#raw = raw;
    this.#now = carry;
    this.#isKnown = !isFresh;
    this.#pinger = new Pinger(carry.isPingExpected ?? false);
    this.#desk = new Desk(carry.desk);
    this.#mail = new WitnessMail(this.#desk, {
      now: () => this.#now,
      onNews: () => (this.#news = true),
    });
    this.#holds = new WitnessHolds(carry.holds ?? [carry.paused ?? []].flat(), isFresh, {
      name: carry.rig.name,
      leases: () => this.#now.slots.leases,
      onChange: () => (this.#news = true),
      goOn: () => this.#breaker.close(),
    });
    const bury: WitnessMail['bury'] = (mail, why) => this.#mail.bury(mail, why);
    const onChange = () => (this.#news = true);
    this.#asks = new Asks(carry.asks, { patience: () => this.#now.patience, onChange });
    this.#breaker = new WitnessBreaker(carry.breaker, { now: () => this.#now, onChange, bury });
    this.#leases = new WitnessLeases(carry.care, {
      now: () => this.#now,
      desk: this.#desk,
      free: (claim) => this.#free(claim),
      bury,
      isHeld: () => this.#holds.first !== null,
      died: (deaths) => this.#breaker.hear(deaths),
      looked: () => (this.#isLooked = true),
    });
    this.#takeMessages();
    setHandler(slotsQuery, () => this.#now.slots, { description: 'Who has which slot, and who waits for one.' });
    setHandler(polecatsQuery, () => this.#now.slots.leases.map((lease) => polecatAt(this.#now.rig.name, lease.name)), {
      description: 'Addresses of the polecats at work.',
    });
    setHandler(witnessKeptQuery, () => (this.#isKnown ? this.#kept() : null), {
      description: 'What a witness after it takes over, null as long as it does not know that of the one before.',
    });
    setHandler(agentsQuery, () => this.#leases.agents(), { description: 'How those at work did when it looked last.' });
    explainBy(() => this.#board());
    this.#desk.open();
  }

  async run(isFresh: boolean): Promise<never> {
    this.#standing.introduce([
      { key: attribute.role, value: 'witness' },
      { key: attribute.rig, value: [this.#now.rig.name] },
    ]);
    if (isFresh && renewed()) await this.#adopt();
    this.#isKnown = true;
    this.#holds.begin();
    for (;;) {
      await this.#passOn();
      await this.#grant();
      await this.#holds.tellUntold();
      await this.#mail.passAll();
      if (this.#isLookAsked) await this.#look();
      this.#asks.see([...breakerTrouble(this.#now.rig.name, this.#breaker.state), ...this.#leases.trouble]);
      this.#show();
      await this.#continueWhenLong();
      await this.#wait();
    }
  }

  /**
   * A witness before this one may have been terminated: whoever is at work keeps the slot, and no incarnation comes again. The rig is paused
   * if that one held anybody.
   */
  async #adopt(): Promise<void> {
    const released: string[] = [];
    this.#released = released;
    const { incarnationMax, kept, ...found } = await whoWorks(this.#now);
    this.#released = null;
    const leases = found.leases.filter(({ id }) => !released.includes(id));
    this.#now = { ...this.#now, slots: adoptLeases(this.#now.slots, leases, incarnationMax) };
    if (kept !== null) this.#inherit(kept, released);
    this.#holds.adopt({ ...found, leases });
  }

  #inherit(kept: WitnessKept, released: readonly string[]): void {
    const { slots, unused } = inheritSlots(this.#now.slots, kept.slots, released);
    this.#now = { ...this.#now, slots };
    this.#asked.push(...unused);
    this.#breaker.adopt(kept.breaker);
    this.#asks.adopt(kept.asks);
  }

  #kept(): WitnessKept {
    return { slots: this.#now.slots, breaker: this.#breaker.state, asks: this.#asks.state };
  }

  /** While slots are held, their holders are looked at from time to time, in case one died unseen. Else only news wakes us. */
  async #wait(): Promise<void> {
    const { slots, patience } = this.#now;
    this.#isLooked = false;
    const woken = () => this.#news || this.#isLooked || (isOutdated() && this.#isQuiet());
    if (this.#holds.isUntold) {
      const how = { summary: 'tell those who begin of the pause' };
      if (!(await condition(woken, this.#holds.nextMs(), how))) await this.#look();
      this.#news = false;
      return;
    }
    const isAsked = slots.queue.length > 0;
    if (!isAsked && slots.leases.length === 0) this.#pinger.rest(this.#now);
    else this.#pinger.keepUp(this.#now, Date.now() + leaseCheckMs(patience, 0));
    if (!isAsked && (slots.leases.length === 0 || !renewed())) {
      this.#looks.rest();
      await condition(woken);
    } else {
      const isSoon = isAsked || this.#leases.care.some(({ done: last }) => last !== 'tell');
      const pause = this.#looks.plan(patience, isSoon);
      this.#show();
      const { againMs } = this.#breaker.room;
      const openMs = isAsked && againMs !== null ? Math.max(1, againMs - Date.now()) : Infinity;
      const how = { summary: openMs < pause ? 'grant slots again' : 'look at the holders of slots' };
      if (await condition(woken, Math.min(pause, openMs), how)) {
        if (this.#news || !this.#isLooked) this.#looks.hear();
      } else if (pause <= openMs) {
        this.#looks.begin();
        await this.#look();
      }
    }
    this.#news = false;
  }

  /** What town.toml says now goes on to the refinery, if there is one: it works with the gates that it was told last. */
  async #passOn(): Promise<void> {
    if (!this.#isChanged) return;
    this.#isChanged = false;
    const { rig, patience } = this.#now;
    await send(refineryOf(rig.name), refineryMessages.configure, { id: uuid4(), rig, patience });
  }

  async #grant(): Promise<void> {
    const { slots: before } = this.#now;
    const isFair = before.queue.length > 1 && patched('slots are shared between missions');
    const max = this.#holds.first === null ? this.#breaker.room.max : 0;
    const capacity = Math.min(before.capacity, before.leases.length + max);
    const granted = max > 0 ? grantSlots({ ...before, capacity }, Date.now(), isFair) : { slots: before, grants: [] };
    const [slots, grants] = [{ ...granted.slots, capacity: before.capacity }, granted.grants];
    this.#now = { ...this.#now, slots };
    const asked = this.#asked.splice(0);
    const isNew = (lease: Lease) => grants.some((one) => one.id === lease.id);
    const again = asked.flatMap((id) => slots.leases.filter((lease) => lease.id === id));
    const isTold = again.some(isNew) && renewed() ? isNew : () => false;
    const repeated = again.filter((lease) => !isTold(lease));
    await Promise.all([
      ...grants.map((lease) => this.#tell(lease, true)),
      ...repeated.map((lease) => this.#tell(lease, false)),
    ]);
  }

  /** Under one that was told before a polecat may be at work, also of a mission that is gone: whether it is, the holders are asked. */
  async #tell(lease: Lease, isFirst: boolean): Promise<void> {
    const { id: claim, name, incarnation } = lease;
    const grant = { id: uuid4(), claim, rig: this.#now.rig.name, name, incarnation };
    const delivery = await send(lease.mission, missionMessages.granted, grant);
    const isFree = isFirst || !patched('a claim of a mission that is gone frees no polecat’s slot', '0.6');
    if (delivery === 'no-recipient' && isFree) this.#free(claim);
  }

  #free(claim: string): void {
    this.#now = { ...this.#now, slots: releaseSlot(this.#now.slots, claim) };
    this.#news = true;
  }

  async #look(): Promise<void> {
    this.#isLookAsked = false;
    await this.#leases.look();
    this.#pinger.ping(this.#now, Date.now() + leaseCheckMs(this.#now.patience, this.#looks.quiet));
  }

  async #continueWhenLong(): Promise<void> {
    if (!this.#isQuiet() || !(workflowInfo().continueAsNewSuggested || isOutdated())) return;
    const { isExpected: isPingExpected } = this.#pinger;
    const { all: holds } = this.#holds;
    const { care } = this.#leases;
    const [breaker, asks] = [this.#breaker.state, this.#asks.state];
    const kept = { ...this.#mail.kept, holds, paused: null, care, breaker, asks, isPingExpected };
    await goOn<typeof witness>(this.#raw, { ...this.#now, ...kept, desk: this.#desk.state() });
  }

  #isQuiet(): boolean {
    const isIdle = !this.#news && !this.#isChanged && this.#asked.length === 0;
    const areIdle = !this.#holds.isUntold && this.#leases.isIdle && this.#breaker.isIdle && this.#mail.isIdle;
    return isIdle && areIdle && this.#asks.isIdle && this.#desk.isQuiet();
  }

  #takeMessages(): void {
    this.#desk.on(
      witnessMessages.claim,
      ({ id: claim, ...rest }) => {
        this.#now = { ...this.#now, slots: claimSlot(this.#now.slots, { id: claim, ...rest }) };
        this.#asked.push(claim);
        this.#news = true;
        return done('in the queue');
      },
      { repeatable: true },
    );
    this.#desk.on(witnessMessages.release, ({ claim }) => {
      this.#released?.push(claim);
      const lease = this.#now.slots.leases.find(({ id }) => id === claim);
      if (lease !== undefined && !this.#leases.isTold(claim)) this.#breaker.ended(lease);
      this.#free(claim);
      return done('free');
    });
    this.#desk.on(witnessMessages.died, ({ claim, atMs }) => {
      // Of one who was told of somebody has made an end.
      if (!this.#leases.isTold(claim)) this.#breaker.hear([{ key: claim, cause: claim, atMs }]);
      return done('heard');
    });
    this.#desk.on(witnessMessages.look, () => {
      this.#isLookAsked = this.#now.slots.leases.length > 0;
      this.#news = true;
      return done(this.#isLookAsked ? 'it looks how those at work do: the query `agents` tells' : 'nobody is at work');
    });
    this.#desk.on(witnessMessages.configure, (told) => {
      if (told.rig.name !== this.#now.rig.name) return refused(`these are settings of rig "${told.rig.name}"`);
      const settings = settingsAfter(this.#now, told, Date.now());
      if (settings === null) return done(OLDER);
      this.#isChanged ||= !areAlike(settings, this.#now);
      const { names, capacity } = settings.rig;
      this.#now = { ...this.#now, ...settings, slots: resizeSlots(this.#now.slots, names, capacity) };
      this.#news = true;
      return done('configured');
    });
    this.#holds.serve(this.#desk);
    takeMail(this.#desk, (mail) => {
      const { names, leases } = this.#now.slots;
      // Before a fresh witness has looked, it does not know who is at work.
      const isNew = this.#released !== null;
      return this.#mail.take(mail, (name) => isNew || names.includes(name) || leases.some((one) => one.name === name));
    });
  }

  #board(): string {
    const { slots, rig } = this.#now;
    const { first: paused } = this.#holds;
    const { verifying, inbox, dead } = this.#mail;
    const board = witnessBoard({
      id: witnessOf(rig.name),
      rig: rig.name,
      slots,
      paused,
      verifying,
      lookMs: this.#looks.dueMs,
      isLooking: this.#released !== null,
      agents: this.#leases.agents(),
      breaker: this.#breaker.untilMs === null ? null : this.#breaker.state.open,
      inbox,
      dead,
    });
    return [board, ...this.#asks.lines].join('\n');
  }

  #show(): void {
    const { slots } = this.#now;
    if (this.#holds.first !== null)
      return this.#standing.show({ phase: 'paused', waitingFor: RESUME }, () => this.#board());
    const isShut = slots.queue.length > 0 && this.#breaker.untilMs !== null;
    if (isShut) return this.#standing.show({ phase: 'waiting', waitingFor: 'breaker' }, () => this.#board());
    const isAtWork = slots.leases.length > 0;
    const phase = isAtWork ? 'working' : 'waiting';
    this.#standing.show({ phase, waitingFor: isAtWork ? 'polecats' : 'claims' }, () => this.#board());
  }
}
