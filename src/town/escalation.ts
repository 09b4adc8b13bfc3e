/**
 * An escalation: one trouble, and all who wait for its answer. It climbs its ladder tier by tier: each is asked, and acks, resolves or forwards; silence
 * forwards by itself; what nobody has taken up for long becomes more urgent. An answer on its way is no matter of those whom it is not for: they are
 * asked for meanwhile. When nobody waits any more the round is over; who comes with the same trouble while it ends begins the next one.
 *
 *     raised → a tier is told → (a role judges) → resolved → over
 *                 ↑                   ↓
 *                 └── forwarded, silent, unreached: the next tier
 */
import { hasSaid, withLink, NO_CHAIN, type Chain, type Link } from './escalation-chain.js';
import { waiterKey } from './escalation-id.js';
import { SEVERITIES, type Raised, type Resolution, type Severity, type Waiter } from './escalation-input.js';
import { endingWithOverseer, isRoleTier, type Ladder } from './escalation-ladder.js';
import { NO_USAGE, type Usage } from './session.js';

/** Of one escalation; for those who come then there is another one. */
export const WAITERS_MAX = 1_000;

/**
 * `isLate`: it came when nobody waited any more, and waits for the next round. While an answer is on its way to it: `next`, it has come again, and waits
 * anew after that, or has been answered otherwise, and does not.
 */
export type Waiting = {
  readonly waiter: Waiter;
  readonly severity: Severity;
  readonly sinceMs: number;
  readonly isLate: boolean;
  readonly next?: 'again' | 'settled';
};

/**
 * An answer on its way. `left`: whom it is still to reach, by their keys. `refused`: what those said who could not go on with it; `unreached`: those who did
 * not hear it.
 */
export type Answering = {
  readonly id: number;
  readonly by: string;
  readonly resolution: Resolution;
  readonly left: readonly string[];
  readonly taken: number;
  readonly gone: number;
  readonly refused: readonly string[];
  readonly unreached: readonly string[];
};

export type Escalation = {
  /** As the first has raised it. */
  readonly raised: Raised;
  readonly nth: number;
  readonly atMs: number;
  readonly severity: Severity;
  /** How often it has become more urgent by itself. */
  readonly raises: number;
  /** Null until it is known. */
  readonly ladder: Ladder | null;
  /** Index into the route. `turn` tells apart all who are asked, one after the other. */
  readonly tier: number;
  readonly turn: number;
  readonly tierSinceMs: number;
  /** `vain`: whoever is asked could not be reached, and there is nobody above. */
  readonly telling: 'due' | 'told' | 'vain';
  readonly toldMs: number;
  /** Of a telling in vain, when it is tried again; absent: after a whole silence, as before 0.14. */
  readonly againMs?: number;
  readonly isJudged: boolean;
  readonly ack: { readonly by: string; readonly atMs: number } | null;
  /** Since when it has neither been taken up nor become more urgent. */
  readonly restMs: number;
  readonly waiting: readonly Waiting[];
  readonly answers: readonly Answering[];
  readonly answersGiven: number;
  /** Those for whom there is no room here, and how many there were. */
  readonly passing: readonly Raised[];
  readonly passed: number;
  readonly chain: Chain;
  readonly usage: Usage;
};

export function begun(raised: Raised, nth: number, nowMs: number): Escalation {
  const { severity, waiter, text } = raised;
  return {
    raised,
    nth,
    atMs: nowMs,
    severity,
    raises: 0,
    ladder: null,
    tier: 0,
    turn: 0,
    tierSinceMs: nowMs,
    telling: 'due',
    toldMs: nowMs,
    isJudged: false,
    ack: null,
    restMs: nowMs,
    waiting: [{ waiter, severity, sinceMs: nowMs, isLate: false }],
    answers: [],
    answersGiven: 0,
    passing: [],
    passed: 0,
    chain: withLink(NO_CHAIN, { atMs: nowMs, kind: 'raised', by: nameOf(waiter), says: text }),
    usage: NO_USAGE,
  };
}

/** The next round, for those who came while the last one ended; null when nobody did. */
export function begunAnew(
  { raised, nth, turn, waiting, passing, passed, answersGiven }: Escalation,
  nowMs: number,
): Escalation | null {
  const [first, ...others] = waiting;
  if (first === undefined) return null;
  const next = begun({ ...raised, severity: first.severity, waiter: first.waiter }, nth, nowMs);
  const all = others.reduce((now, { waiter, severity }) => joined(now, { ...raised, severity, waiter }, nowMs), next);
  return { ...all, turn: turn + 1, passing, passed, answersGiven };
}

/** Nobody waits any more for what this round can bring. */
export function isOver({ waiting, answers }: Escalation): boolean {
  return answers.length === 0 && waiting.every(({ isLate }) => isLate);
}

