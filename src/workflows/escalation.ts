/**
 * An escalation: a trouble that climbs from tier to tier until somebody answers, and the answer's way to all who wait for it. It waits at no cost, with one
 * timer: for its tier's silence, or until it is more urgent. Whatever is done is done beside the loop, so that an answer waits for nothing.
 */
import { CancellationScope, condition, isCancellation, setHandler, sleep, workflowInfo } from '@temporalio/workflow';
import { EMPTY_DESK } from '../contract/desk.js';
import {
  chainQuery,
  ESCALATION_EXAMPLE,
  EscalationInput,
  escalationQuery,
  type EscalationCarry,
  type EscalationResult,
} from '../contract/escalation.js';
import { asKeyword, attribute } from '../contract/search-attributes.js';
import { isEscalationId } from '../town/address.js';
import { answered, decided, leftByRole } from '../town/escalation-answering.js';
import { escalationBoard, escalationView } from '../town/escalation-board.js';
import { clockText, nextClock, struck, type NextClock } from '../town/escalation-clock.js';
import { waiterKey } from '../town/escalation-id.js';
import { isRoleTier } from '../town/escalation-ladder.js';
import {
  begun,
  begunAnew,
  isClimbing,
  isOver,
  laddered,
  mustJudge,
  mustTell,
  passedOn,
  remarked,
  tierOf,
  missed,
  told,
  triedSoon,
  type Answering,
  type Escalation,
} from '../town/escalation.js';
import { Desk } from './desk.js';
import { raise } from './escalating.js';
import { answerTo, judgeRequest, ladderFor, recordOf, tell } from './escalation-hands.js';
import { judged, ruledFor } from './escalation-judge.js';
import { EscalationMessages } from './escalation-messages.js';
import { explainBy } from './explain.js';
import { failure, readInput } from './failing.js';
import { patched } from './patches.js';
import { Standing, startAs } from './standing.js';
import { carried, goOn, isDue } from './start.js';

/** Of each answer so many are told at once: those who do not hear one keep nobody from another. */
const TELLING_MAX = 50;

export async function escalation(raw: unknown, carry?: EscalationCarry): Promise<EscalationResult> {
  const start = startAs('escalation', () => carried(carry, 'BadInput') ?? fresh(raw));
  return new EscalationRun(raw, start).run();
}

function fresh(raw: unknown): EscalationCarry {
  const { workflowId } = workflowInfo();
  if (!isEscalationId(workflowId))
    throw failure(
      'BadInput',
      `the workflow id of an escalation is hq-esc- and 8 letters or digits, for example "hq-esc-00000001", not "${workflowId}"`,
    );
  const { patience, raised, nth } = readInput(EscalationInput, raw, 'BadInput', ESCALATION_EXAMPLE);
  return { patience: patience ?? null, escalation: begun(raised, nth, Date.now()), desk: EMPTY_DESK };
}

type Timer = { readonly next: NextClock; readonly scope: CancellationScope };

class EscalationRun {
  readonly #raw: unknown;
  readonly #id = workflowInfo().workflowId;
  readonly #given: number | null;
  readonly #desk: Desk;
  readonly #messages: EscalationMessages;
  readonly #standing = new Standing();
  /** What is under way, each by a name. */
  readonly #acts = new Set<string>();
  /** Of the session of a role under way, or its rules. */
  #judging: { readonly turn: number; readonly scope: CancellationScope } | null = null;
  #timer: Timer | null = null;
  #now: Escalation;
  #news = true;

