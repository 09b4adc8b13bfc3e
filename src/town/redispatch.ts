/**
 * Work of missions that are gone, which a witness has brought to the remote: the deacon gives the item to another mission, where town.toml says so, a few
 * times and not at once; else it tells the overseer, once.
 */
import { shellWord } from './shell-text.js';

const MINUTE_MS = 60_000;
const COOLDOWN_MS = 10 * MINUTE_MS;
const TRIES_MAX = 3;
/** What fails, as with a town.toml that cannot be read, is tried again for as long as it takes, at last so often; after so many failures it is told, once. */
const FAILED_MS_MAX = 6 * 60 * MINUTE_MS;
const FAILED_TOLD = 3;
/** So many items; what is settled makes room first. */
const KEPT_MAX = 100;

export type Recovered = {
  readonly rig: string;
  readonly mission: string;
  /** Its first run, since ids come again. Absent: the last of that id. */
  readonly run?: string | undefined;
  readonly item: string;
  readonly branch: string;
  readonly head: string;
};

export type Entry = Recovered & {
  /** Missions that were started for it, the oldest first. */
  readonly tried: readonly string[];
  readonly lastMs: number;
  /** When it is given to another; null: it was, or the overseer was told. */
  readonly dueMs: number | null;
  /** Tries in a row that have failed. Absent: none. */
  readonly failed?: number;
};

/** What came of a try. `off`: town.toml does not say that it is to be tried; `command` starts it by hand. `over`: it ended by itself, or was called off. */
export type Redispatch =
  | { readonly kind: 'started'; readonly mission: string }
  | { readonly kind: 'off'; readonly command: string }
  /** The remote has the branch no more: somebody has seen to it. */
  | { readonly kind: 'gone' }
  | { readonly kind: 'over'; readonly status: string; readonly command: string }
  | { readonly kind: 'impossible'; readonly why: string };

/** The try failed, by no fault of the work. */
export type Failing = { readonly kind: 'failing'; readonly why: string };

/** One more, or one whose next mission is gone, too. What is known changes nothing. */
export function withRecovered(
  all: readonly Entry[],
  found: Recovered,
  nowMs: number,
  patience: number,
): readonly Entry[] {
  const known = all.find((one) => isOf(one, found));
  if (known === undefined) return bounded([...all, { ...found, tried: [], lastMs: nowMs, dueMs: nowMs }]);
  // Of a mission before the last one it was heard already.
  const last = known.tried.at(-1) ?? known.mission;
  if (found.mission !== last || known.tried.length === 0 || known.dueMs !== null) return all;
  const dueMs = Math.max(nowMs, known.lastMs + COOLDOWN_MS * 2 ** (known.tried.length - 1) * patience);
  const { branch, head } = found;
  return all.map((one) => (one === known ? { ...one, branch, head, dueMs } : one));
}

/** With what was heard by somebody who did not know of these, and has tried nothing yet. */
export function withHeard(all: readonly Entry[], heard: readonly Entry[], patience: number): readonly Entry[] {
  return heard.reduce(
    (known, { tried: _tried, dueMs: _due, lastMs, ...found }) => withRecovered(known, found, lastMs, patience),
    all,
  );
}

/** The ids of missions that are started for it never come again. */
function isOf({ item, mission, run, tried }: Entry, found: Recovered): boolean {
  if (item !== found.item) return false;
  if (mission !== found.mission) return tried.includes(found.mission);
  return run === undefined || found.run === undefined || run === found.run;
}

function bounded(all: readonly Entry[]): readonly Entry[] {
  if (all.length <= KEPT_MAX) return all;
  const least = all.find(({ dueMs }) => dueMs === null) ?? all[0];
  return all.filter((one) => one !== least);
}

/** The one that is due, soonest first. */
export function dueNow(all: readonly Entry[], nowMs: number): Entry | null {
  return all.find(({ dueMs }) => dueMs !== null && dueMs <= nowMs) ?? null;
}

/** When one is due next. */
export function nextDueMs(all: readonly Entry[]): number | null {
  const due = all.flatMap(({ dueMs }) => dueMs ?? []);
  return due.length === 0 ? null : Math.min(...due);
}

export function isSpent({ tried }: Entry): boolean {
  return tried.length >= TRIES_MAX;
}

/** `mission`: that was started; null: none. */
export function settled(all: readonly Entry[], entry: Entry, mission: string | null, nowMs: number): readonly Entry[] {
  const tried = mission === null ? entry.tried : [...entry.tried, mission];
  const { failed: _, ...rest } = entry;
  return all.map((one) => (one === entry ? { ...rest, tried, lastMs: nowMs, dueMs: null } : one));
}

/** The try has failed: later once more. */
export function postponed(all: readonly Entry[], entry: Entry, nowMs: number, patience: number): readonly Entry[] {
  const failed = (entry.failed ?? 0) + 1;
  const dueMs = nowMs + Math.min(FAILED_MS_MAX, COOLDOWN_MS * 2 ** (failed - 1)) * patience;
  return all.map((one) => (one === entry ? { ...one, failed, dueMs } : one));
}

/** Whether the overseer is to hear that it fails, with this failure. */
export function isFailureTold({ failed = 0 }: Entry): boolean {
  return failed + 1 === FAILED_TOLD;
}

/** For the overseer: `result` is null when it was tried often enough. */
export function recoveredMail(
  { mission, item, branch, head, tried }: Entry,
  result: Exclude<Redispatch, { readonly kind: 'started' }> | Failing | null,
): { readonly subject: string; readonly body: string } {
  const last = tried.at(-1) ?? mission;
  const lies = result?.kind === 'gone' ? 'lay' : 'lies';
  const where = `What the item ${item} of the mission ${last} had done, which is gone, ${lies} on branch ${branch} at ${head}.`;
  return {
    subject: `HELP: recovered work of ${mission}`.slice(0, 400),
    body: `${where}\n\n${remedyOf(result, tried, mission)}`,
  };
}

function remedyOf(result: Parameters<typeof recoveredMail>[1], tried: readonly string[], mission: string): string {
  if (result === null)
    return `It was given to ${tried.length} other missions, one after the other, which are gone, too: ${tried.join(', ')}. \`gt explain ${shellWord(tried.at(-1) ?? mission)}\` tells how the last one ended.`;
  if (result.kind === 'impossible')
    return `It is not known how to start it again: ${result.why}. The branch can be merged, or deleted, by hand.`;
  if (result.kind === 'gone')
    return 'The remote has that branch no more: somebody has merged it, or taken it away, so nothing is started.';
  if (result.kind === 'failing')
    return `The deacon has tried ${FAILED_TOLD} times to start it again, which fails: ${result.why}. It goes on trying, each time later, until that is mended: \`gt doctor\` looks at town.toml.`;
  if (result.kind === 'over')
    return `The mission is ${result.status}, so nothing is started by itself. This starts the item anew:\n\n\`${result.command}\``;
  return `Whoever ends a mission mostly means it, so nothing is started by itself: \`[deacon] redispatch = true\` in town.toml lets the deacon do it. This starts the item anew:\n\n\`${result.command}\``;
}
