/**
 * The deacon's dogs: who is out on which errand, what waits for one to be free, and which chores are due. A chore is due once its time has gone by
 * *and* work was seen since it was done last: of a town in which nothing has happened there is nothing to clean, to back up or to look at.
 */
import { DEACON } from './address.js';
import type { PRIORITIES } from './mail.js';

const SECOND_MS = 1_000;
const MINUTE_MS = 60 * SECOND_MS;
const HOUR_MS = 60 * MINUTE_MS;

export const JOBS = ['clean', 'backup', 'verify', 'doctor', 'compact'] as const;
export type Job = (typeof JOBS)[number];

/** So many are out at once. */
export const DOG_NAMES = ['alpha', 'bravo', 'charlie', 'delta'] as const;
export const WAITING_MAX = 100;

/** So long a dog is at work: then it reports what it has done, and what not, whoever has sent it. */
export const dogReportsMs = (patience: number): number => Math.max(10 * SECOND_MS, 5 * HOUR_MS * patience);

/** A dog that was not home by then hangs, or nobody works for it: the server ends it. */
export const dogEndsMs = (patience: number): number => Math.max(5 * MINUTE_MS, 6 * HOUR_MS * patience);

/** How long after one time the next is due. */
export const EVERY_MS: Readonly<Record<Job, number>> = {
  backup: 6 * HOUR_MS,
  clean: 12 * HOUR_MS,
  verify: 24 * HOUR_MS,
  doctor: 24 * HOUR_MS,
  compact: 24 * HOUR_MS,
};
/** What somebody asks for goes before. */
const CHORE_PRIORITY = 3;
/** An errand of which nobody comes home so often is given up, until it is asked for or due again. */
const TRIES_MAX = 3;
const TOLD_MAX = 100;

export type Errand = {
  /** Under it a dog is sent once. */
  readonly id: string;
  readonly job: Job;
  /** Null: all of the town. */
  readonly rig: string | null;
  /** Only looks. */
  readonly dry: boolean;
  /** 0 is the most urgent, 4 the least. */
  readonly priority: number;
  readonly by: string;
};

/** `notBeforeMs`: it was tried in vain, and is tried again then; null: as soon as a dog is free. */
export type Waiting = Errand & { readonly tries: number; readonly notBeforeMs: number | null };
/** `endsByMs`: by then the server has ended it, and somebody must look. */
type Out = Errand & { readonly tries: number; readonly dog: string; readonly endsByMs: number };

/** `lastMs`: when a dog was sent last, or was done with what somebody had asked for. `sinceMs`: when work was first seen after that; null: nothing has happened since. */
type Chore = { readonly lastMs: number | null; readonly sinceMs: number | null };

export type Dogs = {
  readonly waiting: readonly Waiting[];
  readonly out: readonly Out[];
  readonly chores: Readonly<Partial<Record<Job, Chore>>>;
  /** By job and rig, a mark of what the overseer was told last: the same is not told again until it was well once. */
  readonly told: Readonly<Record<string, string>>;
};

export const NO_DOGS: Dogs = { waiting: [], out: [], chores: {}, told: {} };

const NEVER: Chore = { lastMs: null, sinceMs: null };
const choreOf = ({ chores }: Dogs, job: Job): Chore => chores[job] ?? NEVER;

/** Null: it does not wait. A chore that is taken back is not done before it is due again. */
export function withoutErrand(dogs: Dogs, id: string): Dogs | null {
  if (!dogs.waiting.some((one) => one.id === id)) return null;
  return { ...dogs, waiting: dogs.waiting.filter((one) => one.id !== id) };
}

/** Work is open, or was until now: from here on there is something to do. */
export function workSeen(dogs: Dogs, nowMs: number): Dogs {
  const chores = JOBS.map((job) => {
    const chore = choreOf(dogs, job);
    return [job, { ...chore, sinceMs: chore.sinceMs ?? nowMs }] as const;
  });
  return { ...dogs, chores: Object.fromEntries(chores) };
}

/** Null: not before something happens. The first time of all comes as long after the first work as any other after the one before. */
function dueAt({ lastMs, sinceMs }: Chore, job: Job, patience: number): number | null {
  if (sinceMs === null) return null;
  return Math.max(sinceMs, (lastMs ?? sinceMs) + EVERY_MS[job] * patience);
}

/** Of each chore, when it was done last and is due next. */
export function choresOf(
  dogs: Dogs,
  patience: number,
): readonly { readonly job: Job; readonly lastMs: number | null; readonly dueMs: number | null }[] {
  return JOBS.map((job) => {
    const chore = choreOf(dogs, job);
    return { job, lastMs: chore.lastMs, dueMs: dueAt(chore, job, patience) };
  });
}

