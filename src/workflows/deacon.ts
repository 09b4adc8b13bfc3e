/**
 * The deacon, who looks after the town: on patrol it sees which roles are missing, whose tasks fail and who waits for an answer too long, starts
 * what is missing and tells the overseer the rest. Patrols come from news and from what is due, less often as long as nothing changes; while
 * no work is open it rests, and costs nothing.
 */
import { CancellationScope, condition, isCancellation, setHandler, workflowInfo } from '@temporalio/workflow';
import { deaconKeptQuery, heartbeatQuery, WatchInput, type DeaconCarry, type DeaconKept } from '../contract/deacon.js';
import { EMPTY_DESK } from '../contract/desk.js';
import { mayorMessages } from '../contract/mayor.js';
import { deaconMessages, missionMessages } from '../contract/messages.js';
import { agentsQuery } from '../contract/witness.js';
import { attribute } from '../contract/search-attributes.js';
import { DEACON, MAYOR, OVERSEER } from '../town/address.js';
import { asSummary } from '../town/bytes.js';
import { deaconBoard, dogsMail, troublesMail } from '../town/deacon-board.js';
import { HELP, isDogDone, isOfEscalation, isPing, readNotice, townsWord, type Mail } from '../town/mail.js';
import { heardIn, isQuiet, nextPatrolMs, patrolled, unheardOf, witnessesIn, type Order } from '../town/patrol.js';
import { RESUME } from '../town/pause.js';
import { recoveredIn, recoveriesAfter, tellingOf } from '../town/recovery.js';
import { unreachable } from '../town/unreachable.js';
import { heardAfter, readPing } from '../town/witness-ping.js';
import { DeaconDogs } from './deacon-dogs.js';
import { DeaconHold } from './deacon-hold.js';
import { keepsNoHelp, takeMail } from './mail-taking.js';
import { Post } from './post.js';
import { DeaconRedispatch } from './deacon-redispatch.js';
import { Desk, done, refused, type Answer } from './desk.js';
import { explainBy } from './explain.js';
import { failure, readInput, reasonOf } from './failing.js';
import { town } from './hands.js';
import { send } from './outbox.js';
import { patched } from './patches.js';
import { patrolAct, patrolEndsMs } from './patience.js';
import { Standing, startAs } from './standing.js';
import { carried, goOn, isDue } from './start.js';

export async function deacon(raw: unknown, carry?: DeaconCarry): Promise<never> {
  const [start, isFresh] = startAs(DEACON, () => {
    const before = carried(carry, 'BadInput');
    return [before ?? fresh(raw), before === null] as const;
  });
  return new DeaconRun(start, raw, isFresh).run();
}

function fresh(raw: unknown): DeaconCarry {
  const { workflowId } = workflowInfo();
  if (workflowId !== DEACON)
    throw failure('BadInput', `the workflow id of the deacon is "${DEACON}", not "${workflowId}"`);
  const { patience } = readInput(WatchInput, raw, 'BadInput', '{}');
  const atMs = Date.now();
  // One that does not come to its first patrol is late like any other.
  const nextByMs = patched('a deacon that begins has until its first patrol', '0.15')
    ? atMs + patrolEndsMs(patience)
    : null;
  const beat = { atMs, nextByMs };
  return {
    patience,
    beat,
    heard: {},
    troubles: [],
    unwitnessed: {},
    seen: null,
    quiet: 0,
    letters: [],
    desk: EMPTY_DESK,
  };
}

class DeaconRun {
  readonly #raw: unknown;
  readonly #desk: Desk;
  readonly #standing = new Standing();
  readonly #post: Post;
  readonly #dogs: DeaconDogs;
  readonly #hold: DeaconHold;
  readonly #recovered: DeaconRedispatch;
  /** It is known what the one before had not told yet. */
  #isKnown: boolean;
  #isGone = false;
  #now: Omit<DeaconCarry, 'letters' | 'dead' | 'unwritten' | 'dogs' | 'hold' | 'recovered' | 'desk'>;
  /** Why it is to go on patrol before the next one is due; null: it need not. */
  #call: string | null = null;
  #isDue = false;
  /** Mail was sent, or is to be sent again. */
  #isNews = false;
  /** When the next patrol is due; null: it rests. */
  #nextMs: number | null = null;
  /** Of the patrol under way. */
  #scope: CancellationScope | null = null;

