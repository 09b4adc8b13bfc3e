/** What a role decides about trouble: by rules of town.toml, else it is for the next tier. */
import type { Judgement, JudgeRequest } from '../contract/escalation-activities.js';
import { isCancellation } from '@temporalio/workflow';
import { asSummary } from '../town/bytes.js';
import { NO_USAGE } from '../town/session.js';
import { reasonOf } from './failing.js';
import { town } from './hands.js';

/** Never throws but for cancellation: what fails is a forward, with the reason. */
export async function judged(request: JudgeRequest, patience: number): Promise<Judgement> {
  const summary = asSummary(`rules of ${request.tier} · ${request.escalation}`);
  try {
    const options = { summary, cancellationType: 'TRY_CANCEL' } as const;
    const ruled = await town(patience).judge.executeWithOptions(options, [request]);
    return ruled.kind === 'ask' ? forward('no rule of town.toml fits') : ruled;
  } catch (error) {
    if (isCancellation(error)) throw error;
    return forward(reasonOf(error));
  }
}

const forward = (why: string): Judgement => ({ kind: 'forward', why, usage: NO_USAGE });
