/** Who may answer an escalation: its tiers, the overseer, crew and people. Whoever gives a name is taken at their word, as everywhere in a town. */
import { isEscalationId, isRoleAddress, OVERSEER, rigOfCrew } from './address.js';
import type { Waiter } from './escalation-input.js';

export type Verb = 'ack' | 'resolve' | 'forward' | 'note';

/** Of a molecule or a mission, as the town makes them. */
const MADE_ID = /^[a-z]{2,4}-(?:(?:wisp|cv)-)?(?=[a-z]*\d)[0-9a-z]{8}(?:-r\d+)?$/;

/** In a sentence; null for one who may. Whoever has asked may add to it, and no more. */
export function whyNotBy(by: string, verb: Verb, route: readonly string[], waiters: readonly Waiter[]): string | null {
  const who = by.slice(0, 200);
  if (waiters.some(({ agent }) => agent === by))
    return verb === 'note' ? null : `${who} has asked itself: it may add a note, and its tiers or people answer`;
  if (by === OVERSEER || rigOfCrew(by) !== null || route.includes(by) || !isAgent(by, waiters)) return null;
  return `${who} is an agent, and no tier of this: ${[...route, 'crew and people'].join(', ')} may ${verb}`;
}

function isAgent(by: string, waiters: readonly Waiter[]): boolean {
  const waits = waiters.some(({ kind, at }) => kind !== 'telling' && at === by);
  return waits || isRoleAddress(by) || isEscalationId(by) || MADE_ID.test(by);
}
