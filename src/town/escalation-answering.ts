/** An answer to an escalation on its way to whoever waits: who is meant, what each has said, and what came of all of it. */
import { whyNot } from './escalation-answer.js';
import { waiterKey } from './escalation-id.js';
import type { Resolution, Waiter } from './escalation-input.js';
import { isRoleTier } from './escalation-ladder.js';
import {
  askedAnew,
  forwarded,
  isInHand,
  isOver,
  linked,
  nameOf,
  tierOf,
  toldAgain,
  withNext,
  type Answering,
  type Escalation,
} from './escalation.js';
import { addUsage, type Usage } from './session.js';
import { unreachable } from './unreachable.js';
import { short } from './wording.js';

const NAMED_MAX = 5;
const NOT_EVERYBODY = 'not everybody could go on with its answer';

/** `only`: the key of the one who is meant; null: all. `why`: whoever answers gives this reason for it; '' for none. */
type Answer = {
  readonly by: string;
  readonly resolution: Resolution;
  readonly only: string | null;
  readonly why: string;
};

type Resolved =
  | { readonly ok: true; readonly now: Escalation; readonly id: number }
  | { readonly ok: false; readonly why: string };

/** Those among whom it fits are told, one by one; the others wait still. */
export function resolved(now: Escalation, { by, resolution, only, why }: Answer, nowMs: number): Resolved {
  const meant = now.waiting.filter(
    (one) => !one.isLate && !isInHand(now, one) && (only === null || waiterKey(one.waiter) === only),
  );
  const [first] = meant;
  if (first === undefined) return { ok: false, why: whyNobody(now, only) };
  const fit = meant.filter(({ waiter }) => whyNot(waiter, resolution) === null);
  if (fit.length === 0) return { ok: false, why: whyNot(first.waiter, resolution) ?? '' };
  const id = now.answersGiven + 1;
  const left = fit.map(({ waiter }) => waiterKey(waiter));
  const answer = { id, by, resolution, left, taken: 0, gone: 0, refused: [], unreached: [] };
  const says = why === '' ? resolutionText(resolution) : `${resolutionText(resolution)} (${why})`;
  const link = { atMs: nowMs, kind: 'resolved', by, says } as const;
  return { ok: true, id, now: linked({ ...now, answersGiven: id, answers: [...now.answers, answer] }, link) };
}

function whyNobody({ waiting, answers }: Escalation, only: string | null): string {
  const answer = answers.find(({ left }) => only === null || left.includes(only));
  if (answer !== undefined) return `an answer of ${answer.by} is on its way: ${resolutionText(answer.resolution)}`;
  const keys = waiting.map(({ waiter }) => waiterKey(waiter));
  if (only === null || keys.length === 0) return 'nobody waits for an answer any more';
  return `${short(only)} does not wait here; there are ${someOf(keys, ', ')}`;
}

/** What a role makes of it. */
export type Decision = { readonly why: string; readonly usage: Usage } & (
  | { readonly kind: 'forward' }
  | { readonly kind: 'resolve'; readonly resolution: Resolution }
);

/** Its answer is on its way, or the next tier is asked. */
export function decided(now: Escalation, decision: Decision, nowMs: number): Escalation {
  const by = tierOf(now);
  const { why, usage } = decision;
  const counted = { ...now, isJudged: true, usage: addUsage(now.usage, usage) };
  if (decision.kind === 'forward') return forwarded(counted, by, why, nowMs);
  const after = resolved(counted, { by, resolution: decision.resolution, only: null, why }, nowMs);
  return after.ok ? after.now : forwarded(counted, by, `${why}; but ${after.why}`, nowMs);
}

/** What one has said to an answer; `unreached`: nothing, in many tries, and why. Such a one waits still, as does one that has refused. */
export type Outcome = { readonly kind: 'taken' | 'refused' | 'gone' | 'unreached'; readonly says: string };

/** `isTaken`: by one at least, or nobody waited any more. */
export type Summary = { readonly isTaken: boolean; readonly says: string };

/** `summary`: null as long as the answer has others to reach. */
export function answered(
  now: Escalation,
  id: number,
  key: string,
  outcome: Outcome,
  nowMs: number,
): { readonly now: Escalation; readonly summary: Summary | null } {
  const before = now.answers.find((one) => one.id === id);
  if (before === undefined) return { now, summary: null };
  const answer = after(before, key, outcome);
  const rest = withoutOne(now, key, outcome, nowMs);
  if (answer.left.length > 0) {
    const answers = now.answers.map((one) => (one.id === id ? answer : one));
    return { now: { ...rest, answers }, summary: null };
  }
  const says = summaryOf(answer, rest.waiting.filter(({ isLate }) => !isLate).length);
  const answers = now.answers.filter((one) => one.id !== id);
  const told = linked({ ...rest, answers }, { atMs: nowMs, kind: 'answered', by: answer.by, says });
  return { now: handedOn(told, answer, nowMs), summary: { isTaken: answer.taken + answer.gone > 0, says } };
}

