/**
 * The deacon, who looks after the town: on patrol it sees which roles are missing, whose tasks fail and who waits for an answer too long, starts
 * what is missing and tells the overseer the rest. Patrols come from news and from what is due, less often as long as nothing changes; while
 * no work is open it rests, and costs nothing.
 */
import { CancellationScope, condition, isCancellation, setHandler, workflowInfo } from '@temporalio/workflow';
import { heartbeatQuery, WatchInput, type DeaconCarry } from '../contract/deacon.js';
import { EMPTY_DESK } from '../contract/desk.js';
import { deaconMessages, mailMessage } from '../contract/messages.js';
import { attribute } from '../contract/search-attributes.js';
import { DEACON, OVERSEER } from '../town/address.js';
import { deaconBoard, troubleText } from '../town/deacon-board.js';
import { isPing, type Mail } from '../town/mail.js';
import {
  isQuiet,
  nextPatrolMs,
  patrolled,
  told,
  unheardOf,
  type Order,
  type Survey,
  type Trouble,
} from '../town/patrol.js';
import { unreachable } from '../town/unreachable.js';
import { readPing } from '../town/witness-ping.js';
import { Desk, done, refused, type Answer } from './desk.js';
import { explainBy } from './explain.js';
import { failure, readInput, reasonOf } from './failing.js';
import { postman, town } from './hands.js';
import { patrolEndsMs } from './patience.js';
import { Standing, startAs } from './standing.js';
import { carried, goOn, isLong, isOutdated } from './start.js';

/** More wait with their senders. */
const LETTERS_MAX = 100;

export async function deacon(raw: unknown, carry?: DeaconCarry): Promise<never> {
  const start = startAs(DEACON, () => carried(carry, 'BadInput') ?? fresh(raw));
  return new DeaconRun(start, raw).run();
}

function fresh(raw: unknown): DeaconCarry {
  const { workflowId } = workflowInfo();
  if (workflowId !== DEACON)
    throw failure('BadInput', `the workflow id of the deacon is "${DEACON}", not "${workflowId}"`);
  const { patience } = readInput(WatchInput, raw, 'BadInput', '{}');
  const beat = { atMs: Date.now(), nextByMs: null };
  return { patience, beat, heard: {}, troubles: [], seen: null, quiet: 0, letters: [], desk: EMPTY_DESK };
}

class DeaconRun {
  readonly #raw: unknown;
  readonly #desk: Desk;
  readonly #standing = new Standing();
  #now: DeaconCarry;
  /** Why it is to go on patrol before the next one is due; null: it need not. */
  #call: string | null = null;
  #isDue = false;
  /** When the next patrol is due; null: it rests. */
  #nextMs: number | null = null;
  /** Of the patrol under way. */
  #scope: CancellationScope | null = null;
  #isPassing = false;
  /** A letter has come that was not tried to be passed on yet. */
  #news = false;

