/** What witnesses and polecats tell a mission: slots that were granted, how work ended, on whom it waits, what is verified. */
import { missionMessages } from '../contract/messages.js';
import type { Grant, MissionCarry } from '../contract/mission.js';
import type { MissionEvent } from '../town/mission.js';
import type { PolecatReport } from '../town/polecat-report.js';
import { done, refused, type Desk } from './desk.js';
import { Together } from './mission-together.js';

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

const nobody = (claim: string) => refused(`no item of this mission is worked under the claim ${claim}`);
