/** Addresses are workflow ids: whoever can be written to can be described, queried and signalled under the same name. */

import * as z from 'zod';

const ID_BYTES_MAX = 1_000;

/** What the server takes as a workflow id. Asked to signal any other, it refuses the whole workflow task, again and again. */
export const WorkflowId = z
  .string()
  .min(1, 'a workflow id is expected')
  .refine(
    (id) => new TextEncoder().encode(id).length <= ID_BYTES_MAX,
    `a workflow id of at most ${ID_BYTES_MAX} bytes is expected`,
  );

export const isWorkflowId = (id: string): boolean => WorkflowId.safeParse(id).success;

export const witnessOf = (rig: string): string => `${rig}/witness`;
export const refineryOf = (rig: string): string => `${rig}/refinery`;
export const OVERSEER = 'overseer';
export const MAYOR = 'mayor';
export const DEACON = 'deacon';
export const BOOT = 'boot';
/** The Temporal Schedule that starts boot. */
export const DAEMON = 'daemon';
export const crewAt = (rig: string, name: string): string => `${rig}/crew/${name}`;
export const polecatAt = (rig: string, name: string): string => `${rig}/polecats/${name}`;

/** Whether somebody is a polecat of this rig. */
export function isPolecatOf(rig: string, address: string): boolean {
  const before = polecatAt(rig, '');
  return address.startsWith(before) && /^[^/]+$/.test(address.slice(before.length));
}

const POLECAT = /^([^/]+)\/polecats\/[^/]+$/;

/** Null for whoever is no polecat. */
export function rigOfPolecat(address: string): string | null {
  return POLECAT.exec(address)?.[1] ?? null;
}

const WITNESS = /^([^/]+)\/witness$/;

/** The rig of a witness; null for any other address. */
export function rigOfWitness(address: string): string | null {
  return WITNESS.exec(address)?.[1] ?? null;
}

const REFINERY = /^([^/]+)\/refinery$/;

/** The rig of a refinery; null for any other address. */
export function rigOfRefinery(address: string): string | null {
  return REFINERY.exec(address)?.[1] ?? null;
}

const CREW = /^([^/]+)\/crew\/([^/]+)$/;

/** The rig of a member of its crew; null for any other address. */
export function rigOfCrew(address: string): string | null {
  return CREW.exec(address)?.[1] ?? null;
}

const DOG = /^deacon\/dogs\/([^/]+)$/;

/** Of a dog's name. */
export const dogAt = (name: string): string => `${DEACON}/dogs/${name}`;

/** The name of a dog; null for any other address. */
export const dogOf = (address: string): string | null => DOG.exec(address)?.[1] ?? null;

/** A rig, and whom of its crew or its polecats; null for any other address. */
export function workerAt(
  address: string,
): { readonly rig: string; readonly kind: 'crew' | 'polecats'; readonly name: string } | null {
  const [, rig, kind, name] = /^([^/]+)\/(crew|polecats)\/([^/]+)$/.exec(address) ?? [];
  if (rig === undefined || name === undefined) return null;
  return { rig, kind: kind === 'crew' ? 'crew' : 'polecats', name };
}

export const channelAt = (name: string): string => `channel/${name}`;

/** The name of a channel; null for any other address. */
export function channelOf(address: string): string | null {
  return /^channel\/([A-Za-z0-9][\w.-]{0,99})$/.exec(address)?.[1] ?? null;
}

/** The workflow that brings a mail to all of a group. */
export const circularAt = (id: string): string => `circular/${id}`;

/** The id of the mail that it brings; null for any other address. */
export function circularOf(address: string): string | null {
  return /^circular\/(.+)$/s.exec(address)?.[1] ?? null;
}

/** Of the workflow that a trouble climbs in, see `escalation-id`. */
export const isEscalationId = (id: string): boolean => /^hq-esc-[0-9a-z]{8}$/.test(id);

/** Whether it is the address of a person or an agent who has an inbox. */
export const isInboxAddress = (address: string): boolean =>
  address === OVERSEER || /^[^/]+\/(crew|polecats)\/[^/]+$/.test(address);

/** A Schedule adds the time to the ids of what it starts. */
const TOWN_ROLES = /^(mayor|deacon|overseer|daemon|boot(-\d{4}-\d\d-\d\dT.*)?)$/;
const RIG_ROLES = /^[^/]+\/(witness|refinery|polecats\/[^/]+|crew\/[^/]+)$/;
const TOWN_AGENTS = /^(deacon\/dogs|channel)\/[^/]+$/;

/** True for ids that belong to a role, which no mission may take. */
export function isRoleAddress(id: string): boolean {
  return (
    TOWN_ROLES.test(id) || RIG_ROLES.test(id) || TOWN_AGENTS.test(id) || circularOf(id) !== null || isEscalationId(id)
  );
}

const ALPHABET = 36n;
const LENGTH = 8;

/** `<prefix>-<8 base36>` made of a UUID's bits: the form of every id that the town itself makes. */
export function makeId(prefix: string, uuid: string): string {
  const bits = BigInt(`0x${uuid.replaceAll('-', '')}`) % ALPHABET ** BigInt(LENGTH);
  return `${prefix}-${bits.toString(36).padStart(LENGTH, '0')}`;
}
