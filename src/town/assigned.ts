/**
 * Steps that wait for one person, as their molecules tell it, and items, as their missions do. Each telling is all that waits for the person in that molecule, so the last one holds, and
 * one that was lost is made up for by the next.
 */
import { crewAt } from './address.js';
import { bytesOf } from './bytes.js';

/** Of one molecule; what has no room is counted, and comes once others have closed. */
export const ASSIGNED_MAX = 50;
/** Molecules that one person is told of. */
export const MOLECULES_MAX = 500;
/** All of it goes from run to run beside an inbox and a hook, and the server takes 2 MB. */
export const ASSIGNED_BYTES_MAX = 250_000;

export type AssignedStep = {
  readonly step: string;
  readonly title: string;
  /** For `close`: refused under it once the step waits anew. */
  readonly token: string | null;
  readonly sinceMs: number;
  /** It waits for an answer, and not to be closed: work on it came to nothing. */
  readonly isEscalated?: true | undefined;
  /** It is an item of a mission, whose id stands in the place of the molecule's; `token` is its attempt. */
  readonly isItem?: true | undefined;
};

export type Assigned = {
  readonly molecule: string;
  readonly steps: readonly AssignedStep[];
  /** How many more wait there. */
  readonly more: number;
};

/** All that waits for one person in one place. */
export type Telling = { readonly steps: readonly AssignedStep[]; readonly more: number };
/** By person. */
export type Tellings = ReadonlyMap<string, Telling>;
export const NOTHING: Telling = { steps: [], more: 0 };

const TITLE_CHARS_MAX = 200;

export function tellingsOf(waiting: readonly { readonly person: string; readonly step: AssignedStep }[]): Tellings {
  const tellings = new Map<string, { readonly steps: AssignedStep[]; more: number }>();
  for (const { person, step } of waiting) {
    const telling = tellings.get(person) ?? { steps: [], more: 0 };
    if (telling.steps.length < ASSIGNED_MAX)
      telling.steps.push({ ...step, title: step.title.slice(0, TITLE_CHARS_MAX) });
    else telling.more += 1;
    tellings.set(person, telling);
  }
  return tellings;
}

/** Null when there is no room for another molecule. Steps that have none are counted. */
export function afterTold(assigned: readonly Assigned[], told: Assigned): readonly Assigned[] | null {
  const others = assigned.filter(({ molecule }) => molecule !== told.molecule);
  if (told.steps.length === 0) return others;
  if (others.length >= MOLECULES_MAX) return null;
  const room = ASSIGNED_BYTES_MAX - bytesOf(others) - 1;
  for (let kept = told.steps.length; kept >= 0; kept -= 1) {
    const one = { ...told, steps: told.steps.slice(0, kept), more: told.more + told.steps.length - kept };
    if (bytesOf(one) <= room) return [...others, one];
  }
  return null;
}

const MEMBER = /^crew\/([^/]+)$/;
const ADDRESS = /^[^/]+\/crew\/[^/]+$/;

/** The member of a crew whom a step names as `crew/ann` or `server/crew/ann`; null for anybody else. `rig`: that of the molecule. */
export function memberMeant(assignee: string, rig: string | null): string | null {
  const name = assignee.trim();
  if (ADDRESS.test(name)) return name;
  const member = MEMBER.exec(name)?.[1];
  return member === undefined || rig === null ? null : crewAt(rig, member);
}
