/**
 * What the deacon makes of what it sees on patrol: roles that are missing are started, troubles that last are told to the overseer, each at
 * its time and not for ever. Patrols come less often as long as nothing changes, and not at all once no work is open.
 */
import { DAEMON } from './address.js';
import { PRIORITIES } from './mail.js';

const MINUTE_MS = 60_000;
const HOUR_MS = 60 * MINUTE_MS;

export type Survey = {
  /** Missions, polecats and molecules that are open. */
  readonly open: number;
  /** Rigs with open work, and of these those whose witness runs. */
  readonly rigs: readonly string[];
  readonly witnessed: readonly string[];
  /** Workflows whose tasks fail again and again, with what the server says of them. */
  readonly failing: readonly { readonly id: string; readonly says: string }[];
  /** Missions and polecats that wait for an answer to something that went wrong. */
  readonly escalated: readonly { readonly id: string; readonly waitsFor: string }[];
  readonly daemon: Daemon;
};

/** The schedule of boot. `dying`: the last boots have all failed, or were ended. */
type Daemon =
  | { readonly kind: 'runs' }
  | { readonly kind: 'missing' }
  | { readonly kind: 'paused'; readonly note: string }
  | { readonly kind: 'dying'; readonly last: string };

type Kind = 'failing' | 'escalated' | 'paused' | 'dying';

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
  paused: { afterMs: 0, times: 1 },
  dying: { afterMs: 0, times: 1 },
};

export type Order =
  | { readonly kind: 'witness'; readonly rig: string }
  | { readonly kind: 'daemon' }
  | { readonly kind: 'tell'; readonly trouble: Trouble; readonly priority: (typeof PRIORITIES)[number] };

type Round = { readonly troubles: readonly Trouble[]; readonly orders: readonly Order[] };

/** `unheard`: rigs whose witness has not said what it was to say by now. */
type Patrol = {
  readonly known: readonly Trouble[];
  readonly unheard: readonly string[];
  readonly nowMs: number;
  readonly patience: number;
};

export function patrolled(survey: Survey, { known, unheard, nowMs, patience }: Patrol): Round {
  const troubles = troublesIn(survey).map((trouble) => {
    const before = known.find(({ key }) => key === trouble.key);
    return { ...trouble, sinceMs: before?.sinceMs ?? nowMs, told: before?.told ?? 0 };
  });
  const isDue = ({ kind, told, sinceMs }: Trouble) =>
    told < TELLING[kind].times && nowMs - sinceMs >= TELLING[kind].afterMs * patience * (told + 1);
  const missing = survey.rigs.filter((rig) => !survey.witnessed.includes(rig) || unheard.includes(rig));
  const orders: readonly Order[] = [
    ...(survey.daemon.kind === 'missing' ? [{ kind: 'daemon' } as const] : []),
    ...missing.map((rig) => ({ kind: 'witness', rig }) as const),
    ...troubles
      .filter(isDue)
      .map((trouble) => ({ kind: 'tell', trouble, priority: priorityOf(trouble.told) }) as const),
  ];
  return { troubles, orders };
}

/** Once a person has it. */
export function told(troubles: readonly Trouble[], { key }: Trouble): readonly Trouble[] {
  return troubles.map((one) => (one.key === key ? { ...one, told: one.told + 1 } : one));
}

function troublesIn({ failing, escalated, daemon }: Survey): Pick<Trouble, 'key' | 'kind' | 'about' | 'says'>[] {
  return [
    ...failing.map(({ id, says }) => ({ key: `failing ${id}`, kind: 'failing', about: id, says }) as const),
    ...escalated.map(
      ({ id, waitsFor }) => ({ key: `escalated ${id}`, kind: 'escalated', about: id, says: waitsFor }) as const,
    ),
    ...(daemon.kind === 'paused'
      ? [{ key: 'daemon paused', kind: 'paused', about: DAEMON, says: daemon.note } as const]
      : []),
    ...(daemon.kind === 'dying'
      ? [
          {
            key: 'boots dying',
            kind: 'dying',
            about: daemon.last,
            says: 'it has failed, like those before it',
          } as const,
        ]
      : []),
  ];
}

/** What was told in vain is told more urgently. */
function priorityOf(told: number): (typeof PRIORITIES)[number] {
  return PRIORITIES[Math.max(0, PRIORITIES.indexOf('normal') - told)] ?? 'urgent';
}

/** Whether two surveys show the same: nothing has begun, ended or gone wrong between them that the deacon looks at. */
export function isQuiet(before: Survey | null, now: Survey): boolean {
  return JSON.stringify(before) === JSON.stringify(now);
}

/** When a witness said that it would be heard, and how long after that it is waited for. */
const PING_MS_MAX = 5 * MINUTE_MS;

/** By rig, when its witness was heard last, and when it is heard next at the latest; null: with the next work. */
export type Heard = Readonly<Record<string, { readonly atMs: number; readonly nextByMs: number | null }>>;

export function unheardOf(heard: Heard, nowMs: number, patience: number): readonly string[] {
  return Object.entries(heard).flatMap(([rig, { nextByMs }]) =>
    nextByMs !== null && nowMs - nextByMs > PING_MS_MAX * patience ? [rig] : [],
  );
}

const FIRST_MS = MINUTE_MS;
const LAST_MS = 15 * MINUTE_MS;

/** Until the next patrol, after so many quiet ones in a row; null while there is nothing to look after. */
export function nextPatrolMs({ open }: Survey, quiet: number, patience: number): number | null {
  return open === 0 ? null : Math.min(LAST_MS, FIRST_MS * 2 ** quiet) * patience;
}
