/** The tables `[reach.<name>]` and `[people.<address>]` of town.toml: ways to people outside of the town, and who is told of mail by which. */
import * as z from 'zod';
import { listed } from './town/listed.js';
import { PRIORITIES } from './town/mail.js';
import { nearest } from './town/nearest.js';
import {
  AT_MOST,
  isZone,
  variableIn,
  WAY_KINDS,
  type Person,
  type Quiet,
  type ReachSettings,
  type Way,
} from './town/reach.js';
import { form, text, whole } from './town-toml-fields.js';

export const WAY_NAME = /^[a-z][a-z0-9-]{0,39}$/;
export const PERSON_NAME = /^(overseer|([a-z][a-z0-9-]*\/)?crew\/[A-Za-z][\w.-]{0,99})$/;
const SPAN = /^([01]\d|2[0-3]):([0-5]\d)-([01]\d|2[0-3]):([0-5]\d)$/;
const DEFAULT_ZONE = 'UTC';

const addressOf = (protocols: readonly string[], example: string) =>
  text(example).refine(
    (url) => variableIn(url) !== null || (URL.canParse(url) && protocols.includes(new URL(url).protocol)),
    `an address is expected, for example "${example}", or "env:NAME" for a variable of the worker's environment`,
  );

export const way = {
  kind: z.enum(WAY_KINDS, `${listed(WAY_KINDS)} is expected`),
  url: addressOf(['http:', 'https:'], 'https://example.org/hook').optional(),
  server: addressOf(['smtp:', 'smtps:'], 'smtp://mail.example.org:587').optional(),
  from: text('gastown@example.org').optional(),
  to: text('ada@example.org').optional(),
  user: text('gastown').optional(),
  password: text('env:SMTP_PASSWORD').optional(),
  program: text('notify-send').optional(),
  args: z.array(z.string(), 'a list of texts is expected, for example ["--urgent"]').optional(),
};
export const person = {
  reach: z
    .array(text('desk'), 'a list of ways is expected, for example ["desk"]')
    .min(1, 'at least one way is expected, for example ["desk"]'),
  least: z.enum(PRIORITIES, `${listed(PRIORITIES)} is expected`).optional(),
  quiet: form(SPAN, 'hours are expected, for example "22:00-07:00"').optional(),
  zone: text('Europe/Berlin').refine(isZone, 'a time zone is expected, for example "Europe/Berlin"').optional(),
  at_most: whole(1, AT_MOST).optional(),
};
type WayTable = z.infer<z.ZodObject<typeof way>>;
type PersonTable = z.infer<z.ZodObject<typeof person>>;

/** What each kind needs, and may have besides. */
const KEYS: Readonly<Record<Way['kind'], { readonly needs: readonly string[]; readonly may: readonly string[] }>> = {
  webhook: { needs: ['url'], may: [] },
  slack: { needs: ['url'], may: [] },
  email: { needs: ['server', 'from', 'to'], may: ['user', 'password'] },
  command: { needs: ['program'], may: ['args'] },
};
type Report = (path: readonly (string | number)[], message: string) => void;
const tablesAt = (document: Readonly<Record<string, unknown>>, section: string) =>
  z.record(z.string(), z.record(z.string(), z.unknown())).safeParse(document[section]).data ?? {};

/** What the settings of a way say of each other, and those of people of ways. Speaks only of what has the right form. */
export function checkReach(document: Readonly<Record<string, unknown>>, report: Report): void {
  const ways = tablesAt(document, 'reach');
  for (const [name, table] of Object.entries(ways)) checkWay(name, table, report);
  for (const [name, { reach, quiet, zone }] of Object.entries(tablesAt(document, 'people'))) {
    const at = ['people', name];
    for (const [index, one] of (Array.isArray(reach) ? reach : []).entries()) {
      if (typeof one !== 'string' || one.trim() === '' || Object.hasOwn(ways, one)) continue;
      const near = nearest(one, Object.keys(ways));
      const hint =
        near === null ? `there is ${listed(Object.keys(ways)) || 'none yet: [reach.NAME]'}` : `did you mean ${near}?`;
      report([...at, 'reach', index], `${at.join('.')}.reach has "${one}", which is no way of the town; ${hint}`);
    }
    const [, fromHour, fromMinute, toHour, toMinute] = typeof quiet === 'string' ? (SPAN.exec(quiet) ?? []) : [];
    if (fromHour !== undefined && `${fromHour}:${fromMinute}` === `${toHour}:${toMinute}`)
      report([...at, 'quiet'], `${at.join('.')}.quiet is no time at all: it ends when it begins`);
    if (zone !== undefined && quiet === undefined)
      report([...at, 'zone'], `${at.join('.')}.zone is for quiet hours; quiet is expected with it`);
  }
}

function checkWay(name: string, table: Readonly<Record<string, unknown>>, report: Report): void {
  const at = ['reach', name];
  const kind = WAY_KINDS.find((one) => one === table['kind']);
  if (kind === undefined) return;
  const { needs, may } = KEYS[kind];
  for (const key of needs.filter((one) => !Object.hasOwn(table, one)))
    report(at, `reach.${name} has no ${key}; a way of kind "${kind}" needs ${listed(needs, 'and')}`);
  const all = ['kind', ...needs, ...may];
  for (const key of Object.keys(table).filter((one) => Object.hasOwn(way, one) && !all.includes(one)))
    report([...at, key], `reach.${name}.${key} is not for a way of kind "${kind}", which has ${listed(all, 'and')}`);
  if (Object.hasOwn(table, 'password') !== Object.hasOwn(table, 'user'))
    report(at, `reach.${name} has one of user and password; both are expected, or neither`);
  // Never with the value that stands there.
  for (const key of kind === 'slack' ? ['url', 'password'] : ['password'])
    if (typeof table[key] === 'string' && variableIn(table[key]) === null)
      report(
        [...at, key],
        `reach.${name}.${key} is a secret: "env:NAME" is expected, a variable of the worker's environment`,
      );
}

/** Nothing where there are none. */
export function reachFrom(
  ways: Readonly<Record<string, WayTable>> = {},
  people: Readonly<Record<string, PersonTable>> = {},
): { readonly reach?: ReachSettings } {
  if (Object.keys(people).length === 0) return {};
  return { reach: { ways: each(ways, wayFrom), people: each(people, personFrom) } };
}

function each<One, To>(all: Readonly<Record<string, One>>, to: (one: One) => To): Readonly<Record<string, To>> {
  return Object.fromEntries(Object.entries(all).map(([name, one]) => [name, to(one)]));
}

function wayFrom({
  kind,
  url = '',
  server = '',
  from = '',
  to = '',
  user,
  password,
  program = '',
  args = [],
}: WayTable): Way {
  if (kind === 'email') {
    const login = user === undefined || password === undefined ? {} : { user, password };
    return { kind, server, from, to, ...login };
  }
  return kind === 'command' ? { kind, program, args } : { kind, url };
}

function personFrom({
  reach,
  least = 'normal',
  quiet,
  zone = DEFAULT_ZONE,
  at_most: atMost = AT_MOST,
}: PersonTable): Person {
  return { reach, least, atMost, ...(quiet === undefined ? {} : { quiet: quietFrom(quiet, zone) }) };
}

function quietFrom(written: string, zone: string): Quiet {
  const [from = 0, to = 0] = written.split('-').map((time) => {
    const [hour = 0, minute = 0] = time.split(':').map(Number);
    return hour * 60 + minute;
  });
  return { from, to, zone };
}
