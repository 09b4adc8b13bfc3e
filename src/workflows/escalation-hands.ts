/** What an escalation does: finds out whom to ask, asks, has a role decide, and brings an answer to whoever waits. */
import { workflowInfo } from '@temporalio/workflow';
import type { EscalationResult } from '../contract/escalation.js';
import type { JudgeRequest } from '../contract/escalation-activities.js';
import type { LedgerEntry } from '../contract/ledger.js';
import { mailMessage } from '../contract/messages.js';
import { asSummary } from '../town/bytes.js';
import type { Outcome } from '../town/escalation-answering.js';
import { linkText } from '../town/escalation-chain.js';
import type { Resolution, Waiter } from '../town/escalation-input.js';
import { isRoleTier, LAST_RESORT, type Ladder } from '../town/escalation-ladder.js';
import { helpMail } from '../town/escalation-mail.js';
import { isLast, nameOf, tierOf, waitersOf, type Escalation } from '../town/escalation.js';
import { short } from '../town/wording.js';
import { reasonOf } from './failing.js';
import { answerer, postman, town } from './hands.js';
import { send } from './outbox.js';
import { ladderWithinMs } from './patience.js';

/** Not before long, in any case: an emergency waits for no file. */
export async function ladderFor({ raised }: Escalation, patience: number): Promise<Ladder> {
  const limits = { scheduleToCloseTimeout: ladderWithinMs(patience) };
  const options = { ...limits, summary: asSummary(`whom to ask: ${raised.category}`) };
  return town(patience)
    .routeOf.executeWithOptions(options, [{ raised }])
    .catch(() => LAST_RESORT);
}

/** Tells its tier; why that could not be reached, null when it was. A role that is not there is not begun for that: the next tier is. */
export async function tell(id: string, now: Escalation, patience: number): Promise<string | null> {
  const tier = tierOf(now);
  const mail = helpMail(id, now);
  if (isRoleTier(tier)) {
    const delivery = await send(tier, mailMessage, mail);
    if (delivery === 'delivered') return null;
    return delivery === 'no-recipient' ? 'it is not there' : 'it takes no mail now';
  }
  // He answers last: he is told, however long that takes.
  const { deliver } = isLast(now) ? town(patience) : postman(patience);
  const summary = asSummary(`ask ${tier}: ${now.severity} ${now.raised.category}`);
  return deliver.executeWithOptions({ summary }, [mail]).then(
    (isTaken) => (isTaken ? null : 'nobody is there who takes mail'),
    (error: unknown) => reasonOf(error),
  );
}

/** Of the chain, to a role. */
const LINKS_TOLD = 30;

/** What a role is asked to decide. */
export function judgeRequest(escalation: string, now: Escalation): JudgeRequest {
  const { raised, severity, waiting, chain } = now;
  return {
    escalation,
    tier: tierOf(now),
    raised,
    severity,
    waiting: waiting.length,
    chain: chain.links.slice(-LINKS_TOLD).map((link) => short(linkText(link))),
    answered: Math.max(0, ...waitersOf(now).map(({ answered }) => answered)),
  };
}

type Answer = { readonly by: string; readonly resolution: Resolution };

export async function answerTo(waiter: Waiter, { by, resolution }: Answer, patience: number): Promise<Outcome> {
  const summary = asSummary(`${resolution.action} · ${nameOf(waiter)} · ${by}`);
  const request = { escalation: workflowInfo().workflowId, waiter, resolution, by, patience };
  return answerer(patience)
    .answerWaiter.executeWithOptions({ summary }, [request])
    .catch((error: unknown) => ({ kind: 'unreached', says: reasonOf(error) }));
}

/** Of one round; another may follow under the same id. */
export async function recordOf(id: string, now: Escalation, patience: number): Promise<EscalationResult> {
  const { atMs, raised, severity, chain, usage, passed } = now;
  const { waiter: _waiter, severity: raisedAs, ...about } = raised;
  const last = chain.links.findLast(({ kind }) => kind === 'answered' || kind === 'settled' || kind === 'ended');
  const end = { by: last?.by ?? '', how: last?.says ?? '' };
  const entry: LedgerEntry = {
    id: `${id}@${atMs}`,
    kind: 'escalation',
    at: new Date().toISOString(),
    escalation: id,
    ...about,
    raisedAs,
    severity,
    ...end,
    chain: chain.links,
    ...(chain.omitted === 0 ? {} : { omitted: chain.omitted }),
    ...(passed === 0 ? {} : { passed }),
    usage,
  };
  await town(patience).record.executeWithOptions({ summary: asSummary(`record · ${id}`) }, [entry]);
  return { id, ...end };
}