/** When something is to be done that nobody asks for; null: never, as things are. */
export function nextMs(dogs: Dogs, patience: number): number | null {
  const isFree = dogs.out.length < DOG_NAMES.length;
  const times = [
    ...JOBS.map((job) => dueAt(choreOf(dogs, job), job, patience)),
    ...(isFree ? dogs.waiting.map(({ notBeforeMs }) => notBeforeMs) : []),
    ...dogs.out.map(({ endsByMs }) => endsByMs),
  ].flatMap((time) => time ?? []);
  return times.length === 0 ? null : Math.min(...times);
}

/** It is `nowMs`: what is due waits for a dog from now on. */
export function woken(dogs: Dogs, nowMs: number, patience: number): Dogs {
  const waiting = dogs.waiting.map((one) =>
    (one.notBeforeMs ?? nowMs) <= nowMs ? { ...one, notBeforeMs: null } : one,
  );
  return JOBS.reduce<Dogs>(
    (now, job) => {
      const due = dueAt(choreOf(now, job), job, patience);
      if (due === null || due > nowMs) return now;
      const chores = { ...now.chores, [job]: { lastMs: nowMs, sinceMs: null } };
      const errand = { id: `${job}@${nowMs}`, job, rig: null, dry: false, priority: CHORE_PRIORITY, by: DEACON };
      return asked({ ...now, chores }, errand) ?? { ...now, chores };
    },
    { ...dogs, waiting },
  );
}

/** Null: the same waits or is under way already, or too much waits. */
export function asked(dogs: Dogs, errand: Errand): Dogs | null {
  if (isKnown(dogs, errand) || dogs.waiting.length >= WAITING_MAX) return null;
  return { ...dogs, waiting: [...dogs.waiting, { ...errand, tries: 0, notBeforeMs: null }] };
}

export function isKnown(dogs: Dogs, { job, rig, dry }: Errand): boolean {
  return known(dogs).some((one) => one.job === job && one.rig === rig && one.dry === dry);
}

/** The most urgent, of those the oldest; null while no dog is free, or none is wanted. */
export function nextErrand({ waiting, out }: Dogs): Waiting | null {
  if (out.length >= DOG_NAMES.length) return null;
  const ready = waiting.filter(({ notBeforeMs }) => notBeforeMs === null);
  return ready.toSorted((a, b) => a.priority - b.priority)[0] ?? null;
}

export function freeNames({ out }: Dogs): readonly string[] {
  return DOG_NAMES.filter((name) => !out.some(({ dog }) => dog === name));
}

/** It was sent. One that has reported meanwhile is out no more. */
export function sent(dogs: Dogs, id: string, dog: string, endsByMs: number): Dogs {
  const errand = dogs.waiting.find((one) => one.id === id);
  if (errand === undefined) return dogs;
  const { notBeforeMs: _, ...rest } = errand;
  return { ...without(dogs, id), out: [...dogs.out, { ...rest, dog, endsByMs }] };
}

/**
 * It is done, of the whole town: if somebody has asked for it, the chore need not be done so soon again. One that was due counts from when it was
 * sent, since what was worked on meanwhile may be new to it.
 */
export function counted(dogs: Dogs, id: string, nowMs: number): Dogs {
  const one = known(dogs).find((each) => each.id === id);
  if (one === undefined || one.rig !== null || one.dry || one.by === DEACON) return dogs;
  return { ...dogs, chores: { ...dogs.chores, [one.job]: { lastMs: nowMs, sinceMs: null } } };
}

/** No dog could be sent: all names are taken by others, or the server does not answer. */
export function putOff(dogs: Dogs, nowMs: number, patience: number): Dogs {
  const notBeforeMs = nowMs + MINUTE_MS * patience;
  return { ...dogs, waiting: dogs.waiting.map((one) => ({ ...one, notBeforeMs: one.notBeforeMs ?? notBeforeMs })) };
}

function without(dogs: Dogs, id: string): Dogs {
  const others = <One extends { readonly id: string }>(all: readonly One[]) => all.filter((one) => one.id !== id);
  return { ...dogs, waiting: others(dogs.waiting), out: others(dogs.out) };
}

/** `tell`: what the overseer is to hear, with how urgent it is; null: nothing new. */
export type After = { readonly dogs: Dogs; readonly tell: Telling | null };
type Telling = { readonly text: string; readonly priority: (typeof PRIORITIES)[number] };

/** `about`: of which job and rig, or of which plugin. `wrong`: what a person must see to. `dry`: it has only looked. */
export type Reported = {
  readonly id: string;
  readonly about: string;
  readonly wrong: readonly string[];
  readonly dry?: boolean;
};

/** However often it is told, by a dog of whoever sent it: what is wrong is told once as long as it is the same. */
export function reported(dogs: Dogs, { id, about, wrong, dry = false }: Reported): After {
  const rest = without(dogs, id);
  if (wrong.length > 0) return toldOnce(rest, about, wrong.join('\n'));
  // Who has only looked has not tried what was in vain before.
  if (dry) return { dogs: rest, tell: null };
  const { [about]: _, ...told } = rest.told;
  return { dogs: { ...rest, told }, tell: null };
}

