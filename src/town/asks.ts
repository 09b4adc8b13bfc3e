/** Trouble of a workflow that lasts: it is brought before the ladder once, and settled when it lasts no more, however it was answered. */
import { waiterKey } from './escalation-id.js';
import type { Raised, Waiter } from './escalation-input.js';
import { isRoleTier } from './escalation-ladder.js';
import { signatureIn, signed } from './escalation-signature.js';
import { unreachable } from './unreachable.js';
import { code } from './wording.js';

/** `key`: of this wait; the same trouble that comes again has another. */
export type Lasting = { readonly key: string; readonly raised: Raised };
/**
 * `escalation`: null of what could not be brought there. `atMs`: when it was brought there last. `isAnswered`: by that escalation itself, which may not have
 * heard that it was. `lookedMs`: when it was asked after last. `answeredMs`: when it was answered, if nobody waits there to hear of that. `isCancelled`: somebody has cancelled that escalation, and wants no other.
 */
type Brought = {
  readonly key: string;
  readonly waiter: Waiter;
  readonly escalation: string | null;
  readonly atMs?: number;
  readonly lookedMs?: number;
  readonly isAnswered?: boolean;
  readonly answeredMs?: number;
  readonly isCancelled?: boolean;
};

/** `answered`: nobody waits in it any more. `terminated`: by somebody, with the server's own means. */
export type EscalationEnd = { readonly kind: 'answered'; readonly by: string } | { readonly kind: 'terminated' };

/** How one stands that was brought before, for one who waits there. `gone`: nobody waits there for that any more, and nobody has answered. */
export type EscalationStand =
  | { readonly kind: 'open' | 'cancelled' | 'gone' }
  | { readonly kind: 'answered'; readonly by: string; readonly atMs: number };

/** `answered`: by whoever waits, how many answers of roles it has had, one after the other. */
export type Asks = {
  readonly brought: readonly Brought[];
  readonly answered: readonly (readonly [waiter: string, times: number])[];
};

export const NO_ASKS: Asks = { brought: [], answered: [] };
/** A mission has so many items, and parts of them. */
const ANSWERED_KEPT = 1_000;

export type Next =
  | { readonly kind: 'settle'; readonly brought: Brought }
  | { readonly kind: 'look'; readonly brought: Brought & { readonly escalation: string } }
  | { readonly kind: 'raise'; readonly lasting: Lasting };

/** What an answer has not mended after this long is brought there anew; and what is there is looked after, where nobody hears of its end. */
const MENDED_MS = 3_600_000;

/**
 * `isHeard`: whether the end of an escalation is heard of, which only the run hears that has started it. `asksAfter`: whether one is asked after whose end is not; before
 * 0.13 it was joined again, and what had been answered or cancelled came back.
 */
type Moment = {
  readonly nowMs: number;
  readonly patience: number;
  readonly isHeard: (escalation: string | null) => boolean;
  readonly asksAfter: () => boolean;
};

/** What is over goes first: whoever waits anew is then not taken for who waited before. Null: all is told. */
export function nextOf(
  { brought, answered }: Asks,
  all: readonly Lasting[],
  { nowMs, patience, isHeard, asksAfter }: Moment,
): Next | null {
  const isLong = (sinceMs: number) => nowMs - sinceMs >= MENDED_MS * patience;
  const isOver = ({ key, isAnswered = false, answeredMs = Infinity }: Brought) =>
    isAnswered || isLong(answeredMs) || !all.some((one) => one.key === key);
  const over = brought.find(isOver);
  if (over !== undefined) return { kind: 'settle', brought: over };
  const isThere = ({ atMs = 0, lookedMs = atMs, escalation, answeredMs, isCancelled = false }: Brought) =>
    isCancelled || answeredMs !== undefined || !isLong(lookedMs) || isHeard(escalation);
  const news = all.find(({ key }) => !brought.some((one) => one.key === key && isThere(one)));
  if (news === undefined) return null;
  const { key, raised } = news;
  const before = brought.find((one) => one.key === key);
  const { escalation = null } = before ?? {};
  if (before !== undefined && escalation !== null && asksAfter()) {
    return { kind: 'look', brought: { ...before, escalation } };
  }
  const [, times = 0] = answered.find(([waiter]) => waiter === waiterKey(raised.waiter)) ?? [];
  return { kind: 'raise', lasting: { key, raised: { ...raised, waiter: { ...raised.waiter, answered: times } } } };
}

