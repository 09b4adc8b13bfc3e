/**
 * What the deacon makes of what it sees on patrol: roles that are missing are started, troubles that last are told to the overseer, each at
 * its time and not for ever. Patrols come less often as long as nothing changes, and not at all once no work is open.
 */
import { DAEMON, witnessOf } from './address.js';
import type { Health } from './health.js';
import { PRIORITIES } from './mail.js';
import { timeAt } from './wording.js';

const MINUTE_MS = 60_000;
const HOUR_MS = 60 * MINUTE_MS;

export type Survey = {
  /** Missions, polecats and molecules that are open. */
  readonly open: number;
  /** Rigs with open work, and of these those whose witness runs. */
  readonly rigs: readonly string[];
  readonly witnessed: readonly string[];
  /** Rigs whose polecats wait for a refinery that does not run. Absent in what an earlier version saw. */
  readonly unrefined?: readonly string[];
  /** Rigs whose witness runs, and nobody holds them. Absent in what an earlier version saw. */
  readonly unheld?: readonly string[];
  /** Workflows whose tasks fail again and again, with what the server says of them; null from a server that does not tell. */
  readonly failing: readonly { readonly id: string; readonly says: string }[] | null;
  /** Who waits for an answer to something that went wrong: missions, merge queues, molecules that nobody has on the hook. */
  readonly escalated: readonly { readonly id: string; readonly waitsFor: string }[];
  /** Missions that wait for a slot, where nobody holds one in any of their rigs, nor holds these back. Absent in what an earlier version saw. */
  readonly stranded?: readonly string[];
  /** Missions of wishes that were ended from outside, and tell nobody. Absent in what an earlier version saw. */
  readonly ended?: readonly SilentEnd[];
  readonly daemon: Daemon;
  /** Absent in what an earlier version saw. */
  readonly stir?: Stir;
};

export type SilentEnd = { readonly mission: string; readonly run: string };

/** `working`: molecules that are not waiting. `mark`: of how all that is open stands; another one tells that something has happened. */
export type Stir = { readonly working: number; readonly mark: string };

/** The schedule of boot. `dying`: the last boots have all failed, or were ended. `unseen`: this server does not let us look. */
type Daemon =
  | { readonly kind: 'runs' | 'missing' | 'unseen' }
  | { readonly kind: 'paused'; readonly note: string }
  | { readonly kind: 'dying'; readonly last: string };

type Kind = 'failing' | 'escalated' | 'stranded' | 'paused' | 'dying' | 'unheard' | 'unwitnessed';

/** `told`: how often. */
export type Trouble = {
  readonly key: string;
  readonly kind: Kind;
  readonly about: string;
  readonly says: string;
  readonly sinceMs: number;
  readonly told: number;
};

/** How long a trouble of a kind lasts before it is told, and how often it is told, each time as much later and more urgent. */
const TELLING: Readonly<Record<Kind, { readonly afterMs: number; readonly times: number }>> = {
  failing: { afterMs: 5 * MINUTE_MS, times: 1 },
  escalated: { afterMs: 4 * HOUR_MS, times: 3 },
  stranded: { afterMs: 30 * MINUTE_MS, times: 1 },
  paused: { afterMs: 0, times: 1 },
  dying: { afterMs: 0, times: 1 },
  unheard: { afterMs: 5 * MINUTE_MS, times: 1 },
  unwitnessed: { afterMs: 0, times: 1 },
};

/** A mission asks again by itself after ten minutes. */
const FED_AFTER_MS = 20 * MINUTE_MS;

/** `tell`: all of a kind that are as urgent, in one mail: of a hundred at once a person wants to hear once. */
export type Order =
  | { readonly kind: 'witness' | 'refinery'; readonly rig: string }
  /** It asks for its slots again. */
  | { readonly kind: 'feed'; readonly mission: string }
  /** The mayor hears that it is to look how a mission ended. */
  | ({ readonly kind: 'ended' } & SilentEnd)
  | { readonly kind: 'daemon' }
  | { readonly kind: 'tell'; readonly troubles: readonly Trouble[]; readonly priority: (typeof PRIORITIES)[number] };

type Round = { readonly troubles: readonly Trouble[]; readonly orders: readonly Order[] };

