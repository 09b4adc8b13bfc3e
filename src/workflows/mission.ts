/**
 * A mission: gives its items to polecats as their needs land and slots come free, counts what comes back, tells the landing
 * once. Messages and ends of children leave facts; one loop takes them up, asks the rules what is next, and does it.
 */
import {
  CancellationScope,
  CancelledFailure,
  condition,
  continueAsNew,
  sleep,
  workflowInfo,
} from '@temporalio/workflow';
import { getExternalWorkflowHandle, isCancellation, setHandler } from '@temporalio/workflow';
import { explainQuery, missionMessages, witnessMessages } from '../contract/messages.js';
import type { MissionCarry, MissionInput, OpenPolecat, Plan, Progress } from '../contract/mission.js';
import { progressQuery, swarmQuery } from '../contract/mission.js';
import { attribute } from '../contract/search-attributes.js';
import { witnessOf } from '../town/address.js';
import { missionBoard } from '../town/board.js';
import type { Item, MissionEvent, PolecatReport } from '../town/mission.js';
import { after, isFinished, itemOf, phaseOf, spent, startable } from '../town/mission.js';
import { unreachable } from '../town/unreachable.js';
import { Desk, done, refused } from './desk.js';
import { town, watcher } from './hands.js';
import { missionNotices, progressOf, waitsFor } from './mission-report.js';
import { acceptMission, planAgain } from './mission-plan.js';
import type { Grant } from './mission-polecat.js';
import { holderFor, salvageLost, startPolecat } from './mission-polecat.js';
import { send, sendToRole } from './outbox.js';
import { askAgainMs, startAgainMs } from './patience.js';
import { Standing } from './standing.js';
import { carried } from './start.js';

/** What asks for an act. What only changes state is taken up by the handlers themselves. */
type Fact =
  | ({ readonly kind: 'granted' } & Grant)
  /** A polecat has closed. `report` is null when it told nothing: it was terminated, or started by an earlier run of ours. */
  | { readonly kind: 'closed'; readonly polecat: OpenPolecat; readonly report: PolecatReport | null }
  | { readonly kind: 'retry'; readonly item: string }
  | { readonly kind: 'withdraw'; readonly claim: string; readonly rig: string };

export type MissionResult = Omit<Progress, 'phase'>;

export async function mission(raw: unknown, carry?: MissionCarry): Promise<MissionResult> {
  return new MissionRun(carried(carry, 'BadMission') ?? (await acceptMission(raw)), raw).run();
}

/** A mission whose workflow type is the formula it runs; `raw` is the formula's own input, `input` the mission made of it. */
export async function missionOf(raw: unknown, input: MissionInput, carry?: MissionCarry): Promise<MissionResult> {
  return new MissionRun(carried(carry, 'BadMission') ?? (await acceptMission(input)), raw).run();
}

class MissionRun {
  readonly #id = workflowInfo().workflowId;
  readonly #standing = new Standing();
  readonly #desk: Desk;
  readonly #raw: unknown;
  #now: MissionCarry;
  #inbox: Fact[] = [];
  /** Something came in since the loop last looked. */
  #news = true;
  #cancelled = false;
  #woundDown = false;
  readonly #ensured = new Set<string>();

