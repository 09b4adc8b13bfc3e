/** The table `[escalation]` of town.toml: whom trouble climbs to, how long each has, and what roles answer by rules. */
import * as z from 'zod';
import { durationMs, DURATION_FORM } from './formula/durations.js';
import { DEACON, MAYOR, OVERSEER } from './town/address.js';
import { ACTIONS, CATEGORIES, SEVERITIES, SOURCES, type Action, type Category } from './town/escalation-input.js';
import { roleAt, ROLE_TIERS } from './town/escalation-ladder.js';
import {
  ANSWERED_MAX,
  DEFAULT_ESCALATION,
  type EscalationRule,
  type EscalationSettings,
} from './town/escalation-routes.js';
import { listed } from './town/listed.js';
import { nearest } from './town/nearest.js';
import { amount, nameOfPath, table, text, valueAt, whole } from './town-toml-fields.js';

const TEXT_CHARS_MAX = 200;
const NOTE_CHARS_MAX = 2_000;

const hint = (word: unknown, names: readonly string[]): string => {
  const near = typeof word === 'string' ? nearest(word, names) : null;
  return near === null ? `${listed(names)} is expected` : `did you mean ${near}?`;
};
const oneOf = <const Names extends readonly [string, ...string[]]>(names: Names) =>
  z.enum(names, { error: ({ input }) => hint(input, names) });
const some = <const Names extends readonly [string, ...string[]]>(names: Names) => {
  const expected = `a list is expected, for example ["${names[0]}"]`;
  return z.array(oneOf(names), expected).min(1, expected);
};
const duration = (example: string) =>
  text(example).refine((written) => durationMs(written) !== null, `a duration is expected: ${DURATION_FORM}`);
const upTo = (example: string, charsMax: number) =>
  text(example).max(charsMax, `a text of at most ${charsMax} characters is expected`);

const rule = {
  tier: oneOf(ROLE_TIERS).optional(),
  category: some(CATEGORIES).optional(),
  severity: some(SEVERITIES).optional(),
  source: some(SOURCES).optional(),
  text: upTo('connection reset', TEXT_CHARS_MAX).optional(),
  at_most: whole(1, ANSWERED_MAX).optional(),
  // A text, which nobody awaits.
  // oxlint-disable-next-line no-thenable
  then: oneOf([...ACTIONS, 'forward']),
  note: upTo('the network was down', NOTE_CHARS_MAX).optional(),
  usd: amount(20).optional(),
  vars: z.record(z.string(), z.string(), 'a table of texts is expected, for example { depth = "2" }').optional(),
};
const within = {
  critical: duration('5m').optional(),
  high: duration('30m').optional(),
  medium: duration('4h').optional(),
};
const route = z
  .array(text('deacon'), 'a list of tiers is expected, for example ["deacon", "crew/ann", "overseer"]')
  .min(1, 'at least one tier is expected, for example ["overseer"]')
  .optional();
const routes = {
  decision: route,
  help: route,
  blocked: route,
  failed: route,
  emergency: route,
  gate_timeout: route,
  lifecycle: route,
} satisfies Record<Category, typeof route>;
export const escalation = {
  sessions: z.boolean('true or false is expected').optional(),
  stale: duration('4h').optional(),
  raises: whole(0, DEFAULT_ESCALATION.raisesMax).optional(),
  within: table(within).optional(),
  routes: table(routes).optional(),
  rules: z.array(table(rule), 'rules are expected: [[escalation.rules]]').optional(),
};
type Table = z.infer<z.ZodObject<typeof escalation>>;
type Rule = z.infer<z.ZodObject<typeof rule>>;

/** The keys of its inner tables. */
export function escalationKeysAt(name: string | number | undefined): readonly string[] {
  if (name === 'within') return Object.keys(within);
  if (name === 'routes') return CATEGORIES;
  return Object.keys(name === 'rules' ? rule : escalation);
}

type Path = readonly (string | number)[];
type Report = (path: Path, message: string) => void;
type Document = Readonly<Record<string, unknown>>;

/** What routes say of the town, and rules of each other. Speaks only of what has the right form. */
export function checkEscalation(document: Document, report: Report): void {
  const rigs = Object.keys(z.record(z.string(), z.unknown()).safeParse(document['rigs']).data ?? {});
  for (const category of CATEGORIES) {
    const at = ['escalation', 'routes', category];
    const given = route.safeParse(valueAt(document, at)).data ?? [];
    for (const [index, tier] of given.entries()) {
      const why = whyNoTier(tier, index, given, rigs);
      if (why !== null) report([...at, index], `${at.join('.')} has "${tier}"${why}`);
    }
  }
  const rules = z.array(z.unknown()).safeParse(valueAt(document, ['escalation', 'rules'])).data ?? [];
  for (const [index, raw] of rules.entries()) {
    const read = table(rule).safeParse(raw);
    if (read.success) checkRule(read.data, ['escalation', 'rules', index], document, report);
  }
}