/** `unheard`: rigs whose witness has not said what it was to say by now. `unwitnessed`: by rig, why its witness could not be started. */
type Patrol = {
  /** What it saw on the last patrol; null: on none. */
  readonly before: Survey | null;
  readonly known: readonly Trouble[];
  readonly unheard: readonly string[];
  readonly unwitnessed: Readonly<Record<string, string>>;
  readonly nowMs: number;
  readonly patience: number;
};

export function patrolled(survey: Survey, { before, known, nowMs, patience, ...rest }: Patrol): Round {
  const { rigs, witnessed, daemon } = survey;
  const unheard = rest.unheard.filter((rig) => rigs.includes(rig));
  const unwitnessed = Object.entries(rest.unwitnessed).filter(
    ([rig]) => rigs.includes(rig) && !witnessed.includes(rig),
  );
  const seen = [...troublesIn(survey), ...unheard.map(unheardTrouble), ...unwitnessed.map(unwitnessedTrouble)].map(
    (trouble) => {
      const { sinceMs = nowMs, told = 0 } = known.find(({ key }) => key === trouble.key) ?? {};
      return { ...trouble, sinceMs, told };
    },
  );
  const due = seen.filter(({ kind, told, sinceMs }) => {
    const { afterMs, times } = TELLING[kind];
    return told < times && nowMs - sinceMs >= afterMs * patience * (told + 1);
  });
  const missing = rigs.filter((rig) => !witnessed.includes(rig) || unheard.includes(rig));
  const orders: readonly Order[] = [
    // First of all: what is told counts as told from now on.
    ...tellingsOf(due),
    ...endedSince(before, survey).map((one) => ({ kind: 'ended', ...one }) as const),
    ...(daemon.kind === 'missing' ? [{ kind: 'daemon' } as const] : []),
    ...missing.map((rig) => ({ kind: 'witness', rig }) as const),
    ...(survey.unrefined ?? []).map((rig) => ({ kind: 'refinery', rig }) as const),
    ...seen.flatMap(({ kind, about, sinceMs, told }) => {
      const isFed = kind === 'stranded' && told === 0 && nowMs - sinceMs >= FED_AFTER_MS * patience;
      return isFed ? [{ kind: 'feed', mission: about } as const] : [];
    }),
  ];
  return { troubles: seen.map((one) => (due.includes(one) ? { ...one, told: one.told + 1 } : one)), orders };
}

/** A deacon that begins tells of all: the mayor knows which it has heard of. */
function endedSince(before: Survey | null, { ended = [] }: Survey): readonly SilentEnd[] {
  return ended.filter(({ run }) => before?.ended?.some((one) => one.run === run) !== true);
}

type Seen = Omit<Trouble, 'sinceMs' | 'told'>;

function troublesIn({ failing, escalated, stranded = [], daemon }: Survey): readonly Seen[] {
  return [
    ...(failing ?? []).map(({ id, says }) => ({ key: `failing ${id}`, kind: 'failing', about: id, says }) as const),
    // Whoever waits for another answer by now waits anew.
    ...escalated.map(
      ({ id, waitsFor }) =>
        ({ key: `escalated ${id} ${waitsFor}`, kind: 'escalated', about: id, says: waitsFor }) as const,
    ),
    ...stranded.map((id) => ({ key: `stranded ${id}`, kind: 'stranded', about: id, says: '' }) as const),
    ...(daemon.kind === 'paused'
      ? [{ key: 'daemon paused', kind: 'paused', about: DAEMON, says: daemon.note } as const]
      : []),
    ...(daemon.kind === 'dying' ? [{ key: 'boots dying', kind: 'dying', about: daemon.last, says: '' } as const] : []),
  ];
}

const unheardTrouble = (rig: string): Seen => ({ key: `unheard ${rig}`, kind: 'unheard', about: rig, says: '' });
const unwitnessedTrouble = ([rig, why]: readonly [string, string]): Seen => ({
  key: `unwitnessed ${rig}`,
  kind: 'unwitnessed',
  about: rig,
  says: why,
});

