/** Mail to a group: who belongs to it now, as the server has them, and a copy for each. */
import type { Client } from '@temporalio/client';
import { WorkflowNotFoundError } from '@temporalio/client';
import type { TownActivities } from '../contract/activities.js';
import type { Answer, Call } from '../contract/calls.js';
import { mailMessage } from '../contract/messages.js';
import { slotsQuery } from '../contract/witness.js';
import { Json } from '../town/act.js';
import { polecatAt, rigOfPolecat, witnessOf } from '../town/address.js';
import { copyFor, membersOf, readGroup, type Member } from '../town/group.js';
import type { Mail } from '../town/mail.js';
import { refuse } from './beating.js';
import { keptBy } from './kept.js';

/** Who has an inbox. */
const OPEN = 'ExecutionStatus="Running" AND GtRole IN ("overseer", "mayor", "crew", "polecat", "witness")';
const AT_ONCE = 25;
/** Who does not answer so soon finds it in its history. */
const ANSWER_MS_MAX = 10_000;
const WHY_CHARS_MAX = 500;

type Deps = { readonly client: Client; readonly call: (call: Call) => Promise<Answer> };

export function circularActivities(deps: Deps): Pick<TownActivities, 'findMembers' | 'deliverToEach'> {
  return {
    findMembers: async ({ group, from }) => {
      const reading = readGroup(group);
      if (!reading.ok) throw refuse('Refused', reading.problem);
      const open: string[] = [];
      for await (const { workflowId } of deps.client.workflow.list({ query: OPEN })) open.push(workflowId);
      return withIncarnations(deps.client, membersOf(reading.patterns, open, from));
    },
    deliverToEach: async ({ mail, members }) => {
      const missed: { readonly to: string; readonly why: string }[] = [];
      const left = [...members];
      const bring = async () => {
        for (let member = left.shift(); member !== undefined; member = left.shift()) {
          const copy = copyFor(member, mail);
          const why = await deliver(deps, copy);
          if (why !== null) missed.push({ to: copy.to, why: why.slice(0, WHY_CHARS_MAX) });
        }
      };
      await Promise.all(Array.from({ length: AT_ONCE }, bring));
      return missed.toSorted((a, b) => (a.to < b.to ? -1 : 1));
    },
  };
}

/** A polecat by its number, too, as the witness of its rig has it. */
async function withIncarnations(client: Client, addresses: readonly string[]): Promise<readonly Member[]> {
  const rigs = new Set(addresses.flatMap((address) => rigOfPolecat(address) ?? []));
  const held = await Promise.all([...rigs].map((rig) => heldIn(client, rig)));
  const incarnations = new Map(held.flat());
  return addresses.map((to) => {
    const incarnation = incarnations.get(to);
    return incarnation === undefined ? to : { to, incarnation };
  });
}

/** After some tries a witness that does not say who holds its slots holds nobody up. */
async function heldIn(client: Client, rig: string): Promise<readonly (readonly [string, number])[]> {
  const slots = await keptBy(client, slotsQuery, witnessOf(rig));
  return (slots?.leases ?? []).map(({ name, incarnation }) => [polecatAt(rig, name), incarnation]);
}

/**
 * Null when it is in the inbox, or in the history of whoever has not answered; else why not. As Update and as Signal it has the same id, under which
 * it is there once.
 */
async function deliver({ client, call }: Deps, mail: Mail): Promise<string | null> {
  const { id: updateId, to: workflow } = mail;
  const { name } = mailMessage;
  const ask = () => call({ kind: 'update', workflow, name, content: Json.parse(mail), updateId });
  const answer = await client.withDeadline(Date.now() + ANSWER_MS_MAX, ask);
  if (answer.kind === 'result') return null;
  if (answer.kind === 'missing') return 'nobody is at work there any more';
  if (answer.kind === 'refused') return answer.why;
  try {
    await client.workflow.getHandle(workflow).signal(mailMessage.signal, mail);
    return null;
  } catch (error) {
    if (error instanceof WorkflowNotFoundError) return 'nobody is at work there any more';
    throw error;
  }
}
