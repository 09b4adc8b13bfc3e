/** What a channel does for one subscriber: mail to an inbox, or the mission of a hook. */
import { ActivityCancellationType, isCancellation } from '@temporalio/workflow';
import { afterHad, afterRefusal, afterVain, mailOf } from '../town/channel.js';
import type { AfterMiss, ChannelState, Order } from '../town/channel.js';
import type { ChannelHook } from '../town/channel-input.js';
import { missionOf } from '../town/channel-hook.js';
import { asSummary } from '../town/bytes.js';
import { cut } from '../town/findings.js';
import { unreachable } from '../town/unreachable.js';
import { reasonOf } from './failing.js';
import { postman } from './hands.js';
import { deliverAgainMs } from './patience.js';

/** It stands on the board and in the ledger, once for each message that is missed. */
const WHY_CHARS_MAX = 1_000;

/** To the channel as it is when the act is done. `isLast`: nothing is tried again. */
export type After = (state: ChannelState, isLast: boolean) => AfterMiss;

/** Nobody waits for an act that was called off: it is asked for again, and finds what it has done. */
const cancellationType = ActivityCancellationType.TRY_CANCEL;

/** Throws when it is called off. */
export function carryOut(name: string, order: Order, patience: number): Promise<After> {
  return order.hook === null ? deliver(name, order, patience) : start(name, order, order.hook, patience);
}

async function deliver(name: string, order: Order, patience: number): Promise<After> {
  const { id, messages, tries } = order;
  const summary = asSummary(`${messages.length} to ${id}`);
  const mails = messages.map((message) => mailOf(name, message, id));
  const { taken, why } = await postman(patience)
    .deliverAll.executeWithOptions({ summary, cancellationType }, [mails])
    .catch((error: unknown) => ({ taken: 0, why: whyInVain(error) }));
  return (state, isLast) => {
    const nowMs = Date.now();
    const after = afterHad(state, order, taken, { atMs: nowMs, mission: null });
    if (why === null) return { state: after, missed: [] };
    const againAtMs = isLast ? null : nowMs + deliverAgainMs(patience, taken > 0 ? 0 : tries);
    return afterVain(after, order, { why: cut(why, WHY_CHARS_MAX), nowMs, againAtMs });
  };
}

async function start(name: string, order: Order, hook: ChannelHook, patience: number): Promise<After> {
  const { id, messages, tries } = order;
  const summary = asSummary(`${hook.formula} in ${hook.rig}, by ${id}`);
  const answer = await postman(patience)
    .startMission.executeWithOptions({ summary, cancellationType }, [missionOf(name, messages[0], id, hook)])
    .catch((error: unknown) => ({ kind: 'in-vain' as const, why: whyInVain(error) }));
  return (state, isLast) => {
    const nowMs = Date.now();
    switch (answer.kind) {
      case 'started':
        return { state: afterHad(state, order, 1, { atMs: nowMs, mission: answer.mission }), missed: [] };
      case 'refused':
        return afterRefusal(state, order, cut(answer.why, WHY_CHARS_MAX), nowMs);
      case 'in-vain': {
        const againAtMs = isLast ? null : nowMs + deliverAgainMs(patience, tries);
        return afterVain(state, order, { why: cut(answer.why, WHY_CHARS_MAX), nowMs, againAtMs });
      }
      default:
        return unreachable(answer);
    }
  };
}

function whyInVain(error: unknown): string {
  if (isCancellation(error)) throw error;
  return reasonOf(error);
}