function tellingsOf(due: readonly Trouble[]): readonly Order[] {
  const groups = new Map<string, Trouble[]>();
  for (const one of due) {
    const group = `${one.kind} ${one.told}`;
    groups.set(group, [...(groups.get(group) ?? []), one]);
  }
  return [...groups.values()].map((troubles) => ({
    kind: 'tell',
    troubles,
    priority: priorityOf(troubles[0]?.told ?? 0),
  }));
}

/** What was told in vain is told more urgently. */
function priorityOf(told: number): (typeof PRIORITIES)[number] {
  return PRIORITIES[Math.max(0, PRIORITIES.indexOf('normal') - told)] ?? 'urgent';
}

/** An open escalation: of whom it was raised first, and of which mission. `waits`: all who wait in it, and their missions, where it was asked. */
export type OpenEscalation = {
  readonly id: string;
  readonly parent: string | null;
  readonly mission: string;
  readonly waits?: readonly string[];
};

/** Those who wait before no ladder: earlier versions bring nothing there, and what cannot be brought there is to be told all the same. */
export function withoutLadder(
  waiting: Survey['escalated'],
  escalations: readonly OpenEscalation[],
): Survey['escalated'] {
  return waiting.filter(
    ({ id }) => !escalations.some((one) => one.parent === id || one.mission === id || one.waits?.includes(id)),
  );
}

/** Whether two surveys show the same: nothing has begun, ended or gone wrong between them that the deacon looks at. */
export function isQuiet(before: Survey | null, now: Survey): boolean {
  const shown = (survey: Survey) => JSON.stringify({ ...survey, daemon: survey.daemon.kind, stir: undefined });
  return before !== null && shown(before) === shown(now);
}

/** Whether something was done between two surveys, or is being done: of what only waits there is nothing to clean, and nothing to back up. */
export function hasStirred(before: Survey | null, now: Survey): boolean {
  const wasOpen = before?.open ?? 0;
  if (now.stir === undefined) return now.open > 0 || wasOpen > 0;
  if (now.stir.working > 0 || now.open !== wasOpen) return true;
  return now.open > 0 && now.stir.mark !== before?.stir?.mark;
}

/** When a witness said that it would be heard, and how long after that it is waited for. */
const PING_MS_MAX = 5 * MINUTE_MS;

/** By rig, when its witness was heard last, and when it is heard next at the latest; null: with the next work. */
export type Heard = Readonly<Record<string, { readonly atMs: number; readonly nextByMs: number | null }>>;

/** Of rigs that the town still has. */
export function heardIn({ rigs, witnessed }: Survey, heard: Heard): Heard {
  return Object.fromEntries(Object.entries(heard).filter(([rig]) => rigs.includes(rig) || witnessed.includes(rig)));
}

export function unheardOf(heard: Heard, nowMs: number, patience: number): readonly string[] {
  return Object.entries(heard).flatMap(([rig, { nextByMs }]) =>
    nextByMs !== null && nowMs - nextByMs > PING_MS_MAX * patience ? [rig] : [],
  );
}

/** How witnesses do, as far as they have let themselves be heard. */
export function witnessesIn(heard: Heard, nowMs: number, patience: number): readonly WitnessSeen[] {
  const unheard = unheardOf(heard, nowMs, patience);
  return Object.entries(heard).map(([rig, { atMs, nextByMs }]) => {
    const seen = { agent: witnessOf(rig), seenMs: atMs };
    if (nextByMs === null) return { ...seen, kind: 'waiting', fact: 'nobody is at work there' };
    if (unheard.includes(rig)) return { ...seen, kind: 'lost', fact: `it was to be heard by ${timeAt(nextByMs)}` };
    return { ...seen, kind: 'working', fact: `it is heard again by ${timeAt(nextByMs)}` };
  });
}

type WitnessSeen = Health & { readonly agent: string; readonly seenMs: number };

const FIRST_MS = MINUTE_MS;
const LAST_MS = 15 * MINUTE_MS;

/** Until the next patrol, after so many quiet ones in a row; null while there is nothing to look after, and nothing that is yet to be told. */
export function nextPatrolMs(
  { open }: Survey,
  troubles: readonly Trouble[],
  quiet: number,
  patience: number,
): number | null {
  const isTold = troubles.every(({ kind, told }) => told >= TELLING[kind].times);
  return open === 0 && isTold ? null : Math.min(LAST_MS, FIRST_MS * 2 ** quiet) * patience;
}