/** Who could not go on waits still, unless it was answered otherwise meanwhile; who has come again meanwhile waits anew. */
function withoutOne(now: Escalation, key: string, { kind }: Outcome, nowMs: number): Escalation {
  const one = now.waiting.find(({ waiter }) => waiterKey(waiter) === key);
  if (one === undefined) return now;
  const { next, ...plain } = one;
  const others = now.waiting.filter((other) => other !== one);
  const withIt = (sinceMs: number) => now.waiting.map((other) => (other === one ? { ...plain, sinceMs } : other));
  const hasHeard = kind === 'taken' || kind === 'gone';
  if (hasHeard && next === 'again') return askedAnew({ ...now, waiting: withIt(nowMs) }, nowMs);
  return { ...now, waiting: hasHeard || next === 'settled' ? others : withIt(one.sinceMs) };
}

function after(answer: Answering, key: string, { kind, says }: Outcome): Answering {
  const left = answer.left.filter((one) => one !== key);
  switch (kind) {
    case 'taken':
      return { ...answer, left, taken: answer.taken + 1 };
    case 'gone':
      return { ...answer, left, gone: answer.gone + 1 };
    case 'refused':
      return { ...answer, left, refused: [...answer.refused, `${key} says: ${short(says)}`] };
    case 'unreached':
      return { ...answer, left, unreached: [...answer.unreached, `${key} (${short(says)})`] };
    default:
      return unreachable(kind);
  }
}

/** A role decides once: whoever could not go on with that is for the next tier. A person may have gone on to something else by the time that is known. */
function handedOn(now: Escalation, { by, unreached }: Answering, nowMs: number): Escalation {
  if (isOver(now)) return now;
  if (now.answers.length === 0 && now.isJudged && by === tierOf(now)) return forwarded(now, by, NOT_EVERYBODY, nowMs);
  return unreached.length > 0 ? toldAgain(now) : now;
}

/** Whom the answer of its role did not help, while somebody else's was still on its way to others. */
export function leftByRole(now: Escalation, nowMs: number): Escalation | null {
  if (now.answers.length > 0 || !now.isJudged || isOver(now) || !isRoleTier(tierOf(now))) return null;
  return forwarded(now, tierOf(now), NOT_EVERYBODY, nowMs);
}

function summaryOf({ taken, gone, refused, unreached }: Answering, left: number): string {
  const parts = [
    ...(taken === 0 ? [] : [taken === 1 ? '1 goes on' : `${taken} go on`]),
    ...(gone === 0 ? [] : [gone === 1 ? '1 waits no more' : `${gone} wait no more`]),
    ...(refused.length === 0 ? [] : [`${refused.length} could not: ${someOf(refused, '; ')}`]),
    ...(unreached.length === 0 ? [] : [`${unreached.length} could not be reached: ${someOf(unreached, '; ')}`]),
    ...(left === 0 ? [] : [left === 1 ? '1 waits still' : `${left} wait still`]),
  ];
  return parts.join('; ');
}

/** It was answered another way, or has ended. Null: it is not known here. */
export function settled(now: Escalation, waiter: Waiter, by: string, how: string, nowMs: number): Escalation | null {
  const key = waiterKey(waiter);
  const known = now.waiting.find((one) => waiterKey(one.waiter) === key);
  if (known === undefined) return null;
  const waiting = now.waiting.filter((one) => one !== known);
  // One whom an answer is about to reach says so to that itself.
  if (isInHand(now, known)) return withNext(now, known, 'settled');
  return linked({ ...now, waiting }, { atMs: nowMs, kind: 'settled', by, says: `${nameOf(waiter)}: ${how}` });
}

export function resolutionText({ action, note, vars, usd, allow }: Resolution): string {
  const more = [
    ...(usd === undefined ? [] : [`$${usd}`]),
    ...(vars === undefined ? [] : [Object.keys(vars).join(', ')]),
    ...(allow === undefined ? [] : [`allow ${allow.join(' ')}`]),
    ...(note === undefined ? [] : [note]),
  ];
  return more.length === 0 ? action : `${action}: ${more.join('; ')}`;
}

function someOf(names: readonly string[], link: string): string {
  const more = names.length - NAMED_MAX;
  return more > 0 ? `${names.slice(0, NAMED_MAX).join(link)} and ${more} more` : names.join(link);
}