export function bring(
  asks: Asks,
  { key, raised: { waiter } }: Lasting,
  escalation: string | null,
  nowMs: number,
): Asks {
  const others = asks.brought.filter((one) => one.key !== key);
  return { ...asks, brought: [...others, { key, waiter, escalation, atMs: nowMs }] };
}

export function settled(asks: Asks, { key }: Brought): Asks {
  return { ...asks, brought: asks.brought.filter((one) => one.key !== key) };
}

/**
 * Somebody has answered who waits there. One whom the ladder answers waits there no more: if the trouble is not over by that, it is brought there anew. A
 * person's answer is none of a role.
 */
export function answeredBy({ brought, answered }: Asks, waiter: string, by: string): Asks {
  const said = signatureIn(by);
  const others = answered.filter(([one]) => one !== waiter);
  const [, times = 0] = answered.find(([one]) => one === waiter) ?? [];
  const isOfRole = said !== null && isRoleTier(said.who);
  const isMeant = (one: Brought) => one.escalation === said?.escalation && waiterKey(one.waiter) === waiter;
  return {
    brought: brought.map((one) => (isMeant(one) ? { ...one, isAnswered: true } : one)),
    answered: isOfRole ? [...others, [waiter, times + 1] as const].slice(-ANSWERED_KEPT) : others,
  };
}

/** Before 0.12 an escalation was not told that its own answer was heard. */
export function withoutAnswered(asks: Asks): Asks {
  return { ...asks, brought: asks.brought.filter(({ isAnswered = false }) => !isAnswered) };
}

/** An escalation has ended. Of what was only told there, nobody heard the answer; of what was terminated, nobody at all. */
export function endedIn(asks: Asks, escalation: string, end: EscalationEnd, nowMs: number): Asks {
  if (end.kind === 'terminated')
    return { ...asks, brought: asks.brought.filter((one) => one.escalation !== escalation) };
  const told = asks.brought.filter((one) => one.escalation === escalation && one.waiter.kind === 'telling');
  const by = signed(end.by, escalation);
  const { answered } = told.reduce((before, { waiter }) => answeredBy(before, waiterKey(waiter), by), asks);
  return {
    brought: asks.brought.map((one) => (told.includes(one) ? { ...one, answeredMs: nowMs } : one)),
    answered,
  };
}

/** It was asked after. What nobody there can have heard of is brought there anew. */
export function lookedAfter(
  asks: Asks,
  { key, waiter, escalation }: Brought,
  stand: EscalationStand,
  nowMs: number,
): Asks {
  const as = (change: Partial<Brought>): Asks => ({
    ...asks,
    brought: asks.brought.map((one) => (one.key === key ? { ...one, ...change } : one)),
  });
  const isTold = waiter.kind === 'telling';
  switch (stand.kind) {
    case 'open':
      return as({ lookedMs: nowMs });
    case 'cancelled':
      return as({ isCancelled: true });
    case 'answered':
      if (isTold && escalation !== null)
        return endedIn(asks, escalation, { kind: 'answered', by: stand.by }, stand.atMs);
      break;
    case 'gone':
      break;
    default:
      return unreachable(stand);
  }
  return { ...asks, brought: asks.brought.filter((one) => one.key !== key) };
}

/** For the board of whoever waits. */
export function askLines({ brought }: Asks): readonly string[] {
  const open = brought.filter(({ answeredMs, isCancelled = false }) => answeredMs === undefined && !isCancelled);
  const ids = [...new Set(open.flatMap(({ escalation }) => escalation ?? []))];
  return ids.map((id) => `\n> ${code(`gt explain ${id}`)} says who is asked about it, and until when`);
}
