/**
 * How a role decides about trouble: by rules of town.toml, then by a session with a typed answer, else it is for the next tier. Whatever goes wrong is a reason
 * to forward: only a cancellation is thrown, by the clock of the tier or by somebody else's answer.
 */
import { isCancellation } from '@temporalio/workflow';
import type { BriefRequest } from '../contract/activities.js';
import type { Judgement, JudgeRequest } from '../contract/escalation-activities.js';
import { asSummary } from '../town/bytes.js';
import { consultationOf } from '../town/consultation.js';
import { roleAt } from '../town/escalation-ladder.js';
import { verdictOf } from '../town/escalation-verdict.js';
import { spentText } from '../town/prices.js';
import type { AskingRole } from '../town/runtime.js';
import { NO_USAGE, type Usage } from '../town/session.js';
import { wordsOf } from './failing.js';
import { inSessions, lossOf, town } from './hands.js';
import { ladderWithinMs } from './patience.js';
import { leftBy } from './session-left.js';

const FORMULA = 'judge-escalation';
const TURNS_MAX = 30;
const MINUTES_MAX = 10;
const USD_MAX = 1;

/** What is cut off holds nobody up: an act that hangs goes on being cancelled by itself. */
const SOON_FREE = { cancellationType: 'TRY_CANCEL' } as const;
/** A provider that is away is a reason to forward, too. */
const FEW = { ...SOON_FREE, retry: { maximumAttempts: 3 } } as const;

export async function judged(request: JudgeRequest, patience: number): Promise<Judgement> {
  const { escalation, tier } = request;
  const summary = asSummary(`rules of ${tier} · ${escalation}`);
  try {
    const ruled = await town(patience).judge.executeWithOptions({ ...SOON_FREE, summary }, [request]);
    const role = roleAt(tier);
    if (ruled.kind !== 'ask') return ruled;
    return role === null ? forward('here a person is asked') : await asked(role, request, patience);
  } catch (error) {
    if (isCancellation(error)) throw error;
    return forward(wordsOf(error), (lossOf(error)?.left ?? leftBy(error)).usage);
  }
}

/** By rules of town.toml alone, for a role that is not there to ask a session. Null: none fits, or they cannot be read. */
export async function ruledFor(request: JudgeRequest, patience: number): Promise<Judgement | null> {
  const summary = asSummary(`rules of ${request.tier}, which is not there · ${request.escalation}`);
  const ruled = await town(patience)
    .judge.executeWithOptions({ ...SOON_FREE, scheduleToCloseTimeout: ladderWithinMs(patience), summary }, [request])
    .catch(() => null);
  return ruled === null || ruled.kind === 'ask' ? null : ruled;
}

const forward = (why: string, usage: Usage = NO_USAGE): Judgement => ({ kind: 'forward', why, usage });

async function asked(role: AskingRole, request: JudgeRequest, patience: number): Promise<Judgement> {
  const { escalation, tier, raised } = request;
  const { rig } = raised;
  const code: BriefRequest['code'] = rig === undefined ? { kind: 'none' } : { kind: 'rigs', rig };
  const question = { role, formula: FORMULA, ...told(request), code };
  const how = { ...FEW, summary: asSummary(`brief · ${tier} · ${escalation}`) };
  const briefing = await town(patience).brief.executeWithOptions(how, [question]);
  if (briefing.kind === 'nobody') return forward(briefing.why);
  const { limits, host } = briefing;
  const consultation = consultationOf(briefing, {
    role,
    prompt: 'judge',
    about: `${escalation}@${Date.now()}`,
    session: 1,
    note: null,
    turnsMax: TURNS_MAX,
    minutesMax: MINUTES_MAX,
    usdMax: USD_MAX,
  });
  const hands = inSessions(limits.patience, host, limits.sessionMinutesMax);
  const summary = asSummary(`${tier} decides · ${escalation}`);
  const result = await hands.consult.executeWithOptions({ ...FEW, summary }, [consultation]);
  const { usage } = result;
  const ruled = verdictOf(result);
  const cost = spentText(usage);
  return { ...ruled, why: cost === '' ? ruled.why : `${ruled.why} (${cost})`, usage };
}

/** What the formula asks for. Words of agents, and of what they ran, are theirs. */
function told({ raised, severity, waiting, chain }: JudgeRequest) {
  const { category, source, text, tried, choices, waiter } = raised;
  const who = waiter.agent ?? waiter.at;
  const said = {
    ...(tried === undefined ? {} : { tried }),
    ...(choices === undefined ? {} : { choices: choices.map((one) => `- ${one}`).join('\n') }),
    ...(chain.length === 0 ? {} : { chain: chain.map((line) => `- ${line}`).join('\n') }),
  };
  return {
    vars: { category, severity, source, waiting: String(waiting), text, ...said },
    wordsOf: { text: who, tried: who, choices: who, chain: 'the tiers before' },
  };
}
