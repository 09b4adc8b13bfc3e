/**
 * Slots: the names of a rig's polecats and who holds them. A claim is granted when a name is free and fewer than `capacity`
 * are held; else it waits, most urgent first, among equals that of the mission with the fewest slots, then the oldest. A lease ends
 * only by `release`, after its polecat has closed.
 * Names are taken in turn, so that a name that was just freed is the last to come again. A claim on one name waits for that very one,
 * and holds up nobody meanwhile; nobody else takes a name that is waited for as long as there is another. A name that the rig has no more would be
 * waited for for ever: then any will do.
 */

export type Claim = {
  /** `<mission>/<item>/<attempt>@<run>`: claiming twice under one id is claiming once. */
  readonly id: string;
  readonly mission: string;
  readonly missionRun: string;
  readonly item: string;
  /** 0 is the most urgent, 4 the least. */
  readonly priority: number;
  /** The one name that will do, as long as the rig has it. Absent: any. */
  readonly name?: string | undefined;
};

export type Lease = Claim & {
  readonly name: string;
  /** Counts up over all grants of the rig: tells a name's holder from those before it. */
  readonly incarnation: number;
  readonly sinceMs: number;
};

export type Slots = {
  readonly names: readonly string[];
  readonly capacity: number;
  readonly granted: number;
  /** Index into `names` at which the search for a free one begins. */
  readonly turn: number;
  readonly leases: readonly Lease[];
  readonly queue: readonly Claim[];
};

/** The run of the mission stands at the end of the claim. */
export function missionRunOf(claim: string): string {
  return claim.slice(claim.lastIndexOf('@') + 1);
}

export function openSlots(names: readonly string[], capacity: number): Slots {
  return { names, capacity, granted: 0, turn: 0, leases: [], queue: [] };
}

/**
 * For a witness that begins anew: the leases of polecats that are at work, and the highest incarnation there ever was. None
 * may come again: what an earlier incarnation left in its sandbox is its own.
 */
export function adoptLeases(slots: Slots, found: readonly Lease[], incarnationMax: number): Slots {
  const adopted = found.filter((lease) => !slots.leases.some((one) => one.id === lease.id || one.name === lease.name));
  return {
    ...slots,
    granted: Math.max(slots.granted, incarnationMax),
    leases: [...slots.leases, ...adopted],
    queue: slots.queue.filter((claim) => !adopted.some((lease) => lease.id === claim.id)),
  };
}

/**
 * For a witness that begins anew, of the one before it: who waits for a slot, in the order in which they did, and slots that were granted and are not used yet.
 * The latter are told again: who does not want his any more gives it back. `released`: what was given back since.
 */
export function inheritSlots(
  slots: Slots,
  before: Slots,
  released: readonly string[],
): { readonly slots: Slots; readonly unused: readonly string[] } {
  const isPast = ({ id }: Claim) => released.includes(id);
  const unused = before.leases.filter((lease) => !isPast(lease) && !slots.leases.some((one) => one.id === lease.id));
  const adopted = adoptLeases({ ...slots, turn: before.turn % slots.names.length }, unused, before.granted);
  const waiting = before.queue.filter((claim) => !isPast(claim));
  const queue = [...waiting, ...adopted.queue].reduce(claimSlot, { ...adopted, queue: [] });
  const held = new Set(queue.leases.map(({ id }) => id));
  return { slots: queue, unused: unused.flatMap(({ id }) => (held.has(id) ? [id] : [])) };
}

/** New names and capacity. Leases stand; a smaller capacity takes effect as they end. */
export function resizeSlots(slots: Slots, names: readonly string[], capacity: number): Slots {
  return { ...slots, names, capacity, turn: slots.turn % names.length };
}

export function claimSlot(slots: Slots, claim: Claim): Slots {
  const known = [...slots.leases, ...slots.queue].some((one) => one.id === claim.id);
  if (known) return slots;
  const queue = [...slots.queue, claim].toSorted((a, b) => a.priority - b.priority); // stable: the oldest stays first
  return { ...slots, queue };
}

/** Ends the lease of a claim, or takes the claim out of the queue. Unknown claims are left alone. */
export function releaseSlot(slots: Slots, claim: string): Slots {
  return {
    ...slots,
    leases: slots.leases.filter((lease) => lease.id !== claim),
    queue: slots.queue.filter((waiting) => waiting.id !== claim),
  };
}

/**
 * Grants as many waiting claims as there is room for. `fair`: among equally urgent ones that could begin no mission goes before another that has
 * fewer slots.
 */
export function grantSlots(
  slots: Slots,
  nowMs: number,
  fair: boolean,
): { readonly slots: Slots; readonly grants: readonly Lease[] } {
  const grants: Lease[] = [];
  let after = slots;
  for (;;) {
    const grant = nextGrant(after, fair);
    if (grant === null) return { slots: after, grants };
    const { claim, name } = grant;
    const lease = { ...claim, name, incarnation: after.granted + 1, sinceMs: nowMs };
    grants.push(lease);
    after = {
      ...after,
      queue: after.queue.filter((waiting) => waiting !== claim),
      leases: [...after.leases, lease],
      granted: lease.incarnation,
      turn: (after.names.indexOf(name) + 1) % after.names.length,
    };
  }
}

function nextGrant(slots: Slots, fair: boolean): { readonly claim: Claim; readonly name: string } | null {
  const { names, turn, leases, capacity, queue } = slots;
  if (leases.length >= capacity) return null;
  const inTurn = [...names.slice(turn), ...names.slice(0, turn)];
  const free = inTurn.filter((name) => !leases.some((lease) => lease.name === name));
  const wanted = new Set(queue.map(({ name }) => name));
  const any = free.find((name) => !wanted.has(name)) ?? free[0];
  const nameFor = ({ name }: Claim) =>
    name === undefined || !names.includes(name) ? any : free.find((one) => one === name);
  const able = queue.filter((claim) => nameFor(claim) !== undefined);
  const claim = fair ? fairest(able, leases) : able[0];
  const name = claim === undefined ? undefined : nameFor(claim);
  return claim === undefined || name === undefined ? null : { claim, name };
}

/** The claims stand in the order of urgency and age. */
function fairest(claims: readonly Claim[], leases: readonly Lease[]): Claim | undefined {
  const [first] = claims;
  const held = ({ mission, missionRun }: Claim) =>
    leases.filter((lease) => lease.mission === mission && lease.missionRun === missionRun).length;
  const equals = claims.filter(({ priority }) => priority === first?.priority);
  const counts = new Map(equals.map((claim) => [claim, held(claim)]));
  const least = Math.min(...counts.values());
  return equals.find((claim) => counts.get(claim) === least);
}