const TOWN_TIERS: readonly string[] = ['witness', DEACON, MAYOR, OVERSEER];
/** A member of the crew of whichever rig the trouble is in, or of that rig; or a rig's witness. */
const OF_RIG = /^(?:crew\/[A-Za-z][\w.-]{0,99}|([a-z][a-z0-9-]*)\/(?:witness|crew\/[A-Za-z][\w.-]{0,99}))$/;

function whyNoTier(tier: string, index: number, all: readonly string[], rigs: readonly string[]): string | null {
  if (all.indexOf(tier) !== index) return ' twice';
  if (tier === OVERSEER && index < all.length - 1) return ', after whom nobody is asked; it goes to the end';
  if (TOWN_TIERS.includes(tier)) return null;
  const [ofRig, rig] = OF_RIG.exec(tier) ?? [];
  if (ofRig === undefined) {
    const near = nearest(tier, TOWN_TIERS);
    return near === null
      ? `; ${listed([...TOWN_TIERS, '"crew/NAME"', '"RIG/crew/NAME"'])} is expected`
      : `; did you mean ${near}?`;
  }
  if (rig === undefined || rigs.includes(rig)) return null;
  return `, and ${rig} is no rig of the town; ${rigs.length === 0 ? 'there is none yet: gt rig add' : hint(rig, rigs).replace(' is expected', ' is there')}`;
}

/** What an action needs besides a word. */
const NEEDS: Partial<Readonly<Record<Action, 'usd' | 'vars'>>> = { budget: 'usd', set: 'vars' };

function checkRule(one: Rule, at: Path, document: Document, report: Report): void {
  const name = nameOfPath(at);
  const needed = one.then === 'forward' ? undefined : NEEDS[one.then];
  if (needed !== undefined && one[needed] === undefined)
    report([...at, 'then'], `${name}.then is "${one.then}"; ${needed} is expected with it`);
  for (const key of ['usd', 'vars'] as const)
    if (one[key] !== undefined && key !== needed)
      report(
        [...at, key],
        `${name}.${key} is for ${key === 'usd' ? 'then = "budget"' : 'then = "set"'}, and this is "${one.then}"`,
      );
  const routed = routesFrom(
    z.record(z.string(), z.array(z.string())).safeParse(valueAt(document, ['escalation', 'routes'])).data,
  );
  const roles = (one.category ?? CATEGORIES).flatMap((category) =>
    routed[category].flatMap((tier) => roleAt(tier) ?? []),
  );
  if (one.tier === undefined ? roles.length > 0 : roles.includes(one.tier)) return;
  const who = one.tier ?? listed(ROLE_TIERS);
  report(
    at,
    `${name} is never applied: ${who} stands in no route of ${listed(one.category ?? [], 'and') || 'any category'}`,
  );
}

const routesFrom = (given: Table['routes'] = {}): EscalationSettings['routes'] => {
  const own = Object.entries(given).filter(([, tiers]) => tiers !== undefined);
  return { ...DEFAULT_ESCALATION.routes, ...Object.fromEntries(own) };
};

const ms = (written: string | undefined, or: number) => (written === undefined ? or : (durationMs(written) ?? or));

/** Nothing where the file says nothing of it. */
export function escalationFrom(said: Table | undefined): { readonly escalation?: EscalationSettings } {
  if (said === undefined) return {};
  const { sessions, stale, raises, within: silence = {}, rules = [] } = said;
  const { CRITICAL, HIGH, MEDIUM } = DEFAULT_ESCALATION.withinMs;
  return {
    escalation: {
      sessions: sessions ?? DEFAULT_ESCALATION.sessions,
      staleMs: ms(stale, DEFAULT_ESCALATION.staleMs),
      raisesMax: raises ?? DEFAULT_ESCALATION.raisesMax,
      withinMs: {
        CRITICAL: ms(silence.critical, CRITICAL),
        HIGH: ms(silence.high, HIGH),
        MEDIUM: ms(silence.medium, MEDIUM),
      },
      routes: routesFrom(said.routes),
      rules: rules.map(ruleFrom),
    },
  };
}

function ruleFrom({ at_most: atMost = ANSWERED_MAX, then: answer, ...rest }: Rule): EscalationRule {
  return { ...rest, atMost, answer };
}