  constructor(
    {
      letters,
      dead = [],
      unwritten = [],
      dogs,
      hold = { paused: null, rigs: [] },
      recovered,
      desk,
      ...now
    }: DeaconCarry,
    raw: unknown,
    isFresh: boolean,
  ) {
    this.#raw = raw;
    this.#now = now;
    this.#isKnown = !isFresh;
    this.#desk = new Desk(desk);
    this.#post = new Post(DEACON, { letters, dead, unwritten }, now.patience, () => (this.#isNews = true));
    this.#dogs = new DeaconDogs(dogs, isFresh, {
      patience: () => this.#now.patience,
      isHeld: () => this.#hold.paused !== null,
      tell: (id, about, { text, priority }) => this.#post.tell(dogsMail(id, about, text, priority)),
      onChange: () => (this.#isNews = true),
    });
    this.#isDue = now.seen === null || now.beat.nextByMs !== null;
    this.#desk.on(deaconMessages.patrol, ({ by, reason, afresh, patience = this.#now.patience }) => {
      this.#now = { ...this.#now, patience };
      this.#call = `${by}: ${reason}`;
      if (afresh) this.#scope?.cancel();
      return done('goes on patrol');
    });
    this.#desk.on(deaconMessages.send, (asked) => this.#dogs.ask(asked));
    this.#desk.on(deaconMessages.recall, ({ errand }) => this.#dogs.recall(errand));
    this.#hold = new DeaconHold(hold, isFresh, {
      patience: () => this.#now.patience,
      onChange: () => (this.#isNews = true),
    });
    this.#hold.serve(this.#desk);
    this.#recovered = new DeaconRedispatch(recovered, {
      patience: () => this.#now.patience,
      tell: (mail) => this.#post.tell(mail),
      drop: (why) => this.#desk.drop('recovered', null, why),
    });
    this.#desk.on(deaconMessages.recovered, ({ rig, mission, run, item, branch, head }) => {
      this.#isNews = true;
      return this.#recovered.recovered({ rig, mission, run, item, branch, head });
    });
    takeMail(this.#desk, (mail) => this.#take(mail));
    setHandler(
      heartbeatQuery,
      () => ({ ...this.#now.beat, pending: this.#post.letters.length, patience: this.#now.patience }),
      { description: 'When it was last on its way, when it is again at the latest, and how much mail waits for it.' },
    );
    setHandler(deaconKeptQuery, () => (this.#isKnown ? this.#kept() : null), {
      description: 'What a deacon after it takes over, null as long as it does not know that of the one before.',
    });
    setHandler(agentsQuery, () => witnessesIn(this.#now.heard, Date.now(), this.#now.patience), {
      description: 'How the witnesses do, by what they let it hear.',
    });
    explainBy(() => this.#board());
    this.#desk.open();
  }

  async run(): Promise<never> {
    this.#standing.introduce([{ key: attribute.role, value: DEACON }]);
    try {
      return await this.#live();
    } catch (error) {
      this.#isGone = isCancellation(error);
      if (this.#isGone) await CancellationScope.nonCancellable(() => this.#post.close());
      throw error;
    }
  }

  async #live(): Promise<never> {
    await this.#hold.adopt();
    await this.#dogs.adopt();
    await this.#adopt();
    for (;;) {
      this.#isNews = false;
      if (this.#isDue || this.#call !== null) await this.#goRound();
      await this.#recovered.goOn();
      this.#show();
      if (this.#mustGoOn()) await goOn<typeof deacon>(this.#raw, this.#carry());
      this.#post.send();
      this.#dogs.go();
      await this.#wait();
    }
  }

  /** The one before may have been terminated: what it had taken, it had not all told or given away. */
  async #adopt(): Promise<void> {
    if (!this.#isKnown && patched('what the deacon before had not told is told', '0.15')) {
      const how = { summary: 'what the deacon before had not told' };
      const before = await town(this.#now.patience).findDeaconBefore.executeWithOptions(how, []);
      const { letters = [], dead = [], unwritten = [], recovered = [], recoveries = [] } = before ?? {};
      this.#post.adopt({ letters, dead, unwritten });
      this.#recovered.adopt(recovered);
      const known = (this.#now.recoveries ?? []).reduce((all, one) => recoveriesAfter(all, one) ?? all, recoveries);
      this.#now = { ...this.#now, recoveries: known };
    }
    this.#isKnown = true;
  }

  /** One that is cancelled leaves its mail to the ledger. */
  #kept(): DeaconKept {
    const { recoveries = [] } = this.#now;
    const post = this.#post.kept;
    return { ...post, letters: this.#isGone ? [] : post.letters, recoveries, recovered: this.#recovered.carry };
  }

  #take(mail: Mail): Answer {
    if (mail.to !== DEACON) return refused(`this is ${DEACON}, not ${mail.to.slice(0, 200)}`);
    if (isPing(mail)) return this.#hear(mail);
    if (isOfEscalation(mail) && keepsNoHelp()) return done('heard');
    if (townsWord(mail.subject) !== null && patched('the deacon takes mail of the town', '0.9'))
      return isDogDone(mail) ? this.#dogs.hear(mail) : this.#recover(mail);
    if (mail.from === OVERSEER)
      return refused(
        'nobody reads mail of the overseer here: what is answered where it waits is seen on the next patrol',
      );
    return this.#post.take(mail)
      ? done('is passed on to the overseer')
      : refused('too many letters wait here to be passed on to the overseer: write again later');
  }

  /** What was left behind: kept to be shown; given to another mission, or told to the overseer. */
  #recover(mail: Mail): Answer {
    const reading = readNotice(mail);
    if (!reading.ok) return refused(reading.problem);
    const { notice: left } = reading;
    if (left.type === HELP) return refused(`${HELP} is for people`);
    const recovery = { id: mail.id, atMs: Date.now(), left };
    const recoveries = recoveriesAfter(this.#now.recoveries ?? [], recovery);
    if (recoveries === null) return done('known');
    this.#now = { ...this.#now, recoveries };
    this.#isNews = true;
    if (left.type === 'RECOVERED_BEAD') return this.#recovered.recovered(recoveredIn(left));
    this.#post.tell(tellingOf(mail.id, left));
    return done('the overseer is told');
  }

  #hear(mail: Mail): Answer {
    const reading = readPing(mail);
    if (!reading.ok) return refused(reading.problem);
    const { Rig: rig, 'Next-By': next } = reading.ping;
    const nextByMs = next === undefined ? null : Date.parse(next);
    const { patience, beat } = this.#now;
    const heard = heardAfter(this.#now.heard, { rig, nextByMs, nowMs: Date.now(), patience });
    if (heard === null) return refused('witnesses of too many rigs are heard already');
    this.#now = { ...this.#now, heard };
    if (beat.nextByMs === null && nextByMs !== null) this.#call = `${mail.from}: polecats are at work`;
    return done('heard');
  }

  /** Its beat moves once all of it is done: one that is given up again and again is late, however often it was begun. */
  async #goRound(): Promise<void> {
    const reason = this.#call ?? 'it is time';
    this.#call = null;
    this.#isDue = false;
    const { beat, patience } = this.#now;
    const nextByMs = beat.nextByMs ?? Date.now() + patrolEndsMs(patience);
    this.#now = { ...this.#now, beat: { ...beat, nextByMs } };
    const scope = new CancellationScope();
    this.#scope = scope;
    try {
      await scope.run(() => this.#look(reason));
    } catch (error) {
      if (!isCancellation(error) || CancellationScope.current().consideredCancelled) throw error;
      // Given up, to be begun anew: who wanted that has left a call.
      this.#isDue = true;
    } finally {
      this.#scope = null;
    }
  }

  async #look(reason: string): Promise<void> {
    const { patience, heard, troubles: known, unwitnessed, seen: before } = this.#now;
    const summary = asSummary(`patrol: ${reason}`);
    const survey = await town(patience).surveyTown.executeWithOptions({ ...SOON_FREE, summary }, []);
    const nowMs = Date.now();
    const unheard = unheardOf(heard, nowMs, patience);
    const { troubles, orders } = patrolled(survey, { before, known, unheard, unwitnessed, nowMs, patience });
    const quiet = isQuiet(this.#now.seen, survey) ? this.#now.quiet + 1 : 0;
    this.#dogs.patrolled(this.#now.seen, survey);
    this.#now = { ...this.#now, troubles, seen: survey, quiet, heard: heardIn(survey, this.#now.heard) };
    for (const order of orders) await this.#obey(order, nowMs);
    await this.#hold.keepUp(survey);
    const waitMs = nextPatrolMs(survey, troubles, quiet, patience);
    const atMs = Date.now();
    this.#nextMs = waitMs === null ? null : atMs + waitMs;
    const nextByMs = this.#nextMs === null ? null : this.#nextMs + patrolEndsMs(patience);
    this.#now = { ...this.#now, beat: { atMs, nextByMs } };
  }

  async #obey(order: Order, nowMs: number): Promise<void> {
    const { patience } = this.#now;
    switch (order.kind) {
      case 'daemon': {
        const options = { ...patrolAct(patience), summary: 'make the schedule of boot' };
        await this.#orDrop(town(patience).startDaemon.executeWithOptions(options, [{ patience }]));
        return;
      }
      case 'witness':
        return this.#startWitness(order.rig);
      case 'refinery':
        return this.#startRefinery(order.rig);
      case 'feed':
        await send(order.mission, missionMessages.feed, { id: `feed:${nowMs}`, by: DEACON });
        return;
      case 'ended': {
        const { mission, run } = order;
        // A mayor that is not there looks by itself once it begins.
        if (patched('the mayor hears of missions that were terminated', '0.10'))
          await send(MAYOR, mayorMessages.ended, { id: `ended:${run}`, by: DEACON, mission });
        return;
      }
      case 'tell': {
        const { troubles, priority } = order;
        const id = `${troubles[0]?.key ?? ''} and ${troubles.length - 1} more, told at ${nowMs}`.slice(-2_000);
        this.#post.tell({ id, from: DEACON, to: OVERSEER, ...troublesMail(troubles), priority });
        return;
      }
      default:
        return unreachable(order);
    }
  }

  async #startWitness(rig: string): Promise<void> {
    const { patience } = this.#now;
    const options = { ...patrolAct(patience), summary: `start the witness of ${rig}` };
    const started = town(patience).startWitness.executeWithOptions(options, [{ rig, patience }]);
    const why = await this.#orDrop(started.then((isKnown) => (isKnown ? null : `town.toml has no rig "${rig}"`)));
    const { [rig]: _, ...others } = this.#now.unwitnessed;
    this.#now = { ...this.#now, unwitnessed: why === null ? others : { ...others, [rig]: why } };
  }

  /** What cannot be started is asked for again by the polecats that wait for it. */
  async #startRefinery(rig: string): Promise<void> {
    const { patience } = this.#now;
    const options = { ...patrolAct(patience), summary: `start the refinery of ${rig}` };
    await this.#orDrop(
      town(patience)
        .startRefinery.executeWithOptions(options, [{ rig, patience }])
        .then(() => null),
    );
  }

  /** What an act gives, or why it failed: the patrol goes on. */
  async #orDrop(act: Promise<string | null | void>): Promise<string | null> {
    try {
      return (await act) ?? null;
    } catch (error) {
      if (isCancellation(error)) throw error;
      this.#desk.drop('patrol', null, reasonOf(error));
      return reasonOf(error);
    }
  }

  #carry(): DeaconCarry {
    const [dogs, hold, recovered] = [this.#dogs.state, this.#hold.carry, this.#recovered.carry];
    return { ...this.#now, ...this.#post.kept, dogs, hold, recovered, desk: this.#desk.state() };
  }

  #mustGoOn(): boolean {
    return isDue() && this.#call === null && this.#post.isIdle && this.#dogs.isIdle && this.#desk.isQuiet();
  }

  async #wait(): Promise<void> {
    const isCalled = () => this.#isDue || this.#isNews || this.#call !== null;
    const woken = () => isCalled() || this.#post.isWanted || this.#dogs.isWanted || this.#mustGoOn();
    const dogsMs = this.#dogs.nextMs;
    const due = [
      ['next patrol', this.#nextMs],
      ['send mail again', this.#post.againMs],
      ['start recovered work again', this.#recovered.nextMs],
      ['next errand of dogs', dogsMs],
    ] as const;
    const dueMs = Math.min(...due.map(([, ms]) => ms ?? Infinity));
    if (dueMs === Infinity) return condition(woken);
    const [summary = ''] = due.find(([, ms]) => ms === dueMs) ?? [];
    const isNews = await condition(woken, Math.max(1, dueMs - Date.now()), { summary });
    if (!isNews && dueMs === this.#nextMs) this.#isDue = true;
    if (!isNews && dueMs === this.#post.againMs) this.#post.tryAgain();
    if (!isNews && dueMs === dogsMs) this.#dogs.wake(dueMs);
  }

  #board(): string {
    const { paused } = this.#hold;
    const dogs = this.#dogs.state;
    return deaconBoard({ ...this.#now, ...this.#post.kept, paused, dogs, nextMs: this.#nextMs });
  }

  #show(): void {
    const { troubles } = this.#now;
    if (this.#hold.paused !== null)
      return this.#standing.show({ phase: 'paused', waitingFor: RESUME }, () => this.#board());
    const phase = troubles.length > 0 ? 'escalated' : 'waiting';
    this.#standing.show({ phase, waitingFor: troubles.length > 0 ? OVERSEER : '' }, () => this.#board());
  }
}

/** An act that hangs holds nobody up who begins anew. */
const SOON_FREE = { cancellationType: 'TRY_CANCEL' } as const;
