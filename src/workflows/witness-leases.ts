/**
 * A witness's looks at those who hold its slots. A lease whose mission and polecat are both gone was left, and is cleared; one who does not do well is
 * nudged, then asked to hand over to a fresh session, then told of.
 */
import { uuid4 } from '@temporalio/workflow';
import { polecatMessages } from '../contract/messages.js';
import type { AgentSeen, WitnessCarry } from '../contract/witness.js';
import { DEACON, polecatAt, witnessOf } from '../town/address.js';
import type { Death } from '../town/breaker.js';
import { caredFor, deathsOf, healthOf, type Care, type CareOrder, type Facts, type Health } from '../town/health.js';
import { alike, careMail, nudgeWords, type Patient } from '../town/health-mail.js';
import type { Lasting } from '../town/asks.js';
import type { Mail } from '../town/mail.js';
import type { Lease } from '../town/slots.js';
import { careTrouble } from '../town/witness-trouble.js';
import { goesBeforeLadder } from './asks.js';
import type { Desk } from './desk.js';
import { reasonOf } from './failing.js';
import { town } from './hands.js';
import { send } from './outbox.js';
import { patched } from './patches.js';
import { clearUp } from './witness-clear.js';
import { tellDeacon } from './witness-deacon.js';

/**
 * Since 0.1.1: adopts the polecats it finds, tells a grant once, looks at holders also when nobody waits, and clears the
 * sandbox of those that are gone.
 */
export const renewed = () => patched('witness-adopts');

type Witness = {
  readonly now: () => Pick<WitnessCarry, 'rig' | 'patience' | 'slots'>;
  readonly desk: Desk;
  readonly free: (claim: string) => void;
  /** For mail that reaches nobody. */
  readonly bury: (mail: Mail, why: string) => void;
  readonly isHeld: () => boolean;
  readonly died: (deaths: readonly Death[]) => void;
  /** A look beside the loop has ended. */
  readonly looked: () => void;
};

type Seen = { readonly claim: string; readonly health: Health; readonly atMs: number };

export class WitnessLeases {
  readonly #witness: Witness;
  /** Leases whose holders are gone, and whose sandboxes are being cleared. */
  readonly #clearing = new Set<string>();
  #seen: readonly Seen[] = [];
  #care: readonly Care[];
  /** Words on their way to holders, or about them. */
  #words = 0;
  #isLooking = false;

  constructor(care: readonly Care[] = [], witness: Witness) {
    this.#care = care;
    this.#witness = witness;
  }

  get care(): readonly Care[] {
    return this.#care;
  }

  /** The overseer was told of its polecat, and how to end it. */
  isTold(claim: string): boolean {
    return this.#care.some((one) => one.claim === claim && one.done === 'tell');
  }