  constructor(raw: unknown, { patience, escalation: now, desk }: EscalationCarry) {
    this.#raw = raw;
    this.#given = patience;
    this.#now = now;
    this.#desk = new Desk(desk);
    this.#messages = new EscalationMessages({
      id: this.#id,
      patience: () => this.#patience,
      now: () => this.#now,
      set: (next) => this.#set(next),
      isSettled: isDue,
    });
    this.#messages.serve(this.#desk);
    setHandler(chainQuery, () => this.#now.chain.links, { description: 'Who did what when, and why.' });
    setHandler(escalationQuery, () => escalationView(this.#id, this.#now, this.#patience), {
      description: 'What it is, whom it waits for and until when, who waits, and the chain.',
    });
    explainBy(() => escalationBoard(this.#id, this.#now, this.#patience));
    this.#desk.open();
  }

  async run(): Promise<EscalationResult> {
    const { rig, mission } = this.#now.raised;
    this.#standing.introduce([
      { key: attribute.role, value: 'escalation' },
      ...(rig === undefined ? [] : [{ key: attribute.rig, value: [rig] }]),
      ...(mission === undefined ? [] : [{ key: attribute.mission, value: asKeyword(mission) }]),
    ]);
    try {
      return await this.#climb();
    } catch (error) {
      if (isCancellation(error)) await CancellationScope.nonCancellable(() => this.#cancelled());
      throw error;
    }
  }

  async #climb(): Promise<EscalationResult> {
    for (;;) {
      this.#news = false;
      this.#act();
      this.#keepTime();
      this.#show();
      if (isOver(this.#now) && this.#isIdle()) {
        const end = await this.#close();
        if (end !== null) return end;
      } else if (isDue() && this.#isIdle()) await goOn<typeof escalation>(this.#raw, this.#carry());
      else await condition(() => this.#news || (this.#isIdle() && (isDue() || isOver(this.#now))));
    }
  }

  /** Null: others have come with the same trouble meanwhile, and another round begins. */
  async #close(): Promise<EscalationResult | null> {
    const end = await recordOf(this.#id, this.#now, this.#patience);
    await condition(() => this.#desk.isQuiet());
    const next = begunAnew(this.#now, Date.now());
    if (next !== null) {
      this.#set(next);
      return null;
    }
    this.#standing.show({ phase: 'done', waitingFor: '' }, () => this.#board());
    return end;
  }

  /** By somebody: whoever waits is asked for at its own place, as before there was a ladder. */
  async #cancelled(): Promise<void> {
    this.#messages.end();
    this.#judging?.scope.cancel();
    this.#set(remarked(this.#now, 'ended', 'somebody', 'it was cancelled', Date.now()));
    await this.#rest();
    await recordOf(this.#id, this.#now, this.#patience);
    // Who has come meanwhile has another one.
    if (this.#now.passing.length > 0) await this.#rest();
    this.#standing.show({ phase: 'done', waitingFor: '' }, () => this.#board());
  }

  /** What was said before the end is done. */
  async #rest(): Promise<void> {
    do {
      this.#news = false;
      this.#handOn();
      await condition(() => this.#news || this.#isIdle());
    } while (this.#news || !this.#isIdle());
  }

  /** Begins whatever is to be done and not under way. */
  #act(): void {
    const now = this.#now;
    if (now.ladder === null) this.#begin('ladder', () => this.#findLadder());
    // One who does not answer keeps nobody after them from being told.
    if (mustTell(now)) this.#begin(`tell ${now.turn}`, () => this.#tell());
    this.#callOff();
    // A run that is long leaves it to the next one.
    if (mustJudge(now) && !isDue()) this.#begin('judge', () => this.#judge());
    this.#handOn();
  }

  #handOn(): void {
    if (this.#now.passing.length > 0) this.#begin('pass', () => this.#passOn());
    for (const answer of this.#now.answers) this.#answer(answer);
  }

  #begin(name: string, act: () => Promise<void>): void {
    if (this.#acts.has(name)) return;
    this.#acts.add(name);
    void CancellationScope.nonCancellable(async () => {
      await act();
      this.#acts.delete(name);
      this.#news = true;
    });
  }

  async #findLadder(): Promise<void> {
    const ladder = await ladderFor(this.#now, this.#patience);
    this.#set(laddered(this.#now, ladder, Date.now()));
  }

  async #tell(): Promise<void> {
    const { turn, severity } = this.#now;
    const why = await tell(this.#id, this.#now, this.#patience);
    if (why !== null && isRoleTier(tierOf(this.#now)) && patched('rules hold for a role that is not there', '0.14')) {
      const ruled = await ruledFor(judgeRequest(this.#id, this.#now), this.#patience);
      const isTimely = turn === this.#now.turn && isClimbing(this.#now);
      if (isTimely && ruled?.kind === 'resolve') {
        this.#set(decided(missed(this.#now, why, Date.now()), ruled, Date.now()));
        return;
      }
    }
    const now = told(this.#now, { turn, severity }, why, Date.now());
    const isSoon = now.telling === 'vain' && patched('whoever answers last is told again soon', '0.14');
    this.#set(isSoon ? triedSoon(now, this.#patience) : now);
  }

  /** A decision that comes after its tier was passed over is of no use any more. */
  async #judge(): Promise<void> {
    const { turn } = this.#now;
    const scope = new CancellationScope();
    this.#judging = { turn, scope };
    const found = await scope
      .run(() => judged(judgeRequest(this.#id, this.#now), this.#patience))
      .catch((error: unknown) => {
        if (isCancellation(error)) return null;
        throw error;
      });
    this.#judging = null;
    if (found !== null && turn === this.#now.turn && isClimbing(this.#now))
      this.#set(decided(this.#now, found, Date.now()));
  }

  #callOff(): void {
    if (this.#judging === null) return;
    const isWanted = this.#judging.turn === this.#now.turn && isClimbing(this.#now) && !isDue();
    if (!isWanted) this.#judging.scope.cancel();
  }

  async #passOn(): Promise<void> {
    const [raised] = this.#now.passing;
    if (raised === undefined) return;
    await raise(raised, this.#patience, this.#now.nth + 1);
    this.#set(passedOn(this.#now));
  }

  #answer({ id, by, resolution, left }: Answering): void {
    const waiters = new Map(this.#now.waiting.map(({ waiter }) => [waiterKey(waiter), waiter]));
    for (const key of left.slice(0, TELLING_MAX)) {
      const waiter = waiters.get(key);
      if (waiter === undefined) continue;
      this.#begin(`answer ${key}`, async () => {
        const outcome = await answerTo(waiter, { by, resolution }, this.#patience);
        const { now, summary } = answered(this.#now, id, key, outcome, Date.now());
        const left = leftByRole(now, Date.now());
        const isLeft = left !== null && patched('nobody stays with a role that has decided', '0.14');
        this.#set(isLeft ? left : now);
        if (summary !== null) this.#messages.answered(id, summary);
      });
    }
  }

  #isIdle(): boolean {
    return this.#acts.size === 0 && this.#desk.isQuiet();
  }

  /** The one timer, which goes on through whatever does not change when it is to fire. */
  #keepTime(): void {
    const next = nextClock(this.#now, this.#patience);
    if (next?.atMs === this.#timer?.next.atMs && next?.clocks.join() === this.#timer?.next.clocks.join()) return;
    this.#timer?.scope.cancel();
    this.#timer = null;
    if (next === null) return;
    const timer = { next, scope: new CancellationScope() };
    this.#timer = timer;
    const summary = clockText(this.#now, next.clocks);
    void timer.scope
      .run(() => sleep(Math.max(1, next.atMs - Date.now()), { summary }))
      .then(() => this.#strike(timer))
      .catch((error: unknown) => {
        if (!isCancellation(error)) throw error;
      });
  }

  /** The timer says that it is time, and not the clock: see `Pace`. */
  #strike(timer: Timer): void {
    if (this.#timer !== timer) return;
    this.#timer = null;
    this.#set(struck(this.#now, timer.next.clocks, Date.now()));
  }

  #set(now: Escalation): void {
    this.#now = now;
    this.#news = true;
  }

  #carry(): EscalationCarry {
    return { patience: this.#given, escalation: this.#now, desk: this.#desk.state() };
  }

  /** Of whoever has raised it, or of the town as its ladder tells. */
  get #patience(): number {
    return this.#given ?? this.#now.ladder?.patience ?? 1;
  }

  #board(): string {
    return escalationBoard(this.#id, this.#now, this.#patience);
  }

  #show(): void {
    const { severity } = this.#now;
    const stand = { phase: 'escalated', waitingFor: tierOf(this.#now), severity, isRare: true } as const;
    this.#standing.show(stand, () => this.#board());
  }
}
