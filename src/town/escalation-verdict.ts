/** What a session of a tier says to trouble, and what of it counts: an answer that it is sure of, in words; anything else goes to the next tier. */
import * as z from 'zod';
import { SESSION_ACTIONS, type Ruled } from './escalation-routes.js';
import type { SessionResult } from './session.js';
import { unreachable } from './unreachable.js';
import { short } from './wording.js';

/** Less sure than this is unsure. */
const CONFIDENCE_MIN = 0.7;

const Verdict = z.object({
  decision: z.enum(['resolve', 'forward']),
  action: z.enum(SESSION_ACTIONS).optional(),
  note: z.string().optional(),
  reason: z.string(),
  confidence: z.number().min(0).max(1),
});

export function verdictOf(result: SessionResult): Ruled {
  const { outcome } = result;
  switch (outcome) {
    case 'closed':
      return result.verdict === 'failed'
        ? forward(`its session could not: ${short(result.summary)}`)
        : read(result.output);
    case 'handoff':
      return forward(`its session came to no end (${result.reason})`);
    case 'blocked':
      return forward(`its session asks: ${short(result.detail)}`);
    case 'stalled':
      return forward(`its session went quiet: ${short(result.detail)}`);
    default:
      return unreachable(outcome);
  }
}

const forward = (why: string): Ruled => ({ kind: 'forward', why });

function read(output: unknown): Ruled {
  const verdict = Verdict.safeParse(output);
  if (!verdict.success) return forward('its session gave no answer that can be read');
  const { decision, action, note = '', reason, confidence } = verdict.data;
  const says = short(reason);
  if (decision === 'forward') return forward(says);
  if (confidence < CONFIDENCE_MIN) return forward(`its session is not sure (${confidence}): ${says}`);
  if (action === undefined || note.trim() === '') return forward(`its session gave no words to go on with: ${says}`);
  return { kind: 'resolve', resolution: { action, note }, why: says };
}
