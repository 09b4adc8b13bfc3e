/**
 * A mission: gives its items to polecats as their needs land and slots come free, counts what comes back, tells the landing
 * once. Messages and ends of children leave facts; one loop takes them up, asks the rules what is next, and does it. What
 * takes long goes on beside the loop, so that a cancellation or an answer never waits for it.
 */
import { CancellationScope, CancelledFailure, condition, setHandler, workflowInfo } from '@temporalio/workflow';
import { polecatMessages, stateQuery } from '../contract/messages.js';
import { grantsQuery, MISSION_EXAMPLE, MissionInput, progressQuery, swarmQuery } from '../contract/mission.js';
import type { Grant, MissionCarry, OpenPolecat, Plan, Progress } from '../contract/mission.js';
import { assignedItems } from '../town/mission-assigned.js';
import type { Holder, Item, MissionEvent } from '../town/mission.js';
import { after, canSkip, isFinished, isLeaving, isOverBudget, isPaused, itemOf, pickTarget } from '../town/mission.js';
import { claimable, isWorkedUnder } from '../town/mission-stand.js';
import { unasked, type PolecatReport } from '../town/polecat-report.js';
import { own } from '../town/own.js';
import { rigRef, type RigSnapshot } from '../town/rig.js';
import { unreachable } from '../town/unreachable.js';
import { AssignedTeller } from './assigned-teller.js';
import { Desk } from './desk.js';
import { explainBy } from './explain.js';
import { readInput } from './failing.js';
import { town } from './hands.js';
import { takeAnswers, type Asked } from './mission-answers.js';
import { MissionAsks } from './mission-asks.js';
import { isHeldByBudget, takeCosts, wordNow, type Costs } from './mission-budget.js';
import { takeReports } from './mission-hearing.js';
import { MissionMail } from './mission-mail.js';
import { boardOf, introduction, progressOf, recordEnd, showRefusedMission } from './mission-report.js';
import { standOf, swarmOf, tellRefused } from './mission-report.js';
import { asNow, draftOf, planned, retry } from './mission-plan.js';
import { cancel, clearLost, holderFor, protoFor, startPolecat, takenOver, takesOver } from './mission-polecat.js';
import { untilClosed, type StartedPolecat } from './mission-polecat.js';
import { MissionSlots, waitedFor } from './mission-slots.js';
import type { Together } from './mission-together.js';
import { patched } from './patches.js';
import { askAgainMs, startAgainMs } from './patience.js';
import { Teller } from './pausing.js';
import { Standing } from './standing.js';
import { carried, goOn, isDue, isOutdated } from './start.js';

/** What asks for an act. What only changes state is taken up by the handlers themselves. */
type Fact =
  | ({ readonly kind: 'granted' } & Grant)
  /** A polecat has closed. `report` is null when it told nothing: it was terminated, or started by an earlier run of ours. */
  | { readonly kind: 'closed'; readonly polecat: OpenPolecat; readonly report: PolecatReport | null }
  | Asked;

export type MissionResult = Omit<Progress, 'phase'>;

export async function mission(raw: unknown, carry?: MissionCarry): Promise<MissionResult> {
  return runMission(carry, () => readInput(MissionInput, raw, 'BadMission', MISSION_EXAMPLE));
}

/** `readIt` is asked in a first run only, and throws when the input does not fit. */
export async function runMission(carry: MissionCarry | undefined, readIt: () => MissionInput): Promise<MissionResult> {
  let run: MissionRun;
  let input: MissionInput | null = null;
  try {
    const before = carried(carry, 'BadMission');
    if (before !== null) run = new MissionRun(asNow(before));
    else {
      input = readIt();
      run = new MissionRun(draftOf(input));
      await run.plan(input);
    }
  } catch (error) {
    showRefusedMission(error);
    if (input !== null) await tellRefused(input, error);
    throw error;
  }
  return run.run();
}

