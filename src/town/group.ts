/**
 * Groups: addresses that stand for whoever belongs there. One is named (`@crew/server`) or a pattern (`server/crew/*`), in which `*` is any text; a name
 * is short for patterns. Who belongs to it is looked up once, when the mail is sent.
 */
import { MAYOR, OVERSEER } from './address.js';
import { listed } from './listed.js';
import type { Mail } from './mail.js';
import { fits } from './wildcard.js';

/** Of one group: whoever has to reach more writes to its parts, or publishes. */
export const MEMBERS_MAX = 2_000;
const ADDRESS_CHARS_MAX = 200;

/** Agents and people, by what their addresses are like. A witness has an inbox, but no eyes: it is written to by its own name. */
const NAMED: Readonly<Record<string, readonly string[]>> = {
  '@town': [OVERSEER, '*/crew/*', '*/polecats/*'],
  '@overseer': [OVERSEER],
  '@crew': ['*/crew/*'],
  '@polecats': ['*/polecats/*'],
  '@witnesses': ['*/witness'],
};

const OF_RIG: Readonly<Record<string, (rig: string) => readonly string[]>> = {
  '@rig': (rig) => [`${rig}/crew/*`, `${rig}/polecats/*`],
  '@crew': (rig) => [`${rig}/crew/*`],
  '@polecats': (rig) => [`${rig}/polecats/*`],
};

/** Whether it is meant for many, and not the address of one. */
export const isGroup = (address: string): boolean => address.startsWith('@') || address.includes('*');

type Reading =
  | { readonly ok: true; readonly patterns: readonly string[] }
  | { readonly ok: false; readonly problem: string };

/** The patterns that a group stands for. */
export function readGroup(address: string): Reading {
  const [, name = '', rig = ''] = /^(@[a-z]+)\/([^/]+)$/.exec(address) ?? [];
  const patterns = Object.hasOwn(NAMED, address)
    ? NAMED[address]
    : Object.hasOwn(OF_RIG, name)
      ? OF_RIG[name]?.(rig)
      : undefined;
  if (patterns !== undefined) return { ok: true, patterns };
  if (address.length <= ADDRESS_CHARS_MAX && !address.startsWith('@') && address.includes('*'))
    return { ok: true, patterns: [address] };
  const known = [...Object.keys(NAMED), ...Object.keys(OF_RIG).map((one) => `${one}/RIG`)];
  const problem = `"${address.slice(0, ADDRESS_CHARS_MAX)}" is no group: there are ${known.join(', ')}, and patterns such as */witness`;
  return { ok: false, problem };
}

/**
 * `open`: addresses of all who have an inbox now. The overseer is there with the first mail. In order, each once, and never who writes; nor the mayor
 * beside the overseer, to whom it passes on what it is written.
 */
export function membersOf(patterns: readonly string[], open: readonly string[], from: string): readonly string[] {
  const all = new Set([OVERSEER, ...open]);
  all.delete(from);
  const members = [...all].filter((address) => patterns.some((pattern) => fits(pattern, address))).toSorted();
  return members.includes(OVERSEER) ? members.filter((address) => address !== MAYOR) : members;
}

/** An address; of a polecat with its number, so that whoever has the slot after it does not get what was meant for it. */
export type Member = string | { readonly to: string; readonly incarnation: number };

export const addressOf = (member: Member): string => (typeof member === 'string' ? member : member.to);

/** Under an id of its own, so that however often it is sent, it is there once. */
export function copyFor(member: Member, mail: Mail): Mail {
  const to = addressOf(member);
  const copy = { ...mail, id: `${mail.id} to ${to}`, to };
  return typeof member === 'string' ? copy : { ...copy, toIncarnation: member.incarnation };
}

/** Whether nobody belongs to it whom an agent of the rig may not write to. */
export function isWithinReach(address: string, rig: string): boolean {
  const reading = readGroup(address);
  const near = [`${rig}/crew/`, `${rig}/polecats/`];
  return (
    reading.ok && reading.patterns.every((one) => one === OVERSEER || near.some((before) => one.startsWith(before)))
  );
}

/** What came of a mail to a group: by address, who has it, and who has not, and why. */
export type Outcome = {
  readonly to: string;
  readonly reached: readonly string[];
  readonly missed: readonly { readonly to: string; readonly why: string }[];
};

const NAMED_MAX = 50;
const WHY_CHARS_MAX = 200;

/** In a sentence: all that were missed are named, and as many of the others as there is room for. */
export function outcomeText({ to, reached, missed }: Outcome): string {
  const more = reached.length > NAMED_MAX ? [`${reached.length - NAMED_MAX} more`] : [];
  const had = listed([...reached.slice(0, NAMED_MAX), ...more], 'and');
  const sent = reached.length === 0 ? `nobody of ${to} has it` : `it is in the inbox of ${had}`;
  const lacking = missed.map((one) => `${one.to} (${one.why.slice(0, WHY_CHARS_MAX)})`);
  return lacking.length === 0 ? sent : `${sent}; it could not be brought to ${lacking.join(', ')}`;
}
