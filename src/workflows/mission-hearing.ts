/** What witnesses and polecats tell a mission: slots that were granted, how work ended, on whom it waits. */
import { uuid4, workflowInfo } from '@temporalio/workflow';
import { missionMessages, refineryMessages } from '../contract/messages.js';
import type { Grant, MissionCarry } from '../contract/mission.js';
import { refineryOf } from '../town/address.js';
import { nextToLand } from '../town/integration.js';
import { isPaused, type MissionEvent, type MissionState } from '../town/mission.js';
import type { PolecatReport } from '../town/polecat-report.js';
import { done, refused, type Desk } from './desk.js';
import { send } from './outbox.js';

type Mission = {
  readonly now: () => MissionCarry;
  readonly note: (event: MissionEvent) => void;
  readonly grant: (grant: Grant) => void;
  readonly report: (item: string, claim: string, report: PolecatReport) => void;
};

export function takeReports(desk: Desk, { now, note, grant, report: tell }: Mission): Together {
  const together = new Together(note);
  const workedUnder = (claim: string) =>
    now().state.items.find((one) => one.state.kind === 'working' && one.state.claim === claim);
  desk.on(missionMessages.granted, ({ claim, rig, name, incarnation }) => {
    grant({ claim, rig, name, incarnation });
    return done('taken');
  });
  desk.on(missionMessages.report, ({ claim, report }) => {
    const item = workedUnder(claim);
    if (item === undefined) return nobody(claim);
    tell(item.id, claim, report);
    return done('taken');
  });
  desk.on(missionMessages.verified, ({ claim, request }) => {
    const item = workedUnder(claim);
    if (item === undefined) return nobody(claim);
    together.forget(request);
    note({ kind: 'verified', item: item.id, claim, request });
    return done('taken');
  });
  desk.on(missionMessages.waiting, ({ claim, molecule, for: who, why, since, escalated }) => {
    const item = workedUnder(claim);
    if (item === undefined) return nobody(claim);
    const wait = who === '' ? null : { molecule, for: who, why, sinceMs: since, escalated };
    note({ kind: 'waits', item: item.id, claim, wait });
    return done('taken');
  });
  return together;
}

/** Lets land what may, each time that something of it has changed. */
export class Together {
  readonly #mission = workflowInfo().workflowId;
  readonly #note: Mission['note'];
  /** The request that was told last that it may. */
  #told: string | null = null;

  constructor(note: Mission['note']) {
    this.#note = note;
  }

  /** What is told it anew has lost it. */
  forget(request: string | null): void {
    if (request === this.#told) this.#told = null;
  }

  /** `aside`: the mission neither ends nor goes on in another run before that is done. */
  tell(state: MissionState, aside: (act: Promise<void>) => void): void {
    const next = isPaused(state) ? null : nextToLand(state);
    if (next === null || next.request === this.#told) return;
    const { item, request, rig } = next;
    this.#told = request;
    this.#note({ kind: 'let-go', item });
    const content = { id: `land:${request}:${uuid4()}`, by: this.#mission, request };
    aside(send(refineryOf(rig), refineryMessages.land, content).then(() => undefined));
  }
}

const nobody = (claim: string) => refused(`no item of this mission is worked under the claim ${claim}`);
