/**
 * Who is asked about trouble, in which order and for how long, and what roles answer by rules of town.toml before anybody thinks about it. What no rule answers
 * a session of the role may, if a model can help at all; anything else goes to the next tier.
 */
import * as z from 'zod';
import { crewAt, DEACON, MAYOR, OVERSEER, witnessOf } from './address.js';
import { possibleFor } from './escalation-answer.js';
import { Action, Category, Severity, Source, type Raised, type Resolution, type Waiter } from './escalation-input.js';
import { LAST_RESORT, ROLE_TIERS, roleAt, type Ladder } from './escalation-ladder.js';
import { isSameAgent } from './escalation-who.js';
import { short } from './wording.js';
import { fits } from './wildcard.js';

/** Without what it does not say it fits everything. */
export const EscalationRule = z.strictObject({
  tier: z.enum(ROLE_TIERS).optional(),
  category: z.array(Category).optional(),
  severity: z.array(Severity).optional(),
  source: z.array(Source).optional(),
  /** Is in its text; `*` stands for any. */
  text: z.string().optional(),
  /** Answers of tiers that the same wait has had, one after the other: with so many the rule fits no more. */
  atMost: z.number().int().positive(),
  answer: z.union([Action, z.literal('forward')]),
  note: z.string().optional(),
  /** With `budget`, and with `set`. */
  usd: z.number().positive().optional(),
  vars: z.record(z.string(), z.string()).optional(),
});
export type EscalationRule = z.infer<typeof EscalationRule>;

export const EscalationSettings = z.strictObject({
  sessions: z.boolean(),
  staleMs: z.number().int().positive(),
  raisesMax: z.number().int().nonnegative(),
  /** Of silence. */
  withinMs: z.record(Severity, z.number().int().positive()),
  /** Tiers as town.toml names them; `crew/NAME` is of the rig that the trouble is in. */
  routes: z.record(Category, z.array(z.string())),
  rules: z.array(EscalationRule),
});
export type EscalationSettings = z.infer<typeof EscalationSettings>;

const THROUGH_TOWN = [DEACON, MAYOR, OVERSEER];

export const DEFAULT_ESCALATION: EscalationSettings = {
  sessions: true,
  staleMs: LAST_RESORT.staleMs,
  raisesMax: LAST_RESORT.raisesMax,
  withinMs: LAST_RESORT.withinMs,
  routes: {
    decision: THROUGH_TOWN,
    help: THROUGH_TOWN,
    blocked: [MAYOR, OVERSEER],
    failed: THROUGH_TOWN,
    emergency: [OVERSEER],
    gate_timeout: THROUGH_TOWN,
    lifecycle: ['witness', ...THROUGH_TOWN],
  },
  rules: [],
};

/** Of one rule, if it does not say otherwise; and of sessions. */
export const ANSWERED_MAX = 3;

type InTrouble = Pick<Raised, 'category' | 'rig'> & Partial<Pick<Raised, 'waiter'>>;

/**
 * Whom trouble climbs to, by addresses. Of a rig there is nobody where it is in none; who asks is not asked; the overseer is there in any case, and after
 * him nobody.
 */
export function ladderOf(settings: EscalationSettings, { category, rig, waiter }: InTrouble): Ladder {
  const named = settings.routes[category].flatMap((tier) => addressOf(tier, rig));
  const asker = waiter === undefined ? null : askerOf(waiter);
  const below = named.filter((one) => one !== OVERSEER && !(asker !== null && isSameAgent(one, asker)));
  const { withinMs, staleMs, raisesMax } = settings;
  return { route: [...new Set([...below, OVERSEER])], withinMs, staleMs, raisesMax };
}

/** Who waits for the answer, or has told of it. */
const askerOf = (waiter: Waiter): string | null => waiter.agent ?? (waiter.kind === 'telling' ? waiter.at : null);

function addressOf(tier: string, rig: string | undefined): readonly string[] {
  const [, member] = /^crew\/(.+)$/.exec(tier) ?? [];
  if (tier !== 'witness' && member === undefined) return [tier];
  if (rig === undefined) return [];
  return [member === undefined ? witnessOf(rig) : crewAt(rig, member)];
}

/** What a tier is asked: `answered` is how many answers of tiers the same wait has had, one after the other. */
export type Asked = {
  readonly tier: string;
  readonly raised: Raised;
  readonly severity: Severity;
  readonly answered: number;
};

export type Ruled =
  | { readonly kind: 'resolve'; readonly resolution: Resolution; readonly why: string }
  | { readonly kind: 'forward'; readonly why: string };

/** By the first rule that fits; null: none does. One whose action whoever waits cannot be told does not fit. */
export function judgeByRules({ rules }: EscalationSettings, asked: Asked): Ruled | null {
  const at = rules.findIndex((one) => isFor(one, asked));
  const rule = rules[at];
  if (rule === undefined) return null;
  const { answer, note, usd, vars } = rule;
  const why = `rule ${at + 1} of town.toml${note === undefined ? '' : `: ${short(note)}`}`;
  if (answer === 'forward') return { kind: 'forward', why };
  const more = { ...(usd === undefined ? {} : { usd }), ...(vars === undefined ? {} : { vars }) };
  return { kind: 'resolve', resolution: { action: answer, ...(note === undefined ? {} : { note }), ...more }, why };
}

function isFor({ tier, category, severity, source, text, atMost, answer }: EscalationRule, asked: Asked): boolean {
  const { raised } = asked;
  return (
    (tier ?? roleAt(asked.tier)) === roleAt(asked.tier) &&
    category?.includes(raised.category) !== false &&
    severity?.includes(asked.severity) !== false &&
    source?.includes(raised.source) !== false &&
    (text === undefined || fits(`*${text}*`, raised.text)) &&
    asked.answered < atMost &&
    (answer === 'forward' || possibleFor(raised.waiter).includes(answer))
  );
}

/** What a session may answer: to try again, with a word for whoever does. It ends no work, and spends no money. */
export const SESSION_ACTIONS = ['retry'] as const satisfies readonly Action[];

/** What no words mend. */
const BEYOND_WORDS: Partial<Readonly<Record<Source, string>>> = {
  auth: 'a model mends no key',
  limits: 'a model waits for the same provider',
  security: 'what is of security is for people',
  host: 'a model brings no host back',
};

/** Why no session is asked; null: one is. */
export function whyNoSession({ sessions }: EscalationSettings, { tier, raised, answered }: Asked): string | null {
  const { category, source, waiter } = raised;
  if (roleAt(tier) === null) return 'here a person is asked';
  if (!sessions) return 'town.toml asks no sessions: [escalation] sessions = false';
  if (category === 'emergency') return 'an emergency is for people';
  const why = BEYOND_WORDS[source];
  if (why !== undefined) return why;
  if (waiter.kind === 'telling') return 'nobody waits for an answer to it';
  if (waiter.kind === 'budget') return 'a model gives no money';
  if (waiter.kind === 'request') return 'nobody hears the words of an answer to a merge request';
  if (answered >= ANSWERED_MAX) return `${answered} answers of tiers, one after the other, have not helped`;
  return null;
}