/** Who is asked now; '' before that is known. */
export function tierOf({ ladder, tier }: Escalation): string {
  return ladder?.route[tier] ?? '';
}

export function isLast({ ladder, tier }: Escalation): boolean {
  return ladder !== null && tier >= ladder.route.length - 1;
}

export function waitersOf({ waiting }: Escalation): readonly Waiter[] {
  return waiting.map(({ waiter }) => waiter);
}

/** Whether an answer is on its way to one. */
export function isInHand({ answers }: Escalation, { waiter }: Waiting): boolean {
  return answers.some(({ left }) => left.includes(waiterKey(waiter)));
}

/** Somebody waits for whom no answer is on its way. */
const isOpen = (now: Escalation): boolean => now.waiting.some((one) => !one.isLate && !isInHand(now, one));

/** Whether its tier is still to do something. */
export function isClimbing(now: Escalation): boolean {
  return now.ladder !== null && isOpen(now);
}

export const mustTell = (now: Escalation): boolean => isClimbing(now) && now.telling === 'due';

export function mustJudge(now: Escalation): boolean {
  return isClimbing(now) && now.telling === 'told' && !now.isJudged && isRoleTier(tierOf(now));
}

export function laddered(now: Escalation, ladder: Ladder, nowMs: number): Escalation {
  return { ...now, ladder: endingWithOverseer(ladder), tierSinceMs: nowMs, restMs: nowMs };
}

export function joined(now: Escalation, raised: Raised, nowMs: number): Escalation {
  const { waiter, severity } = raised;
  const by = nameOf(waiter);
  const known = now.waiting.find((one) => waiterKey(one.waiter) === waiterKey(waiter));
  if (known !== undefined) {
    // A step says by its token which wait it is.
    const again = waiter.kind !== 'step' && isInHand(now, known) ? withNext(now, known, 'again') : now;
    const kept = known.waiter.answered === waiter.answered ? again : withAnswered(again, waiter);
    return hasSaid(now.chain, raised.text) ? kept : remarked(kept, 'noted', by, raised.text, nowMs);
  }
  if (now.waiting.length >= WAITERS_MAX) {
    const full = linked(now, { atMs: nowMs, kind: 'full', by, says: '' });
    return { ...full, passing: [...now.passing, raised], passed: now.passed + 1 };
  }
  const isLate = isOver(now);
  const waiting = [...now.waiting, { waiter, severity, sinceMs: nowMs, isLate }];
  const joining = linked({ ...now, waiting }, { atMs: nowMs, kind: 'joined', by, says: '' });
  if (isLate) return joining;
  if (!isOpen(now)) return askedAnew(joining, nowMs);
  return isWorse(severity, now.severity) ? toldAgain({ ...joining, severity, restMs: nowMs }) : joining;
}

/** How often roles have answered one it counts itself. */
function withAnswered(now: Escalation, waiter: Waiter): Escalation {
  const { answered } = waiter;
  const waiting = now.waiting.map((one) =>
    waiterKey(one.waiter) === waiterKey(waiter) ? { ...one, waiter: { ...one.waiter, answered } } : one,
  );
  return { ...now, waiting };
}

export function withNext(now: Escalation, known: Waiting, next: NonNullable<Waiting['next']>): Escalation {
  return { ...now, waiting: now.waiting.map((one) => (one === known ? { ...one, next } : one)) };
}

/** From the first tier: whoever has answered all the others has not seen this one. */
export function askedAnew(now: Escalation, nowMs: number): Escalation {
  const severity = SEVERITIES.find((one) => now.waiting.some((waiting) => waiting.severity === one)) ?? now.severity;
  const first = { tier: 0, turn: now.turn + 1, tierSinceMs: nowMs, telling: 'due', isJudged: false } as const;
  return { ...now, ...first, severity, raises: 0, ack: null, restMs: nowMs };
}

/** One for whom there is no room, and who is not passed on yet. */
export function passingOne({ passing }: Escalation, waiter: Waiter): Raised | null {
  return passing.find((one) => waiterKey(one.waiter) === waiterKey(waiter)) ?? null;
}

/** It waits no more, and is passed on to nobody. */
export function withoutPassing(now: Escalation, raised: Raised): Escalation {
  return { ...now, passing: now.passing.filter((one) => one !== raised) };
}

/** It ends: who comes now has another one. */
export function toPassOn(now: Escalation, raised: Raised): Escalation {
  return { ...now, passing: [...now.passing, raised] };
}

/** Another one has the first of those for whom there was no room. */
export function passedOn(now: Escalation): Escalation {
  return { ...now, passing: now.passing.slice(1) };
}