  /** What of it goes before the ladder. */
  get trouble(): readonly Lasting[] {
    const { rig, slots } = this.#witness.now();
    const patients = this.#care.flatMap((care) => {
      const lease = slots.leases.find(({ id }) => id === care.claim);
      const fact = this.#seen.find(({ claim }) => claim === care.claim)?.health.fact ?? '';
      return lease === undefined ? [] : [{ name: lease.name, mission: lease.mission, care, fact }];
    });
    return careTrouble(rig.name, patients);
  }

  get isIdle(): boolean {
    return this.#words === 0 && !this.#isLooking;
  }

  agents(): readonly AgentSeen[] {
    const { rig, slots } = this.#witness.now();
    return slots.leases.flatMap(({ id, name, mission, item }) => {
      const seen = this.#seen.find(({ claim }) => claim === id);
      if (seen === undefined) return [];
      const done = this.#care.find(({ claim }) => claim === id)?.done ?? null;
      return [{ agent: polecatAt(rig.name, name), mission, item, ...seen.health, seenMs: seen.atMs, done }];
    });
  }

  /** Beside the loop, which grants slots meanwhile: the server may be slow to answer. */
  async look(): Promise<void> {
    if (!patched('holders are looked at for how they do', '0.9')) return this.#lookWhetherOpen();
    if (!this.#isLooking) void this.#lookAtAll();
  }

  async #lookAtAll(): Promise<void> {
    const { desk, looked } = this.#witness;
    this.#isLooking = true;
    try {
      await this.#lookNow();
    } catch (error) {
      desk.drop('look', null, `it could not look at those at work: ${reasonOf(error)}`);
    } finally {
      this.#isLooking = false;
      looked();
    }
  }

  /** Those who have given their slots back meanwhile are no matter of ours, and those who could not be looked at are judged the next time. */
  async #lookNow(): Promise<void> {
    const { rig, slots, patience } = this.#witness.now();
    const leases = slots.leases.map(({ mission, missionRun, name }) => ({ mission, missionRun, name }));
    const how = { summary: 'look how the holders of slots do' };
    const found = await town(patience).lookAtHolders.executeWithOptions(how, [{ rig: rig.name, leases }]);
    const held = new Set(this.#witness.now().slots.leases.map(({ id }) => id));
    const looks = slots.leases.flatMap((lease, at) => {
      const { isMissionOpen = true, facts = null } = found[at] ?? {};
      return facts === null || !held.has(lease.id) ? [] : [{ lease, isMissionOpen, facts }];
    });
    for (const { lease, isMissionOpen, facts } of looks) if (!isMissionOpen && !facts.isOpen) this.#left(lease);
    this.#judge(looks);
  }

  #judge(looks: readonly { readonly lease: Lease; readonly facts: Facts }[]): void {
    const { patience } = this.#witness.now();
    const nowMs = Date.now();
    this.#seen = looks.map(({ lease, facts }) => {
      return { claim: lease.id, health: judged(healthOf(facts, nowMs, patience, nowMs - lease.sinceMs)), atMs: nowMs };
    });
    const before = this.#care;
    const { care, orders } = caredFor(before, this.#seen, { nowMs, patience, isHeld: this.#witness.isHeld() });
    this.#care = care;
    for (const order of orders) if (order.step !== 'tell') void this.#obey(order, before);
    const told = orders.filter(({ step }) => step === 'tell').flatMap(({ claim }) => this.#patientOf(claim) ?? []);
    if (told.length > 0 && !goesBeforeLadder()) for (const some of alike(told)) void this.#tell(some, before);
    this.#witness.died(looks.flatMap(({ lease, facts }) => deathsOf(lease.id, facts)));
  }

  /** Beside the loop. What reached nobody counts as not done. */
  async #obey({ claim, step }: CareOrder, before: readonly Care[]): Promise<void> {
    this.#words += 1;
    const isDone = await this.#act(claim, step).finally(() => (this.#words -= 1));
    if (!isDone) this.#undo([claim], before);
  }

  #undo(claims: readonly string[], before: readonly Care[]): void {
    this.#care = this.#care.flatMap((one) =>
      claims.includes(one.claim) ? before.filter(({ claim }) => claim === one.claim) : one,
    );
  }

  /** Those who have the same trouble are one mail. */
  async #tell(patients: readonly Patient[], before: readonly Care[]): Promise<void> {
    const { rig, patience } = this.#witness.now();
    const envelope = { id: `health:${uuid4()}`, from: witnessOf(rig.name), to: DEACON };
    this.#words += 1;
    const mail = { ...envelope, ...careMail(rig.name, patients) };
    const told = tellDeacon(mail, patience, `polecats of ${rig.name} do not do well`);
    const delivery = await told.finally(() => (this.#words -= 1));
    if (delivery !== 'delivered')
      this.#undo(
        patients.map(({ claim }) => claim),
        before,
      );
  }

  #patientOf(claim: string): Patient | null {
    const { rig, slots } = this.#witness.now();
    const lease = slots.leases.find(({ id }) => id === claim);
    const care = this.#care.find((one) => one.claim === claim);
    const health = this.#seen.find((one) => one.claim === claim)?.health;
    if (lease === undefined || care === undefined || health === undefined) return null;
    return { claim, agent: polecatAt(rig.name, lease.name), care, health };
  }

  async #act(claim: string, step: CareOrder['step']): Promise<boolean> {
    const patient = this.#patientOf(claim);
    if (patient === null) return true;
    const cycle = step === 'cycle';
    const by = witnessOf(this.#witness.now().rig.name);
    const nudge = { id: `health:${uuid4()}`, by, text: nudgeWords(patient.health, cycle), cycle };
    return (await send(patient.agent, polecatMessages.nudge, nudge)) === 'delivered';
  }

  async #lookWhetherOpen(): Promise<void> {
    const { rig, slots, patience } = this.#witness.now();
    const executions = slots.leases.flatMap((lease) => [
      { workflowId: lease.mission, firstRunId: lease.missionRun },
      { workflowId: polecatAt(rig.name, lease.name), firstRunId: null },
    ]);
    const how = { summary: 'look at the holders of slots' };
    const open = await town(patience).areOpen.executeWithOptions(how, [executions]);
    slots.leases.forEach((lease, index) => {
      const isMissionOpen = open[2 * index] ?? true;
      const isPolecatOpen = open[2 * index + 1] ?? true;
      if (!isMissionOpen && !isPolecatOpen) this.#left(lease);
    });
  }

  #left(lease: Lease): void {
    if (this.#clearing.has(lease.id)) return;
    if (renewed()) void this.#clear(lease);
    else this.#witness.free(lease.id);
  }

  /** Beside the loop, as it may take long. The slot is held until it is done: what fails is tried again with the next look. */
  async #clear(lease: Lease): Promise<void> {
    const { now, desk, free, bury } = this.#witness;
    this.#clearing.add(lease.id);
    try {
      const told = (text: string) => desk.drop('lease', lease, text);
      const during = async (act: () => Promise<void>) => {
        this.#words += 1;
        await act().finally(() => (this.#words -= 1));
      };
      await clearUp(lease, now(), { told, bury, during });
      free(lease.id);
    } catch (error) {
      desk.drop('lease', lease, `what ${lease.name} left could not be cleared yet: ${reasonOf(error)}`);
    } finally {
      this.#clearing.delete(lease.id);
    }
  }
}

/** Before 0.11 whoever was kept waiting by a provider was left alone, for however long. */
function judged(health: Health): Health {
  const isOld = health.kind === 'limited' && !patched('a limit that lasts is told', '0.11');
  return isOld ? { ...health, kind: 'waiting' } : health;
}
