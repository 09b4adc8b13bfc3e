/**
 * What is brought before the ladder, and what it is answered with: how bad it is, of which kind, who waits for the answer, and what each
 * who waits can be told.
 */
import * as z from 'zod';
import { Json } from './act.js';
import { WorkflowId } from './address.js';
import { Allowed } from './allowed.js';

/** The worst first: P0, P1, P2. */
export const SEVERITIES = ['CRITICAL', 'HIGH', 'MEDIUM'] as const;
export const Severity = z.enum(SEVERITIES);
export type Severity = z.infer<typeof Severity>;

export const CATEGORIES = ['decision', 'help', 'blocked', 'failed', 'emergency', 'gate_timeout', 'lifecycle'] as const;
export const Category = z.enum(CATEGORIES);
export type Category = z.infer<typeof Category>;

/** Where trouble comes from; each has its category and severity in `escalation-sources`. */
export const SOURCES = [
  'question',
  'sessions',
  'acceptance',
  'stalled',
  'failure',
  'given-up',
  'gate',
  'loop',
  'auth',
  'limits',
  'refused',
  'security',
  'host',
  'budget',
  'item',
  'merge',
  'deaths',
  'quiet',
  'stuck',
  'asked',
] as const;
export const Source = z.enum(SOURCES);
export type Source = z.infer<typeof Source>;

const name = z.string().min(1).max(1_000);
/** Who asked, and may not answer itself. Absent: nobody whom that could be said of. */
const agent = name.optional();
/** How often what waits there was answered by a rule or a session of a tier before, one after the other. */
const answered = z.number().int().nonnegative().default(0);

/** What waits for an answer, and where: by its kind it is known what it can be told. */
export const Waiter = z.discriminatedUnion('kind', [
  z.strictObject({
    kind: z.literal('step'),
    at: WorkflowId.describe('the molecule'),
    step: name,
    token: name.describe('of the wait: a later one is not answered with what was meant for this one'),
    mission: name.optional(),
    item: name.optional(),
    agent,
    answered,
  }),
  z.strictObject({ kind: z.literal('item'), at: WorkflowId.describe('the mission'), item: name, agent, answered }),
  z.strictObject({ kind: z.literal('budget'), at: WorkflowId.describe('the mission'), agent, answered }),
  z.strictObject({
    kind: z.literal('request'),
    at: WorkflowId.describe('the refinery'),
    request: name,
    agent,
    answered,
  }),
  /** Somebody told of it, and waits for nothing. */
  z.strictObject({ kind: z.literal('telling'), at: name, agent, answered }),
]);
export type Waiter = z.infer<typeof Waiter>;

export const TEXT_CHARS_MAX = 4_000;

/** What is raised. The same of several is one escalation, which all of them wait for. */
export const Raised = z.strictObject({
  category: Category,
  severity: Severity,
  source: Source,
  /** In one sentence what is wrong, or asked. */
  text: z.string().min(1).max(TEXT_CHARS_MAX),
  /** What was tried before. */
  tried: z.string().max(TEXT_CHARS_MAX).optional(),
  choices: z.array(z.string().min(1).max(200)).max(20).optional(),
  rig: name.optional(),
  mission: name.optional(),
  waiter: Waiter,
});
export type Raised = z.infer<typeof Raised>;

export const ACTIONS = ['retry', 'close', 'skip', 'fail', 'reassign', 'set', 'budget'] as const;
export const Action = z.enum(ACTIONS);
export type Action = z.infer<typeof Action>;

/** The answer, as it goes to whoever waits. */
export const Resolution = z.strictObject({
  action: Action,
  note: z.string().max(10_000).optional().describe('the answer in words: it is in the prompt of the next session'),
  output: Json.optional().describe('with `close`: what the step leaves'),
  vars: z
    .record(z.string(), z.string())
    .optional()
    .describe('with `set`: variables of the molecule, and their new values'),
  allow: Allowed,
  usd: z.number().positive().optional().describe('with `budget`: what the mission may spend from now on'),
});
export type Resolution = z.infer<typeof Resolution>;
