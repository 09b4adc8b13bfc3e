/**
 * The hook of a person: what was slung there. One task hangs on it and is being worked; the others wait, the most urgent first, then the oldest.
 * In the moment in which the first is done or taken off the next one hangs. What hangs stays, whatever comes: who must know at once is written to.
 */
import { bytesOf } from './bytes.js';
import { listed } from './listed.js';

const HOOKED_MAX = 100;
/** All of it goes from run to run beside an inbox, and the server takes 2 MB. */
export const HOOKED_BYTES_MAX = 250_000;
/** Of a formula's steps so many are kept as the list to go by. */
const STEPS_MAX = 100;
const TITLE_CHARS_MAX = 200;

/** Work that was slung: words, the steps of a formula as a list to go by, or both. */
export type Task = {
  readonly id: string;
  readonly title: string;
  readonly text: string;
  /** Null: words alone. */
  readonly formula: string | null;
  readonly steps: readonly string[];
  /** 0 is the most urgent, 4 the least. */
  readonly priority: number;
  readonly by: string;
  readonly slungMs: number;
  /** When it came onto the hook; null while it waits. */
  readonly sinceMs: number | null;
};

/** Never does one wait while nothing hangs. */
export type Hooked = { readonly hook: Task | null; readonly queue: readonly Task[] };
/** What is there no more, the newest last: `done`, or taken off undone. */
export type Ended = readonly (readonly [task: string, outcome: 'done' | 'unslung'])[];
const ENDED_MAX = 200;
export const EMPTY_HOOK: Hooked = { hook: null, queue: [] };

/** As a hook has it: the titles of steps are shortened, and of very many the first are kept. */
export function checklist(steps: readonly { readonly title: string; readonly kind: string }[]): readonly string[] {
  const worked = steps.filter(({ kind }) => kind !== 'group').map(({ title }) => title.slice(0, TITLE_CHARS_MAX));
  const more = worked.length - STEPS_MAX;
  return more <= 0 ? worked : [...worked.slice(0, STEPS_MAX), `… and ${more} more`];
}

/** Why there is no room for the task; null when there is, or it is there already. */
export function whyFull(hooked: Hooked, task: Omit<Task, 'sinceMs'>, owner: string): string | null {
  const all = allOn(hooked);
  const isThere = all.some(({ id }) => id === task.id);
  if (isThere || (all.length < HOOKED_MAX && bytesOf([...all, task]) <= HOOKED_BYTES_MAX)) return null;
  const bytes = all.length < HOOKED_MAX ? ` of ${bytesOf(all)} bytes, and this one has ${bytesOf(task)}` : '';
  return `the hook of ${owner} holds ${all.length} tasks${bytes}: some must be done or taken off first`;
}

/** Hangs it, or has it wait. One that is there already changes nothing. */
export function slung(hooked: Hooked, task: Omit<Task, 'sinceMs'>, nowMs: number): Hooked {
  const { hook, queue } = hooked;
  if (onHook(hooked, task.id) !== undefined) return hooked;
  if (hook === null) return { hook: { ...task, sinceMs: nowMs }, queue };
  const after = [...queue, { ...task, sinceMs: null }];
  return { hook, queue: after.toSorted((a, b) => a.priority - b.priority) }; // stable: the oldest stays first
}

/** Without the task, and it itself; when it hung, the next one hangs from now on. Null: there is none. */
export function takenOff(
  hooked: Hooked,
  id: string,
  nowMs: number,
): { readonly hooked: Hooked; readonly task: Task } | null {
  const { hook, queue } = hooked;
  const task = onHook(hooked, id);
  if (task === undefined) return null;
  if (task !== hook) return { task, hooked: { hook, queue: queue.filter((one) => one !== task) } };
  const [next, ...later] = queue;
  return { task, hooked: { hook: next === undefined ? null : { ...next, sinceMs: nowMs }, queue: later } };
}

function onHook(hooked: Hooked, id: string): Task | undefined {
  return allOn(hooked).find((task) => task.id === id);
}

/** What hangs, then what waits, in its order. */
export function allOn({ hook, queue }: Hooked): readonly Task[] {
  return hook === null ? queue : [hook, ...queue];
}

/** Where a task stands, in words that go on from its name. */
export function placeOn({ hook, queue }: Hooked, id: string, owner: string): string {
  if (hook?.id === id) return `is on the hook of ${owner}`;
  const before = queue.findIndex((task) => task.id === id) + 1;
  return `waits for the hook of ${owner}, ${before} of ${queue.length}: ${hook?.title ?? ''} hangs there`;
}

export function ended(before: Ended, task: string, outcome: Ended[number][1]): Ended {
  return [...before.filter(([id]) => id !== task), [task, outcome] as const].slice(-ENDED_MAX);
}

/** How a task that was slung stands by now, in words. */
export function standOf(hooked: Hooked, over: Ended, id: string, owner: string): string {
  if (onHook(hooked, id) !== undefined) return `${id} ${placeOn(hooked, id, owner)}`;
  const known = over.find(([task]) => task === id);
  const how = known === undefined ? 'done, or taken off' : known[1] === 'done' ? 'done' : 'taken off, undone';
  return `${id} was on the hook of ${owner} before, and is ${how}: what is to be done again is slung under an id of its own`;
}

/** Why there is no such task here; what is there instead. */
export function whyNotOn(hooked: Hooked, id: string | undefined, owner: string): string {
  const ids = allOn(hooked).map((task) => task.id);
  const there = ids.length === 0 ? `nothing is on the hook of ${owner}` : `there is ${listed(ids.slice(0, 20), 'and')}`;
  return id === undefined ? there : `the hook of ${owner} has no task "${id.slice(0, 200)}"; ${there}`;
}
