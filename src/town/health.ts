/**
 * How a polecat does, by facts that the server has and nobody has to be asked for: what its molecule has under way, when that beat last, and what the
 * beats said. Sessions judge their own silence, and the server ends acts that beat no more; this sees what both miss. Whoever waits for somebody,
 * is held, or works slowly is left alone.
 */
import { roughSpan } from './ages.js';
import type { Death } from './breaker.js';
import { short } from './wording.js';

const MINUTE_MS = 60_000;
/** A worker may be busy, and beats reach the server in bundles. */
const BEAT_MS_MAX = 5 * MINUTE_MS;
const BEAT_MS_MIN = 15_000;
/** Longer than a session waits for its own agent, whatever is set there. */
const QUIET_MS_MAX = 15 * MINUTE_MS;
const QUIET_MS_MIN = 5_000;
const QUIET_FACTOR = 1.5;
/** So often tried, an act does not fail by chance. */
const TRIES_MAX = 5;
const TASK_TRIES_MAX = 3;
/** Whoever holds a slot has begun by then. */
const START_MS_MAX = MINUTE_MS;

/** What the heartbeats of a session tell of it. */
export type Signs = {
  /** Acts, calls and answers that it has recorded in this attempt, and what its programs have written. */
  readonly effects: number;
  readonly bytes: number;
  /** For how long there was none of either. */
  readonly quietMs: number;
  /** A silence after which it ends by itself. */
  readonly quietMsMax: number;
  /** A command with a limit of its own is under way, or it waits for us: for room at its provider, or for somebody's answer. */
  readonly isBusy: boolean;
};

export type ActFacts = {
  readonly name: string;
  readonly attempt: number;
  readonly queue: string;
  /** A worker has it; else it waits for one, or to be tried again. */
  readonly isRunning: boolean;
  /** Since when it does, or waits. */
  readonly sinceMs: number;
  readonly beatMs: number | null;
  /** Of a session that has beaten. */
  readonly signs: Signs | null;
  /** Of the attempt before: what it failed of, and when. */
  readonly failure: { readonly type: string; readonly says: string; readonly atMs: number } | null;
  /** Whether somebody takes what is on its task queue; null: nobody has looked. */
  readonly isPolled: boolean | null;
};

export type Facts = {
  readonly isOpen: boolean;
  /** As it shows itself, and for whom it waits. */
  readonly phase: string;
  readonly waitsFor: string;
  /** A workflow whose tasks fail. */
  readonly failing: { readonly id: string; readonly attempt: number } | null;
  readonly acts: readonly ActFacts[];
};

/** The worst last. */
const HEALTHS = ['working', 'starting', 'waiting', 'limited', 'quiet', 'stuck', 'lost', 'dead'] as const;
type Kind = (typeof HEALTHS)[number];
/** `fact`: what decided it. `cause`: those of whom it is the same have it in common. */
export type Health = { readonly kind: Kind; readonly fact: string; readonly cause?: string };

/** `heldMs`: for how long it has held its slot. */
export function healthOf(facts: Facts, nowMs: number, patience: number, heldMs = Infinity): Health {
  const { isOpen, phase, waitsFor, failing, acts } = facts;
  if (!isOpen && heldMs < START_MS_MAX * patience) return { kind: 'starting', fact: 'it was given its slot just now' };
  if (!isOpen) return { kind: 'dead', fact: 'it has closed, and its slot is held' };
  if (failing !== null && failing.attempt >= TASK_TRIES_MAX)
    return {
      kind: 'stuck',
      fact: `the tasks of ${failing.id} have failed ${failing.attempt - 1} times in a row`,
      cause: 'workflow tasks',
    };
  const waiting = { kind: 'waiting', fact: `it waits for ${waitsFor || phase}` } as const;
  if (phase === 'paused') return waiting;
  if (waitsFor === '') {
    const all = acts.map((act) => actHealth(act, nowMs, patience));
    return worstOf(all) ?? { kind: 'working', fact: 'it is between two acts' };
  }
  // One step of it waits, and sessions of others may hang meanwhile.
  const sessions = acts.filter(({ name }) => name === SESSION).map((act) => actHealth(act, nowMs, patience));
  return worstOf([waiting, ...sessions]) ?? waiting;
}

function worstOf(all: readonly Health[]): Health | null {
  const [worst] = all.toSorted((a, b) => HEALTHS.indexOf(b.kind) - HEALTHS.indexOf(a.kind));
  return worst ?? null;
}

function actHealth(act: ActFacts, nowMs: number, patience: number): Health {
  return act.isRunning ? runningHealth(act, nowMs, patience) : awaitedHealth(act, nowMs, patience);
}

function awaitedHealth(
  { name, attempt, queue, sinceMs, failure, isPolled }: ActFacts,
  nowMs: number,
  patience: number,
): Health {
  const waited = roughSpan(nowMs - sinceMs);
  const isLost = isPolled === false && nowMs - sinceMs > BEAT_MS_MAX * patience;
  const isLimited = failure?.type === RATE_LIMITED;
  if (isLimited && !isLost) return { kind: 'limited', fact: `${name}: ${short(failure.says)}`, cause: RATE_LIMITED };
  if (failure !== null && !isLimited && attempt > TRIES_MAX) return triedInVain(name, attempt, failure);
  if (isLost) return { kind: 'lost', fact: `no worker of its host has asked for ${name} for ${waited}`, cause: queue };
  return { kind: 'working', fact: `${name} waits for a worker, for ${waited}` };
}

function triedInVain(name: string, attempt: number, { type, says }: NonNullable<ActFacts['failure']>): Health {
  const fact = `${name} was tried ${attempt - 1} times in vain, the last time: ${short(says)}`;
  return { kind: 'stuck', fact, cause: type };
}

