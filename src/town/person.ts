/** People by the names that they are called by: a name alone, `crew/ann`, or the whole address `server/crew/ann`. */
import { memberMeant } from './assigned.js';

const CREW = /(?:^|\/)crew\/[^/]+$/;

/** The address of a member of the crew, if that is who is meant; else the name as it stands. `rig`: that of the work. */
export function personMeant(name: string, rig: string | null): string {
  return memberMeant(name, rig) ?? name.trim();
}

/** Whether two names are of one person, as far as can be told: `ann` and `server/crew/ann` are, `web/crew/ann` and `server/crew/ann` not. */
export function isSamePerson(a: string, b: string): boolean {
  const [short, long] = a.length < b.length ? [a, b] : [b, a];
  return short === long || (CREW.test(long) && long.endsWith(`/${short}`));
}
