/**
 * Slots: the names of a rig's polecats and who holds them. A claim is granted when a name is free and fewer than `capacity`
 * are held; else it waits, most urgent first, among equals that of the mission with the fewest slots, then the oldest. A lease ends
 * only by `release`, after its polecat has closed.
 * Names are taken in turn, so that a name that was just freed is the last to come again.
 */

export type Claim = {
  /** `<mission>/<item>/<attempt>@<run>`: claiming twice under one id is claiming once. */
  readonly id: string;
  readonly mission: string;
  readonly missionRun: string;
  readonly item: string;
  /** 0 is the most urgent, 4 the least. */
  readonly priority: number;
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

/** Grants as many waiting claims as there is room for. `fair`: among equally urgent ones no mission goes before another that has fewer slots. */
export function grantSlots(
  slots: Slots,
  nowMs: number,
  fair: boolean,
): { readonly slots: Slots; readonly grants: readonly Lease[] } {
  const grants: Lease[] = [];
  let after = slots;
  for (;;) {
    const claim = fair ? fairest(after) : after.queue[0];
    const name = claim === undefined ? null : freeName(after);
    if (claim === undefined || name === null) return { slots: after, grants };
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

/** The queue stands in the order of urgency and age. */
function fairest({ queue, leases }: Slots): Claim | undefined {
  const [first] = queue;
  const held = ({ mission, missionRun }: Claim) =>
    leases.filter((lease) => lease.mission === mission && lease.missionRun === missionRun).length;
  const equals = queue.filter(({ priority }) => priority === first?.priority);
  const counts = new Map(equals.map((claim) => [claim, held(claim)]));
  const least = Math.min(...counts.values());
  return equals.find((claim) => counts.get(claim) === least);
}

function freeName(slots: Slots): string | null {
  if (slots.leases.length >= slots.capacity) return null;
  const inTurn = [...slots.names.slice(slots.turn), ...slots.names.slice(0, slots.turn)];
  return inTurn.find((name) => !slots.leases.some((lease) => lease.name === name)) ?? null;
}