  constructor(carry: DeaconCarry, raw: unknown) {
    this.#raw = raw;
    this.#now = carry;
    this.#desk = new Desk(carry.desk);
    this.#isDue = carry.seen === null || carry.beat.nextByMs !== null;
    this.#desk.on(deaconMessages.patrol, ({ by, reason, afresh, patience = this.#now.patience }) => {
      this.#now = { ...this.#now, patience };
      this.#call = `${by}: ${reason}`;
      if (afresh) this.#scope?.cancel();
      return done('goes on patrol');
    });
    this.#desk.on(mailMessage, (mail) => this.#take(mail));
    setHandler(heartbeatQuery, () => ({ ...this.#now.beat, pending: this.#now.letters.length }), {
      description: 'When it was last on its way, when it is again at the latest, and how much mail waits for it.',
    });
    explainBy(() => this.#board());
    this.#desk.open();
  }

  async run(): Promise<never> {
    this.#standing.introduce([{ key: attribute.role, value: DEACON }]);
    for (;;) {
      this.#passOn();
      if (this.#isDue || this.#call !== null) await this.#goRound();
      this.#show();
      if (this.#mustGoOn()) await goOn<typeof deacon>(this.#raw, { ...this.#now, desk: this.#desk.state() });
      await this.#wait();
    }
  }

  #take(mail: Mail): Answer {
    if (mail.to !== DEACON) return refused(`this is ${DEACON}, not ${mail.to.slice(0, 200)}`);
    if (isPing(mail)) {
      const reading = readPing(mail);
      if (!reading.ok) return refused(reading.problem);
      const { Rig, 'Pinged-At': at, 'Next-By': next } = reading.ping;
      const said = { atMs: Date.parse(at), nextByMs: next === undefined ? null : Date.parse(next) };
      this.#now = { ...this.#now, heard: { ...this.#now.heard, [Rig]: said } };
      // It rests, and there is work.
      if (this.#now.beat.nextByMs === null && next !== undefined) this.#call = `${mail.from}: polecats are at work`;
      return done('heard');
    }
    if (this.#now.letters.length >= LETTERS_MAX)
      return refused(`the deacon has ${LETTERS_MAX} letters to pass on to the overseer: write again later`);
    this.#now = { ...this.#now, letters: [...this.#now.letters, mail] };
    this.#news = true;
    return done('is passed on to the overseer');
  }

  /** What is not for the town to act on is for a person to read; an answer goes to whoever wrote it. Beside the loop: patrols do not wait for it. */
  #passOn(): void {
    if (this.#isPassing || this.#now.letters.length === 0) return;
    this.#isPassing = true;
    this.#news = false;
    void this.#passAll()
      // Nobody has answered: it is tried again.
      .catch(() => (this.#news = true))
      .finally(() => (this.#isPassing = false));
  }

  async #passAll(): Promise<void> {
    for (let [mail] = this.#now.letters; mail !== undefined; [mail] = this.#now.letters) {
      const passed = { ...mail, id: `${mail.id} by ${DEACON}`.slice(0, 2_000), to: OVERSEER };
      if (!(await this.#deliver(passed))) await this.#record(passed);
      this.#now = { ...this.#now, letters: this.#now.letters.slice(1) };
    }
  }

  /** A dead letter: nobody takes it, and it stands in the ledger. */
  async #record(mail: Mail): Promise<void> {
    const entry = {
      ...mail,
      mail: mail.id,
      id: `mail/${DEACON}/${mail.id}`,
      kind: 'mail' as const,
      inbox: DEACON,
      at: new Date().toISOString(),
    };
    await town(this.#now.patience).record.executeWithOptions({ summary: `dead letter of ${mail.from}`.slice(0, 200) }, [
      entry,
    ]);
  }

  #deliver(mail: Mail): Promise<boolean> {
    const summary = `mail to ${mail.to}: ${mail.subject}`.slice(0, 200);
    return postman(this.#now.patience).deliver.executeWithOptions({ summary }, [mail]);
  }

  async #goRound(): Promise<void> {
    const reason = this.#call ?? 'it is time';
    this.#call = null;
    this.#isDue = false;
    const { patience, heard, troubles: known } = this.#now;
    this.#beat(0);
    const survey = await this.#survey(reason);
    // Begun anew: the loop has a call for it.
    if (survey === null) return;
    const nowMs = Date.now();
    const unheard = unheardOf(heard, nowMs, patience);
    const { troubles, orders } = patrolled(survey, { known, unheard, nowMs, patience });
    const isSame = orders.length === 0 && isQuiet(this.#now.seen, survey);
    const quiet = isSame ? this.#now.quiet + 1 : 0;
    this.#now = { ...this.#now, troubles, seen: survey, quiet };
    for (const order of orders) await this.#obey(order);
    const waitMs = nextPatrolMs(survey, quiet, patience);
    this.#nextMs = waitMs === null ? null : Date.now() + waitMs;
    this.#beat(waitMs);
  }

  #beat(waitMs: number | null): void {
    const atMs = Date.now();
    const nextByMs = waitMs === null ? null : atMs + waitMs + patrolEndsMs(this.#now.patience);
    this.#now = { ...this.#now, beat: { atMs, nextByMs } };
  }

  /** Null: given up, to be begun anew. */
  async #survey(reason: string): Promise<Survey | null> {
    const options = { summary: `patrol: ${reason}`.slice(0, 200), cancellationType: 'TRY_CANCEL' } as const;
    const scope = new CancellationScope();
    this.#scope = scope;
    try {
      return await scope.run(() => town(this.#now.patience).surveyTown.executeWithOptions(options, []));
    } catch (error) {
      if (!isCancellation(error) || CancellationScope.current().consideredCancelled) throw error;
      return null;
    } finally {
      this.#scope = null;
    }
  }

  async #obey(order: Order): Promise<void> {
    const { patience } = this.#now;
    switch (order.kind) {
      case 'daemon':
        return town(patience).startDaemon.executeWithOptions({ summary: 'make the schedule of boot' }, [{ patience }]);
      case 'witness':
        return this.#startWitness(order.rig);
      case 'tell':
        return this.#tell(order.trouble, order.priority);
      default:
        return unreachable(order);
    }
  }

  async #startWitness(rig: string): Promise<void> {
    const { patience, heard } = this.#now;
    const { [rig]: _, ...others } = heard;
    this.#now = { ...this.#now, heard: others };
    const summary = `start the witness of ${rig}`;
    try {
      const isKnown = await town(patience).startWitness.executeWithOptions({ summary }, [{ rig, patience }]);
      if (!isKnown) this.#desk.drop('patrol', { rig }, `town.toml has no rig "${rig}": its work has no witness`);
    } catch (error) {
      if (isCancellation(error)) throw error;
      this.#desk.drop('patrol', { rig }, `the witness of ${rig} cannot be started: ${reasonOf(error)}`);
    }
  }

  async #tell(trouble: Trouble, priority: Mail['priority']): Promise<void> {
    const { key, sinceMs, told: before, about } = trouble;
    const id = `${key} since ${sinceMs}, ${before + 1}`.slice(0, 2_000);
    const mail: Mail = {
      id,
      from: DEACON,
      to: OVERSEER,
      subject: `HELP: ${about}`.slice(0, 500),
      body: troubleText(trouble),
      priority,
    };
    const isTaken = await this.#deliver(mail).catch((error: unknown) => {
      if (isCancellation(error)) throw error;
      return false;
    });
    if (isTaken) this.#now = { ...this.#now, troubles: told(this.#now.troubles, trouble) };
  }

  #mustGoOn(): boolean {
    return (isLong() || isOutdated()) && this.#call === null && !this.#isPassing && this.#desk.isQuiet();
  }

  async #wait(): Promise<void> {
    const woken = () => this.#call !== null || (!this.#isPassing && this.#news) || this.#mustGoOn();
    if (this.#nextMs === null) return condition(woken);
    const waitMs = Math.max(1, this.#nextMs - Date.now());
    this.#isDue = !(await condition(woken, waitMs, { summary: 'next patrol' }));
  }

  #board(): string {
    return deaconBoard({ ...this.#now, nextMs: this.#nextMs });
  }

  #show(): void {
    const { troubles } = this.#now;
    const phase = troubles.length > 0 ? 'escalated' : 'waiting';
    this.#standing.show({ phase, waitingFor: troubles.length > 0 ? OVERSEER : '' }, () => this.#board());
  }
}