class MissionRun {
  readonly #id = workflowInfo().workflowId;
  readonly #standing = new Standing();
  readonly #teller = new Teller(polecatMessages);
  readonly #desk: Desk;
  readonly #slots: MissionSlots;
  readonly #costs: Costs;
  readonly #mail: MissionMail;
  readonly #assigned: AssignedTeller;
  readonly #asks: MissionAsks;
  readonly #together: Together;
  #now: MissionCarry;
  #inbox: Fact[] = [];
  /** Slots that were given to claims, up to the start of their polecats. */
  readonly #granted = new Map<string, Grant>();
  /** Something came in since the loop last looked. */
  #news = true;
  #cancelled = false;
  #woundDown = false;
  #isEnding = false;
  /** Acts that go on beside the loop: before they are done nothing ends or continues as new. */
  #beside = 0;

  constructor(carry: MissionCarry) {
    this.#now = carry;
    this.#slots = new MissionSlots(this.#id, carry.firstRun);
    this.#desk = new Desk(carry.desk);
    const now = () => this.#now;
    const patience = () => this.#now.limits.patience;
    const note = (event: MissionEvent) => this.#note(event);
    this.#asks = new MissionAsks(now, () => (this.#news = true));
    this.#together = takeReports(this.#desk, {
      now,
      note,
      grant: (grant) => {
        this.#granted.set(grant.claim, grant);
        this.#hear({ kind: 'granted', ...grant });
      },
      report: (item, claim, report) => this.#report(item, claim, report),
    });
    this.#mail = new MissionMail(this.#desk, now, () => (this.#news = true));
    this.#assigned = new AssignedTeller(
      this.#desk,
      { id: this.#id, now: () => assignedItems(this.#now.state), patience, onIdle: () => (this.#news = true) },
      carry.toldAssigned,
    );
    takeAnswers(this.#desk, { teller: this.#teller, now, note, hear: (asked) => this.#hear(asked) });
    this.#costs = takeCosts(this.#desk, { teller: this.#teller, now, note, asks: this.#asks });
    setHandler(stateQuery, () => this.#carry(), { description: 'All that a next run would be given.' });
    setHandler(progressQuery, () => progressOf(this.#now.state), { description: 'How many of its items have landed.' });
    setHandler(swarmQuery, () => swarmOf(this.#now.open), { description: 'Item → the polecat at work on it.' });
    setHandler(grantsQuery, () => waitedFor([...this.#granted.values()], (claim) => this.#queuedUnder(claim)));
    explainBy(() => this.#board());
    this.#desk.open();
  }

  /** Checks and cooks the work, or throws with every problem. Messages may come in meanwhile. */
  async plan(input: MissionInput): Promise<void> {
    if (patched('a mission is shown as it is planned', '0.6')) {
      this.#standing.introduce(introduction(this.#now.state));
      this.#standing.show({ phase: 'queued', usd: 0 }, () => this.#board());
    }
    this.#now = await planned(() => this.#now, input);
  }

  /** Everything runs shielded: a cancelled mission first ends its polecats in order, and only then itself. */
  run(): Promise<MissionResult> {
    void CancellationScope.current().cancelRequested.catch(() => {
      this.#cancelled = true;
      this.#news = true;
    });
    return CancellationScope.nonCancellable(async () => {
      this.#standing.introduce(introduction(this.#now.state));
      const { patience } = this.#now.limits;
      for (const polecat of this.#now.open)
        void untilClosed(polecat, patience).then(() => this.#hear({ kind: 'closed', polecat, report: null }));
      while (!this.#isOver()) await this.#turn();
      return this.#finish();
    });
  }

  #isOver(): boolean {
    const settled = isFinished(this.#now.state) || this.#woundDown;
    return settled && this.#now.open.length === 0 && this.#inbox.length === 0 && this.#beside === 0;
  }

  async #turn(): Promise<void> {
    this.#news = false;
    for (let fact = this.#inbox.shift(); fact !== undefined; fact = this.#inbox.shift()) await this.#act(fact);
    if (this.#costs.isNews()) await this.#costs.tell();
    if (this.#cancelled && !this.#woundDown) await this.#windDown();
    if (!this.#cancelled) await Promise.all(claimable(this.#now.state).map((item) => this.#claim(item)));
    if (!this.#cancelled) this.#together.tell(this.#now.state, (act) => this.#aside(act));
    this.#asks.see(this.#cancelled);
    this.#show();
    if (this.#isOver()) return;
    await this.#continueWhenLong();
    const woken = () => this.#news || (isOutdated() && this.#isQuiet());
    if (this.#queued().length === 0) await condition(woken);
    else if (!(await condition(woken, askAgainMs(this.#now.limits.patience), { summary: 'ask for slots again' }))) {
      await this.#askAgain();
    }
  }

  #queued(): readonly Item[] {
    return this.#now.state.items.filter((item) => item.state.kind === 'queued');
  }

  async #askAgain(): Promise<void> {
    await Promise.all(this.#queued().map((item) => this.#ask(item.id)));
  }

  async #act(fact: Fact): Promise<void> {
    switch (fact.kind) {
      case 'granted':
        await this.#start(fact);
        this.#granted.delete(fact.claim);
        return undefined;
      case 'closed':
        return this.#close(fact.polecat, fact.report);
      case 'retry': {
        const take = (next: MissionCarry) => {
          this.#now = next;
          this.#slots.forget(itemOf(next.state, fact.item).rig);
        };
        await retry(fact, { now: () => this.#now, note: (event) => this.#note(event), take });
        return this.#asks.answered({ kind: 'item', item: fact.item }, fact.by);
      }
      case 'withdraw':
        // Under a polecat that was started all the same, the slot is free only when that has closed.
        if (this.#now.open.some((one) => one.claim === fact.claim)) return;
        return this.#slots.release(fact.rig, fact.claim);
      case 'reassign':
        return cancel(fact.polecat, this.#now.limits.patience);
      case 'feed':
        return this.#askAgain();
      default:
        return unreachable(fact);
    }
  }

  #aside(act: Promise<void>): void {
    this.#beside += 1;
    void act.finally(() => {
      this.#beside -= 1;
      this.#news = true;
    });
  }

  #note(event: MissionEvent): void {
    this.#now = { ...this.#now, state: after(this.#now.state, event, Date.now()) };
    this.#news = true;
  }

  #plan(item: Item): { readonly plan: Plan; readonly rig: RigSnapshot } {
    const plan = own(this.#now.plans, item.id);
    const rig = own(this.#now.rigs, item.rig);
    if (plan === undefined || rig === undefined) throw new Error(`item ${item.id} was accepted without a plan`);
    return { plan, rig: { ...rig, ...rigRef(rig) } };
  }

  async #claim(item: Item): Promise<void> {
    if (item.assignee !== undefined) return this.#note({ kind: 'assigned', item: item.id });
    this.#note({ kind: 'queued', item: item.id, claim: this.#slots.claimOf(item) });
    await this.#ask(item.id);
  }

  async #ask(id: string): Promise<void> {
    const item = itemOf(this.#now.state, id);
    await this.#slots.ask(item, this.#plan(item).rig, this.#now.limits.patience);
  }

  /** The item that waits under a claim for its slot: none when it was skipped, or everything cancelled. */
  #queuedUnder(claim: string): Item | null {
    if (this.#cancelled) return null;
    return this.#now.state.items.find((one) => one.state.kind === 'queued' && one.state.claim === claim) ?? null;
  }

  /** State is looked at anew after each await: in between somebody may have skipped the item or cancelled everything. */
  async #start(grant: Grant): Promise<void> {
    const { claim } = grant;
    if (this.#now.open.some((one) => one.claim === claim)) return;
    const wanted = this.#queuedUnder(claim);
    if (wanted === null)
      return this.#slots.leave(grant, this.#cancelled ? [] : this.#now.state.items, {
        plan: (item) => ({ rig: this.#plan(item).rig, patience: this.#now.limits.patience }),
        isWanted: (other) => this.#queuedUnder(other) !== null || this.#now.open.some((one) => one.claim === other),
        aside: (act) => this.#aside(act),
      });
    if (
      isPaused(this.#now.state) ||
      (isOverBudget(this.#now.state) && patched('a spent budget gives granted slots back'))
    ) {
      const left = takesOver() ? await takenOver(grant, this.#plan(wanted).rig, this.#now.limits.patience) : null;
      if (left !== null) return this.#begun(wanted, left);
      // It asked before the budget was spent, or the mission paused: it asks anew when it may.
      this.#note({ kind: 'unstarted', item: wanted.id, claim });
      return this.#slots.release(grant.rig, claim);
    }
    const how = { summary: `host for ${wanted.id}` };
    const host = await town(this.#now.limits.patience).chooseHost.executeWithOptions(how, []);
    const item = this.#queuedUnder(claim);
    if (item === null) return this.#slots.release(grant.rig, claim);
    const { plan, rig } = this.#plan(item);
    const proto = protoFor(this.#now.state, item, plan);
    const child = await startPolecat(this.#id, item, holderFor(grant, rig, host), rig, proto, this.#now);
    if (child !== null) return this.#begun(item, child);
    // Somebody else runs under that name: give it back, and ask for another a little later.
    await this.#slots.release(item.rig, claim);
    this.#aside(this.#startAgain(item.id, grant));
  }

  async #begun({ id, rig }: Item, { holder, workflowId, runId, ended, isTakenOver }: StartedPolecat): Promise<void> {
    const polecat = { claim: holder.claim, item: id, rig, workflowId, runId };
    this.#now = { ...this.#now, open: [...this.#now.open, polecat] };
    this.#note({ kind: 'started', item: id, holder });
    void ended.then((report) => this.#hear({ kind: 'closed', polecat, report }));
    if (!isWorkedUnder(this.#now.state, id, holder.claim)) await cancel(polecat, this.#now.limits.patience);
    // Meanwhile it may have been paused, or the budget spent; one that is taken over may be held by a word that is taken back.
    const word = wordNow(this.#now.state, this.#id);
    const isHeld = word.verb === 'pause' && (isPaused(this.#now.state) || isHeldByBudget(this.#now.state));
    if (isHeld || isTakenOver) await this.#teller.tell([polecat], word);
  }

  async #startAgain(item: string, { name, claim }: Grant): Promise<void> {
    const summary = `${name} is taken: ask for another slot`;
    await condition(() => this.#cancelled, startAgainMs(this.#now.limits.patience), { summary });
    this.#note({ kind: 'unstarted', item, claim });
  }

  async #close(polecat: OpenPolecat, report: PolecatReport | null): Promise<void> {
    const { claim, item: id } = polecat;
    if (report !== null) this.#report(id, claim, report);
    const item = itemOf(this.#now.state, id);
    if (item.state.kind === 'working' && item.state.claim === claim) {
      return this.#aside(this.#salvage(polecat, item, item.state));
    }
    await this.#settle(polecat);
  }

  /** What was cancelled by us is cancelled, or goes to another; by somebody else it has failed, and waits for an answer. */
  #report(item: string, claim: string, report: PolecatReport): void {
    const isReassigned = !this.#cancelled && isLeaving(itemOf(this.#now.state, item), claim);
    const told = this.#cancelled || isReassigned ? report : unasked(report);
    this.#note({ kind: 'reported', item, claim, report: told, ...(isReassigned ? { again: true } : {}) });
  }

  async #salvage(polecat: OpenPolecat, item: Item, holder: Holder): Promise<void> {
    const { claim } = polecat;
    const seenMs = Date.now();
    this.#note({ kind: 'verified', item: item.id, claim, request: null });
    const lost = { ...holder, item: item.id, ...pickTarget(item) };
    const cleared = await clearLost(lost, this.#plan(item).rig, this.#now.limits.patience);
    const isFirstTold = patched('a death is told before its item asks for another slot', '0.10');
    if (isFirstTold) await this.#settle(polecat, cleared.closedMs ?? seenMs);
    if (cleared.kind === 'landed') this.#note({ kind: 'landed', item: item.id, claim, landing: cleared.landing });
    else if (this.#cancelled) this.#note({ kind: 'cancelled', item: item.id, reason: cleared.says });
    else this.#note({ kind: 'lost', item: item.id, claim, reason: cleared.says });
    if (!isFirstTold) await this.#settle(polecat, cleared.closedMs ?? seenMs);
  }

  /** `diedAtMs`: it was terminated. */
  async #settle({ rig, claim }: OpenPolecat, diedAtMs?: number): Promise<void> {
    await this.#slots.release(rig, claim, diedAtMs);
    this.#now = { ...this.#now, open: this.#now.open.filter((one) => one.claim !== claim) };
  }

  /** Cancelled: what has not started never will, what runs is asked to end and to bring its work to safety. */
  async #windDown(): Promise<void> {
    this.#woundDown = true;
    for (const item of this.#now.state.items) {
      if (item.state.kind === 'queued') await this.#slots.release(item.rig, item.state.claim);
      if (canSkip(item)) this.#note({ kind: 'cancelled', item: item.id, reason: 'the mission was cancelled' });
    }
    const { patience } = this.#now.limits;
    await Promise.all([...this.#now.open, ...this.#slots.left].map((polecat) => cancel(polecat, patience)));
  }

  async #finish(): Promise<MissionResult> {
    this.#isEnding = patched('an end is over once it is recorded', '0.6');
    this.#show();
    const { phase, ...result } = progressOf(this.#now.state);
    const outcome = !isFinished(this.#now.state) ? 'cancelled' : phase === 'skipped' ? 'skipped' : 'landed';
    await recordEnd(this.#now, outcome);
    await this.#mail.close();
    this.#assigned.end();
    await condition(() => this.#desk.isQuiet() && this.#mail.isIdle && this.#assigned.isIdle && this.#asks.isIdle);
    if (this.#isEnding) {
      this.#isEnding = false;
      this.#show();
    }
    if (outcome === 'cancelled') throw new CancelledFailure('the mission was cancelled', [{ ...result, phase }]);
    return result;
  }

  /** The next run has all in its carry: the input, which may be large, does not travel with it. */
  async #continueWhenLong(): Promise<void> {
    if (this.#isQuiet() && isDue()) await goOn<typeof mission>(null, this.#carry());
  }

  #carry(): MissionCarry {
    const kept = { ...this.#mail.kept, ...this.#assigned.told, ...this.#asks.kept };
    return { ...this.#now, ...kept, desk: this.#desk.state() };
  }

  #isQuiet(): boolean {
    const isIdle = this.#inbox.length === 0 && !this.#news && this.#beside === 0 && !this.#woundDown;
    return isIdle && this.#mail.isIdle && this.#assigned.isIdle && this.#asks.isIdle && this.#desk.isQuiet();
  }

  #hear(fact: Fact): void {
    this.#inbox.push(fact);
    this.#news = true;
  }

  #show(): void {
    this.#assigned.tell();
    const { people: agents } = this.#assigned;
    const stand = { ...standOf(this.#now.state, this.#woundDown), ...(agents === null ? {} : { agents }) };
    this.#standing.show(stand, () => this.#board());
  }

  #board(): string {
    const board = boardOf(this.#now, { isEnding: this.#isEnding, isCancelled: this.#woundDown });
    return [board, ...this.#asks.lines, ...this.#mail.lines].join('\n');
  }
}
