/** Addresses are workflow ids: whoever can be written to can be described, queried and signalled under the same name. */

export const witnessOf = (rig: string): string => `${rig}/witness`;
export const refineryOf = (rig: string): string => `${rig}/refinery`;
export const polecatAt = (rig: string, name: string): string => `${rig}/polecats/${name}`;

const TOWN_ROLES = /^(mayor|deacon|overseer|boot|daemon)$/;
const RIG_ROLES = /^[^/]+\/(witness|refinery|polecats\/[^/]+|crew\/[^/]+)$/;
const TOWN_AGENTS = /^(deacon\/dogs|channel)\/[^/]+$/;

/** True for ids that belong to a role, which no mission may take. */
export function isRoleAddress(id: string): boolean {
  return TOWN_ROLES.test(id) || RIG_ROLES.test(id) || TOWN_AGENTS.test(id);
}

const ALPHABET = 36n;
const LENGTH = 8;

/** `<prefix>-<8 base36>` made of a UUID's bits: the form of every id that the town itself makes. */
export function makeId(prefix: string, uuid: string): string {
  const bits = BigInt(`0x${uuid.replaceAll('-', '')}`) % ALPHABET ** BigInt(LENGTH);
  return `${prefix}-${bits.toString(36).padStart(LENGTH, '0')}`;
}