type Told = Pick<Escalation, 'turn' | 'severity'>;

/** A role that could not be told, and is not asked again: what was decided for it stands. */
export function missed(now: Escalation, why: string, nowMs: number): Escalation {
  const unreached = { atMs: nowMs, kind: 'unreached', by: tierOf(now), says: why } as const;
  return linked({ ...now, telling: 'told', toldMs: nowMs }, unreached);
}

/** `as`: how it stood when whoever was asked was told. `why`: they could not be reached; a tier that is not there is not waited for. */
export function told(now: Escalation, as: Told, why: string | null, nowMs: number): Escalation {
  if (now.turn !== as.turn) return now;
  const by = tierOf(now);
  if (why !== null) {
    const last = now.chain.links.at(-1);
    // Tried again and again it is one link.
    const isKnown = last?.kind === 'unreached' && last.by === by && last.says === why;
    const unheard = isKnown ? now : linked(now, { atMs: nowMs, kind: 'unreached', by, says: why });
    return isLast(now) ? { ...unheard, telling: 'vain', toldMs: nowMs } : climbed(unheard, nowMs);
  }
  const isAgain = now.chain.links.some((one) => one.kind === 'asked' && one.by === by);
  const kind = isAgain ? 'reminded' : 'asked';
  const telling = now.severity === as.severity ? 'told' : 'due';
  return linked({ ...now, telling, toldMs: nowMs }, { atMs: nowMs, kind, by, says: `as ${as.severity}` });
}

export function acked(now: Escalation, by: string, note: string, nowMs: number): Escalation {
  return linked({ ...now, ack: { by, atMs: nowMs } }, { atMs: nowMs, kind: 'acked', by, says: note });
}

/** Something that is said of it, and changes nothing. */
export function remarked(
  now: Escalation,
  kind: 'noted' | 'refused' | 'ended',
  by: string,
  says: string,
  nowMs: number,
): Escalation {
  return linked(now, { atMs: nowMs, kind, by, says });
}

/** To the next tier: the overseer is told again. */
export function forwarded(now: Escalation, by: string, reason: string, nowMs: number): Escalation {
  return climbed(linked(now, { atMs: nowMs, kind: 'forwarded', by, says: reason }), nowMs);
}

function climbed(now: Escalation, nowMs: number): Escalation {
  const restMs = now.ack === null ? now.restMs : nowMs;
  const rest = { ...now, ack: null, restMs };
  if (isLast(now)) return toldAgain(rest);
  return { ...rest, tier: now.tier + 1, turn: now.turn + 1, tierSinceMs: nowMs, telling: 'due', isJudged: false };
}

/** In the meantime nobody knows of it who could answer. */
const VAIN_AGAIN_MS = 300_000;
const VAIN_AGAIN_MS_MIN = 2_000;

/** Whoever answers last could not be told: that is tried again soon. */
export function triedSoon(now: Escalation, patience: number): Escalation {
  return now.telling === 'vain'
    ? { ...now, againMs: now.toldMs + Math.max(VAIN_AGAIN_MS_MIN, VAIN_AGAIN_MS * patience) }
    : now;
}

/** Its tier was silent for as long as it may be, or could not be told. */
export function silent(now: Escalation, nowMs: number): Escalation {
  if (now.ack === null && now.telling === 'vain') return toldAgain(now);
  const says = now.ack === null ? 'has not answered in time' : 'has taken it up, and not answered in time';
  const by = now.ack?.by ?? tierOf(now);
  return climbed(linked(now, { atMs: nowMs, kind: 'silent', by, says }), nowMs);
}

/** For long nobody has taken it up. */
export function stale(now: Escalation, nowMs: number): Escalation {
  const severity = SEVERITIES[Math.max(0, SEVERITIES.indexOf(now.severity) - 1)] ?? now.severity;
  const change =
    severity === now.severity ? `it is ${severity} still` : `it was ${now.severity}, and is ${severity} now`;
  const says = `nobody has taken it up for long: ${change}`;
  const rising = { ...now, severity, raises: now.raises + 1, restMs: nowMs };
  return toldAgain(linked(rising, { atMs: nowMs, kind: 'stale', by: '', says }));
}

/** People are; a role has decided, or is about to. */
export function toldAgain(now: Escalation): Escalation {
  return isRoleTier(tierOf(now)) ? now : { ...now, telling: 'due' };
}

export function nameOf(waiter: Waiter): string {
  return waiter.agent ?? waiter.at;
}

export function linked(now: Escalation, link: Link): Escalation {
  return { ...now, chain: withLink(now.chain, link) };
}

const isWorse = (one: Severity, other: Severity): boolean => SEVERITIES.indexOf(one) < SEVERITIES.indexOf(other);
