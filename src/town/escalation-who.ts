/**
 * Who may answer an escalation, and who a step: tiers, the overseer, crew and people, and no other agent. Whoever gives a name is taken at their word, as everywhere in a
 * town; but an address counts in whatever case and with whatever blanks around it.
 */
import { DEACON, isEscalationId, isRoleAddress, MAYOR, OVERSEER, rigOfCrew, witnessOf } from './address.js';
import type { Waiter } from './escalation-input.js';
import { signatureIn } from './escalation-signature.js';

export type Verb = 'ack' | 'resolve' | 'forward' | 'note';

/** Of a molecule or a mission, as the town makes them. */
const MADE_ID = /^[a-z]{2,4}-(?:(?:wisp|cv)-)?(?=[a-z]*\d)[0-9a-z]{8}(?:-r\d+)?$/;

const spelled = (name: string): string => name.trim().toLowerCase();

export const isSameAgent = (one: string, other: string): boolean => spelled(one) === spelled(other);

/** Whether it is the address of an agent, or an id that the town has made: of no tier of people, and no name of a person. */
function isAgentName(name: string): boolean {
  const by = spelled(name);
  if (by === OVERSEER || rigOfCrew(by) !== null) return false;
  return [name.trim(), by].some((one) => isRoleAddress(one) || isEscalationId(one) || MADE_ID.test(one));
}

/** In a sentence; null for one who may. Whoever has asked may add to it, and no more. */
export function whyNotBy(by: string, verb: Verb, route: readonly string[], waiters: readonly Waiter[]): string | null {
  const who = by.slice(0, 200);
  if (hasAsked(by, waiters))
    return verb === 'note' ? null : `${who} has asked itself: it may add a note, and its tiers or people answer`;
  const waits = waiters.some(({ kind, at }) => kind !== 'telling' && isSameAgent(at, by));
  if (route.some((tier) => isSameAgent(tier, by)) || !(waits || isAgentName(by))) return null;
  return `${who} is an agent, and no tier of this: ${[...route, 'crew and people'].join(', ')} may ${verb}`;
}

/** An agent that has told of it has asked, too; a person who has may answer. */
export function hasAsked(by: string, waiters: readonly Waiter[]): boolean {
  return waiters.some(({ kind, agent, at }) => {
    const asker = agent ?? (kind === 'telling' && isAgentName(at) ? at : null);
    return asker !== null && isSameAgent(asker, by);
  });
}

/** Whether somebody is an agent that nothing in these rigs is answered by. */
export function isNoSuperior(by: string, rigs: readonly string[]): boolean {
  return isAgentName(by) && !superiorsIn(rigs).some((one) => isSameAgent(one, by));
}

const superiorsIn = (rigs: readonly string[]): readonly string[] => [DEACON, MAYOR, ...rigs.map(witnessOf)];

/** In a sentence, why an agent does not answer what a mission or a merge queue asks; null for people and for the agents above it. */
export function whyNotFor(what: string, by: string, rigs: readonly string[]): string | null {
  const who = signatureIn(by)?.who ?? by;
  if (!isNoSuperior(who, rigs)) return null;
  return `${who.slice(0, 200)} is an agent, and not above ${what}: people answer here, or ${superiorsIn(rigs).join(', ')}`;
}