  constructor(carry: MissionCarry, raw: unknown) {
    this.#now = carry;
    this.#raw = raw;
    this.#desk = new Desk(carry.desk);
    this.#takeMessages();
    this.#takeAnswers();
    setHandler(progressQuery, () => progressOf(this.#now.state));
    setHandler(swarmQuery, () => Object.fromEntries(this.#now.open.map((one) => [one.item, one.workflowId])));
    setHandler(explainQuery, () => missionBoard(this.#now.state, this.#id));
  }

  /** Everything runs shielded: a cancelled mission first ends its polecats in order, and only then itself. */
  run(): Promise<MissionResult> {
    void CancellationScope.current().cancelRequested.catch(() => {
      this.#cancelled = true;
      this.#news = true;
    });
    return CancellationScope.nonCancellable(async () => {
      const rigs = [...new Set(this.#now.state.items.map((item) => item.rig))];
      this.#standing.introduce([
        { key: attribute.role, value: 'mission' },
        { key: attribute.mission, value: this.#id },
        { key: attribute.rig, value: rigs },
      ]);
      for (const polecat of this.#now.open) void this.#watch(polecat);
      while (!this.#isOver()) await this.#turn();
      return this.#finish();
    });
  }

  #isOver(): boolean {
    const settled = isFinished(this.#now.state) || this.#woundDown;
    return settled && this.#now.open.length === 0 && this.#inbox.length === 0;
  }

  async #turn(): Promise<void> {
    this.#news = false;
    for (let fact = this.#inbox.shift(); fact !== undefined; fact = this.#inbox.shift()) await this.#act(fact);
    if (this.#cancelled && !this.#woundDown) await this.#windDown();
    if (!this.#cancelled) await Promise.all(startable(this.#now.state).map((item) => this.#claim(item)));
    this.#show();
    if (this.#isOver()) return;
    await this.#continueWhenLong();
    const queued = this.#now.state.items.filter((item) => item.state.kind === 'queued');
    const woken = () => this.#news;
    if (queued.length === 0) await condition(woken);
    else if (!(await condition(woken, askAgainMs(this.#now.limits.patience), { summary: 'ask for slots again' }))) {
      await Promise.all(queued.map((item) => this.#sendClaim(item)));
    }
  }

  async #act(fact: Fact): Promise<void> {
    switch (fact.kind) {
      case 'granted':
        return this.#start(fact);
      case 'closed':
        return this.#close(fact.polecat, fact.report);
      case 'retry':
        return this.#retry(fact.item);
      case 'withdraw':
        return this.#release(fact.rig, fact.claim);
      default:
        return unreachable(fact);
    }
  }

  #note(event: MissionEvent): void {
    this.#now = { ...this.#now, state: after(this.#now.state, event, Date.now()) };
    this.#news = true;
  }

  #plan(item: Item): Plan {
    const plan = this.#now.plans[item.id];
    if (plan === undefined) throw new Error(`item ${item.id} was accepted without a plan`);
    return plan;
  }

  async #claim(item: Item): Promise<void> {
    const claim = `${this.#id}/${item.id}/${item.attempt}@${this.#now.firstRun}`;
    this.#note({ kind: 'queued', item: item.id, claim });
    await this.#sendClaim(itemOf(this.#now.state, item.id));
  }

  async #sendClaim(item: Item): Promise<void> {
    if (item.state.kind !== 'queued') return;
    const content = {
      id: item.state.claim,
      mission: this.#id,
      missionRun: this.#now.firstRun,
      item: item.id,
      priority: item.priority,
    };
    await this.#ensure(item.rig);
    await sendToRole(witnessOf(item.rig), witnessMessages.claim, content, () => this.#ensure(item.rig, true));
  }

  /** The witness of a rig, running and with the configuration of this mission's plan. */
  async #ensure(rig: string, again = false): Promise<void> {
    if (this.#ensured.has(rig) && !again) return;
    this.#ensured.add(rig);
    const plan = Object.values(this.#now.plans).find((one) => one.rig.name === rig);
    if (plan === undefined) return;
    const { patience } = this.#now.limits;
    const summary = `ensure ${rig}/witness`;
    await town(patience).ensureRole.executeWithOptions({ summary }, [{ role: 'witness', rig: plan.rig, patience }]);
  }

  async #start(grant: Grant): Promise<void> {
    const item = this.#now.state.items.find((one) => one.state.kind === 'queued' && one.state.claim === grant.claim);
    const isOpen = this.#now.open.some((one) => one.claim === grant.claim);
    if (isOpen) return;
    if (item === undefined || this.#cancelled) return this.#release(grant.rig, grant.claim);
    const plan = this.#plan(item);
    const host = await town(this.#now.limits.patience).chooseHost.executeWithOptions(
      { summary: `host for ${item.id}` },
      [],
    );
    const holder = holderFor(grant, plan, host);
    try {
      const child = await startPolecat(this.#id, item, holder, plan, this.#now.limits);
      const { claim } = grant;
      const polecat = { claim, item: item.id, rig: item.rig, workflowId: child.workflowId, runId: child.runId };
      this.#now = { ...this.#now, open: [...this.#now.open, polecat] };
      this.#note({ kind: 'started', item: item.id, holder });
      void child.ended.then((report) => this.#hear({ kind: 'closed', polecat, report }));
    } catch (error) {
      if (isCancellation(error)) throw error;
      // Somebody else runs under that name: give it back, and ask for another a little later.
      await this.#release(item.rig, grant.claim);
      await sleep(startAgainMs(this.#now.limits.patience), { summary: `${grant.name} is taken: ask for another slot` });
      this.#note({ kind: 'retried', item: item.id });
    }
  }

  async #close(polecat: OpenPolecat, report: PolecatReport | null): Promise<void> {
    const { claim, item: id } = polecat;
    if (report !== null) this.#note({ kind: 'reported', item: id, claim, report });
    const item = itemOf(this.#now.state, id);
    if (item.state.kind === 'working' && item.state.claim === claim) {
      const reason = await salvageLost(item, item.state, this.#plan(item), this.#now.limits);
      if (this.#cancelled) this.#note({ kind: 'cancelled', item: id, reason });
      else this.#note({ kind: 'lost', item: id, claim, reason });
    }
    await this.#release(polecat.rig, claim);
    this.#now = { ...this.#now, open: this.#now.open.filter((one) => one.claim !== claim) };
  }

  async #release(rig: string, claim: string): Promise<void> {
    await send(witnessOf(rig), witnessMessages.release, { id: `release:${claim}`, claim });
  }

  async #retry(id: string): Promise<void> {
    const item = itemOf(this.#now.state, id);
    if (item.state.kind !== 'failed') return;
    try {
      const { plan, limits } = await planAgain(this.#now, item);
      this.#now = { ...this.#now, limits, plans: { ...this.#now.plans, [id]: plan } };
      this.#ensured.delete(item.rig);
      this.#note({ kind: 'retried', item: id });
    } catch (error) {
      if (isCancellation(error)) throw error;
      const reason = error instanceof Error ? error.message : String(error);
      this.#note({ kind: 'unplannable', item: id, reason });
    }
  }

  /** Cancelled: what has not started never will, what runs is asked to end and to bring its work to safety. */
  async #windDown(): Promise<void> {
    this.#woundDown = true;
    for (const item of this.#now.state.items) {
      if (item.state.kind === 'queued') await this.#release(item.rig, item.state.claim);
      const isIdle = item.state.kind === 'waiting' || item.state.kind === 'queued' || item.state.kind === 'failed';
      if (isIdle) this.#note({ kind: 'cancelled', item: item.id, reason: 'the mission was cancelled' });
    }
    await Promise.all(
      this.#now.open.map((one) =>
        getExternalWorkflowHandle(one.workflowId, one.runId)
          .cancel()
          .catch(() => undefined),
      ),
    );
  }

  async #finish(): Promise<MissionResult> {
    this.#show();
    const { phase, ...result } = progressOf(this.#now.state);
    const outcome = isFinished(this.#now.state) ? 'landed' : 'cancelled';
    const hands = town(this.#now.limits.patience);
    const at = new Date().toISOString();
    for (const entry of missionNotices(this.#id, this.#now, outcome, at)) {
      await hands.record.executeWithOptions({ summary: `record ${entry.kind} · ${outcome}` }, [entry]);
    }
    await condition(() => this.#desk.isQuiet());
    if (outcome === 'cancelled') throw new CancelledFailure(`the mission was cancelled`, [{ ...result, phase }]);
    return result;
  }

  async #continueWhenLong(): Promise<void> {
    const isQuiet = this.#inbox.length === 0 && !this.#news && this.#desk.isQuiet();
    if (!workflowInfo().continueAsNewSuggested || !isQuiet || this.#woundDown) return;
    await continueAsNew<typeof mission>(this.#raw, { ...this.#now, desk: this.#desk.state() });
  }

  /** The end of a polecat that an earlier run of this mission started. */
  async #watch(polecat: OpenPolecat): Promise<void> {
    const { workflowId, runId: firstRunId } = polecat;
    const summary = `wait for ${workflowId}`;
    await watcher(this.#now.limits.patience).awaitClosed.executeWithOptions({ summary }, [{ workflowId, firstRunId }]);
    this.#hear({ kind: 'closed', polecat, report: null });
  }

  #hear(fact: Fact): void {
    this.#inbox.push(fact);
    this.#news = true;
  }

  #takeMessages(): void {
    this.#desk.on(missionMessages.granted, ({ claim, rig, name, incarnation }) => {
      this.#hear({ kind: 'granted', claim, rig, name, incarnation });
      return done('taken');
    });
    this.#desk.on(missionMessages.report, ({ claim, report }) => {
      const item = this.#now.state.items.find((one) => one.state.kind === 'working' && one.state.claim === claim);
      if (item === undefined) return refused(`no item of this mission is worked under the claim ${claim}`);
      this.#note({ kind: 'reported', item: item.id, claim, report });
      return done('taken');
    });
  }

  #takeAnswers(): void {
    this.#desk.on(missionMessages.retry, ({ item: id }) => {
      const item = this.#now.state.items.find((one) => one.id === id);
      if (item?.state.kind !== 'failed') return refused(this.#instead('retry', id, item, 'failed'));
      this.#hear({ kind: 'retry', item: id });
      return done(`item "${id}" goes to a new polecat`);
    });
    this.#desk.on(missionMessages.skip, ({ item: id, reason, by }) => {
      const item = this.#now.state.items.find((one) => one.id === id);
      const kind = item?.state.kind;
      if (item === undefined || (kind !== 'failed' && kind !== 'waiting' && kind !== 'queued')) {
        return refused(this.#instead('skip', id, item, 'failed'));
      }
      if (item.state.kind === 'queued') this.#hear({ kind: 'withdraw', claim: item.state.claim, rig: item.rig });
      this.#note({ kind: 'skipped', item: id, reason: `${reason} (${by})` });
      return done(`item "${id}" is skipped`);
    });
    this.#desk.on(missionMessages.budget, ({ usd }) => {
      this.#note({ kind: 'budgeted', usd });
      return done(`the budget is $${usd}; spent so far: $${spent(this.#now.state).usd.toFixed(2)}`);
    });
  }

  #instead(verb: string, id: string, item: Item | undefined, kind: Item['state']['kind']): string {
    const { items } = this.#now.state;
    if (item === undefined) return `there is no item "${id}"; the items are ${items.map((one) => one.id).join(', ')}`;
    const fit = items.filter((one) => one.state.kind === kind).map((one) => one.id);
    const possible = fit.length === 0 ? `no item is ${kind} now` : `${kind} now: ${fit.join(', ')}`;
    return `item "${id}" is ${item.state.kind}, which ${verb} does not fit; ${possible}`;
  }

  #show(): void {
    const { state } = this.#now;
    const phase = this.#woundDown && !isFinished(state) ? 'failed' : phaseOf(state);
    this.#standing.show({ phase, waitingFor: waitsFor(state), usd: spent(state).usd }, missionBoard(state, this.#id));
  }
}
