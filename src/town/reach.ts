/**
 * How people are reached outside of the town: by which ways, and when. What is urgent is told at once, by every way; all else by the first way that
 * works, once what comes with it has come, outside of quiet hours, and at most so often an hour: what gathers meanwhile is told as one digest.
 */
import * as z from 'zod';
import { OVERSEER, workerAt } from './address.js';
import { stateOf, type Inbox } from './inbox.js';
import { PRIORITIES } from './mail.js';
import { own } from './own.js';

export const WAY_KINDS = ['webhook', 'slack', 'email', 'command'] as const;

/** `url`, `server`, `user` and `password` may stand for a variable of the worker's environment, as `env:NAME`. */
const Way = z.discriminatedUnion('kind', [
  z.strictObject({ kind: z.enum(['webhook', 'slack']), url: z.string() }),
  z.strictObject({
    kind: z.literal('email'),
    server: z.string(),
    from: z.string(),
    to: z.string(),
    user: z.string().optional(),
    password: z.string().optional(),
  }),
  z.strictObject({ kind: z.literal('command'), program: z.string(), args: z.array(z.string()) }),
]);
export type Way = z.infer<typeof Way>;

/** Minutes of the day, in the zone; over midnight when `from` is the later one. */
const Quiet = z.strictObject({ from: z.number().int(), to: z.number().int(), zone: z.string() });
export type Quiet = z.infer<typeof Quiet>;

const Person = z.strictObject({
  /** Names of ways, the first one first. */
  reach: z.array(z.string()),
  /** What is less urgent waits in the inbox. */
  least: z.enum(PRIORITIES),
  quiet: Quiet.optional(),
  /** Tellings an hour. */
  atMost: z.number().int().positive(),
});
export type Person = z.infer<typeof Person>;

/** Ways by their names; people by their addresses, a member of any rig's crew as `crew/NAME`. */
export const ReachSettings = z.strictObject({ ways: z.record(z.string(), Way), people: z.record(z.string(), Person) });
export type ReachSettings = z.infer<typeof ReachSettings>;

const SECOND_MS = 1_000;
const MINUTE_MS = 60 * SECOND_MS;
const HOUR_MS = 60 * MINUTE_MS;
const DAY_MINUTES = 24 * 60;
export const AT_MOST = 12;
const NAMED = /^env:([A-Za-z_]\w*)$/;

/** Which variable of the environment a setting stands for; null when it is the value itself. */
export const variableIn = (setting: string): string | null => NAMED.exec(setting)?.[1] ?? null;

/** The variables that the ways name. */
export function variablesOf(settings: ReachSettings | undefined): readonly string[] {
  const said = Object.values(settings?.ways ?? {}).flatMap((way) => Object.values<unknown>(way));
  return said.flatMap((one) => (typeof one === 'string' ? (variableIn(one) ?? []) : []));
}

/** What town.toml says of a person, who may be named with the rig or without; null when nobody is to be reached. */
export function personAt(address: string, settings: ReachSettings | undefined): Person | null {
  const worker = workerAt(address);
  const names = worker?.kind === 'crew' ? [address, `crew/${worker.name}`] : [address];
  const found = names.flatMap((name) => own(settings?.people ?? {}, name) ?? [])[0] ?? null;
  return found === null || found.reach.length === 0 ? null : found;
}

/** The addresses of all who can be reached, in a town with these rigs. */
export function reachable({ people }: ReachSettings, rigs: readonly string[]): readonly string[] {
  const all = Object.keys(people).flatMap((name) =>
    name.startsWith('crew/') ? rigs.map((rig) => `${rig}/${name}`) : [name],
  );
  return [...new Set(all)].filter((address) => address === OVERSEER || workerAt(address) !== null);
}

