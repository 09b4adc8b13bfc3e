/** Mail to a group: who belongs to it now, as the server has them, and a copy for each. */
import type { Client } from '@temporalio/client';
import { WorkflowNotFoundError } from '@temporalio/client';
import type { TownActivities } from '../contract/activities.js';
import type { Answer, Call } from '../contract/calls.js';
import { mailMessage } from '../contract/messages.js';
import { Json } from '../town/act.js';
import { membersOf, readGroup } from '../town/group.js';
import type { Mail } from '../town/mail.js';
import { refuse } from './beating.js';

/** Who has an inbox. */
const OPEN = 'ExecutionStatus="Running" AND GtRole IN ("overseer", "mayor", "crew", "polecat", "witness")';
const AT_ONCE = 25;
/** Who does not answer so soon finds it in its history. */
const ANSWER_MS_MAX = 10_000;

type Deps = { readonly client: Client; readonly call: (call: Call) => Promise<Answer> };

export function circularActivities(deps: Deps): Pick<TownActivities, 'findMembers' | 'deliverToEach'> {
  return {
    findMembers: async ({ group, from }) => {
      const reading = readGroup(group);
      if (!reading.ok) throw refuse('Refused', reading.problem);
      const open: string[] = [];
      for await (const { workflowId } of deps.client.workflow.list({ query: OPEN })) open.push(workflowId);
      return membersOf(reading.patterns, open, from);
    },
    deliverToEach: async ({ mail, members }) => {
      const missed: { readonly to: string; readonly why: string }[] = [];
      const left = [...members];
      const bring = async () => {
        for (let to = left.shift(); to !== undefined; to = left.shift()) {
          const why = await deliverTo(deps, { ...mail, id: `${mail.id} to ${to}`, to });
          if (why !== null) missed.push({ to, why });
        }
      };
      await Promise.all(Array.from({ length: AT_ONCE }, bring));
      return missed.toSorted((a, b) => (a.to < b.to ? -1 : 1));
    },
  };
}

/**
 * Null when it is in the inbox, or in the history of whoever has not answered; else why not. As Update and as Signal it has the same id, under which
 * it is there once.
 */
async function deliverTo({ client, call }: Deps, mail: Mail): Promise<string | null> {
  const { id: updateId, to: workflow } = mail;
  const { name } = mailMessage;
  const end = Date.now() + ANSWER_MS_MAX;
  const ask = () => call({ kind: 'update', workflow, name, content: Json.parse(mail), updateId });
  const answer = await client.withDeadline(end, ask);
  if (answer.kind === 'result') return null;
  if (answer.kind === 'missing') return 'nobody is at work there any more';
  if (answer.kind === 'refused' && Date.now() < end) return answer.why;
  try {
    await client.workflow.getHandle(workflow).signal(mailMessage.signal, mail);
    return null;
  } catch (error) {
    if (error instanceof WorkflowNotFoundError) return 'nobody is at work there any more';
    throw error;
  }
}