function runningHealth(act: ActFacts, nowMs: number, patience: number): Health {
  const { name, attempt, queue, beatMs, sinceMs, signs, failure } = act;
  const beatAgeMs = nowMs - (beatMs ?? sinceMs);
  if (beatAgeMs > Math.max(BEAT_MS_MIN, BEAT_MS_MAX * patience))
    return {
      kind: 'lost',
      fact: `the worker of ${name} was heard last ${roughSpan(beatAgeMs)} ago`,
      cause: queue,
    };
  // An attempt that has done nothing yet is no better than those before it.
  const isInVain = attempt > TRIES_MAX && (signs?.effects ?? 0) === 0;
  if (failure !== null && failure.type !== RATE_LIMITED && isInVain) return triedInVain(name, attempt, failure);
  if (signs === null) return { kind: 'working', fact: `${name}, for ${roughSpan(nowMs - sinceMs)}` };
  const { effects, bytes, quietMs, quietMsMax, isBusy } = signs;
  const silentMs = quietMs + beatAgeMs;
  const done = `${effects} effects, ${bytes} bytes of output`;
  if (isBusy) return { kind: 'working', fact: `${name}: ${done}, a command or a wait is under way` };
  const mayMs = Math.max(QUIET_MS_MIN, Math.max(QUIET_MS_MAX, quietMsMax * QUIET_FACTOR) * patience);
  if (silentMs > mayMs) return { kind: 'quiet', fact: `${name}: ${done}, and none for ${roughSpan(silentMs)}` };
  return { kind: 'working', fact: `${name}: ${done}, the last ${roughSpan(silentMs)} ago` };
}

/**
 * Of its sessions, whose workers died or were cut off: the server tells of the last one while its act is open. Those of one host have one cause: a
 * worker that was killed, a machine that slept.
 */
export function deathsOf(claim: string, { acts }: Facts): readonly Death[] {
  return acts.flatMap(({ name, attempt, failure, queue }) =>
    name === SESSION && failure?.type === TIMED_OUT && failure.atMs > 0
      ? [{ key: `${claim}/${name}/${attempt}/${failure.atMs}`, cause: queue || claim, atMs: failure.atMs }]
      : [],
  );
}

const SESSION = 'runSession';
const RATE_LIMITED = 'Llm.RateLimited';
/** Instead of the type of a failure: nobody has told of its end. */
export const TIMED_OUT = 'TimedOut';

/** Of those something is to become. */
const ILL = ['limited', 'quiet', 'stuck', 'lost'] as const satisfies readonly Kind[];
type Ill = (typeof ILL)[number];

/** What a witness has done about one that does not do well, under its claim. */
export type Care = {
  readonly claim: string;
  readonly kind: Ill;
  readonly sinceMs: number;
  /** The last that was done for it; null: it is watched. */
  readonly done: Step | null;
  readonly doneMs: number;
  /** It did well when it was looked at last: once may be chance. */
  readonly isBetter?: boolean;
};
type Step = 'nudge' | 'cycle' | 'tell';
export type CareOrder = { readonly claim: string; readonly step: Step };

/** Between two looks something must have come of what was done. */
const STEP_MS = 5 * MINUTE_MS;
/** What mends itself, as a host that comes back or a limit that ends, has so long for it. */
const LASTS_MS = { limited: 60 * MINUTE_MS, stuck: 15 * MINUTE_MS, lost: 15 * MINUTE_MS } as const;

type Seen = { readonly claim: string; readonly health: Health };
type Round = { readonly care: readonly Care[]; readonly orders: readonly CareOrder[] };

/** `isHeld`: nothing is done in a rig that somebody holds; what was done stays known. */
export function caredFor(known: readonly Care[], seen: readonly Seen[], how: How): Round {
  const rounds = seen.map(({ claim, health }) => {
    const before = known.find((one) => one.claim === claim);
    return how.isHeld ? { care: before ?? null, step: null } : careOf(before, claim, health, how);
  });
  return {
    care: rounds.flatMap(({ care }) => care ?? []),
    orders: rounds.flatMap(({ care, step }) => (step === null || care === null ? [] : [{ claim: care.claim, step }])),
  };
}

type How = { readonly nowMs: number; readonly patience: number; readonly isHeld: boolean };

/** One that does well again at two looks in a row is forgotten. */
function careOf(
  before: Care | undefined,
  claim: string,
  { kind }: Health,
  { nowMs, patience }: How,
): { readonly care: Care | null; readonly step: Step | null } {
  if (!isIll(kind)) {
    const isForgotten = before === undefined || before.isBetter === true;
    return { care: isForgotten ? null : { ...before, isBetter: true }, step: null };
  }
  const { isBetter: _, ...old } = before ?? { kind: null };
  const known = old.kind === kind ? old : { claim, kind, sinceMs: nowMs, done: null, doneMs: nowMs };
  const step = nextStep(known, nowMs, patience);
  return { care: step === null ? known : { ...known, done: step, doneMs: nowMs }, step };
}

const isIll = (kind: Kind): kind is Ill => ILL.some((one) => one === kind);

/** One that is quiet may hear; of the others nobody is there to hear. */
function nextStep({ kind, sinceMs, done, doneMs }: Care, nowMs: number, patience: number): Step | null {
  if (done === 'tell') return null;
  if (kind !== 'quiet') return nowMs - sinceMs >= LASTS_MS[kind] * patience ? 'tell' : null;
  if (done === null) return 'nudge';
  if (nowMs - doneMs < STEP_MS * patience) return null;
  return done === 'nudge' ? 'cycle' : 'tell';
}