/** When the quiet hours that hold at a time are over; null when none do. */
export function quietUntilMs(quiet: Quiet | undefined, nowMs: number): number | null {
  if (quiet === undefined) return null;
  const { from, to, zone } = quiet;
  const minute = minuteOfDay(nowMs, zone);
  const isQuiet = from < to ? from <= minute && minute < to : minute >= from || minute < to;
  if (!isQuiet) return null;
  const wholeMinute = Math.floor(nowMs / MINUTE_MS) * MINUTE_MS;
  const end = wholeMinute + forward(to - minute) * MINUTE_MS;
  // Clocks may be put forward or back on the way there.
  const off = forward(to - minuteOfDay(end, zone));
  return end + (off > DAY_MINUTES / 2 ? off - DAY_MINUTES : off) * MINUTE_MS;
}

const forward = (minutes: number): number => (minutes + DAY_MINUTES) % DAY_MINUTES;

function minuteOfDay(atMs: number, zone: string): number {
  const parts = new Intl.DateTimeFormat('en-GB', {
    timeZone: zone,
    hour: '2-digit',
    minute: '2-digit',
    hourCycle: 'h23',
  }).formatToParts(atMs);
  const part = (type: string) => Number(parts.find((one) => one.type === type)?.value);
  return part('hour') * 60 + part('minute');
}

export function isZone(name: string): boolean {
  try {
    return new Intl.DateTimeFormat('en-GB', { timeZone: name }).resolvedOptions().timeZone !== '';
  } catch {
    return false;
  }
}

/** What holds for a person at `nowMs`, as an act has read it. */
export type Reachable = {
  readonly nowMs: number;
  readonly town: string;
  readonly patience: number;
  readonly ways: readonly string[];
  readonly least: Person['least'];
  readonly atMost: number;
  readonly quietUntilMs: number | null;
};

/** What waits to be told: unread mail, and how many had to leave the inbox before. `toldMs`: when he was told something. */
export type Untold = { readonly mails: Inbox; readonly gone: number; readonly toldMs: readonly number[] };

export type Telling =
  | { readonly kind: 'nothing' }
  | { readonly kind: 'wait'; readonly untilMs: number; readonly why: string }
  | { readonly kind: 'tell'; readonly mails: Inbox; readonly gone: number; readonly isUrgent: boolean };

/** What is to be told now. Mail that was read meanwhile needs no telling. */
export function tellingNow({ mails, gone, toldMs }: Untold, how: Reachable): Telling {
  const { nowMs } = how;
  const unread = mails.filter((mail) => stateOf(mail) === 'unread');
  const urgent = unread.filter(isUrgent);
  if (urgent.length > 0) return { kind: 'tell', mails: urgent, gone: 0, isUrgent: true };
  const wanted = unread.filter(({ priority = 'normal' }) => rank(priority) <= rank(how.least));
  if (wanted.length === 0 && gone === 0) return { kind: 'nothing' };
  if (how.quietUntilMs !== null && how.quietUntilMs > nowMs)
    return { kind: 'wait', untilMs: how.quietUntilMs, why: 'quiet hours' };
  const lately = withinHour(toldMs, nowMs);
  const first = lately.at(-how.atMost);
  if (lately.length >= how.atMost && first !== undefined)
    return { kind: 'wait', untilMs: first + HOUR_MS, why: `at most ${how.atMost} an hour` };
  return { kind: 'tell', mails: wanted, gone, isUrgent: false };
}

const rank = (priority: Person['least']): number => PRIORITIES.indexOf(priority);

export const isUrgent = ({ priority }: Inbox[number]): boolean => priority === 'urgent';

/** Those of the last hour, the oldest first. */
export const withinHour = (toldMs: readonly number[], nowMs: number): readonly number[] =>
  toldMs.filter((at) => at > nowMs - HOUR_MS);

/** How somebody was told, or was not, by one way. */
export type Delivery = {
  /** The same for all ways of a telling: whoever was told twice knows it by that. */
  readonly id: string;
  readonly way: string;
  readonly about: string;
  readonly mails: readonly string[];
  readonly atMs: number;
  readonly outcome: 'told' | 'failed';
  readonly tries: number;
  /** Of one that failed. */
  readonly why?: string;
};

/** So many are shown; all are in the ledger. */
export const DELIVERIES_MAX = 50;