function toldOnce(dogs: Dogs, about: string, text: string): After {
  const { [about]: before, ...others } = dogs.told;
  const mark = markOf(text);
  const told = withNewest(others, about, mark);
  // An earlier version kept the whole text.
  const isKnown = before === mark || before === text;
  return { dogs: { ...dogs, told }, tell: isKnown ? null : { text, priority: 'normal' } };
}

/** Of a text that may be long, 64 bits by FNV-1a. Not `fingerprint`: towns carry these marks from run to run, and what has another is told once more. */
function markOf(text: string): string {
  let hash = 0xcbf29ce484222325n;
  for (let at = 0; at < text.length; at += 1)
    hash = BigInt.asUintN(64, (hash ^ BigInt(text.charCodeAt(at))) * 0x100000001b3n);
  return hash.toString(16);
}

const GIVEN_UP = 'was given up';

/** A dog has ended without a report: another goes, later each time, until it is given up. `why`: which dog, and what became of it. */
export function died(
  dogs: Dogs,
  id: string,
  why: string,
  { nowMs, patience }: { readonly nowMs: number; readonly patience: number },
): After {
  const one = known(dogs).find((each) => each.id === id);
  if (one === undefined) return { dogs, tell: null };
  const { job, rig, dry, priority, by } = one;
  const tries = one.tries + 1;
  const rest = without(dogs, id);
  if (tries < TRIES_MAX) {
    const notBeforeMs = nowMs + 2 ** tries * MINUTE_MS * patience;
    // What the one before may still tell is not of this one.
    const again = { id: `${firstOf(id)}~${tries}`, job, rig, dry, priority, by, tries, notBeforeMs };
    return { dogs: { ...rest, waiting: [...rest.waiting, again] }, tell: null };
  }
  const about = aboutOf(one);
  const { [about]: before, ...others } = rest.told;
  const text = `The errand "${about}" is given up after ${tries} dogs; the last: ${why}.`;
  const told = withNewest(others, about, GIVEN_UP);
  return { dogs: { ...rest, told }, tell: before === GIVEN_UP ? null : { text, priority: 'high' } };
}

/** Of an errand that this deacon did not send a dog on: it is told all the same, unless another has gone in its place already. */
export function failedUnknown(dogs: Dogs, id: string, about: string, why: string): After {
  const isFollowed = known(dogs).some((one) => firstOf(one.id) === firstOf(id));
  return isFollowed || dogs.told[about] === GIVEN_UP ? { dogs, tell: null } : toldOnce(dogs, about, why);
}

export const isAsked = (dogs: Dogs, id: string): boolean => known(dogs).some((one) => one.id === id);

const known = ({ out, waiting }: Dogs) => [...out, ...waiting];
const firstOf = (id: string): string => id.replace(/~\d+$/, '');

/** Somebody has ended it: nobody goes in its place. */
export const calledBack = (dogs: Dogs, id: string): After => ({ dogs: without(dogs, id), tell: null });

/** It cannot be done as it was asked for, whoever goes. */
export function refused(dogs: Dogs, id: string, why: string): After {
  const one = known(dogs).find((each) => each.id === id);
  if (one === undefined) return { dogs, tell: null };
  const about = aboutOf(one);
  return reported(dogs, { id, about, wrong: [`The errand "${about}" cannot be done: ${why}`] });
}

/** It is out still: somebody looks again later. */
export function stillOut(dogs: Dogs, id: string, endsByMs: number): Dogs {
  return { ...dogs, out: dogs.out.map((one) => (one.id === id ? { ...one, endsByMs } : one)) };
}

/** What a deacon that begins knows of the dogs of the one before; `none`: there was none, `unknown`: it cannot be asked. */
export type Before = { readonly kind: 'none' | 'unknown' } | { readonly kind: 'known'; readonly dogs: Dogs };

/** It goes on where the one before it stood. Of one that cannot be asked the chores may be due: each comes once. */
export function adopted(dogs: Dogs, before: Before, nowMs: number): Dogs {
  if (before.kind !== 'known') return before.kind === 'none' ? dogs : workSeen(dogs, nowMs);
  const { out, waiting, chores, told } = before.dogs;
  const isNew = (one: Errand) => known(dogs).every(({ id }) => id !== one.id) && !isKnown(dogs, one);
  return {
    out: [...out.filter(isNew), ...dogs.out],
    waiting: [...waiting.filter(isNew), ...dogs.waiting].slice(0, WAITING_MAX),
    chores: { ...dogs.chores, ...chores },
    told: { ...told, ...dogs.told },
  };
}

/** Those that should have ended by then. */
export const overdue = ({ out }: Dogs, nowMs: number): boolean => out.some(({ endsByMs }) => endsByMs <= nowMs);

/** In words, for people and to tell one trouble from another. */
export const aboutOf = ({ job, rig }: { readonly job: string; readonly rig: string | null }): string =>
  rig === null ? job : `${job} ${rig}`;

function withNewest(told: Dogs['told'], about: string, text: string): Dogs['told'] {
  return Object.fromEntries([...Object.entries(told), [about, text] as const].slice(-TOLD_MAX));
}
