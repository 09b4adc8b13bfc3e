/** How trouble is answered by town.toml as it is now: who is asked in which order, and what roles decide by rules. */
import type { Client } from '@temporalio/client';
import type { EscalationActivities } from '../contract/escalation-activities.js';
import { DEFAULT_ESCALATION, judgeByRules, ladderOf, whyNoSession } from '../town/escalation-routes.js';
import { NO_USAGE } from '../town/session.js';
import { lookAtEscalation } from './look-at-escalation.js';
import type { ReadTown } from './remotes.js';

type Deps = { readonly client: Client; readonly readTown: ReadTown };

export function escalationActivities({ client, readTown }: Deps): Omit<EscalationActivities, 'answerWaiter'> {
  return {
    lookAtEscalation: (request) => lookAtEscalation(client, request),
    routeOf: async ({ raised }) => {
      const read = await readTown();
      if (!read.ok) return ladderOf(DEFAULT_ESCALATION, raised);
      const { escalation: settings = DEFAULT_ESCALATION, limits } = read.town;
      return { ...ladderOf(settings, raised), patience: limits.patience };
    },
    judge: async (request) => {
      const read = await readTown();
      if (!read.ok) return { kind: 'forward', why: `its rules cannot be read: ${read.problems}`, usage: NO_USAGE };
      const { escalation: settings = DEFAULT_ESCALATION } = read.town;
      const ruled = judgeByRules(settings, request);
      if (ruled !== null) return { ...ruled, usage: NO_USAGE };
      const why = whyNoSession(settings, request);
      return why === null ? { kind: 'ask' } : { kind: 'forward', why, usage: NO_USAGE };
    },
  };
}
