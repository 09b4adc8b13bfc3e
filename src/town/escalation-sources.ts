/**
 * Where trouble comes from: of which kind it is, and how bad. By this alone: nobody guesses by words. An agent that asks may say both itself; what it
 * calls an emergency goes straight to a person.
 */
import * as z from 'zod';
import type { Category, Source } from './escalation-input.js';
import { Severity } from './escalation-input.js';
import { own } from './own.js';

type Standing = { readonly category: Category; readonly severity: Severity };

/** What stops one step is MEDIUM; what stops more than that, or cannot be mended where the work is, is HIGH. */
const STANDINGS: Readonly<Record<Source, Standing>> = {
  question: { category: 'help', severity: 'MEDIUM' },
  sessions: { category: 'lifecycle', severity: 'MEDIUM' },
  acceptance: { category: 'failed', severity: 'MEDIUM' },
  stalled: { category: 'lifecycle', severity: 'MEDIUM' },
  failure: { category: 'failed', severity: 'MEDIUM' },
  'given-up': { category: 'failed', severity: 'MEDIUM' },
  gate: { category: 'gate_timeout', severity: 'HIGH' },
  loop: { category: 'failed', severity: 'MEDIUM' },
  auth: { category: 'blocked', severity: 'HIGH' },
  limits: { category: 'blocked', severity: 'HIGH' },
  refused: { category: 'blocked', severity: 'MEDIUM' },
  security: { category: 'emergency', severity: 'CRITICAL' },
  host: { category: 'lifecycle', severity: 'HIGH' },
  budget: { category: 'decision', severity: 'HIGH' },
  item: { category: 'failed', severity: 'HIGH' },
  merge: { category: 'failed', severity: 'HIGH' },
  deaths: { category: 'failed', severity: 'HIGH' },
  quiet: { category: 'lifecycle', severity: 'HIGH' },
  stuck: { category: 'lifecycle', severity: 'HIGH' },
  asked: { category: 'help', severity: 'MEDIUM' },
};

/** What an agent may call its question. That something has failed, or is stuck, the engine sees itself. */
const AskedCategory = z.enum(['decision', 'help', 'blocked', 'emergency']);
type AskedCategory = z.infer<typeof AskedCategory>;

const SEVERITY_OF: Readonly<Record<AskedCategory, Severity>> = {
  decision: 'MEDIUM',
  help: 'MEDIUM',
  blocked: 'HIGH',
  emergency: 'CRITICAL',
};

/** What an agent says of its question besides the question. */
export const ASKED = {
  category: AskedCategory.optional().describe(
    'decision: several ways are good; help (if not given); blocked: what it needs cannot be had; emergency: data or security is in danger',
  ),
  severity: Severity.optional().describe('how urgent it is; if not given by its category'),
  choices: z
    .array(z.string().min(1).max(200))
    .max(20)
    .optional()
    .describe('what may be answered, the one you would take first'),
};
export type Asked = {
  readonly category?: AskedCategory;
  readonly severity?: Severity;
  readonly choices?: readonly string[];
};

/** What was said of it, and nothing else: what crosses has no key without a value. */
export function askedIn({
  category,
  severity,
  choices,
}: { readonly [Key in keyof Asked]: Asked[Key] | undefined }): Asked {
  return {
    ...(category === undefined ? {} : { category }),
    ...(severity === undefined ? {} : { severity }),
    ...(choices === undefined ? {} : { choices }),
  };
}

/** Why a step waits for an answer, beside the words for it. */
export type Trouble = Asked & { readonly source: Source };

export function standingOf({ source, category, severity }: Trouble): Standing {
  const { category: usual, severity: urgency } = STANDINGS[source];
  if (category === undefined) return { category: usual, severity: severity ?? urgency };
  return { category, severity: severity ?? SEVERITY_OF[category] };
}

const SOURCE_OF_FAILURE: Readonly<Record<string, Source>> = {
  'Llm.Auth': 'auth',
  'Llm.Billing': 'limits',
  'Llm.RateLimited': 'limits',
  'Llm.Overloaded': 'limits',
  HostLost: 'host',
};

/** By the type of the failure that a session, or an act for its step, has ended with; null when it has none. */
export function sourceOfFailure(type: string | null): Source {
  return own(SOURCE_OF_FAILURE, type ?? '') ?? 'refused';
}
